"""Tells Kubernetes objects from everything else that stands in YAML files, and opens Lists."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from webhook.manifests.document import Document, DocumentLocation
from webhook.model.source_location import Unreadable

_NOT_OF_A_CLUSTER = ("kustomize.config.k8s.io/", "kpt.dev/", "config.kubernetes.io/")
"""API groups of files that tools read and no API server ever gets."""
_MAX_STEPS = 20
LIST_SAYS = (
    "is a bare list of objects, which kubectl refuses; write each as a document of its own, or all as one object: "
    "apiVersion: v1, kind: List, items: [...]"
)


def objects(value: Any, place: DocumentLocation) -> Iterator[Document | Unreadable]:
    """The Kubernetes objects in one value: itself, the items of a List, or nothing when it is something else."""
    if isinstance(value, list) and any(_is_object(item) for item in value):
        yield Unreadable(place.file, place.line, LIST_SAYS)
    if not isinstance(value, dict):
        return
    version, kind = value.get("apiVersion"), value.get("kind")
    items = value.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        yield from _items(value, items, place)
    elif isinstance(kind, str) and isinstance(version, str) and kind and version:
        if not version.startswith(_NOT_OF_A_CLUSTER):
            yield Document(place, value)
    elif (kind or version) and isinstance(value.get("metadata"), dict):
        missing = "kind" if version else "apiVersion"
        yield Unreadable(place.file, place.line, f"has no {missing}, so nobody can tell what it is")


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


def _items(whole: dict[str, Any], items: list[Any], place: DocumentLocation) -> Iterator[Document | Unreadable]:
    """The objects of a List; those of a typed List, as `DeploymentList`, inherit its kind."""
    kind = whole["kind"].removesuffix("List")
    inherited = {"apiVersion": whole.get("apiVersion"), "kind": kind} if kind else {}
    if len(place.steps) >= _MAX_STEPS:
        yield Unreadable(place.file, place.line, f"Lists are nested deeper than {_MAX_STEPS} levels")
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield from objects(
                {**inherited, **item} if inherited else item, replace(place, steps=(*place.steps, index))
            )
        else:
            yield Unreadable(place.file, place.line, f"items[{index}] of the {whole['kind']} is no object")
