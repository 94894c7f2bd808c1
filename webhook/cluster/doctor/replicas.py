"""Whether the replicas are there, answer, and know what goes on in the cluster."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import orjson

from webhook.cluster.connection import Call, Connection
from webhook.cluster.doctor.pods import condition, describe_state, restarts_of, state_of
from webhook.cluster.doctor.words import Check, Installation
from webhook.cluster.errors import ClusterError, Forbidden
from webhook.cluster.resource import Resource
from webhook.model.line import cut
from webhook.model.manifest import Manifest, dig, mapping, number, sequence, text

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("", "v1", "events", "Event")
_SHOWN = 4
_SHOWN_CHARACTERS = 300
STALE_SECONDS = 120
"""As shipped; `--stale-after` of a replica says another."""
_AGE = re.compile(r'^mtls_guard_watch_age_seconds\{kind="([^"]+)"\} (\S+)$', re.MULTILINE)


def deployment_of(connection: Connection, found: Installation) -> Manifest | None:
    """The Deployment, None where there is none; listed, since that is what a replica itself may do."""
    query = {"fieldSelector": f"metadata.name={found.name}"}
    listed = _json(connection, Call("GET", DEPLOYMENTS.path(found.namespace), query))
    return next((mapping(one) for one in sequence(listed.get("items"))), None)


def missing(found: Installation) -> Check:
    """What there is to say without a Deployment."""
    told = f"there is no Deployment {found.namespace}/{found.name}"
    remedy = f"helm install {found.name} charts/mtls-guard -n {found.namespace} --create-namespace"
    return Check("installed", good=False, told=told, remedy=f"{remedy}; or say where it is with -n and --name")


def check_replicas(connection: Connection, found: Installation, deployment: Manifest) -> Iterator[Check]:
    """One check for the Deployment, then two for each replica that runs."""
    yield _replicas(found, deployment)
    for pod in _pods(connection, found, deployment):
        yield from _pod(connection, found, pod)


def ports_of(container: object) -> Mapping[str, int]:
    """The named ports of a container."""
    ports = sequence(dig(container, "ports"))
    return {text(dig(port, "name")): number(dig(port, "containerPort")) or 0 for port in ports}


def flag_of(container: object, name: str) -> str:
    """The value of a flag among the arguments of a container, '' where it is not given."""
    given = (text(one).partition("=") for one in sequence(dig(container, "args")))
    return next((value for flag, _, value in given if flag == f"--{name}"), "")


def _replicas(found: Installation, deployment: Manifest) -> Check:
    asked = number(dig(deployment, "spec", "replicas")) or 0
    ready = number(dig(deployment, "status", "readyReplicas")) or 0
    told = f"{ready} of {asked} replicas are ready"
    if asked and ready >= asked:
        return Check("replicas", good=True, told=told)
    failure = condition(deployment, "ReplicaFailure")
    if failure.get("status") == "True":
        told += f"; no Pod can be created: {cut(text(failure.get('message')), _SHOWN_CHARACTERS)}"
    remedy = found.kubectl(f"describe deployment {found.name}") if asked else found.upgrade
    return Check("replicas", good=False, told=told, remedy=remedy)


def _pods(connection: Connection, found: Installation, deployment: Manifest) -> Iterator[Manifest]:
    """The replicas that run."""
    labels = mapping(dig(deployment, "spec", "selector", "matchLabels"))
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    listed = _json(connection, Call("GET", PODS.path(found.namespace), query))
    for pod in sequence(listed.get("items")):
        if not dig(pod, "metadata", "deletionTimestamp"):
            yield pod


def _pod(connection: Connection, found: Installation, pod: Manifest) -> Iterator[Check]:
    """Whether a replica runs and answers, and how old what it knows is."""
    state = state_of(pod)
    if state:
        yield describe_state(found, pod, state, "" if state.message else _warning(connection, found, pod))
        return
    name = text(dig(pod, "metadata", "name"))
    container = next(iter(sequence(dig(pod, "spec", "containers"))), None)
    ports = ports_of(container)
    path = f"{PODS.path(found.namespace)}/https:{name}:{ports.get('webhook', 10250)}/proxy/readyz"
    try:
        connection.ask(Call("GET", path))
        told = "is ready"
    except Forbidden:
        told = "is ready, as its status says" if _ready(pod) else "is not ready, as its status says"
    except ClusterError as error:
        told = str(error)
    if not told.startswith("is ready"):
        replace = found.kubectl(
            f"delete pod {name} --wait=false --ignore-not-found"
        )  # one that hangs takes all of its grace period
        remedy = f"{replace}; its log may say why: {found.kubectl(f'logs {name} --tail=20')}"
        yield Check(f"replica {name}", good=False, told=told, remedy=remedy)
        return
    restarts = restarts_of(pod)
    yield Check(f"replica {name}", good=True, told=f"{told}, {restarts}" if restarts else told)
    if "metrics" in ports:
        yield _watches(connection, found, name, container)


def _ready(pod: Manifest) -> bool:
    return condition(pod, "Ready").get("status") == "True"


def _warning(connection: Connection, found: Installation, pod: Manifest) -> str:
    """The newest warning about a Pod, '' where there is none or it may not be read."""
    about = {"involvedObject.uid": text(dig(pod, "metadata", "uid")), "type": "Warning"}
    query = {"fieldSelector": ",".join(f"{key}={value}" for key, value in about.items())}
    try:
        listed = _json(connection, Call("GET", EVENTS.path(found.namespace), query))
    except ClusterError:
        return ""
    events = sorted((mapping(each) for each in sequence(listed.get("items"))), key=_last_seen)
    return f"{text(events[-1].get('reason'))}: {text(events[-1].get('message'))}" if events else ""


def _last_seen(event: Manifest) -> str:
    """When an Event was last seen; as text, which for such times is their order."""
    times = (dig(event, "series", "lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((text(each) for each in times if each), "")


def _watches(connection: Connection, found: Installation, name: str, container: object) -> Check:
    title = f"watches of {name}"
    path = f"{PODS.path(found.namespace)}/{name}:{ports_of(container)['metrics']}/proxy/metrics"
    try:
        answer = connection.ask(Call("GET", path)).decode()
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
        remedy = f"{found.kubectl(f'logs {name} --tail=50')}; see rights below, and the way to the API server"
        return Check(title, good=False, told=f"there is no news of {told}", remedy=remedy)
    return Check(title, good=True, told=f"{len(ages)} are fresh, the oldest heard of {max(ages.values()):.0f} s ago")


def _age(seconds: float) -> str:
    return f"for {seconds:.0f} s" if isfinite(seconds) else "never yet"


def _json(connection: Connection, call: Call) -> dict[str, Any]:
    return dict(mapping(orjson.loads(connection.ask(call))))
