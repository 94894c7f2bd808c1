"""An embedded cluster: manifests, read whole before anything is judged against them, and the judge on it.

How paths are read is left to `input`, which also serves partial views; this one is never partial.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from webhook.engine import judge
from webhook.inject import Mutation, mutate, with_waiting
from webhook.input.manifest_input import read_input
from webhook.input.policy_file import read_policy
from webhook.kinds.controllers import controller_of
from webhook.model.deadline import over
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import Verdict
from webhook.model.raw_object import mapping
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.trace.pod_owner import created
from webhook.view import Snapshot

_SHOWN = 10
_JUDGING = 0.9
"""The share of the API server's time that may go by until there is an answer."""


class InvalidManifests(ValueError):
    """The manifests cannot stand for a cluster; the text has a line for each problem, with file and line."""


class ReviewDeadline:
    """The Deadline of a review."""

    def __init__(self, request: Request) -> None:
        self._seconds = request.seconds
        self._until = monotonic() - request.gone + _JUDGING * request.seconds

    def check(self) -> None:
        """Returns while time is left."""
        if monotonic() >= self._until:
            raise over(self._seconds)


@dataclass(frozen=True, slots=True)
class ManifestBackend:
    """A cluster in memory and the policy that it is judged by."""

    view: Snapshot
    policy: Policy

    def judge(self, request: Request) -> Verdict:
        """The verdict as of now."""
        return judge(request, self.view.within(ReviewDeadline(request)), self.policy, datetime.now(UTC))

    def mutate(self, request: Request) -> Mutation:
        """What injection adds to the object as of now."""
        horizon = Horizon(datetime.now(UTC), self.policy.expiry.warn, self.policy.expiry.deny)
        found = mutate(request, self.view.within(ReviewDeadline(request)), horizon, self.view.workload_paths)
        return with_waiting(request, found, self.policy.injection, self._created, horizon.at)

    def _created(self, request: Request) -> str:
        owner = controller_of(mapping(request.new.get("metadata")))
        return created(self.view, request.ref.namespace, owner) if owner else ""

    def waits(self) -> str:
        """Nothing: the manifests were read before anybody could ask."""
        return ""

    def watches(self) -> tuple[()]:
        """Nothing is watched."""
        return ()

    def told(self) -> dict[str, object]:
        """What the first line of the log says of it."""
        return {"workloads": len(list(self.view.workloads.all()))}

    def start(self) -> None:
        """Nothing: there is nothing to follow."""

    def end(self) -> None:
        """Nothing, as above."""

    def judge_at(self, at: datetime) -> Callable[[Request], Verdict]:
        """A judge for whom it is always that instant."""
        return lambda request: judge(request, self.view, self.policy, at)


def embed(paths: Iterable[str], policy_file: str | None) -> ManifestBackend:
    """The cluster that the manifests in the paths are; loads every rule, so that the first review does not wait for it.

    Raises:
        BadCluster: something cannot be read, so that what it holds would be taken for missing; or there is nothing.
        BadPolicy: the policy file cannot be used.
    """
    policy = read_policy(policy_file, tuple(catalogue()))
    manifests = read_input(paths, policy, complete=True)
    if manifests.unreadable:
        hidden = len(manifests.unreadable) - _SHOWN
        shown = [str(one) for one in manifests.unreadable[:_SHOWN]]
        raise InvalidManifests("\n".join([*shown, f"and {hidden} more"] if hidden > 0 else shown))
    return ManifestBackend(manifests.view, policy)
