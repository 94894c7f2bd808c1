"""The chart's Pods as they run: what a rollout loses, what a Pod may write, what is left when the rig is killed."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from rig.installation import NAMESPACE, Installation
from rig.pod import Pod
from rig.waiting import until
from tests.live.replicas import DENIED, HOST, submitting
from tests.live.replicas import Installation as Behind

pytestmark = pytest.mark.slow

TIMEOUT = 3
"""Seconds that the API server waits for an answer, as shipped."""

KILLED = """
import sys, time
from rig.control_plane import control_plane
with control_plane() as cluster:
    print(cluster.folder, flush=True)
    time.sleep(600)
"""


def test_helm_test_passes(installation: Installation) -> None:
    assert "Phase:          Succeeded" in installation.helm("test")


def test_replicas_run_with_the_rights_and_limits_of_the_chart(installation: Installation) -> None:
    """Read-only root, the Pod's own token, the address of the Service `kubernetes`: nothing of it is replaced."""
    pods = installation.pods()
    assert len(pods) == 2
    for pod in pods:
        told = json.loads((pod.place.folder / "spec.json").read_text(encoding="utf-8"))
        assert told["readOnlyRoot"]
        assert told["env"]["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
        assert [one["target"] for one in told["mounts"]] == ["/tmp", "/var/run/secrets/kubernetes.io/serviceaccount"]
        deployed = installation.cluster.get("deployment", "mtls-guard", "-n", NAMESPACE)
        assert told["command"][1:] == deployed["spec"]["template"]["spec"]["containers"][0]["args"]


def test_a_rollout_under_50_requests_a_second_loses_no_review(installation: Installation) -> None:
    """Ready endpoints, preStop, SIGTERM and the new Pods' readiness are those of the chart; entries are `Fail`.

    Meanwhile a Pod that goes takes new connections until its end: in preStop as ever, then each for one answer.
    """
    (bundle,) = Behind(installation.cluster).bundles()
    before = installation.pods()
    ends: list[list[bool]] = []
    with asking(installation) as answers:
        leaving = [threading.Thread(target=lambda pod=pod: ends.append(last_answers(pod, bundle))) for pod in before]
        for one in leaving:
            one.start()
        installation.rollout_restart()
        for pod in before:
            assert pod.gone.wait(180)
        for one in leaving:
            one.join(180)
    assert [answer for answer in answers if DENIED not in answer] == []
    assert len(answers) > 100
    assert [(end == sorted(end), set(end)) for end in ends] == [(True, {False, True})] * 2


@contextmanager
def asking(installation: Installation, a_second: float = 50) -> Iterator[list[str]]:
    """Four clients that submit what is wrong, together so many times a second; what they are told."""
    answers: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        submit = submitting(installation.cluster)
        while not ended.wait(4 / a_second):
            answers.append(submit())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    try:
        yield answers
    finally:
        ended.set()
        for one in threads:
            one.join(60)


def last_answers(pod: Pod, bundle: bytes) -> list[bool]:
    """From preStop on, whether each answer closes its connection, one new connection each, until none is to be had."""
    assert pod.ending.wait(180)
    closes: list[bool] = []
    context = ssl.create_default_context(cadata=bundle.decode())
    with suppress(OSError, HTTPException):
        while not pod.gone.wait(0.1):
            with context.wrap_socket(pod.connect(10250), server_hostname=HOST) as secured:
                connection = HTTPConnection(HOST)
                connection.sock = secured
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (200, b"ok\n")
                closes.append(answer.getheader("Connection") == "close")
    return closes


def test_a_pod_that_is_killed_comes_back(installation: Installation) -> None:
    pod = installation.pods()[0]
    assert pod.child
    pod.child.kill()
    until(lambda: pod.restarts == 1 and pod.child and pod.child.running, "it was started again", 60)
    installation.wait()


def test_nothing_is_left_of_a_rig_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        folder = Path(starter.stdout.readline().strip())
        assert folder.is_dir()
        assert of(folder)
        os.kill(starter.pid, signal.SIGKILL)
    until(lambda: not folder.exists() and not of(folder), "nothing is left", 60)


def of(folder: Path) -> list[str]:
    """The processes that name a folder in their command line."""
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(folder) in line]


def test_hanging_replica_is_left_out_and_returns(installation: Installation) -> None:
    """The readiness probe of the chart takes it out of the Service; what was sent to it before fails by a time-out."""
    pod = installation.pods()[0]
    assert pod.child
    inside = [one for one in psutil.Process(pod.child.process.pid).children(recursive=True) if "serve" in one.cmdline()]
    assert len(inside) >= 2, "the arbiter and its worker"
    with asking(installation) as answers:
        until(lambda: len(answers) > 50, "reviews are answered", 60)
        for process in inside:
            process.suspend()
        hung = time.monotonic()
        until(lambda: not installation.cluster.is_ready("pod", pod.name, NAMESPACE), "it is left out", 60)
        left_out = time.monotonic() - hung
        time.sleep(TIMEOUT + 1)  # what was sent to it before ends by then
        count = len(answers)
        time.sleep(3)
        later = answers[count:]
        for process in inside:
            process.resume()
        until(lambda: installation.cluster.is_ready("pod", pod.name, NAMESPACE), "it is back", 60)
    lost = [answer for answer in answers if DENIED not in answer]
    assert later
    assert [answer for answer in later if DENIED not in answer] == []
    assert {answer for answer in lost if "failed calling webhook" not in answer} == set()
    assert left_out < 10
    assert installation.policies() == {"Fail"}
