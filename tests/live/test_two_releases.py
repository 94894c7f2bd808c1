"""Two installations in one cluster, each with its own replicas; and the end of one by the deletion of its namespace."""

import json
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.helm import helm
from rig.waiting import until
from tests.live.replicas import DENIED, NAME, Installation, running, submitting
from tests.live.test_leading import MOUNTS, OPTS_IN, deployment, pod
from tools.chart import CHART

pytestmark = pytest.mark.slow

OTHER = f"{NAME}-two"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane with two releases of the chart, in namespaces of their names."""
    with control_plane() as found:
        found.apply_istio_crds()
        for name in (NAME, OTHER):
            helm("install", name, CHART, "--namespace", name, "--create-namespace", cluster=found)
        yield found


@pytest.fixture(scope="module")
def releases(plane: ControlPlane) -> Iterator[tuple[Installation, Installation]]:
    """Both, enforcing."""
    with running(plane) as one, running(plane, count=1, name=OTHER) as other:
        yield one, other


def test_each_release_enforces_by_its_own_answer(releases: tuple[Installation, Installation]) -> None:
    """The denial of the other one comes first every now and then, and then says nothing."""
    for release in releases:
        assert release.policies() == {"Fail"}
        refuted, proved = probes(release, "refuted"), probes(release, "proved")
        until(partial(is_probed, release, "proved", proved + 10), "it was probed ten times", 120)
        assert (probes(release, "refuted"), release.policies()) == (refuted, {"Fail"})
    assert DENIED in submitting(releases[0].plane)()


def test_unreachable_release_does_not_count_the_other_denial(
    releases: tuple[Installation, Installation],
) -> None:
    one, other = releases
    for replica in other.replicas:
        one.plane.unroute(replica.address)
    one.plane.restart_api_server()  # or it would go on with the connections that it has
    until(lambda: other.policies() == {"Ignore"}, "its entries fall back", 60)
    glass = (f"validatingwebhookconfiguration/{OTHER}-enforcing", f"mutatingwebhookconfiguration/before-istio-{OTHER}")
    one.plane.kubectl("delete", "--ignore-not-found", *glass)
    until(lambda: other.entries() and other.mutating(), "they are back")
    before = probes(other, "refuted")
    until(partial(is_probed, other, "refuted", before + 12), "it was probed twelve times", 120)
    assert DENIED in submitting(one.plane)()
    assert (one.policies(), other.policies()) == ({"Fail"}, {"Ignore"})
    other.route(other.replicas)
    until(other.enforces, "it is reached, and enforces", 120)


def is_probed(release: Installation, outcome: str, times: float) -> bool:
    """Whether that came out so often."""
    return probes(release, outcome) >= times


def probes(release: Installation, outcome: str) -> float:
    """How many probes of its leaders came to that."""
    return sum(replica.measured(f'mtls_guard_probes_total{{outcome="{outcome}"}}') for replica in release.replicas)


def test_deleted_namespace_takes_blocking_entries_with_it(
    releases: tuple[Installation, Installation],
) -> None:
    """Without an uninstall; the leader and the others notice within the moments for which their rights last."""
    one, other = releases
    plane = one.plane
    plane.kubectl("delete", "namespace", NAME, "--wait=false")
    until(lambda: not one.entries() and not one.mutating(), "nothing of it blocks")
    one.stop(signal.SIGKILL)
    plane.kubectl("create", "-f", "-", "--dry-run=server", stdin=json.dumps(pod("default", OPTS_IN)))
    assert other.policies() == {"Fail"}
    other.stop(signal.SIGKILL)
    refused = plane.kubectl("create", "-f", "-", stdin=json.dumps(deployment("default", MOUNTS)), check=False)
    assert "failed calling webhook" in refused.stderr  # of the other one, whose namespace was not deleted
    plane.kubectl("wait", "--for=delete", f"namespace/{NAME}", "--timeout=120s")
    assert not one.entries()
    assert not one.mutating()
