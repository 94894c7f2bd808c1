"""A running cluster as the input of a command: read once through a kubeconfig, with files laid over it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from webhook.input.manifest_input import ManifestInput
from webhook.manifests import Unreadable, read
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import mapping, text
from webhook.policy import Policy


class UnreadableCluster(Exception):
    """The cluster cannot be read at all; the text says why."""


@dataclass(frozen=True, slots=True)
class ClusterTarget:
    """Which cluster, as which user. namespace: where to look if rights do not reach further; '' asks the kubeconfig."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str = ""


Name = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True, slots=True)
class LiveInput:
    """The cluster with the files over it. own: what stands in the files. unread: what the rights do not show."""

    held: ManifestInput
    own: frozenset[Name]
    unread: tuple[str, ...]

    def concerns(self, ref: ObjectRef) -> bool:
        """Whether a verdict about the object was asked for: about those in the files, or without files about all."""
        return not self.own or _name(ref) in self.own


def read_live(paths: Iterable[str], policy: Policy, target: ClusterTarget) -> LiveInput:
    """The cluster, and over it the objects in the paths; one without a namespace gets the kubeconfig's, as in kubectl.

    Raises:
        NoCluster: no kubeconfig, or nobody answers.
    """
    from webhook.informer.list_once import read_named, survey
    from webhook.kubeapi.client import ApiClient
    from webhook.kubeapi.credentials import current_namespace, from_kubeconfig
    from webhook.kubeapi.errors import ClusterError

    path = Path(target.kubeconfig) if target.kubeconfig else None
    try:
        connection = ApiClient(from_kubeconfig(path, target.context))
        namespace = target.namespace or current_namespace(path, target.context)
        found = survey(connection, policy, namespace, only=bool(target.namespace))
        held = ManifestInput(found.view, namespace)
        own = frozenset(_lay_over(held, paths))
        workloads = [one for one in found.view.workloads.all() if not own or _name(one.ref) in own]
        read_named(connection, found, workloads)
    except ClusterError as error:
        raise UnreadableCluster(f"the cluster cannot be read: {error}") from error
    return LiveInput(held, own, tuple(found.unread))


def _lay_over(held: ManifestInput, paths: Iterable[str]) -> Iterator[Name]:
    """Takes the objects of the files in, and names them."""
    for one in read(paths):
        held.take(one)
        if not isinstance(one, Unreadable):
            metadata = mapping(one.manifest.get("metadata"))
            namespace = text(metadata.get("namespace")) or held.namespace
            yield (text(one.manifest.get("kind")), namespace, text(metadata.get("name")))


def _name(ref: ObjectRef) -> Name:
    return (ref.kind, ref.namespace, ref.name)
