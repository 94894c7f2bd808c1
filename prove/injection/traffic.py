"""Cells of the matrix with traffic: their finished Pods run with Istio's agent and Envoy, and call the partner.

The client that the partner sees must be that of the Secret that the Pod has where its DestinationRule reads; a Pod that
has no files there must fail.
"""

from collections.abc import Iterator, Sequence

from prove.injection.cells import CHANGES, KEYS, Cell
from prove.injection.finished import Object, files
from prove.injection.objects import HOST, authority
from prove.injection.results import Result
from prove.mesh import Mesh
from prove.outcome import Kind, Outcome
from prove.over_time import Story
from prove.sidecar import NotStarted
from prove.stage import Stage as Traffic
from prove.stage import TooLate
from rig.volumes import NotThere

URL = f"http://{HOST}/"
CREATED, OTHER_SECRET, OPTED_OUT, REMOVED, MOVED, RENAMED, SWITCHED = CHANGES
CELLS = (
    Cell("Pods", "none", CREATED, "StatefulSet"),
    Cell("Pods", "none", OTHER_SECRET, "Deployment"),
    Cell("Pods", "none", OTHER_SECRET, "Pod"),
    Cell("Pods", "none", OPTED_OUT, "DaemonSet"),
    Cell("Pods", "none", MOVED, "Deployment"),
    Cell("Pods", "none", RENAMED, "Job"),
    Cell("Pods", "none", SWITCHED, "Deployment"),
    Cell("Pods", "between, drops", CREATED, "Deployment"),
    Cell("Pods", "between, overwrites", CREATED, "CronJob"),
    Cell("Pods", "after, opts in", CREATED, "Deployment"),
    Cell("Pods", "after, adds a volume", CREATED, "Deployment"),
    Cell("Templates", "none", OTHER_SECRET, "Deployment"),
    Cell("Templates", "none", REMOVED, "Deployment"),
    Cell("Templates", "before, adds a volume", MOVED, "StatefulSet"),
)


def with_traffic(istio: Mesh, results: Sequence[Result]) -> Iterator[Story]:
    """What the call of each finished Pod of these cells came to, and what that has to be."""
    traffic = Traffic(istio)
    traffic.meet(authority(), frozenset({HOST}))
    for result in (one for one in results if one.cell in CELLS):
        yield Story(f"{result.cell} | {result}", (_call(traffic, result),), (expected(result),))


def expected(result: Result) -> str:
    """How the outcome begins: by what the Pod has where its DestinationRule reads."""
    if result.pod is None:
        return Kind.NOT_STARTED
    found = files(result.pod)
    secrets = {found.get(f"{result.state.folder}/{key}", ("", ""))[0] for key in KEYS}
    (secret,) = secrets if len(secrets) == 1 else ("",)
    return f"{Kind.WORKS} as O=Example,CN={secret}" if secret else Kind.FAILS


def _call(traffic: Traffic, result: Result) -> Outcome:
    """What one request comes to."""
    if result.pod is None:
        return Outcome(Kind.NOT_STARTED, "no Pod")
    try:
        with traffic.running(_laid_out(result.pod)) as running:
            return traffic.request(running, URL, None)
    except (NotThere, NotStarted, TooLate) as error:
        return Outcome(Kind.NOT_STARTED, " ".join(str(error).split())[-200:])


def _laid_out(pod: Object) -> Object:
    """The Pod with empty folders for its claims: no disk is bound here, and only the application would use it."""
    volumes = [
        {"name": one["name"], "emptyDir": {}} if "persistentVolumeClaim" in one else one
        for one in pod["spec"].get("volumes", ())
    ]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}}
