"""Reads the annotations `mtls-guard.io/*` of a pod template and of a DestinationRule."""

from collections.abc import Mapping

from webhook.model.chain import Declaration

PREFIX = "mtls-guard.io/"
CLIENT_SECRET = PREFIX + "client-secret"
DESTINATIONS = PREFIX + "destinations"
INJECT = PREFIX + "inject"
ALLOW_INTERRUPTION = PREFIX + "allow-interruption"
ALSO_MOUNT = PREFIX + "also-mount"
"""On a DestinationRule: further directories at which injection mounts its files, while its paths move."""
INJECTED = PREFIX + "injected"
"""On a Pod whose spec injection has written into: the mounts that it added, as `NAME:PATH`, with commas."""
KNOWN = (CLIENT_SECRET, DESTINATIONS, INJECT)
NOTHING_DECLARED = Declaration()


def read_declaration(annotations: Mapping[str, str]) -> Declaration:
    """What the annotations declare; those under our prefix that we do not know are kept in `others`."""
    ours = {key: value for key, value in annotations.items() if key.startswith(PREFIX)}
    if not ours:
        return NOTHING_DECLARED
    return Declaration(
        secrets=listed(ours.get(CLIENT_SECRET, "")),
        destinations=listed(ours.get(DESTINATIONS, "")),
        inject=ours.get(INJECT, "").strip() == "true",
        opted_out=ours.get(INJECT, "").strip() == "false",
        others={
            key: value for key, value in ours.items() if key not in (*KNOWN, ALLOW_INTERRUPTION, ALSO_MOUNT, INJECTED)
        },
    )


def allows_interruption(annotations: Mapping[str, str]) -> bool:
    """Whether the author of a change accepts that workloads of the namespace are interrupted by it."""
    return annotations.get(ALLOW_INTERRUPTION, "").strip() == "true"


def also_mounted(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """The directories of `also-mount` that can be mount paths, each without a slash at its end."""
    places = (place.rstrip("/") for place in listed(annotations.get(ALSO_MOUNT, "")))
    return tuple(place for place in places if is_directory(place))


def is_directory(place: str) -> bool:
    """Whether the place is an absolute directory below the root, without `..`, a colon or a blank at its ends."""
    return place.startswith("/") and place != "/" and ":" not in place and ".." not in place.split("/")


def listed(text: str) -> tuple[str, ...]:
    """The names in a list with commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
