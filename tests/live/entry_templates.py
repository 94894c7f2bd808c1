"""Which workloads are asked about when annotations are written into templates: those that are new or changed."""

from collections.abc import Iterator
from functools import partial

from tests.live.entry_objects import (
    KINDS,
    VOLUMES,
    Case,
    Manifest,
    changed,
    controlled,
    created,
    patch,
    replaced,
    with_metadata,
    workload,
)

OPTED = {"mtls-guard.io/client-secret": "a"}
ASKED = {"mtls-guard.io/inject": "true"}
DECLINED = {"mtls-guard.io/inject": "false"}
ONE, ALL = "templated", "templated-all"
"""Namespaces where templates are written into, Pods of their own, too; in the second, all workloads ask."""


def template_cases() -> Iterator[Case]:
    """Workloads that want annotations written into their templates, and those that do not."""
    for kind in KINDS:
        also = "inject " if kind == "Pod" else ""
        yield created(f"a {kind} that asks", f"{also}templates-inject workloads", workload(kind, ONE, OPTED))
        also = "inject-namespaces " if kind == "Pod" else ""
        yield created(
            f"a {kind} where all ask",
            f"{also}templates-inject-namespaces reach",
            workload(kind, ALL, labels={"a": "b"}),
        )
        yield created(f"a {kind} that declines", "workloads", workload(kind, ALL, DECLINED))
        yield created(f"a {kind} with volumes of its own", "workloads", workload(kind, ONE, VOLUMES))
    make = partial(workload, "Deployment", ONE)
    yield created("no sidecar", "workloads", make(ASKED, {"sidecar.istio.io/inject": "false"}))
    yield created("on the node's network", "workloads", make(ASKED, hostNetwork=True))
    yield created("asks too high", "workloads", with_metadata(make(), annotations=ASKED))
    yield created("a ReplicaSet of a Deployment", "", controlled(workload("ReplicaSet", ONE, OPTED), "Deployment"))
    game = workload("GameServer", ALL)
    for template in ({"metadata": {"annotations": "text", "labels": 5}}, {"metadata": None}, None, "text"):
        odd = {**game, "metadata": workload("GameServer", ALL)["metadata"], "spec": {"game": {"template": template}}}
        yield created(f"a template {template}", "templates-inject-namespaces reach", odd)
    yield from _updates()


def _updates() -> Iterator[Case]:
    """Only a template that is another one by now: whose Pods are replaced anyway."""
    both = "templates-inject workloads"
    for kind, meets in (("Deployment", both), ("CronJob", "workloads"), ("GameServer", "workloads")):
        make: partial[Manifest] = partial(workload, kind, ONE, OPTED)
        yield changed(f"{kind}: label", "workloads", make(), "label", "NAME", "a=b")
        yield changed(f"{kind}: annotation", "workloads", make(), "annotate", "NAME", "a=b")
        if meets == both:
            yield changed(f"{kind}: restart", meets, make(), "rollout", "restart", "NAME")
            yield changed(f"{kind}: image", meets, make(), "set", "image", "NAME", "none=other")
            yield changed(f"{kind}: replicas", "workloads", make(), *patch('{"spec":{"replicas":3}}'))
            yield changed(f"{kind}: scale", "", make(), "scale", "--replicas=3", "NAME")
    cron, game = workload("CronJob", ONE, OPTED), workload("GameServer", ONE, OPTED)
    image = '{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"none","image":"b"}]}}}}}}'
    yield changed("CronJob: image", both, cron, *patch(image))
    yield changed("GameServer: spec", both, game, *patch('{"spec":{"game":{"template":{"spec":{"a":"b"}}}}}'))
    same = workload("StatefulSet", ONE, OPTED)
    yield replaced("replaced by itself", "", same, same)
    pod = workload("Pod", ONE, OPTED)
    yield changed("a Pod that is there: label", "workloads", pod, "label", "NAME", "a=b")
