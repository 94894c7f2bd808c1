"""Which entry workloads meet: of each kind, everywhere, made by people and by controllers, new and changed."""

from collections.abc import Iterator
from functools import partial

from tests.live.entry_objects import (
    DECLARED,
    KINDS,
    VOLUMES,
    Case,
    Manifest,
    changed,
    controlled,
    created,
    deleted,
    patch,
    replaced,
    with_metadata,
    workload,
)
from webhook.kinds.controllers import controller_of, is_created
from webhook.model.raw_object import group_of

OPT_INS = (("mtls-guard.io/client-secret", "one"), ("mtls-guard.io/inject", "true"))
OPTS_OUT = {"mtls-guard.io/inject": "false"}


def workload_cases() -> Iterator[Case]:
    """Workloads: of every kind, everywhere."""
    for kind in KINDS:
        yield created(f"a {kind} that declares", "workloads", workload(kind, annotations=VOLUMES))
        yield created(f"a {kind} that does not", "reach", workload(kind))
        yield created(f"a {kind} in a strict namespace", "namespaces", workload(kind, "strict"))
        yield created(
            f"a {kind} that opts out of sidecars", "", workload(kind, labels={"sidecar.istio.io/inject": "false"})
        )
    for name in DECLARED:
        yield created(f"annotation {name}", "workloads", workload(annotations={name: "x"}))
        yield created(f"annotation {name}, strict", "workloads", workload("Deployment", "strict", {name: "x"}))
        yield created(f"annotation {name}, too high", "workloads", with_metadata(workload(), annotations={name: "x"}))
    for namespace in ("kube-system", "kube-public", "kube-node-lease", "mtls-guard", "istio-system"):
        yield created(f"a Deployment that declares in {namespace}", "", workload("Deployment", namespace, VOLUMES))
        yield created(f"a Pod in {namespace}", "", workload("Pod", namespace))
    for name, value in OPT_INS:
        asks = workload("Deployment", "istio-system", {name: value})
        yield created(f"a Deployment with {name} {value} in an excluded namespace", "workloads", asks)
    for annotations in ({"mtls-guard.io/inject": "no"}, {"mtls-guard.io/client-secret": "one", **OPTS_OUT}):
        alone = workload("Deployment", "istio-system", annotations)
        yield created(f"a Deployment with {annotations} in an excluded namespace", "", alone)
    yield created("a Pod on the node's network", "", workload("Pod", hostNetwork=True))
    yield created("without annotations at all", "reach", _bare())
    yield created("sidecar wanted", "reach", workload(labels={"sidecar.istio.io/inject": "true"}))
    yield created(
        "no sidecar, strict", "namespaces", workload("Pod", "strict", labels={"sidecar.istio.io/inject": "false"})
    )


def odd_cases() -> Iterator[Case]:
    """Objects of a kind that the API server checks no field of: an error in a condition would refuse them."""
    for fact, template in (
        ("annotations that are text", {"metadata": {"annotations": "sidecar.istio.io/userVolume"}}),
        ("annotations that are a list", {"metadata": {"annotations": ["mtls-guard.io/inject"]}}),
        ("annotations that are null", {"metadata": {"annotations": None}}),
        ("metadata that are null", {"metadata": None}),
        ("metadata that are text", {"metadata": "text"}),
        ("a template that is null", None),
        ("a template that is text", "text"),
    ):
        game = workload("GameServer")
        yield created(fact, "reach", {**game, "spec": {"game": {"template": template}}})
    yield created("no spec", "reach", {**workload("GameServer"), "spec": None})


def _bare() -> Manifest:
    """A Pod without labels and annotations."""
    found = workload("Pod")
    return {**found, "metadata": {"name": found["metadata"]["name"], "namespace": "devel"}}


OWNERS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "ReplicationController"),
    ("v1", "Pod"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("example.com/v1", "GameServer"),
    ("example.org/v1", "GameServer"),
    ("example.com/v1", "ReplicaSet"),
    ("apps.kruise.io/v1beta1", "StatefulSet"),
    ("batch.volcano.sh/v1alpha1", "Job"),
    ("v1", "ReplicaSet"),
    ("apps/v1", "ReplicationController"),
)
"""Controllers, and kinds that only share a name with a controller."""


def owner_cases() -> Iterator[Case]:
    """What a controller made; admission comes before the garbage collector misses the owner.

    The conditions and the verdicts decide alike: what meets no entry is what `is_created` lets through.
    """
    for kind in KINDS:
        for version, owner in OWNERS:
            made = controlled(workload(kind, annotations=VOLUMES), owner, version)
            passes = is_created(
                (group_of(made["apiVersion"]), kind), controller_of(made["metadata"]), {("example.com", "GameServer")}
            )
            yield created(f"a {kind} of a {owner} of {version}", "" if passes else "workloads", made)
    yield created("a Job of a CronJob, strict", "", controlled(workload("Job", "strict"), "CronJob", "batch/v1"))
    yield created("a Pod of a kind that nobody judges", "reach", controlled(workload("Pod"), "Operator"))
    mine = controlled(workload("Pod", annotations=VOLUMES), "ReplicaSet", controller=False)
    yield created("a Pod whose owner does not control it", "workloads", mine)
    node = ("--as=system:node:n", "--as-group=system:nodes", "create", "-f", "-")
    yield Case("a Pod that a kubelet writes", "", node, workload("Pod", annotations=VOLUMES))


