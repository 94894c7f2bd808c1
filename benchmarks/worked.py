"""The worked example, with a Secret made now."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from examples import material
from examples.demo import WORKED
from webhook.manifests import Document, read
from webhook.view import Snapshot

SECRET = "external-system-mtls-data"


def put_worked(view: Snapshot) -> None:
    """Puts everything of the worked example but its Deployment into the view."""
    for one in objects():
        if one["kind"] != "Deployment":
            view.put(one)
    view.put(secret())


def secret() -> dict[str, Any]:
    """Its Secret, with certificates that are valid now."""
    return material.secret(SECRET, material.secrets(datetime.now(UTC))[SECRET])


def manifest(kind: str) -> dict[str, Any]:
    """Its object of that kind."""
    return next(one for one in objects() if one["kind"] == kind)


def objects() -> Iterator[dict[str, Any]]:
    """What stands in its files."""
    return (dict(one.manifest) for one in read([str(WORKED)]) if isinstance(one, Document))
