"""The order in which Istio merges DestinationRules for the same host and namespace is known.

## Why

Istio merges them by age: the `trafficPolicy` of the oldest one is used as a whole. Manifest files contain no creation
time. If the result depends on it, the files do not determine which client certificate is presented, or whether any is
presented.

## Fix

Keep one DestinationRule per host and namespace, with all settings in it. If workloads present different certificates to
one host, give each DestinationRule a `workloadSelector` that selects its own workloads.

## Source

pilot/pkg/model/push_context.go, `sortConfigByCreationTime`; destination_rule.go, `mergeDestinationRule` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._age import rival_of_unknown_age
from webhook.rules._reads import ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a rule whose effect depends on an age that is not in view."""
    rival = rival_of_unknown_age(picture.config, picture.rule) if picture.client_settings else None
    if rival is not None:
        rival_settings = "that of the other" if rival.settings() else "none"
        problem = (
            f"{rival.ref} has the same host, and by age, which is not in view, this tls counts or {rival_settings}"
        )
        fix = "move all settings into one of them and delete the other, or give each its own workloadSelector"
        yield Violation(picture.ref, "spec.host", problem, fix, certain=False)


RULE = RuleMetadata(
    title="Two DestinationRules for one host are merged by age, and their age is unknown",
    severity=Severity.WARN,
    about="destination",
    reads=ROUTING,
)