def update_cases() -> Iterator[Case]:
    """Updates of workloads: only what a verdict can depend on."""
    for kind, meets, annotations in (
        ("Deployment", "workloads", VOLUMES),
        ("Deployment", "reach", None),
        ("StatefulSet", "workloads", VOLUMES),
    ):
        make = partial(workload, kind, annotations=annotations)
        yield changed(f"{kind}, {meets}: restart", meets, make(), "rollout", "restart", "NAME")
        yield changed(f"{kind}, {meets}: scale", "", make(), "scale", "--replicas=3", "NAME")
        yield changed(f"{kind}, {meets}: image", meets, make(), "set", "image", "NAME", "none=other")
        yield changed(f"{kind}, {meets}: label", meets, make(), "label", "NAME", "a=b")
        yield changed(f"{kind}, {meets}: annotation", meets, make(), "annotate", "NAME", "a=b")
        yield changed(f"{kind}, {meets}: a finalizer", "", make(), *patch('{"metadata":{"finalizers":["a.b/c"]}}'))
        status = ("--subresource=status", *patch('{"status":{"observedGeneration":9}}'))
        yield changed(f"{kind}, {meets}: status", "", make(), *status)
    same = workload("StatefulSet", annotations=VOLUMES)
    yield replaced("replaced by itself", "", same, same)
    going = with_metadata(workload(annotations=VOLUMES), finalizers=["a.b/c"])
    yield deleted("a workload is deleted", "", going)
    pod = workload("Pod", annotations=VOLUMES)
    yield changed("annotations of a Pod", "workloads", pod, "annotate", "NAME", "a=b")
    lost = workload(annotations=VOLUMES)
    yield changed(
        "annotations taken away", "reach", lost, *patch('{"spec":{"template":{"metadata":{"annotations":null}}}}')
    )


OPTED = {"mtls-guard.io/client-secret": "a"}
ASKED = {"mtls-guard.io/inject": "true"}
DECLINED = {"mtls-guard.io/inject": "false"}


def injection_cases() -> Iterator[Case]:
    """Pods that want annotations written into them, and those that do not."""
    yield created("a Pod that names its Secret", "inject workloads", workload("Pod", annotations=OPTED))
    yield created("a Pod that asks", "inject workloads", workload("Pod", annotations=ASKED))
    yield created(
        "a Pod that asks, of a ReplicaSet", "inject", controlled(workload("Pod", annotations=ASKED), "ReplicaSet")
    )
    yield created("a Pod that asks, strict", "inject workloads", workload("Pod", "strict", OPTED))
    yield created("a Pod that declines", "workloads", workload("Pod", annotations=DECLINED))
    yield created("a Pod that declines and names", "workloads", workload("Pod", annotations={**OPTED, **DECLINED}))
    yield created("a Pod with volumes of its own", "workloads", workload("Pod", annotations=VOLUMES))
    yield created("a Deployment that asks", "workloads", workload(annotations=ASKED))
    no_sidecar = {"sidecar.istio.io/inject": "false"}
    yield created(
        "a Pod that asks, without sidecar", "workloads", workload("Pod", annotations=ASKED, labels=no_sidecar)
    )
    yield created("a Pod that asks, on the node", "workloads", workload("Pod", annotations=ASKED, hostNetwork=True))
    yield created("a Pod of a namespace that asks", "inject-namespaces reach", workload("Pod", "injected"))
    yield created("a Pod that asks itself, too", "inject workloads", workload("Pod", "injected", ASKED))
    yield created("a Pod that declines there", "workloads", workload("Pod", "injected", DECLINED))
    for namespace, meets in (("kube-system", ""), ("mtls-guard", ""), ("istio-system", "workloads")):
        yield created(f"a Pod that asks in {namespace}", meets, workload("Pod", namespace, ASKED))
    yield changed("a Pod that asked before", "workloads", workload("Pod", annotations=ASKED), "label", "NAME", "a=b")
    changes = (
        ("declines", "workloads", "mtls-guard.io/inject=false"),
        ("asks no more", "reach", "mtls-guard.io/inject-"),
    )
    for fact, meets, change in changes:
        asked = workload("Pod", annotations=ASKED)
        yield changed(f"a Pod that asked before and {fact}", meets, asked, "annotate", "NAME", "--overwrite", change)
