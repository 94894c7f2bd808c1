"""The Secret that `credentialName` names exists in the namespace of the workloads that the DestinationRule selects.

## Why

With a `workloadSelector`, `credentialName` makes the sidecar request the Secret from istiod. The Secret has to be in
the namespace of the Pod, with the data keys `cert` and `key`, or `tls.crt` and `tls.key`. Without it, every call fails
with HTTP 503. The ServiceAccount of the Pod also needs permission to `list` Secrets in the namespace, which mtls-guard
does not check.

## Fix

Create the Secret in the workload's namespace.

## Source

pilot/pkg/xds/sds.go and pilot/pkg/credentials/kube/secrets.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.material import SecretFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._credentials import Named, named_credentials
from webhook.rules._missing import absent, denies
from webhook.rules._producers import incomplete
from webhook.rules._reads import NAMESPACE, PRODUCERS, ROUTING, SECRETS
from webhook.rules._secrets import secret_ref
from webhook.rules._words import listed
from webhook.trace.secret_producers import to_come, writer
from webhook.trace.workload import WorkloadPicture

CA_SUFFIX = "-cacert"
CA_KEYS = frozenset({"cacert", "ca.crt"})
PAIRS = (("cert", "key"), ("tls.crt", "tls.key"))


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that a rule in force names, and that is missing or lacks its keys."""
    if not picture.has_sidecar:
        return
    for named in named_credentials(picture):
        facts = picture.view.secret(picture.workload.namespace, named.secret)
        if facts is not None:
            yield from _keyless(picture, named, facts)
        elif not picture.view.unread("Secret", picture.workload.namespace, named.secret):
            yield from _missing(picture, named)


def _missing(picture: WorkloadPicture, named: Named) -> Iterator[Violation]:
    """For mode SIMPLE, a Secret NAME-cacert with the CA alone is sufficient: istiod looks for it first."""
    namespace, only_ca = picture.workload.namespace, f"{named.secret}{CA_SUFFIX}"
    if not named.mutual:
        facts = picture.view.secret(namespace, only_ca)
        if picture.view.unread("Secret", namespace, only_ca) or (
            facts is not None and not CA_KEYS.isdisjoint(facts.keys)
        ):
            return
    ref = secret_ref(picture, named.secret)
    keys = PAIRS[0] if named.mutual else ("cacert",)
    yield absent(picture, ref, f"{named.rule} names it as credentialName and calls fail", keys)


def _keyless(picture: WorkloadPicture, named: Named, facts: SecretFacts) -> Iterator[Violation]:
    if named.mutual and not any(cert in facts.keys and key in facts.keys for cert, key in PAIRS):
        ref, data_keys = secret_ref(picture, named.secret), listed(sorted(facts.keys)) if facts.keys else "nothing"
        problem = f"holds {data_keys}, and istiod wants cert and key, or tls.crt and tls.key, for {named.rule}"
        if any(to_come(picture.view, ref, data_key_pair) for data_key_pair in PAIRS):
            why, fix = incomplete(picture.view, ref)
            yield Violation(ref, "", f"{problem}: {why}", fix, certain=denies(picture, ref))
        else:
            owner = writer(picture.view, ref)
            fix = f"let {owner} write cert and key" if owner else "name its keys cert and key"
            yield Violation(ref, "", problem, fix)


RULE = RuleMetadata(
    title="The Secret named by credentialName is missing in the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE | ROUTING | SECRETS | PRODUCERS,
)
