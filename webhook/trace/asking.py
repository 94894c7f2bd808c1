"""The workloads that may ask for injection: by an annotation of ours, or by the label of their namespace."""

from collections.abc import Iterator

from webhook.kinds.declaration import INJECT
from webhook.model.workload import Workload
from webhook.view import ClusterView


def asking(view: ClusterView) -> Iterator[Workload]:
    """Each of them at least once; whether it opts in, and to what, is for `opt_in`."""
    yield from view.workloads.declaring()
    for name in view.workloads.namespaces():
        if view.namespace(name).labels.get(INJECT) == "true":
            yield from view.workloads.of_namespace(name)
