"""What of the view is not there yet, or not to be relied on, in words. Knows no clock: now is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from webhook.cluster.store import Source

_SHOWN = 4


def waits(sources: Iterable[Source]) -> str:
    """Which essential kinds were not listed yet, and why, where that is known; '' when all were."""
    missing = [one for one in sources if one.followed.wanted.essential and not one.synced]
    told = [f"{one.name} ({one.trouble})" if one.trouble else one.name for one in missing]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f"the first list of {', '.join(told[:_SHOWN])}{more}" if told else ""


@dataclass(frozen=True, slots=True)
class Now:
    """This instant, by the clock by which `Source.alive` is noted, and as people write it."""

    seconds: float
    at: datetime


def doubts(sources: Iterable[Source], now: Now, limit: timedelta) -> Mapping[str, str]:
    """By kind, why what the view shows of it may not be what there is. limit: how long a kind may not be heard of."""
    found: dict[str, str] = {}
    for one in sources:
        why = f": {one.trouble}" if one.trouble else ""
        silent = timedelta(seconds=now.seconds - one.alive)
        if not one.synced:
            found[one.followed.wanted.kind] = f"{one.name} were not listed yet{why}"
        elif silent > limit:
            since = (now.at - silent).strftime("%Y-%m-%dT%H:%M:%SZ")
            found[one.followed.wanted.kind] = f"{one.name} were last heard of at {since}{why}"
    return found
