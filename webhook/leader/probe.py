"""The probe: a known-bad DestinationRule, submitted as a dry run, must be denied by this installation's own answer.

It shows that the API server asks us, trusts our certificate, understands our answer and passes it on, for the mutating
configuration as for the validating one. Nothing is stored.
"""

from collections.abc import Collection
from dataclasses import dataclass

from webhook.kubeapi.errors import ClusterError, NotFound
from webhook.kubeapi.resource import registered
from webhook.leader.api import ObjectApi
from webhook.leader.installation import Installation
from webhook.leader.probe_challenge import NAME, ProbeChallenge, mark_of, probe_rule

DESTINATION_RULES = registered("DestinationRule")
OWN_ENTRIES = ("probe.mtls-guard.io", "probe-injection.mtls-guard.io")
"""The entries that match nothing but the probe of their own installation."""


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """What came of a probe. validating, mutating: whether the API server reached us there, None where it is not known.

    problem: what the API server said instead, for people.
    """

    validating: bool | None
    mutating: bool | None
    problem: str = ""

    @property
    def denied(self) -> bool:
        """Whether our own denial came back."""
        return self.validating is True

    @property
    def word(self) -> str:
        """`proved`, `refuted` or `unknown`, for the metric."""
        if None in (self.validating, self.mutating):
            return "unknown"
        return "proved" if self.validating and self.mutating else "refuted"


def probe(api: ObjectApi, installation: Installation, entries: Collection[str], nonce: str) -> ProbeOutcome:
    """Submits the rule as a dry run. entries: the names of those that may deny it. nonce: another one each time."""
    challenge = ProbeChallenge(installation.identity, nonce)
    rule = probe_rule(installation.probe_namespace, challenge)
    try:
        admitted = api.create(DESTINATION_RULES, rule, {"dryRun": "All", "fieldManager": NAME})
    except NotFound:
        return ProbeOutcome(None, None, "there are no DestinationRules in this cluster, or no such namespace")
    except ClusterError as error:
        return _outcome(str(error), installation, challenge, entries)
    problem = "it was admitted: the API server did not ask us, or could not"
    return ProbeOutcome(validating=False, mutating=mark_of(admitted) == challenge.mark, problem=problem)


def _outcome(
    problem: str, installation: Installation, challenge: ProbeChallenge, entries: Collection[str]
) -> ProbeOutcome:
    """What a refusal shows. A call to us that failed shows it for both: they ask the same Service."""
    own = {*entries, *OWN_ENTRIES}
    if any(f'admission webhook "{entry}" denied the request' in problem for entry in own):
        if challenge.answer in problem:
            return ProbeOutcome(validating=True, mutating=challenge.mark in problem)
        return ProbeOutcome(None, None, f"an answer that is not ours: {problem}")
    failed = {entry for entry in own if f'failed calling webhook "{entry}"' in problem}
    if failed.intersection(OWN_ENTRIES) or (failed and f"//{installation.host}:" in problem):
        return ProbeOutcome(validating=False, mutating=False, problem=problem)
    return ProbeOutcome(None, None, problem)
