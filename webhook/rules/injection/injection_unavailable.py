"""Where a workload opts in to injection, injection happens.

## Why

The files are added to a Pod by the API server's call of a mutating webhook. Where `injection.enabled` is false, where
the webhook configuration was deleted or has no CA bundle, or where it excludes the namespace, that call is never made:
Pods start without their files, and every call answers 503. What is seen then is the workload as it is written.

## Fix

Mount the files by hand (`sidecar.istio.io/userVolume` and `userVolumeMount`; a gateway takes them in its pod spec), or
have injection enabled for the namespace. `check` of files knows of webhook configurations what the input holds of
mtls-guard's own; without one, injection is taken to happen.

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
    title="The workload opts in to injection, and injection does not happen where it runs",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS | INJECTION,
)
