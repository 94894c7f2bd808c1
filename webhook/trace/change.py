"""The picture of a change to an object that is no workload: the workloads that the change breaks."""

from dataclasses import dataclass

from webhook.model.chain import Miss
from webhook.model.finding import Finding, ObjectRef


@dataclass(frozen=True, slots=True)
class BrokenWorkload:
    """A workload that the change breaks.

    findings: the denials that it did not have before; empty when it only loses the DestinationRule by which it
    presents its certificate. miss: why the changed DestinationRule does not apply to it any more. running: only running
    Pods break, and the fix of the findings says how to avoid that.
    """

    workload: ObjectRef
    findings: tuple[Finding, ...] = ()
    miss: Miss | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class ChangePicture:
    """operation: CREATE, UPDATE or DELETE of `ref`. unseen: number of workloads that may be concerned and were not
    examined. accepted: an annotation of the object accepts a short interruption.
    """

    ref: ObjectRef
    operation: str
    broken: tuple[BrokenWorkload, ...] = ()
    unseen: int = 0
    accepted: bool = False

    @property
    def own(self) -> tuple[BrokenWorkload, ...]:
        """The broken workloads in the namespace of the changed object, which its author probably owns."""
        return tuple(broken for broken in self.broken if broken.workload.namespace == self.ref.namespace)

    @property
    def others(self) -> tuple[BrokenWorkload, ...]:
        """The broken workloads of other namespaces."""
        return tuple(broken for broken in self.broken if broken.workload.namespace != self.ref.namespace)

    @property
    def prevents(self) -> bool:
        """Whether the change can be denied: a deletion, a change of a Secret and an accepted one only warn."""
        return self.operation != "DELETE" and self.ref.kind != "Secret" and not self.accepted
