"""Files that a DestinationRule reads from a directory of Istio's own, where injection mounts nothing."""

from collections.abc import Iterable, Iterator
from posixpath import dirname

from webhook.istio.injector.istio_directories import directory_of_istio
from webhook.istio.injector.proxy_filesystem import Place
from webhook.model.injection_plan import Obstacle
from webhook.trace.context import WorkloadContext

FIX = "let the rule read from a directory of its own, as /etc/mtlsfiles"


def is_covered(place: Place) -> bool:
    """Whether the file is somebody's: a mount that a person wrote leads there, or Istio has the file itself."""
    if place.built_in:
        return True
    return place.mount is not None and bool(place.mount.path or not directory_of_istio(place.path))


def in_istio(context: WorkloadContext, files: Iterable[tuple[str, str]]) -> Iterator[Obstacle]:
    """One obstacle for each directory of Istio that files are to come into. files: who reads, and the path."""
    for rule, path in files:
        owned = directory_of_istio(path)
        if owned:
            problem = f"{rule} reads from {dirname(path)}, and {owned} is a directory of Istio's in the sidecar"
            yield Obstacle(context.pod.path, problem, FIX)
            return
