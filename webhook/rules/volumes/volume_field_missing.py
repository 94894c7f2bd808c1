"""Each user volume and mount has the fields that Kubernetes requires.

## Why

A mount without `mountPath`, a Secret source without `secretName`, or an entry of `items` without `key` or `path` makes
the API server reject the Pod. The Deployment with the annotation is accepted before that.

## Fix

Add the field that the message names.

## Source

Kubernetes: pkg/apis/core/validation, `ValidateVolumeMounts` and `validateVolumeSource`.
"""

from collections.abc import Iterator

from webhook.model.chain import AnnotationFault
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture

EXAMPLES = {"mountPath": "/etc/mtlsfiles", "secretName": "NAME", "key": "cert", "path": "cert"}


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per required field that is absent or empty."""
    for fault in annotation_faults(picture, "required-field"):
        yield Violation(picture.ref, fault.path, f"{fault.detail}; the API server refuses every Pod", _fix(fault))


def _fix(fault: AnnotationFault) -> str:
    if fault.suggestion:
        return f"spell it {quote(fault.suggestion)}"
    return f"add {quote(fault.field)}: {quote(EXAMPLES.get(fault.field, 'VALUE'))}"


RULE = RuleMetadata(
    title="A user volume or mount lacks a field that Kubernetes requires",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
