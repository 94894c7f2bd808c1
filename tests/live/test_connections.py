"""Connections of a real API server: bursts after silence, a killed worker, an API server that starts again."""

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.mesh_objects import DEPLOYMENTS, ENTRIES, RULES, declaring, namespace, partner, rule, secret, workload
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import SECRETS, VALIDATING

pytestmark = pytest.mark.slow

DENIED = 'admission webhook "all.mtls-guard.io" denied the request'
GOOD, WRONG = workload("app", "/etc/right", "one"), declaring("app", "/etc/wrong", "one", "one")
AT_ONCE, BURSTS, SILENCE = 64, 3, 4


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with one team that calls a partner."""
    with control_plane(Options(controllers=False)) as running:
        running.apply_istio_crds()
        running.apply(namespace())
        api = ApiClient(from_kubeconfig(running.kubeconfig))
        for resource, made in ((SECRETS, secret("one")), (ENTRIES, partner("one")), (RULES, rule("one", "/etc/right"))):
            api.create(resource, made)
        yield running


@pytest.fixture(scope="module")
def guard(plane: ControlPlane) -> Iterator[Guard]:
    """Our server, asked about everything, with `Fail`."""
    running = Guard(plane)
    until(lambda: running.ask("/readyz") == (200, "ok\n"), "the view is in sync")
    api = ApiClient(from_kubeconfig(plane.kubeconfig))
    api.create(VALIDATING, running.entry())
    until(lambda: DENIED in said(api, WRONG), "our server is asked")
    yield running
    running.child.stop()


def said(api: ApiClient, manifest: dict[str, object]) -> str:
    """What the API server says when it refuses a dry run, '' when it does not."""
    try:
        api.create(DEPLOYMENTS, manifest, {"dryRun": "All"})
    except ClusterError as error:
        return str(error)
    return ""


def burst(plane: ControlPlane, guard: Guard) -> list[str]:
    """Many reviews at once, half of them of an object that is wrong: what was said otherwise than by us.

    Each wrong object that is admitted counts as not judged.
    """
    clients, before = [ApiClient(from_kubeconfig(plane.kubeconfig)) for _ in range(AT_ONCE)], not_judged(guard)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(said, clients, [GOOD, WRONG] * (AT_ONCE // 2)))
    assert answers[1::2].count("") <= not_judged(guard) - before
    return failures(answers)


def not_judged(guard: Guard) -> float:
    """How many reviews were admitted because they could not be judged."""
    found = re.findall(
        r'^mtls_guard_\w*not_judged_total\{.*answer="admitted".*\} (\S+)$', guard.measured(), re.MULTILINE
    )
    return sum(map(float, found))


def failures(answers: list[str]) -> list[str]:
    """What was said otherwise than by us; a denial that could not be confirmed in time is none."""
    return [one for one in answers[::2] if one] + [one for one in answers[1::2] if one and DENIED not in one]


def test_no_review_of_a_burst_after_silence_fails(plane: ControlPlane, guard: Guard) -> None:
    """Go opens a connection for each of them, and leaves those idle that it then does not need."""
    failed = []
    for _ in range(BURSTS):
        time.sleep(SILENCE)
        failed += burst(plane, guard)
    assert failed == []
    assert 'level":"error"' not in guard.child.log.read_text(encoding="utf-8")


def test_after_a_worker_was_killed_its_successor_fails_no_review(plane: ControlPlane, guard: Guard) -> None:
    """It listens before its first lists are done; until then reviews wait, or are tried again."""
    api = ApiClient(from_kubeconfig(plane.kubeconfig))
    for _ in range(3):
        (worker,) = psutil.Process(guard.child.process.pid).children()
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda worker=worker: not worker.is_running(), "it has ended")  # type: ignore[misc]
        time.sleep(0.2)  # until the API server knows that its connections are closed
        answers = [said(api, one) for one in (GOOD, WRONG) * 5]
        assert failures(answers) == []


def test_reviews_are_answered_after_api_server_restart(plane: ControlPlane, guard: Guard) -> None:
    """Its connections have gone with it, and it opens new ones, all at once."""
    assert burst(plane, guard) == []
    plane.restart_api_server()
    until(lambda: guard.ask("/readyz") == (200, "ok\n"), "the view is in sync")
    for _ in range(3):
        assert burst(plane, guard) == []
