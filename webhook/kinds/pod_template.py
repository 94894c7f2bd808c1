"""Reads a pod template: its containers with their mounts, its volumes, and what decides who reads the files.

Where the template stands in its workload is left to `workload`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from webhook.kinds.host_mentions import hosts_in
from webhook.kinds.list_limits import entries, left_out, names, variables
from webhook.kinds.volume import read_mount, read_volume
from webhook.model.raw_object import dig, flag, mapping, number, sequence, text, texts
from webhook.model.workload import PROXY, Container, PodTemplate


def read_pod(template: Mapping[str, Any], path: str, namespace: str) -> PodTemplate:
    """The pod of a template `{"metadata": {...}, "spec": {...}}`. path: of the template, '' for a Pod itself."""
    metadata = mapping(template.get("metadata"))
    spec = mapping(template.get("spec"))
    security = mapping(spec.get("securityContext"))
    below = f"{path}.spec" if path else "spec"
    return PodTemplate(
        path,
        texts(metadata.get("labels")),
        texts(metadata.get("annotations")),
        tuple(_containers(spec, below)),
        tuple(
            read_volume(entry, place(below, "volumes", index))
            for index, entry in enumerate(entries(spec.get("volumes")))
            if isinstance(entry, dict)
        ),
        spec.get("hostNetwork") is True,
        number(security.get("runAsUser")),
        number(security.get("fsGroup")),
        namespace,
        flag(spec.get("automountServiceAccountToken")),
        left_out(spec, below),
        zero_group=0 in sequence(security.get("supplementalGroups")),
        hosts=hosts_in(_said(spec)),
        config_maps=frozenset(filter(None, _config_maps(spec))),
    )


def _applications(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The containers of the application, without istio-proxy."""
    for listed in ("containers", "initContainers"):
        for entry in entries(spec.get(listed)):
            if isinstance(entry, dict) and text(entry.get("name")) != PROXY:
                yield entry


def _said(spec: Mapping[str, Any]) -> Iterator[str]:
    """What variables and arguments of the application say."""
    for entry in _applications(spec):
        yield from names(entry.get("command"))
        yield from names(entry.get("args"))
        if "env" in entry:
            yield from _environment(entry.get("env")).values()


def _config_maps(spec: Mapping[str, Any]) -> Iterator[str]:
    """The ConfigMaps from which the application is configured: by variables, or by a volume."""
    for entry in _applications(spec):
        for source in entries(entry.get("envFrom")):
            yield text(dig(source, "configMapRef", "name"))
        for source in variables(entry.get("env")):
            yield text(dig(source, "valueFrom", "configMapKeyRef", "name"))
    for volume in entries(spec.get("volumes")):
        yield text(dig(volume, "configMap", "name"))


@lru_cache(maxsize=1024)
def place(below: str, listed: str, index: int) -> str:
    """Where an entry of a list is written; one string for the same place in thousands of workloads."""
    return f"{below}.{listed}[{index}]"


def _containers(spec: Mapping[str, Any], below: str) -> Iterator[Container]:
    for index, entry in enumerate(entries(spec.get("containers"))):
        if isinstance(entry, dict):
            yield _container(entry, place(below, "containers", index), init=False)
    for index, entry in enumerate(entries(spec.get("initContainers"))):
        if isinstance(entry, dict):
            yield _container(entry, place(below, "initContainers", index), init=True)


def _container(entry: Mapping[str, Any], path: str, *, init: bool) -> Container:
    name = text(entry.get("name"))
    security = mapping(entry.get("securityContext"))
    return Container(
        name,
        text(entry.get("image")),
        tuple(
            read_mount(mount, place(path, "volumeMounts", index))
            for index, mount in enumerate(entries(entry.get("volumeMounts")))
            if isinstance(mount, dict)
        ),
        _environment(entry.get("env")) if "env" in entry else {},
        number(security.get("runAsUser")),
        text(entry.get("workingDir")),
        init,
        path,
        number(security.get("runAsGroup")),
        names(entry.get("args")) if name == PROXY else (),
    )


def _environment(value: object) -> Mapping[str, str]:
    """The variables with a literal value; later entries of one name win, as in the kubelet."""
    return {
        text(one.get("name")): text(one.get("value"))
        for one in variables(value)
        if isinstance(one, dict) and isinstance(one.get("value"), str)
    }
