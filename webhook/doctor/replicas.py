"""Whether the replicas are there, answer, and know what goes on in the cluster."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from webhook.doctor.check import Check, DoctorContext
from webhook.doctor.container import container_of, ports_of
from webhook.doctor.pods import condition, describe_state, restarts_of, state_of
from webhook.doctor.watches import check_watches
from webhook.kubeapi.client import ApiClient, ApiRequest
from webhook.kubeapi.errors import ClusterError, Forbidden
from webhook.kubeapi.resource import PODS, Resource, registered
from webhook.model.printable import cut
from webhook.model.raw_object import Manifest, dig, mapping, number, sequence, text

DEPLOYMENTS = registered("Deployment")
EVENTS = Resource("", "v1", "events", "Event")
_SHOWN_CHARACTERS = 300
_WAITS = re.compile(r": 503 not (ready: waiting for .+)$")
"""What a replica says of itself; see `web.app`."""


def deployment_of(connection: ApiClient, found: DoctorContext) -> Manifest | None:
    """The Deployment, None where there is none; listed, since that is what a replica itself may do."""
    query = {"fieldSelector": f"metadata.name={found.name}"}
    listed = _json(connection, ApiRequest("GET", DEPLOYMENTS.path(found.namespace), query))
    return next((mapping(one) for one in sequence(listed.get("items"))), None)


def missing(found: DoctorContext) -> Check:
    """What there is to say without a Deployment."""
    told = f"there is no Deployment {found.namespace}/{found.name}"
    remedy = f"helm upgrade --install {found.name} charts/mtls-guard -n {found.namespace} --create-namespace"
    return Check("installed", good=False, told=told, remedy=f"{remedy}; or say where it is with -n and --name")


def check_replicas(connection: ApiClient, found: DoctorContext, deployment: Manifest) -> Iterator[Check]:
    """One check for the Deployment, then two for each replica that runs."""
    yield _replicas(found, deployment)
    for pod in _pods(connection, found, deployment):
        yield from _pod(connection, found, pod)


def _replicas(found: DoctorContext, deployment: Manifest) -> Check:
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


def _pods(connection: ApiClient, found: DoctorContext, deployment: Manifest) -> Iterator[Manifest]:
    """The replicas that run."""
    labels = mapping(dig(deployment, "spec", "selector", "matchLabels"))
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    listed = _json(connection, ApiRequest("GET", PODS.path(found.namespace), query))
    for pod in sequence(listed.get("items")):
        if not dig(pod, "metadata", "deletionTimestamp"):
            yield pod


def _pod(connection: ApiClient, found: DoctorContext, pod: Manifest) -> Iterator[Check]:
    """Whether a replica runs and answers, and how old what it knows is."""
    state = state_of(pod)
    if state:
        yield describe_state(found, pod, state, "" if state.message else _warning(connection, found, pod))
        return
    name = text(dig(pod, "metadata", "name"))
    container = container_of(mapping(pod.get("spec")))
    answers = _answers(connection, found, pod, ports_of(container).get("webhook", found.port))
    yield answers
    if answers.good and "metrics" in ports_of(container):
        yield check_watches(connection, found, name, container)


def _answers(connection: ApiClient, found: DoctorContext, pod: Manifest, port: int) -> Check:
    """Whether a replica that runs is ready, by its own word."""
    name, restarts = text(dig(pod, "metadata", "name")), restarts_of(pod)
    title, replace = f"replica {name}", found.kubectl(f"delete pod {name} --wait=false --ignore-not-found")
    log = found.kubectl(f"logs {name} --tail=20")
    try:
        connection.ask(ApiRequest("GET", f"{PODS.path(found.namespace)}/https:{name}:{port}/proxy/readyz"))
    except Forbidden:
        if condition(pod, "Ready").get("status") != "True":
            return Check(title, good=False, told="is not ready, as its status says", remedy=f"its log says why: {log}")
        restarts = ", ".join(("as its status says", *([restarts] if restarts else [])))
    except ClusterError as error:
        waits = _WAITS.search(str(error))
        if waits:
            told, remedy = f"is not {waits[1]}", f"it becomes ready once that is there; {log}"
        else:  # one that hangs takes all of its grace period
            told, remedy = str(error), f"{replace}; its log may say why: {log}"
        return Check(title, good=False, told=told, remedy=remedy)
    return Check(title, good=True, told=f"is ready, {restarts}" if restarts else "is ready")


def _warning(connection: ApiClient, found: DoctorContext, pod: Manifest) -> str:
    """The newest warning about a Pod, '' where there is none or it may not be read."""
    about = {"involvedObject.uid": text(dig(pod, "metadata", "uid")), "type": "Warning"}
    query = {"fieldSelector": ",".join(f"{key}={value}" for key, value in about.items())}
    try:
        listed = _json(connection, ApiRequest("GET", EVENTS.path(found.namespace), query))
    except ClusterError:
        return ""
    events = sorted((mapping(each) for each in sequence(listed.get("items"))), key=_last_seen)
    return f"{text(events[-1].get('reason'))}: {text(events[-1].get('message'))}" if events else ""


def _last_seen(event: Manifest) -> str:
    """When an Event was last seen; as text, which for such times is their order."""
    times = (dig(event, "series", "lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((text(each) for each in times if each), "")


def _json(connection: ApiClient, call: ApiRequest) -> dict[str, Any]:
    return dict(mapping(orjson.loads(connection.ask(call))))
