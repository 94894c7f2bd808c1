"""If a workload opts in to injection, injection is available in its namespace.

## Why

The files are added to a Pod by a mutating webhook that the API server calls. If `injection.enabled` is false, if the
webhook configuration was deleted or has no CA bundle, or if it excludes the namespace, the webhook is not called: Pods
start without their files, and every call fails with HTTP 503. mtls-guard then evaluates the workload as it is written,
without added files.

## Fix

Mount the files with `sidecar.istio.io/userVolume` and `userVolumeMount` (for a gateway, in its pod spec), or have
injection enabled for the namespace. `mtls-guard check` of files evaluates the webhook configuration of mtls-guard if
the input contains it; otherwise it assumes that injection is available.

## Source

The entries inject.mtls-guard.io and inject-namespaces.mtls-guard.io of the chart's MutatingWebhookConfiguration, their
`namespaceSelector` and `caBundle`: k8s.io/apiserver, plugin/webhook/predicates/namespace/matcher.go (1.37).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, INJECTION, WORKLOADS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation: why nobody adds the files that the workload asks for and lacks."""
    why = picture.addition.unavailable
    if why is not None and not picture.user.rejected:
        yield Violation(picture.ref, why.path, why.problem, why.fix, certain=why.certain)


RULE = RuleMetadata(
    title="The workload opts in to injection, but injection is not available in its namespace",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS | INJECTION,
)
