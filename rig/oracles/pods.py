"""Compares the sidecar that we predict for a Pod with the one that Istio's injector and the API server make of it.

Compared are: who gets a sidecar, which Pods are refused, the mounts of istio-proxy, the volumes behind them, the user,
and whether it is a native sidecar.
"""

from dataclasses import dataclass, replace
from typing import Any

from rig.oracles.asking import Json, Tally, compare_all
from rig.oracles.pod_cases import pod_cases
from webhook.istio.injector.annotations import USER_VOLUME, read_user_volumes
from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.file_permissions import run_as_user
from webhook.istio.injector.mount_faults import find_faults
from webhook.istio.injector.proxy_filesystem import sidecar_files
from webhook.istio.injector.templates import BUILT_IN, TEMPLATES_ANNOTATION
from webhook.kinds.pod_template import read_pod
from webhook.kinds.volume import read_mount, read_volume
from webhook.model.chain import Answer
from webhook.model.mesh import Mesh, Namespace
from webhook.model.raw_object import mapping
from webhook.model.workload import Mount, Source, Volume

TOKEN = "kube-api-access"
WITHOUT_SIDECAR = "a Pod that gets no sidecar is refused for what it says itself, which kubectl apply tells"
PROXYLESS = "the mounts of grpc-agent are not modelled: it has no Envoy and reads no file of a DestinationRule"
COMPLETED = "an entry without a required field is completed by another of the same name; we want each entry whole"
EMPTIED = "an empty `items` over a volume of the same name takes its items away; we take it for one that is not there"
TWO_SUB_PATHS = "two mounts of one path merge, with a subPath of one and a subPathExpr of the other; we do not see it"
_MODED = frozenset(("secret", "configMap", "projected", "downwardAPI"))


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a Pod gets. refused: why there is no such Pod, '' if there is. volumes: those that a mount names."""

    refused: str = ""
    injected: bool = False
    mounts: tuple[Mount, ...] = ()
    volumes: tuple[Volume, ...] = ()
    user: int | None = None
    native: bool = False


def compare_pods(seed: int, count: int) -> Tally:
    """The tally over so many generated Pods."""
    return compare_all("pods", pod_cases(seed, count), _compare)


def _compare(case: Json, answer: Json, tally: Tally) -> None:
    ours, theirs = predict(case), observe(answer)
    tally.outcomes[_outcome(answer)] += 1
    named = _explained(case, answer, ours)
    if named:
        tally.explained[named] += 1
        return
    if bool(ours.refused) != bool(theirs.refused):
        tally.answers += 1
        _differ(tally, "refused", (ours.refused, theirs.refused), case)
        return
    for fact in ("refused",) if theirs.refused else ("injected", "mounts", "volumes", "user", "native"):
        tally.answers += 1
        one, other = getattr(ours, fact), getattr(theirs, fact)
        if fact != "refused" and one != other:
            _differ(tally, fact, (_beside(one, other), _beside(other, one)), case)


def _explained(case: Json, answer: Json, ours: Sidecar) -> str:
    """The name of the reason why a case is not compared, '' where it is."""
    annotations, theirs = case["pod"]["metadata"]["annotations"], observe(answer)
    if bool(ours.refused) != bool(theirs.refused):
        return _refusal_explained(case, answer, ours)
    if theirs.injected and "grpc-agent" in annotations.get(TEMPLATES_ANNOTATION, ""):
        return PROXYLESS
    emptied = ours.volumes != theirs.volumes and '"items": []' in annotations.get(USER_VOLUME, "")
    return EMPTIED if emptied else ""


def _refusal_explained(case: Json, answer: Json, ours: Sidecar) -> str:
    if ours.refused:
        return COMPLETED if _completed(case) else ""
    if not ours.injected and answer["by"] == "api-server":
        return WITHOUT_SIDECAR
    return TWO_SUB_PATHS if answer["refused"].endswith("subPathExpr and subPath are mutually exclusive") else ""


def _completed(case: Json) -> bool:
    """Whether each of our reasons is a field that another entry of the same name brings."""
    pod = read_pod(case["pod"], "", case["namespace"])
    user = read_user_volumes(pod)
    reasons = [fault for fault in user.faults if fault.rejects]
    names = [volume.name for volume in (*user.volumes, *pod.volumes)]
    twice = [volume.path for volume in user.volumes if names.count(volume.name) > 1]
    return bool(reasons) and all(
        one.kind == "required-field" and any(one.path.startswith(f"{path}.") for path in twice) for one in reasons
    )


def _differ(tally: Tally, fact: str, said: tuple[object, object], case: Json) -> None:
    tally.wrong.append(f"{fact}: we say {said[0]!r}, Istio and Kubernetes {said[1]!r}, of {case!r}")


def _beside(one: object, other: object) -> object:
    """Of a list, what the other does not have."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return [entry for entry in one if entry not in other]
    return one


