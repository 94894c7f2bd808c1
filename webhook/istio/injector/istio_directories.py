"""Directories of Istio's own in istio-proxy, where nothing of a person is to be mounted.

Kubernetes would allow a mount below one of them (pkg/volume/util/nested_volumes.go, 1.37); what Istio puts there
changes from version to version.
"""

from posixpath import dirname

from webhook.istio.injector import defaults
from webhook.istio.injector.paths import lineage, normal

_IDENTITY = frozenset(f"{directory}/{name}" for directory, names in defaults.IDENTITY_FILES.items() for name in names)
_OWN_FILES = defaults.FILES | defaults.POSSIBLE_FILES | _IDENTITY


def directory_of_istio(path: str) -> str:
    """The directory that Istio mounts above the file; '' where there is none, or where the file is Istio's own."""
    if normal(path) in _OWN_FILES:
        return ""
    return next((above for above in lineage(dirname(normal(path))) if above in defaults.SIDECAR_INDEX), "")
