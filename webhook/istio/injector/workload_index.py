"""Workloads by namespace, by the directories their sidecars mount, and by the Secrets these mounts come from.

Answers "who could be concerned by this rule, or by this Secret" without a walk over every workload.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from webhook.istio.injector.annotations import read_user_volumes
from webhook.istio.injector.paths import lineage, normal
from webhook.kinds.opt_in_annotations import PREFIX, read_declaration
from webhook.model.finding import ObjectRef
from webhook.model.workload import PROXY, PodTemplate, Source, Workload

K = TypeVar("K")


class WorkloadIndex:
    """Workloads by reference; the other look-ups are built when first asked for, and kept from then on."""

    def __init__(self) -> None:
        """An index without workloads."""
        self._all: dict[ObjectRef, Workload] = {}
        self._by_namespace: dict[str, dict[ObjectRef, Workload]] = {}
        self._by_key: dict[tuple[str, str], dict[ObjectRef, Workload]] | None = None

    def put(self, workload: Workload) -> None:
        """Adds the workload, or replaces the one of the same reference."""
        self.remove(workload.ref)
        self._all[workload.ref] = workload
        self._by_namespace.setdefault(workload.namespace, {})[workload.ref] = workload
        if self._by_key is not None:
            _file(self._by_key, workload)

    def remove(self, ref: ObjectRef) -> None:
        """Forgets the workload; nothing happens when it is not there."""
        workload = self._all.pop(ref, None)
        if workload is None:
            return
        _drop(self._by_namespace, workload.namespace, ref)
        if self._by_key is not None:
            for key in _keys(workload):
                _drop(self._by_key, key, ref)

    def get(self, ref: ObjectRef) -> Workload | None:
        """The workload of that reference."""
        return self._all.get(ref)

    def all(self) -> Iterable[Workload]:
        """Every workload, in the order of arrival."""
        return self._all.values()

    def namespaces(self) -> Iterable[str]:
        """The namespaces that hold workloads."""
        return iter(self._by_namespace)

    def holds(self, namespace: str) -> bool:
        """Whether the namespace holds workloads."""
        return namespace in self._by_namespace

    def of_namespace(self, namespace: str) -> Iterable[Workload]:
        """The workloads of one namespace."""
        return self._by_namespace.get(namespace, {}).values()

    def mounting(self, paths: Iterable[str]) -> tuple[Workload, ...]:
        """Workloads whose own sidecar mounts cover at least one of these file paths."""
        workloads: dict[ObjectRef, Workload] = {}
        for path in paths:
            for directory in lineage(path):
                workloads.update(self._filed().get(("mount", directory), {}))
        return tuple(workloads.values())

    def using_secret(self, namespace: str, name: str) -> tuple[Workload, ...]:
        """Workloads of the namespace that name the Secret in a volume of the sidecar or of the pod, or ask for it."""
        return tuple(self._filed().get((f"secret {namespace}", name), {}).values())

    def with_mounts(self, namespace: str | None = None) -> tuple[Workload, ...]:
        """Workloads that mount anything into their sidecar, of every namespace or of one."""
        mounting = self._filed().get(("mounts", ""), {})
        if namespace is None:
            return tuple(mounting.values())
        return tuple(workload for workload in self.of_namespace(namespace) if workload.ref in mounting)

    def declaring(self) -> tuple[Workload, ...]:
        """Workloads that carry an annotation of ours."""
        return tuple(self._filed().get(("declares", ""), {}).values())

    def naming(self, destinations: Iterable[str]) -> Iterator[Workload]:
        """Workloads that carry an annotation of ours, and name one of these destinations or none at all."""
        for host in (*destinations, ""):
            yield from self._filed().get(("destination", host), {}).values()

    def _filed(self) -> dict[tuple[str, str], dict[ObjectRef, Workload]]:
        if self._by_key is None:
            self._by_key = {}
            for workload in self._all.values():
                _file(self._by_key, workload)
        return self._by_key


def _drop(index: dict[K, dict[ObjectRef, Workload]], key: K, ref: ObjectRef) -> None:
    """Takes the workload out, and the key with the last one, so that nothing is left of what has gone."""
    held = index.get(key)
    if held is not None:
        held.pop(ref, None)
        if not held:
            del index[key]


def declares_volumes(pod: PodTemplate) -> bool:
    """Whether the pod says anything about the files of its sidecar: by annotation, or by an own istio-proxy."""
    return (
        "sidecar.istio.io/userVolumeMount" in pod.annotations
        or "sidecar.istio.io/userVolume" in pod.annotations
        or any(container.name == PROXY for container in pod.containers)
    )


def _file(index: dict[tuple[str, str], dict[ObjectRef, Workload]], workload: Workload) -> None:
    for key in _keys(workload):
        index.setdefault(key, {})[workload.ref] = workload


def _keys(workload: Workload) -> Iterator[tuple[str, str]]:
    pod = workload.template
    volumes = pod.volumes
    yield from _declared(workload)
    if declares_volumes(pod):
        user = read_user_volumes(pod)
        proxy = pod.container(PROXY)
        mounts = (*user.mounts, *(proxy.mounts if proxy else ()))
        volumes = (*volumes, *user.volumes)
        if mounts:
            yield ("mounts", "")
        for mount in mounts:
            yield ("mount", normal(mount.mount_path))
    for volume in volumes:
        for source in volume.sources:
            for name in secrets_in(source):
                yield (f"secret {workload.namespace}", name)


def _declared(workload: Workload) -> Iterator[tuple[str, str]]:
    annotations = workload.template.annotations
    if any(key.startswith(PREFIX) for key in annotations):
        declared = read_declaration(annotations)
        yield ("declares", "")
        yield from (("destination", host) for host in declared.destinations or ("",))
        yield from ((f"secret {workload.namespace}", name) for name in declared.secrets)


def secrets_in(source: Source) -> Iterator[str]:
    """The Secrets that a volume's source names, alone or as parts of a projected volume."""
    if source.kind == "secret" and source.name:
        yield source.name
    for part in source.parts:
        yield from secrets_in(part)


def by_namespace(workloads: Iterable[Workload]) -> Mapping[str, tuple[Workload, ...]]:
    """The same workloads, grouped by their namespace, in order."""
    groups: dict[str, list[Workload]] = {}
    for workload in workloads:
        groups.setdefault(workload.namespace, []).append(workload)
    return {name: tuple(held) for name, held in groups.items()}
