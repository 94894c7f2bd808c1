"""How old what a replica knows is, by its own metrics, and what brings news of a kind that is silent."""

import re
from collections.abc import Mapping
from math import isfinite

from webhook.doctor.check import Check, DoctorContext
from webhook.doctor.container import flag_of, ports_of
from webhook.doctor.rbac import may_follow
from webhook.kubeapi.client import ApiClient, ApiRequest
from webhook.kubeapi.errors import ClusterError, Forbidden
from webhook.kubeapi.resource import PODS
from webhook.settings.table import BY_FLAG

_SHOWN = 4
STALE_SECONDS = int(BY_FLAG["stale-after"].default)
"""As shipped; `--stale-after` of a replica says another."""
_REVISION = re.compile(r"^configmaps [^/]+/istio(?:-sidecar-injector)?-(?!sidecar-injector)(.+)$")
"""The ConfigMaps of a revision of Istio, which the chart lets us read where values name the revision."""
_AGE = re.compile(r'^mtls_guard_watch_age_seconds\{kind="([^"]+)"\} (\S+)$', re.MULTILINE)


def check_watches(connection: ApiClient, found: DoctorContext, name: str, container: object) -> Check:
    """How the watches of the replica of that name are."""
    title = f"watches of {name}"
    path = f"{PODS.path(found.namespace)}/{name}:{ports_of(container)['metrics']}/proxy/metrics"
    try:
        answer = connection.ask(ApiRequest("GET", path)).decode()
    except ClusterError as error:
        told = "we may not read its metrics" if isinstance(error, Forbidden) else f"its metrics cannot be read: {error}"
        return Check(
            title, good=None, told=told, remedy="run doctor as somebody who may get pods/proxy, or ask Prometheus"
        )
    ages = {kind: float(age) for kind, age in _AGE.findall(answer)}
    limit = flag_of(container, "stale-after")
    late = {kind: age for kind, age in ages.items() if age > (int(limit) if limit.isdecimal() else STALE_SECONDS)}
    if not ages:
        return Check(title, good=None, told="its metrics name no watch", remedy=found.kubectl(f"logs {name} --tail=20"))
    if late:
        told = ", ".join(f"{kind} ({_age(age)})" for kind, age in sorted(late.items())[:_SHOWN])
        told += f" and {len(late) - _SHOWN} more" if len(late) > _SHOWN else ""
        remedy = _heard(connection, found, name, late)
        return Check(title, good=False, told=f"there is no news of {told}", remedy=remedy)
    return Check(title, good=True, told=f"{len(ages)} are fresh, the oldest heard of {max(ages.values()):.0f} s ago")


def _heard(connection: ApiClient, found: DoctorContext, name: str, late: Mapping[str, float]) -> str:
    """What brings news of these kinds: a right where that is what is missing, else what the log says."""
    refused = [kind for kind in late if may_follow(connection, found, kind) is False]
    revisions = sorted({each for kind in refused for each in _REVISION.findall(kind)})
    if revisions and all(map(_REVISION.search, refused)):
        return f"add {', '.join(revisions)} to istio.revisions in your values; {found.upgrade}"
    if refused:
        return f"it may not list and watch {', '.join(refused[:_SHOWN])}; {found.upgrade}"
    return f"it may list and watch them, so see what it says itself: {found.kubectl(f'logs {name} --tail=50')}"


def _age(seconds: float) -> str:
    return f"for {seconds:.0f} s" if isfinite(seconds) else "never yet"
