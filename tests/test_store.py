"""The view that watches keep: whatever order events come in, it is the one that a fresh list would give."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.informer.list_watch import ListCompleted, ObjectDeleted, ObjectUpserted
from webhook.informer.store import Store, WatchState
from webhook.informer.watched_kinds import BUILT_IN, WatchedKind, WatchTarget, watched_kinds
from webhook.kubeapi.resource import CONFIG_MAPS, Resource
from webhook.model.finding import ObjectRef
from webhook.policy import Policy
from webhook.policy.policy import WorkloadKind
from webhook.rules import catalogue

USER_VOLUME = "sidecar.istio.io/userVolume"
PLURALS = {"DestinationRule": "destinationrules", "ServiceEntry": "serviceentries", "Deployment": "deployments"}
Object = dict[str, Any]


def followed(kind: str, version: str = "v1") -> WatchTarget:
    """The kind as the API server serves it."""
    one = next(one for one in BUILT_IN if one.kind == kind)
    return WatchTarget(one, one.served or Resource(one.group, version, PLURALS.get(kind, kind.lower() + "s"), kind))


def store_of(*kinds: str) -> tuple[Store, dict[str, WatchState]]:
    """An empty store that follows these kinds."""
    store = Store({})
    return store, {kind: store.source(followed(kind)) for kind in kinds}


def put(store: Store, source: WatchState, *objects: Object) -> None:
    store.take(source, [ObjectUpserted(deepcopy(one)) for one in objects])


def meta(name: str, version: str = "1", namespace: str = "devel", **more: Any) -> Object:
    return {"namespace": namespace, "name": name, "resourceVersion": version, **more}


def rule(name: str, version: str = "1", host: str = "a.example", mode: str = "MUTUAL") -> Object:
    tls = {"mode": mode, "clientCertificate": f"/etc/{name}/cert", "privateKey": f"/etc/{name}/key"}
    return {"metadata": meta(name, version), "spec": {"host": host, "trafficPolicy": {"tls": tls}}}


def entry(name: str, version: str = "1", *hosts: str) -> Object:
    ports = [{"number": 443, "name": "tls", "protocol": "TLS"}]
    return {"metadata": meta(name, version), "spec": {"hosts": list(hosts), "ports": ports}}


def deployment(name: str, version: str = "1", volume: str = "[]", **more: Any) -> Object:
    pod = {"metadata": {"annotations": {USER_VOLUME: volume}}, "spec": {"containers": [{"name": "app", "image": "x"}]}}
    return {"metadata": meta(name, version, **more), "spec": {"template": pod}}


def certificate(name: str, version: str = "1", secret: str = "s") -> Object:
    return {"metadata": meta(name, version), "spec": {"secretName": secret}}


def namespace(name: str, version: str = "1", **labels: str) -> Object:
    return {"metadata": {"name": name, "resourceVersion": version, "labels": labels}}


def content(store: Store) -> tuple[object, ...]:
    """Everything that the view holds."""
    view = store.view
    config = (view.config.rules, view.config.services, view.config.routes, view.config.sidecars)
    made = {key: frozenset(held) for key, held in view.made.items()}
    index = [sorted(one.mounting(["/etc/a/cert"]), key=str) for one in (view.workloads, view.pods)]
    every = [{one.ref: one for one in held.all()} for held in (view.workloads, view.pods)]
    return (*config, made, set(view.made), view.namespaces, every, index, view.mesh)


NAMES = st.sampled_from(["a", "b", "c"])
HOSTS = st.lists(st.sampled_from(["a.example", "b.example", "*.example"]), max_size=2, unique=True)
VOLUMES = st.sampled_from(["[]", '[{"name": "v", "secret": {"secretName": "s"}}]', "{"])
STATES = {
    "DestinationRule": st.builds(lambda name, host: rule(name, host=host), NAMES, st.sampled_from(["a.example", "b"])),
    "ServiceEntry": st.builds(lambda name, hosts: entry(name, "1", *hosts), NAMES, HOSTS),
    "Deployment": st.builds(lambda name, volume: deployment(name, volume=volume), NAMES, VOLUMES),
    "Certificate": st.builds(lambda name, secret: certificate(name, secret=secret), NAMES, NAMES),
    "Namespace": st.builds(lambda name, value: namespace(name, team=value), NAMES, NAMES),
}
KINDS = tuple(STATES)
STEPS = st.lists(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), st.booleans(), STATES[kind])))


@given(steps=STEPS)
def test_any_order_of_events_leaves_what_a_fresh_list_gives(steps: list[tuple[str, bool, Object]]) -> None:
    live, sources = store_of(*KINDS)
    held: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
    for version, (kind, stays, state) in enumerate(steps):
        name = state["metadata"]["name"]
        state["metadata"]["resourceVersion"] = str(version + 2)
        if stays:
            put(live, sources[kind], state)
            held[kind][name] = state
        else:
            live.take(sources[kind], [ObjectDeleted((state["metadata"].get("namespace", ""), name))])
            held[kind].pop(name, None)
    fresh, listed = store_of(*KINDS)
    for kind, objects in held.items():
        put(fresh, listed[kind], *objects.values())
    assert content(live) == content(fresh)


@given(steps=STEPS, again=STEPS)
def test_a_new_list_takes_away_what_is_not_in_it(
    steps: list[tuple[str, bool, Object]], again: list[tuple[str, bool, Object]]
) -> None:
    live, sources = store_of(*KINDS)
    fresh, listed = store_of(*KINDS)
    for kind, _, state in steps:
        put(live, sources[kind], state)
    final = {(kind, state["metadata"]["name"]): state for kind, _, state in again}
    for kind in KINDS:
        objects = [
            {**state, "metadata": {**state["metadata"], "resourceVersion": "7"}}
            for (one, _), state in final.items()
            if one == kind
        ]
        names = frozenset((one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in objects)
        put(live, sources[kind], *objects)
        live.take(sources[kind], [ListCompleted(names)])
        put(fresh, listed[kind], *objects)
    assert content(live) == content(fresh)


def test_every_kind_of_rules_is_watched_or_read() -> None:
    reads = {kind for rule in catalogue().values() for kind in rule.reads}
    assert reads - {one.kind for one in BUILT_IN} == {"Secret", "ConfigMap"}


def test_kind_of_the_policy_is_watched_as_workload() -> None:
    policy = Policy(workloads=(WorkloadKind("example.com/v1", "GameServer", ("spec", "template")),))
    added = watched_kinds(policy)[-1]
    assert added == WatchedKind("example.com", "GameServer")
    store = Store(policy.workload_paths)
    source = store.source(WatchTarget(added, Resource("example.com", "v1", "gameservers", "GameServer")))
    put(store, source, deployment("game"))
    assert [one.ref.kind for one in store.view.workloads.all()] == ["GameServer"]


def test_controlled_objects_are_not_stored_except_pods() -> None:
    store, sources = store_of("ReplicaSet", "Pod")
    owner = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "controller": True}]
    put(store, sources["ReplicaSet"], deployment("app-1", ownerReferences=owner))
    volumes = {USER_VOLUME: "[]", "other": "x"}
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-1", "controller": True}]
    pod = {"metadata": meta("app-1-x", labels={"a": "b"}, annotations=volumes, ownerReferences=owner)}
    put(store, sources["Pod"], pod)
    assert list(store.view.workloads.all()) == []
    (held,) = store.view.pods.all()
    assert (held.template.annotations, held.template.labels) == ({USER_VOLUME: "[]"}, {})
    assert (held.ref, held.controller_name) == (ObjectRef("v1", "Pod", "devel", "app-1-x"), "app-1")


@pytest.mark.parametrize(
    ("kind", "version", "owner"),
    [
        ("ReplicaSet", "apps.kruise.io/v1beta1", "Deployment"),
        ("ReplicaSet", "v1", "Pod"),
        ("Deployment", "apps/v1", "Deployment"),
        ("StatefulSet", "kafka.strimzi.io/v1", "Kafka"),
        ("Job", "batch.volcano.sh/v1alpha1", "Job"),
    ],
)
def test_unowned_objects_are_workloads_of_the_view(kind: str, version: str, owner: str) -> None:
    """An operator's StatefulSet, or an object with an invented owner, counts where a DestinationRule is judged."""
    store, sources = store_of(kind)
    owners = [{"apiVersion": version, "kind": owner, "name": "x", "controller": True}]
    put(store, sources[kind], deployment("app", ownerReferences=owners))
    assert [one.ref.name for one in store.view.workloads.all()] == ["app"]


