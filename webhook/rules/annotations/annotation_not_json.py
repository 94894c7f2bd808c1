"""`userVolume` and `userVolumeMount` are JSON lists of objects.

## Why

Both annotations contain JSON inside a string, which Kubernetes does not check when a Deployment is applied. Istio's
injector parses them when a Pod is created. If the text has a trailing comma, single quotes or missing brackets, is
empty, or was encoded as JSON twice, the injector rejects the Pod. The Deployment is accepted, its ReplicaSet gets an
event `FailedCreate`, and the old Pods keep running.

## Fix

Write a list of objects: `'[{"name":"client","secret":{"secretName":"external"}}]'` for `userVolume`,
`'[{"name":"client","mountPath":"/etc/mtlsfiles"}]'` for `userVolumeMount`. In YAML, quote the whole text once.

## Source

pkg/kube/inject/template.go, `fromJSON`, and the injection template that iterates over the result (Istio 1.31). Seen
with real traffic: with a trailing comma, the injector rejects the Pod.
"""

from collections.abc import Iterator

from webhook.model.chain import AnnotationFault
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture

EXAMPLE = """write a list of objects, as '[{"name":"client", ...}]'"""
FIXES = (
    ("trailing comma", "remove that comma"),
    ("single quotes", "put double quotes around names and texts, single quotes around the whole"),
    ("typographic quotes", "put plain double quotes around names and texts"),
    ("escaped quotes", "remove the backslashes"),
    ("template that was never rendered", "render the template before applying it"),
    ("empty", "remove the annotation, or write a list of objects"),
    ("octal", "write the mode in decimal"),
    ("a comment", "remove the comment"),
    ("line break", "write the text on one line"),
    ("encoded twice", "write the list itself, without quotes around it"),
    ("without the brackets", "put brackets around it: [{...}]"),
    ("after the end", "remove what follows the list"),
)
"""What to do, by words of the reader's diagnosis."""


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per annotation that is no list, and per entry that is no object."""
    for fault in annotation_faults(picture, "not-json", "not-a-list", "entry-not-an-object"):
        problem = f"is not JSON ({fault.detail})" if fault.kind == "not-json" else fault.detail
        yield Violation(picture.ref, fault.path, f"{problem}; Istio refuses every Pod", _fix(fault))


def _fix(fault: AnnotationFault) -> str:
    if fault.kind == "entry-not-an-object":
        return "write an object with a name, or remove the entry"
    return next((fix for words, fix in FIXES if words in fault.detail), EXAMPLE)


RULE = RuleMetadata(
    title="userVolume or userVolumeMount is not a valid JSON list",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
