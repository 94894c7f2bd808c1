"""Reads a Namespace: the labels and annotations that decide injection, and whether it is going away."""

from webhook.model.mesh import Namespace
from webhook.model.raw_object import Manifest, dig, mapping, text, texts


def read_namespace(manifest: Manifest) -> Namespace:
    """The namespace of this manifest, known; one that nobody has seen is `Namespace(name, known=False)`."""
    metadata = mapping(dig(manifest, "metadata"))
    return Namespace(
        text(metadata.get("name")),
        texts(metadata.get("labels")),
        texts(metadata.get("annotations")),
        known=True,
        terminating=bool(metadata.get("deletionTimestamp")) or dig(manifest, "status", "phase") == "Terminating",
    )