def test_a_pod_of_another_operator_keeps_its_labels() -> None:
    store, sources = store_of("Pod")
    owners = [{"apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet", "name": "x", "controller": True}]
    put(store, sources["Pod"], {"metadata": meta("app-0", labels={"a": "b"}, ownerReferences=owners)})
    assert [one.template.labels for one in store.view.workloads.all()] == [{"a": "b"}]


def test_status_change_invalidates_no_cache() -> None:
    store, sources = store_of("Deployment", "DestinationRule")
    put(store, sources["Deployment"], deployment("app"))
    put(store, sources["DestinationRule"], rule("r"))
    store.view.tallies.at("devel")["kept"] = store.view.memo["kept"] = True
    put(store, sources["Deployment"], {**deployment("app", "2"), "status": {"replicas": 3}})
    put(store, sources["DestinationRule"], rule("r", "2"))
    assert "kept" in store.view.tallies.at("devel")
    assert "kept" in store.view.memo
    put(store, sources["DestinationRule"], rule("r", "3", mode="SIMPLE"))
    assert "kept" in store.view.tallies.at("devel")
    assert "kept" not in store.view.memo
    put(store, sources["Deployment"], deployment("app", "3", volume="{}"))
    assert "kept" not in store.view.tallies.at("devel")


def test_changed_workload_keeps_caches_of_other_namespaces() -> None:
    store, sources = store_of("Deployment")
    store.view.tallies.at("other")["kept"] = True
    put(store, sources["Deployment"], deployment("app"))
    assert list(store.view.tallies) == ["other"]


