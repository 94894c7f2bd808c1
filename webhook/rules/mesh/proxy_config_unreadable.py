"""The annotation `proxy.istio.io/config` of a workload is within the limits up to which mtls-guard reads it.

## Why

`proxyMetadata` in this annotation can replace certificate files or change their paths. mtls-guard reads the annotation
up to 50 levels, 65,536 characters and 10,000 values, of which YAML aliases may repeat 1,000. If it exceeds a limit, the
settings in it are not taken into account.

## Fix

Write the annotation without YAML aliases, and without fields that ProxyConfig does not have.

## Source

The limits are defined in `webhook/decoding/limits.py`. A ProxyConfig of Istio 1.31 has 8 levels and about 100 fields
(api/mesh/v1alpha1/proxy.proto).
"""

from collections.abc import Iterator

from webhook.istio.injector.proxy_metadata import CONFIG_ANNOTATION, unread
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import annotation
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation."""
    annotation_text = picture.pod.annotations.get(CONFIG_ANNOTATION)
    problem = unread(annotation_text) if annotation_text is not None and picture.has_sidecar else ""
    if problem:
        effect = f"is not read ({problem}), so that its proxyMetadata was not judged"
        fix = "write it without aliases, and no deeper or longer than that"
        yield Violation(picture.ref, annotation(picture.pod.path, CONFIG_ANNOTATION), effect, fix, certain=False)


RULE = RuleMetadata(
    title="The annotation proxy.istio.io/config exceeds the limits of mtls-guard",
    severity=Severity.WARN,
    about="workload",
    reads=NAMESPACE,
)
