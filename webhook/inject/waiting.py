"""Decides whether a Pod is rejected for now because its DestinationRule does not exist yet.

Controllers create Pods milliseconds after the Deployment, but Helm, Flux and Argo CD create the DestinationRule later.
The controller retries, so that a rejected Pod gets its files on a later attempt; a Pod that has started never does.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from webhook.inject.json_patch import Mutation
from webhook.kinds.opt_in_annotations import DESTINATIONS
from webhook.model.request import Request
from webhook.policy import InjectionPolicy

FIRST_INSTALL = timedelta(seconds=10)
"""How long to wait for a DestinationRule in the same namespace if only one of another namespace matches."""


class ControllerAges(Protocol):
    """Returns when the controller of a Pod was created."""

    def __call__(self, request: Request, /) -> str:
        """The creationTimestamp of the controller; '' if the Pod has no controller or it cannot be read."""


def with_waiting(
    request: Request, mutation: Mutation, policy: InjectionPolicy, ages: ControllerAges, at: datetime
) -> Mutation:
    """Adds to the mutation the rejection of the Pod, or the additions that the Pod starts without.

    New pod templates get no guessed additions: the template would keep a wrong guess, while each Pod is reviewed again.
    """
    if request.ref.kind != "Pod" and request.operation == "CREATE" and mutation.addition.guessed:
        return replace(mutation, operations=())
    if request.ref.kind != "Pod" or request.operation != "CREATE" or request.dry_run:
        return mutation
    awaited = mutation.addition.awaited
    if not (request.last or mutation.addition):  # another webhook may still change the Pod; the last entry decides
        return mutation
    if awaited:
        return _without_plan(request, mutation, policy, ages, at)
    if not (mutation.addition and mutation.addition.guessed) or policy.without_plan == "start":
        return mutation
    created, limit = mutation.origin_created or ages(request), FIRST_INSTALL
    if mutation.addition.unseen:
        created, limit = ages(request), policy.wait
    until = _time(created) + limit if created else at
    return replace(mutation, refused=_undecided(request, until)) if at < until else mutation


def _without_plan(
    request: Request, mutation: Mutation, policy: InjectionPolicy, ages: ControllerAges, at: datetime
) -> Mutation:
    """The mutation of a Pod for which no DestinationRule determines the mounts."""
    awaited = " and ".join(mutation.addition.awaited)
    if policy.without_plan == "refuse":
        return replace(
            mutation, refused=f"{_head(request)}: {awaited} is missing (policy injection.withoutPlan: refuse)"
        )
    created = ages(request) if policy.without_plan == "wait" else ""
    until = _time(created) + policy.wait if created else at
    if at < until:
        return replace(mutation, refused=f"{_head(request)}: it waits for {awaited}; {_again(until)}")
    return replace(mutation, without=mutation.addition.awaited)


def _undecided(request: Request, until: datetime) -> str:
    """The message that only a DestinationRule of another namespace matches so far."""
    why = "its own DestinationRule may follow, and only one of another namespace fits its Secret so far"
    return f"{_head(request)}: {why}; name the hosts ({DESTINATIONS}) and it does not wait; {_again(until)}"


def _head(request: Request) -> str:
    return f"{request.ref} is not created yet"


def _again(until: datetime) -> str:
    return f"its controller tries again, and from {until:%H:%M:%S} UTC on it is created in any case"


def _time(created: str) -> datetime:
    """Parses a creationTimestamp; an invalid one counts as long ago."""
    try:
        return datetime.fromisoformat(created).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