def test_version_change_of_a_kind_keeps_its_objects() -> None:
    store, sources = store_of("Certificate", "DestinationRule")
    put(store, sources["Certificate"], certificate("a"), certificate("b"))
    source = store.source(followed("Certificate", "v2"))
    assert source is sources["Certificate"]
    assert len(list(store.view.made)) == 2
    put(store, source, certificate("a"))
    store.take(source, [ListCompleted(frozenset({("devel", "a")}))])
    assert [ref.api_version for ref in store.view.made] == ["cert-manager.io/v2"]
    assert {one.ref.name for _, held in store.view.made.items() for one in held} == {"a"}


def test_a_kind_that_is_not_served_any_more_leaves_nothing() -> None:
    store, sources = store_of("DestinationRule", "Certificate")
    empty = content(Store({}))
    put(store, sources["DestinationRule"], rule("r"))
    put(store, sources["Certificate"], certificate("a"))
    for source in sources.values():
        store.drop(source)
    assert content(store) == empty
    assert store.sources() == ()


def test_deleted_config_map_restores_istio_defaults() -> None:
    store = Store({})
    source = store.source(
        WatchTarget(WatchedKind("", "ConfigMap", fields="metadata.name=istio"), CONFIG_MAPS, "istio-system")
    )
    mesh = {"metadata": meta("istio", namespace="istio-system", uid="u"), "data": {"mesh": "rootNamespace: root"}}
    put(store, source, mesh)
    assert store.view.mesh.root_namespace == "root"
    store.take(source, [ObjectDeleted(("istio-system", "istio"))])
    assert store.view.mesh.root_namespace == "istio-system"


def test_nothing_is_left_of_workloads_that_came_and_went() -> None:
    store, sources = store_of("Deployment")
    store.view.workloads.mounting(["/x"])
    for number in range(5):
        put(store, sources["Deployment"], deployment(f"app-{number}", volume=_secret(f"s-{number}")))
        store.take(sources["Deployment"], [ObjectDeleted(("devel", f"app-{number}"))])
    assert sources["Deployment"].held == {}
    assert list(store.view.workloads.namespaces()) == []
    assert store.view.workloads._by_key == {}


def _secret(name: str) -> str:
    return f'[{{"name": "v", "secret": {{"secretName": "{name}"}}}}]'