def _outcome(answer: Json) -> str:
    if answer.get("refused"):
        return f"refused by the {answer['by']}"
    return "injected" if answer["injected"] else "left alone"


def predict(case: Json) -> Sidecar:
    """Our answer."""
    pod = read_pod(case["pod"], "", case["namespace"])
    mesh = Mesh(native_sidecars=case["native"], templates=BUILT_IN)
    namespace = Namespace(case["namespace"], {"istio-injection": "enabled"})
    injection = decide_injection(pod, namespace, mesh)
    if injection.answer is Answer.NO:
        return Sidecar()
    files = sidecar_files(pod, read_user_volumes(pod), injection, mesh)
    refusals = [one.detail for one in files.user.faults if one.rejects]
    refusals += [one.detail for one in find_faults(files) if one.rejects]
    refused = injection.refused or next(iter(refusals), "")
    if refused:
        return Sidecar(refused)
    volumes = {mount.name: files.volume(mount.name) for mount in files.mounts}
    return Sidecar(
        "",
        injected=True,
        mounts=_sorted(files.mounts),
        volumes=tuple(_plain(one) for _, one in sorted(volumes.items()) if one is not None and one.name != TOKEN),
        user=run_as_user(pod, injection, mesh),
        native=injection.native is True,
    )


def observe(answer: Json) -> Sidecar:
    """Istio's and Kubernetes' answer in the same words."""
    if answer.get("refused"):
        return Sidecar(answer["refused"])
    proxy = answer["proxy"]
    if proxy is None or not answer["injected"]:
        return Sidecar()
    mounts = [_named(read_mount(one, "")) for one in proxy.get("volumeMounts", [])]
    names = {mount.name for mount in mounts} - {TOKEN}
    volumes = [read_volume(one, "") for one in answer["volumes"] if one["name"] in names]
    return Sidecar(
        "",
        injected=True,
        mounts=_sorted(tuple(mounts)),
        volumes=tuple(_plain(one) for one in sorted(volumes, key=lambda one: one.name)),
        user=_user(proxy),
        native=answer["init"],
    )


def _user(proxy: Any) -> int | None:
    user = mapping(proxy.get("securityContext")).get("runAsUser")
    return user if isinstance(user, int) else None


def _named(mount: Mount) -> Mount:
    """The mount, with one name for the API server's own volume, whose real one is made by chance."""
    return replace(mount, name=TOKEN) if mount.name.startswith(TOKEN) else mount


def _sorted(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    plain = (replace(mount, path="") for mount in mounts)
    return tuple(sorted(plain, key=lambda one: (one.mount_path, one.name, one.sub_path)))


def _plain(volume: Volume) -> Volume:
    """The volume with the defaults of the API server, and without where it is written."""
    return Volume(volume.name, tuple(_defaulted(one) for one in (volume.sources or (volume.source,))))


def _defaulted(source: Source) -> Source:
    said = replace(source, optional=bool(source.optional), parts=tuple(map(_defaulted_part, source.parts)))
    return replace(said, default_mode=420) if source.kind in _MODED and source.default_mode is None else said


def _defaulted_part(part: Source) -> Source:
    return replace(part, optional=bool(part.optional))
