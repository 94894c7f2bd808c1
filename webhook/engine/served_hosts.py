"""Finds the hosts for which a workload has a working client certificate; a change can break these."""

from collections.abc import Iterable

from webhook.model.finding import Finding, ObjectRef, Severity
from webhook.model.mesh import FileSet
from webhook.trace.workload import WorkloadPicture


def served_hosts(picture: WorkloadPicture, findings: Iterable[Finding]) -> frozenset[str]:
    """The hosts for which the workload presents a working client certificate; empty if its Pods are rejected.

    findings: of the verdict on the workload.
    """
    if picture.user.rejected:
        return frozenset()
    faulty = {_key(finding.object) for finding in findings if finding.severity is Severity.DENY}
    working = (files for files in picture.intents if files.client_certificate and _works(picture, files, faulty))
    users = (user for files in working for user in picture.groups[files])
    return frozenset(user.service.host for user in users if _key(user.rule.ref) not in faulty)


def _works(picture: WorkloadPicture, files: FileSet, faulty: set[tuple[str, str, str]]) -> bool:
    """Whether every file exists and the objects that provide them have no fault."""
    chains = [chain for chain in picture.chains if chain.files == files]
    objects = (chain.file.object for chain in chains if chain.file.object is not None)
    return not any(chain.file.absent for chain in chains) and faulty.isdisjoint(map(_key, objects))


def _key(ref: ObjectRef) -> tuple[str, str, str]:
    return ref.kind, ref.namespace, ref.name
