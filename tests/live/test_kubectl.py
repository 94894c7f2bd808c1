"""What a person sees: the whole output of the real kubectl, with the chart installed and two replicas as Pods.

`UPDATE_GOLDEN=1 python -m pytest tests/live/test_kubectl.py` writes `golden/*.txt` anew; read the difference then.
"""

import http.client
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples import material
from examples.apiserver import Webhook, review, webhook
from examples.demo import BROKEN, WORKED, Step, steps
from rig.control_plane import ControlPlane
from rig.installation import Installation
from rig.parts import have
from rig.pod import Pod
from rig.waiting import until
from webhook.admission import read_review
from webhook.admission.kubectl_output import screen
from webhook.kubeapi.tls_verification import client_context

pytestmark = pytest.mark.slow

TOP = Path(__file__).parent.parent.parent
GOLDEN = Path(__file__).parent / "golden"
SECRET = "external-system-mtls-data"
DEPLOYMENT = WORKED / "deployment.yaml"
RULES = WORKED / "istio.yaml"
KINDS = "deployments,jobs,pods,destinationrules,virtualservices,serviceentries"
PATCHING = "error when applying patch:"
ATTEMPTS = 3
GENERATED = re.compile(r"sample-app-[a-z0-9]{5}\b")


@dataclass(frozen=True, slots=True)
class Case:
    """Commands of a person, and the manifests that they type into them. before: what is done already."""

    commands: tuple[str, ...]
    before: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()


GONE = f"delete secret {SECRET} -n devel"
RULE = ("apply -f examples/worked/istio.yaml",)
WORKS = (*RULE, "apply -f examples/worked/deployment.yaml")
CASES = {
    "create": Case(("create -f examples/broken/mount-path.yaml",), RULE),
    "create-generated-name": Case(("create -f -",), RULE, ("generated-name",)),
    "create-list": Case(("create -f -",), RULE, ("good", "comma", "mount")),
    "create-several-faults": Case(("create -f -",), RULE, ("several",)),
    "create-worked": Case(("apply -f examples/worked/deployment.yaml",), RULE),
    "apply-update": Case(("apply -f examples/broken/trailing-comma.yaml",), WORKS),
    "apply-server-side": Case(
        (
            "apply --server-side -f examples/broken/volume-missing.yaml",
            "apply --server-side -f examples/worked/deployment.yaml",
        ),
        RULE,
    ),
    "dry-run-server": Case(
        (
            "apply --dry-run=server -f examples/broken/mount-path.yaml",
            "apply --dry-run=server -f examples/worked/deployment.yaml",
        ),
        RULE,
    ),
    "old-fault": Case(
        (
            "annotate deployment sample-app -n devel owner=jane",
            "scale deployment sample-app -n devel --replicas=2",
            "rollout restart deployment sample-app -n devel",
            "set image deployment sample-app -n devel sample-app=your-application-image:next",
            "apply -f examples/broken/trailing-comma.yaml",
            "delete deployment sample-app -n devel",
        ),
        (*WORKS, GONE),
    ),
    "rule-with-a-fault": Case(("apply -f examples/broken/mode-simple.yaml",), WORKS),
    "rule-that-breaks-others": Case(("apply -f examples/broken/export-to-own-namespace.yaml",), WORKS),
    "warning": Case(("create -f -",), RULE, ("unprepared",)),
}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Secrets of the demo, as one manifest."""
    file = tmp_path_factory.mktemp("secrets") / "secrets.json"
    material.write_secrets(file, material.secrets(datetime.now(UTC)))
    return file


@pytest.fixture(scope="module")
def plane(installation: Installation) -> Iterator[ControlPlane]:
    """The namespaces of the worked example; nothing of it is left in the end."""
    cluster = installation.cluster
    cluster.kubectl("apply", "-f", str(WORKED / "namespaces.yaml"))
    yield cluster
    cluster.kubectl("delete", "-f", str(WORKED / "namespaces.yaml"), "--wait=false")


@pytest.fixture
def fresh(plane: ControlPlane, secrets: Path) -> ControlPlane:
    """Namespaces with the Secrets and nothing else."""
    empty(plane)
    plane.kubectl("apply", "-f", str(secrets))
    return plane


def empty(plane: ControlPlane) -> None:
    """Deletes what was applied but the Secrets."""
    for namespace in ("devel", "staging", "project"):
        plane.kubectl("delete", KINDS, "--all", "-n", namespace, "--force", "--grace-period=0")


@pytest.mark.parametrize("name", CASES)
def test_kubectl_shows_what_is_recorded(name: str, fresh: ControlPlane, installation: Installation) -> None:
    case = CASES[name]
    for command in case.before:
        fresh.kubectl(*command.split())
    settle(installation, case.before)
    said = "".join(run(fresh, command, typed(*case.typed)) for command in case.commands)
    said = GENERATED.sub("sample-app-XXXXX", said)
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")


def test_nothing_is_left_over_among_the_recorded_outputs() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


def test_the_demo_prints_what_kubectl_prints(
    fresh: ControlPlane, secrets: Path, tmp_path: Path, installation: Installation
) -> None:
    """The demo puts kubectl's words around our answer; here the API server and kubectl do, for every broken example."""
    material.write_webhook(tmp_path, datetime.now(UTC))
    prepare(fresh, installation)
    with webhook(tmp_path, WORKED, secrets) as server:
        shown = {step.shown: printed(server, step) for step in steps(secrets) if step.expected.startswith("deny")}
    assert len(shown) > 10
    assert {file: judged(fresh, installation, file) for file in shown} == shown


