"""The volumes and mounts that injection adds, as JSON; Kubernetes and Istio's annotations have the same form."""

from collections.abc import Sequence
from typing import Any

from webhook.model.injection_plan import AddedMount, AddedVolume
from webhook.model.workload import KeyToPath


def volume_entry(volume: AddedVolume) -> dict[str, Any]:
    """`{"name": "external", "secret": {"secretName": "external"}}`, or projected when several Secrets share it."""
    if len(volume.secrets) == 1:
        secret, items = volume.secrets[0]
        return {"name": volume.name, "secret": {"secretName": secret, **_items(items)}}
    sources = [{"secret": {"name": secret, **_items(items)}} for secret, items in volume.secrets]
    return {"name": volume.name, "projected": {"sources": sources}}


def mount_entry(mount: AddedMount) -> dict[str, Any]:
    """`{"name": "external", "mountPath": "/etc/mtlsfiles", "readOnly": true}`."""
    return {"name": mount.name, "mountPath": mount.mount_path, "readOnly": True}


def _items(items: Sequence[KeyToPath] | None) -> dict[str, Any]:
    return {} if items is None else {"items": [{"key": item.key, "path": item.path} for item in items]}
