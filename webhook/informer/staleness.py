"""What of the view is not there yet, or not to be relied on, in words. Knows no clock: now is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from webhook.informer.store import WatchState

_SHOWN = 4


def waits(sources: Iterable[WatchState]) -> str:
    """Which essential kinds were not listed yet, and why, where that is known; '' when all were."""
    missing = [one for one in sources if one.followed.watched.essential and not one.synced]
    told = [f"{one.name} ({one.trouble})" if one.trouble else one.name for one in missing]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f"the first list of {', '.join(told[:_SHOWN])}{more}" if told else ""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """This instant, by the clock by which `Source.alive` is noted, and as people write it."""

    seconds: float
    at: datetime


def doubts(sources: Iterable[WatchState], now: ClockReading, limit: timedelta) -> Mapping[str, str]:
    """By kind, why what the view shows of it may not be what there is. limit: how long a kind may not be heard of."""
    found: dict[str, str] = {}
    heard_of = now.seconds - limit.total_seconds()
    for one in sources:
        if one.synced and one.alive >= heard_of:
            continue
        why = f": {one.trouble}" if one.trouble else ""
        since = (now.at - timedelta(seconds=now.seconds - one.alive)).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = f"were last heard of at {since}" if one.synced else "were not listed yet"
        found[one.followed.watched.kind] = f"{one.name} {told}{why}"
    return found
