"""Where the API server has an object: the path of its URL, for clients that need no discovery."""

from collections.abc import Mapping
from typing import Any

PLURALS = {"ServiceEntry": "serviceentries"}
"""Of kinds whose resource is not their name in lower case with an s."""


def path_of(manifest: Mapping[str, Any], name: str = "") -> str:
    """Where objects of its kind and namespace are made, or where the one of that name is."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = manifest["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{within}/{PLURALS.get(kind, kind.lower() + 's')}" + (f"/{name}" if name else "")
