"""Files that a DestinationRule reads from a directory of Istio, into which injection mounts nothing."""

from collections.abc import Iterable, Iterator
from posixpath import dirname

from webhook.istio.injector.istio_directories import directory_of_istio
from webhook.istio.injector.proxy_filesystem import Place
from webhook.model.injection_plan import Obstacle
from webhook.trace.context import WorkloadContext

FIX = "let the rule read from a directory of its own, as /etc/mtlsfiles"


def is_covered(place: Place) -> bool:
    """Whether the file exists without injection: a mount of a person provides it, or the image of Istio has it."""
    if place.built_in:
        return True
    return place.mount is not None and bool(place.mount.path or not directory_of_istio(place.path))


def in_istio(context: WorkloadContext, files: Iterable[tuple[str, str]]) -> Iterator[Obstacle]:
    """At most one obstacle, for a file in a directory of Istio. files: DestinationRule (in words) and path."""
    for rule, path in files:
        owned = directory_of_istio(path)
        if owned:
            problem = f"{rule} reads from {dirname(path)}, and {owned} is a directory of Istio's in the sidecar"
            yield Obstacle(context.pod.path, problem, FIX)
            return
