"""The workloads that may ask for injection, by annotation or by the label of their namespace, and the files they get.

`injection_request` decides whether a workload opts in; `injection_plan` decides how its files are mounted.
"""

from collections.abc import Collection, Iterator

from webhook.kinds.opt_in_annotations import INJECT, read_declaration
from webhook.model.expiry_horizon import Horizon
from webhook.model.mesh import FileSet
from webhook.model.workload import Workload
from webhook.trace.injected_workload import picture_as_injected
from webhook.view import ClusterView


def asking(view: ClusterView) -> Iterator[Workload]:
    """All workloads that may ask for injection, each at least once."""
    yield from view.workloads.declaring()
    yield from _by_label(view)


def asking_for(view: ClusterView, hosts: Collection[str]) -> Iterator[Workload]:
    """The workloads that may ask for injection for one of these hosts, each at least once."""
    yield from view.workloads.naming(hosts)
    for workload in _by_label(view):
        named = read_declaration(workload.template.annotations).destinations
        if not named or any(host in hosts for host in named):
            yield workload


def _by_label(view: ClusterView) -> Iterator[Workload]:
    for name in view.workloads.namespaces():
        if view.namespace(name).labels.get(INJECT) == "true":
            yield from view.workloads.of_namespace(name)


def brought(view: ClusterView, workload: Workload, horizon: Horizon) -> frozenset[FileSet]:
    """The file sets that apply to the workload and are mounted completely after injection; none if it adds no volume.

    The result is cached until an object of Istio or of the namespace changes.
    """
    key, tallies = ("brought", workload.ref), view.tallies.at(workload.namespace)
    state, file_sets = view.memo.get(key, (None, frozenset()))
    if state is not tallies:
        file_sets = _brought(view, workload, horizon)
        view.memo[key] = (tallies, file_sets)
    return frozenset(file_sets)


def _brought(view: ClusterView, workload: Workload, horizon: Horizon) -> frozenset[FileSet]:
    picture = picture_as_injected(workload, view, horizon)
    if not picture.addition:
        return frozenset()
    mounted = picture.sidecar.place
    return frozenset(
        files for files in picture.groups if all(mounted(path).mount is not None for _, path in view.mesh.used(files))
    )