def prepare(plane: ControlPlane, installation: Installation) -> None:
    """Applies the rules of the worked example, and waits until each replica knows them."""
    plane.kubectl("apply", "-f", str(RULES))
    settle(installation, RULE)


def judged(plane: ControlPlane, installation: Installation, file: str) -> list[str]:
    """What kubectl prints for a file; where the time was over on a busy machine, what it prints the next time."""
    lines = told(plane, file)
    for _ in range(ATTEMPTS):
        if not any(line.endswith("[not-judged]") for line in lines):
            break
        empty(plane)
        prepare(plane, installation)
        lines = told(plane, file)
    return lines


def printed(server: Webhook, step: Step) -> list[str]:
    """The lines of the demo for a step."""
    (asked,) = step.reviews
    return list(screen(read_review(json.dumps(asked).encode()), server.submit(asked), step.shown))


def told(plane: ControlPlane, file: str) -> list[str]:
    """What kubectl prints for a file; where it shows the patch that was refused, without it."""
    _, *lines, _ = run(plane, f"apply -f {file}", "").splitlines()
    if lines[0].endswith(PATCHING):
        start = next(number for number, line in enumerate(lines) if line.startswith(f'for: "{file}": '))
        lines = [lines[0].removesuffix(PATCHING) + lines[start].removeprefix(f'for: "{file}": '), *lines[start + 1 :]]
    return lines


def settle(installation: Installation, before: tuple[str, ...]) -> None:
    """Waits until each replica knows what was just done: the API server may ask any of them."""
    worked = deployment()
    rule = next(
        one for one in yaml.safe_load_all(RULES.read_text(encoding="utf-8")) if one["kind"] == "DestinationRule"
    )
    asked = {"sidecar-unprepared": review("CREATE", MANIFESTS["unprepared"]())}
    if WORKS[-1] in before and GONE not in before:  # without its Secret no workload works that a change could break
        hidden = yaml.safe_load((BROKEN / "export-to-own-namespace.yaml").read_text(encoding="utf-8"))
        asked["workload-broken-by-change"] = review("UPDATE", hidden, rule)
    if GONE in before:
        asked["secret-missing"] = review("UPDATE", worked, worked)
    for pod in installation.pods():
        for law, one in asked.items():
            until(partial(says, pod, one, law), f"{law} from {pod.name}")


def says(pod: Pod, asked: dict[str, Any], law: str) -> bool:
    """Whether the answer of one replica names a rule."""
    with client_context(None, verify=False).wrap_socket(pod.connect(10250)) as stream:
        connection = http.client.HTTPConnection("pod")
        connection.sock = stream
        connection.request("POST", "/validate", json.dumps(asked), {"Content-Type": "application/json"})
        return law in connection.getresponse().read().decode()


def run(plane: ControlPlane, command: str, stdin: str) -> str:
    """A command as a terminal shows it, and its exit code."""
    ran = subprocess.run(
        [have("kubectl"), *command.split()],
        cwd=TOP,
        env=plane.environment(),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return f"$ kubectl {command}\n{ran.stdout}exit code {ran.returncode}\n"


def typed(*names: str) -> str:
    """The manifests of these names: one, or a List of them."""
    made = [MANIFESTS[name]() for name in names]
    return json.dumps(made[0] if len(made) == 1 else {"apiVersion": "v1", "kind": "List", "items": made})


def deployment(name: str = "sample-app", **annotations: str | None) -> dict[str, Any]:
    """The worked example's Deployment with other annotations on its template; None removes one."""
    made: dict[str, Any] = yaml.safe_load(DEPLOYMENT.read_text(encoding="utf-8"))
    made["metadata"]["name"] = name
    held = made["spec"]["template"]["metadata"]["annotations"]
    for key, value in annotations.items():
        held[f"sidecar.istio.io/{key}"] = value
    made["spec"]["template"]["metadata"]["annotations"] = {key: value for key, value in held.items() if value}
    return made


def generated() -> dict[str, Any]:
    """A Deployment that the API server shall name."""
    made = deployment(userVolumeMount="[}")
    made["metadata"]["generateName"] = f"{made['metadata'].pop('name')}-"
    return made


MANIFESTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "good": lambda: deployment("good"),
    "comma": lambda: deployment("comma", userVolume='[{"name":"a"},]'),
    "mount": lambda: deployment("mount", userVolumeMount=f'[{{"mountPath":"/etc/mtls","name":"{SECRET}"}}]'),
    "generated-name": generated,
    "several": lambda: deployment(
        "several",
        userVolume='[{"name":"a","secret":{"secretName":"missing"}},{"name":"a","emptydir":{}}]',
        userVolumeMount='[{"name":"b","mountPath":"/etc/mtlsfiles"},{"name":"a","mountpath":"/etc/other"}]',
    ),
    "unprepared": lambda: deployment("unprepared", userVolume=None, userVolumeMount=None),
}
