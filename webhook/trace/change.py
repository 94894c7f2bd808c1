"""The picture of a change to an object that is no workload: which workloads were fine before it, and are not after."""

from dataclasses import dataclass

from webhook.model.chain import Miss
from webhook.model.finding import Finding, ObjectRef


@dataclass(frozen=True, slots=True)
class BrokenWorkload:
    """A workload that the change breaks.

    findings: the denials that it did not have before; empty when it merely has no rule any more that makes it present
    its certificate. miss: why the changed DestinationRule does not apply to it any more. running: it breaks only Pods
    that run, and the fix of the findings says how to move without that.
    """

    workload: ObjectRef
    findings: tuple[Finding, ...] = ()
    miss: Miss | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class ChangePicture:
    """operation: CREATE, UPDATE or DELETE of `ref`. unseen: workloads that may be concerned, and were not looked at.

    accepted: the object says that a short interruption is accepted.
    """

    ref: ObjectRef
    operation: str
    broken: tuple[BrokenWorkload, ...] = ()
    unseen: int = 0
    accepted: bool = False

    @property
    def own(self) -> tuple[BrokenWorkload, ...]:
        """Those in the namespace of the changed object, which its author is likely to own."""
        return tuple(broken for broken in self.broken if broken.workload.namespace == self.ref.namespace)

    @property
    def others(self) -> tuple[BrokenWorkload, ...]:
        """Those of other namespaces."""
        return tuple(broken for broken in self.broken if broken.workload.namespace != self.ref.namespace)

    @property
    def prevents(self) -> bool:
        """Whether the change can be denied: a deletion, a change of a Secret and an accepted one only warn."""
        return self.operation != "DELETE" and self.ref.kind != "Secret" and not self.accepted
