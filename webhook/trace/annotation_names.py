"""Which annotation a person probably meant by a name that resembles one of mtls-guard's or of Istio's user volumes.

It compares names only; `near_misses` evaluates the place and the content of the annotation.
"""

from functools import lru_cache

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import (
    ALLOW_INTERRUPTION,
    ALSO_MOUNT,
    CLIENT_SECRET,
    DESTINATIONS,
    INJECT,
    INJECTED,
    PREFIX,
)

_LONGEST_NAME = 253 + len("/") + 63
"""Of an annotation (k8s.io/apimachinery, IsQualifiedName)."""
_VOLUMES = {"uservolume": USER_VOLUME, "uservolumemount": USER_VOLUME_MOUNT}
_OURS = {
    "clientsecret": CLIENT_SECRET,
    "destinations": DESTINATIONS,
    "inject": INJECT,
    "allowinterruption": ALLOW_INTERRUPTION,
    "alsomount": ALSO_MOUNT,
}
_EXACT = frozenset({*_VOLUMES.values(), *_OURS.values(), INJECTED})
_ALIASES = {
    "volume": USER_VOLUME,
    "volumes": USER_VOLUME,
    "volumemount": USER_VOLUME_MOUNT,
    "volumemounts": USER_VOLUME_MOUNT,
    "secret": CLIENT_SECRET,
    "secrets": CLIENT_SECRET,
    "secretname": CLIENT_SECRET,
    "clientcertificate": CLIENT_SECRET,
    "host": DESTINATIONS,
    "hosts": DESTINATIONS,
    "injection": INJECT,
    "enabled": INJECT,
}


def odd_name(name: str) -> bool:
    """Whether the name may be a misspelt annotation, so that `meant_by` is worth its time."""
    folded = name.casefold()
    return "vol" in folded or "mount" in folded or "mtls" in folded


def meant_by(name: str) -> str | None:
    """The annotation that the name was probably meant to be, '' for an unknown name with mtls-guard's prefix.

    None for every other name, for the correct names, and for a name that is too long for Kubernetes.
    """
    return _meant_by(name) if len(name) <= _LONGEST_NAME else None


@lru_cache(maxsize=4096)
def _meant_by(name: str) -> str | None:
    prefix, _, base_name = name.casefold().rpartition("/")
    plain = base_name.replace("-", "").replace("_", "").replace(".", "")
    if name in _EXACT:
        return None
    if "mtls" in prefix and "guard" in prefix:
        return _OURS.get(plain) or _ours_by_alias(plain) or _near(plain, _OURS, 0.7) or ""
    if plain.startswith("uservolume"):
        return USER_VOLUME_MOUNT if "mount" in plain else USER_VOLUME
    if "istio" in prefix and ("vol" in plain or "mount" in plain):
        return _ALIASES.get(plain) or _near(plain, _VOLUMES, 0.8)
    return None


def _ours_by_alias(plain: str) -> str | None:
    annotation = _ALIASES.get(plain)
    return annotation if annotation is not None and annotation.startswith(PREFIX) else None


def _near(plain: str, names: dict[str, str], cutoff: float) -> str | None:
    from difflib import get_close_matches  # slow to import, and only odd names need it

    near = get_close_matches(plain, names, n=1, cutoff=cutoff)
    return names[near[0]] if near else None
