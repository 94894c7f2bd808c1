"""What `serve` answers to the leader's probe: its own installation's with the answer, others' with leave to pass.

A probe is a dry run of one DestinationRule, so that nothing is ever stored for it; it is neither judged nor noted.
"""

from collections.abc import Callable

from webhook.inject import Mutation
from webhook.leader.probe_challenge import ProbeChallenge, challenge_of, mark_of, patch_of
from webhook.model.finding import Finding, Severity, Verdict
from webhook.model.request import Request
from webhook.settings import ObjectName
from webhook.web import ReviewObserver

_FIX = "nothing is to be done: the leader asks whether the API server reaches this installation"


class ProbeResponder:
    """Judge and mutation of an installation, with the answers to probes; without an installation all are of others."""

    def __init__(
        self,
        installation: ObjectName | None,
        judge: Callable[[Request], Verdict],
        mutate: Callable[[Request], Mutation],
    ) -> None:
        self._identity = f"{installation.namespace}/{installation.name}" if installation else ""
        self._judge, self._mutate = judge, mutate

    def judge(self, request: Request) -> Verdict:
        """The verdict; of a probe the denial that only this installation can give."""
        challenge = probe_in(request)
        if challenge is None:
            return self._judge(request)
        if challenge.identity != self._identity:
            return Verdict(request.ref)
        problem = challenge.answer
        if mark_of(request.new) == challenge.mark:
            problem += f" {challenge.mark}"
        return Verdict(request.ref, (Finding("probe", Severity.DENY, request.ref, "", problem, _FIX),))

    def mutate(self, request: Request) -> Mutation:
        """The mutation; of a probe of this installation the mark."""
        challenge = probe_in(request)
        if challenge is None:
            return self._mutate(request)
        return Mutation(patch_of(challenge)) if challenge.identity == self._identity else Mutation()


class ProbeFilter:
    """A journal that is not told of probes, which come every few seconds."""

    def __init__(self, journal: ReviewObserver) -> None:
        self._journal = journal
        self.refused, self.failed, self.unavailable = journal.refused, journal.failed, journal.unavailable

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:
        """A review was answered."""
        if not probe_in(review):
            self._journal.answered(review, verdict, seconds)

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:
        """A review was answered with a patch, or with none."""
        if not probe_in(review):
            self._journal.mutated(review, mutation, seconds)


def probe_in(request: Request) -> ProbeChallenge | None:
    """The challenge of a probe, None for every other request."""
    asks = request.operation == "CREATE" and request.dry_run
    return challenge_of(request.new) if asks else None
