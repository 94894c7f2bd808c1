"""Which workloads have the files of a file set in their sidecar: by their template, or in Pods that run already.

The counts by namespace are cached until an object of the namespace changes. `audience` computes the workloads to which
a DestinationRule applies.
"""

from collections.abc import Iterable, Iterator, Mapping

from webhook.istio.injector.annotations import read_user_volumes
from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.paths import is_possible
from webhook.istio.injector.proxy_filesystem import sidecar_files
from webhook.istio.injector.workload_index import by_namespace
from webhook.model.chain import Answer, FileState, ResolvedFile
from webhook.model.finding import ObjectRef
from webhook.model.mesh import FileSet
from webhook.model.workload import Workload
from webhook.trace.secret_producers import to_come
from webhook.trace.volume_contents import ViewContents
from webhook.view import ClusterView

_BY_REPLICA_SET = ("Deployment", "Rollout")
Owner = tuple[str, str]


def injected(view: ClusterView, namespace: str) -> frozenset[ObjectRef]:
    """The workloads of the namespace with a sidecar; cached until an object of the namespace changes."""
    tallies = view.tallies.at(namespace)
    refs: frozenset[ObjectRef] | None = tallies.get("injected")
    if refs is None:
        labels = view.namespace(namespace)
        refs = tallies["injected"] = frozenset(
            workload.ref
            for workload in view.workloads.of_namespace(namespace)
            if decide_injection(workload.template, labels, view.mesh).answer is Answer.YES
        )
    return refs


def prepared_for(view: ClusterView, files: FileSet) -> Mapping[str, frozenset[ObjectRef]]:
    """The workloads and running Pods whose sidecar has every file of the set, by namespace; the others are left out.

    A workload also counts if its running Pods have the files, because another webhook may mount them.
    """
    paths = [path for _, path in files.items()]
    by_template = by_namespace(view.workloads.mounting(paths))
    by_pod = by_namespace(view.pods.mounting(paths))
    counted = ((name, _counted(view, files, name, (by_template, by_pod))) for name in {*by_template, *by_pod})
    return {name: refs for name, refs in counted if refs}


_Mounting = Mapping[str, tuple[Workload, ...]]


def _counted(
    view: ClusterView, files: FileSet, namespace: str, mounting: tuple[_Mounting, _Mounting]
) -> frozenset[ObjectRef]:
    view.deadline.check()
    tallies, key = view.tallies.at(namespace), ("prepared", files)
    prepared: frozenset[ObjectRef] | None = tallies.get(key)
    if prepared is None:
        by_template, by_pod = mounting
        ready = [workload for workload in by_template.get(namespace, ()) if _provides(view, workload, files)]
        pods = _others(
            view, files, by_pod.get(namespace, ()), {(workload.ref.kind, workload.ref.name) for workload in ready}
        )
        refs = (*ready, *pods, *_behind(view, namespace, pods))
        prepared = frozenset(workload.ref for workload in refs)
        if all(is_possible(path) for _, path in files.items()):
            tallies[key] = prepared
    return prepared


def _others(view: ClusterView, files: FileSet, pods: Iterable[Workload], ready: set[Owner]) -> tuple[Workload, ...]:
    """The Pods with the files of workloads whose template does not provide them."""
    running = (pod for pod in pods if pod.ref.kind == "Pod" and not pod.terminating)
    return tuple(pod for pod in running if ready.isdisjoint(owners(pod)) and _provides(view, pod, files))


def _behind(view: ClusterView, namespace: str, pods: tuple[Workload, ...]) -> Iterator[Workload]:
    """The workloads to which these Pods belong."""
    makers = {owner for pod in pods for owner in owners(pod)}
    for workload in view.workloads.of_namespace(namespace) if makers else ():
        if (workload.ref.kind, workload.ref.name) in makers:
            yield workload


def owners(pod: Workload) -> Iterator[Owner]:
    """Kind and name of the workload to which a Pod belongs, and of its controller.

    The name of a ReplicaSet is that of its workload and a hash; of a Job, the CronJob's and the minute of its run.
    """
    name, _, suffix = pod.controller_name.rpartition("-")
    if pod.controller == "ReplicaSet":
        yield from ((kind, name) for kind in _BY_REPLICA_SET)
    elif pod.controller == "Job" and suffix.isdecimal():
        yield "CronJob", name
    if pod.controller:
        yield pod.controller, pod.controller_name


def _provides(view: ClusterView, workload: Workload, files: FileSet) -> bool:
    injection = decide_injection(workload.template, view.namespace(workload.namespace), view.mesh)
    if injection.answer is Answer.NO:
        return False
    sidecar = sidecar_files(workload.template, read_user_volumes(workload.template), injection, view.mesh)
    contents = ViewContents(view, workload.namespace)
    return not any(_lacking(view, sidecar.resolve(path, contents)) for _, path in view.mesh.used(files))


def _lacking(view: ClusterView, file: ResolvedFile) -> bool:
    """Whether the file is missing for another reason than a missing or incomplete Secret or ConfigMap.

    A missing Secret or ConfigMap is a fault of the workload, not of the DestinationRule.
    """
    if file.state is FileState.NO_KEY and file.object is not None:
        return not to_come(view, file.object, (file.key,))
    return file.absent and file.state is not FileState.NO_OBJECT
