"""Plays a case on a stage: what our webhook says, and what becomes of the application's request without it."""

import copy
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from certs.encode import cert_pem
from certs.vocabulary import person
from prove.asking import Answer, ask
from prove.cases import Case, Object
from prove.completion import template_of
from prove.injected import rewritten
from prove.outcome import Kind, Outcome, of_refusal
from prove.sidecar import PROXY, NotStarted
from prove.stage import KubectlFailed, Stage, TooLate
from rig.volumes import NotThere
from rig.waiting import until

SUBJECTS = frozenset({"O=Example,CN=client", "O=Example,CN=other-client"})
"""Whom the certificates of examples name."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a case came to. injected: of the version with one annotation of ours in place of Istio's two, if any."""

    answer: Answer
    outcome: Outcome
    injected: Outcome | None = None


def play(stage: Stage, case: Case) -> Played:
    """What the case comes to; the worst, where several workloads run."""
    stage.clear()
    ca = person("ca", case.at)
    stage.meet(ca, case.hosts, cert_pem(ca))
    _put(stage, (*case.before, case.subject) if case.deleted else case.before)
    stage.forget_facts()
    answer = ask(stage.istio.cluster, case)
    try:
        if not case.deleted and not _is_among(case.subject, case.before):
            stage.delete(case.subject)
        if case.deleted:
            stage.delete(case.subject)
        elif case.subject not in case.workloads:
            _put(stage, [case.subject])
    except KubectlFailed as error:
        return Played(answer, of_refusal(str(error)))
    return Played(answer, *_called(stage, case))


def _is_among(subject: Object, objects: Iterable[Object]) -> bool:
    """Whether an object of that kind, namespace and name is there."""
    return _identity(subject) in map(_identity, objects)


def _identity(manifest: Object) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _put(stage: Stage, objects: Iterable[Object]) -> None:
    """Applies objects, each rule in a second of its own: Istio sorts rules by their age in seconds, then by name."""
    held = list(objects)
    stage.put(*(one for one in held if one["kind"] != "DestinationRule"))
    for rule in (one for one in held if one["kind"] == "DestinationRule"):
        second = int(time.time())
        if stage.has_rules:
            until(lambda second=second: int(time.time()) > second, "the next rule is younger")  # type: ignore[misc]
        stage.put(rule)


def _called(stage: Stage, case: Case) -> tuple[Outcome, Outcome | None]:
    """What the calls of the workloads come to, and of the same ones injected; all run at a time, since some wait."""
    versions = [rewritten(one, good=case.good) for one in case.workloads]
    running = [*case.workloads, *(one for one in versions if one)]
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda one: _call(stage, one, case.url), running))
    written, injected = outcomes[: len(versions)], outcomes[len(versions) :]
    return _worst(written), _worst(injected) if all(versions) else None


def _worst(outcomes: list[Outcome]) -> Outcome:
    """The first that is not good, if any."""
    return next((one for one in outcomes if one.kind is not Kind.WORKS), outcomes[0])


def _call(stage: Stage, workload: Object, url: str) -> Outcome:
    """What one request of a workload's application comes to; where it works, whether it also would with an impostor."""
    try:
        with stage.pod(workload) as running:
            outcome = stage.request(running, url, SUBJECTS)
            if outcome.kind is not Kind.WORKS:
                return outcome
            if not running.mesh_identity:
                return Outcome(Kind.IDENTITY_LOST)
            if stage.request(running, url, SUBJECTS, impostor=True).kind is Kind.WORKS:
                return Outcome(Kind.NOBODY_VERIFIED)
            lost = ", ".join(lost_volumes(workload, running.manifest))
            return Outcome(Kind.VOLUME_LOST, lost) if lost else outcome
    except KubectlFailed as error:
        return of_refusal(str(error))
    except (NotThere, NotStarted, TooLate) as error:
        return Outcome(Kind.NOT_STARTED, " ".join(str(error).split())[-300:])


def lost_volumes(workload: Object, created: Object) -> Iterator[str]:
    """The volumes that containers of the application mount, and that are others in the Pod than in its template."""
    spec = template_of(copy.deepcopy(workload))["spec"]
    mounts = (mount for one in spec["containers"] if one["name"] != PROXY for mount in one.get("volumeMounts", ()))
    mounted = {mount["name"] for mount in mounts}
    made = {one["name"]: one for one in created["spec"].get("volumes", ())}
    for volume in spec.get("volumes", ()):
        if volume["name"] in mounted and not _holds(made[volume["name"]], volume):
            yield volume["name"]


def _holds(made: object, written: object) -> bool:
    """Whether everything that was written is there, beside what the API server added."""
    if isinstance(written, dict) and isinstance(made, dict):
        return all(key in made and _holds(made[key], value) for key, value in written.items())
    return made == written
