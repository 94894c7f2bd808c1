"""Plays a case on a stage: what really becomes of the application's request, with our webhook out of the way."""

import json
import subprocess
import sys
import time

import yaml

from certs.encode import cert_pem
from certs.vocabulary import person
from prove.cases import Case, Object
from prove.outcome import Kind, Outcome, of_refusal
from prove.sidecar import NotStarted
from prove.stage import KubectlFailed, Stage, TooLate
from rig.volumes import NotThere
from rig.waiting import until

SUBJECTS = frozenset({"O=Example,CN=client", "O=Example,CN=other-client"})
"""Whom the certificates of examples name."""


def play(stage: Stage, case: Case) -> Outcome:
    """What the case comes to; the worst, where several workloads run."""
    stage.clear()
    stage.meet(person("ca"), case.hosts, cert_pem(person("ca")))
    try:
        stage.put(*(one for one in case.objects if one["kind"] != "DestinationRule"))
        for rule in (one for one in case.objects if one["kind"] == "DestinationRule"):
            stage.put(rule)
            second = int(time.time())  # Istio sorts rules by their age in seconds, then by name
            until(lambda second=second: int(time.time()) > second, "the next rule is younger")  # type: ignore[misc]
    except KubectlFailed as error:
        return of_refusal(str(error))
    workloads = [injected(stage, one, case) for one in case.workloads] if not case.bad else case.workloads
    outcomes = [_call(stage, workload, case.url) for workload in workloads]
    return next((one for one in outcomes if one.kind is not Kind.WORKS), outcomes[0])


def injected(stage: Stage, workload: Object, case: Case) -> Object:
    """The workload as `mtls-guard inject` writes it; itself, where it does not opt in."""
    if "mtls-guard.io/" not in json.dumps(workload):
        return workload
    files = stage.write({"workload": [workload], "cluster": case.objects})
    command = [
        sys.executable,
        "-c",
        "from webhook.main import run; run()",
        "inject",
        str(files["workload"]),
        "--cluster",
        str(files["cluster"]),
    ]
    wrote = subprocess.run(command, capture_output=True, text=True, check=False)
    return next((one for one in yaml.safe_load_all(wrote.stdout) if one), workload)


def _call(stage: Stage, workload: Object, url: str) -> Outcome:
    """What one request of a workload's application comes to."""
    try:
        with stage.pod(workload) as running:
            outcome = stage.request(running, url, SUBJECTS)
            lost = outcome.kind is Kind.WORKS and not running.mesh_identity
            return Outcome(Kind.IDENTITY_LOST) if lost else outcome
    except KubectlFailed as error:
        return of_refusal(str(error))
    except (NotThere, NotStarted, TooLate) as error:
        return Outcome(Kind.NOT_STARTED, " ".join(str(error).split())[-300:])
