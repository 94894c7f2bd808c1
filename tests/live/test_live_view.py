"""The view of a real cluster: it follows what the API server does to it, and what happens to the API server."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options as PlaneOptions
from rig.waiting import until
from tests.live.mesh_objects import ENTRIES, RULES, TEAM, Object, host, namespace, partner, rule, secret, workload
from webhook.informer.list_watch import PAGE
from webhook.informer.live_cluster import LiveCluster, LiveClusterOptions
from webhook.informer.live_engine import ReviewLimits
from webhook.kubeapi.client import JSON, METADATA_LIST, ApiClient, Query, WatchStream
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import NotFound
from webhook.kubeapi.resource import SECRETS, Resource
from webhook.model.finding import ObjectRef, Verdict
from webhook.model.request import Request
from webhook.policy import Policy

pytestmark = pytest.mark.slow

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
CERTIFICATE_CRD = "certificates.cert-manager.io"
QUICK = LiveClusterOptions(
    watch_seconds=4, discovery_seconds=1, limits=ReviewLimits(fresh=timedelta(seconds=1), stale=timedelta(seconds=8))
)
"""A watch that hangs is noticed within 7 seconds."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with Istio's kinds and one team, whose partner is reached with files in /etc/right."""
    with control_plane(PlaneOptions(controllers=False)) as running:
        running.apply_istio_crds()
        running.apply(namespace(), partner("one"), rule("one", "/etc/right"), secret("one"))
        yield running


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ApiClient:
    """The administrator's connection."""
    return ApiClient(from_kubeconfig(plane.kubeconfig))


@contextmanager
def following(connection: ApiClient, options: LiveClusterOptions = QUICK) -> Iterator[LiveCluster]:
    """A view of the cluster, in sync."""
    live = LiveCluster(connection, Policy(), lambda *_: None, options)
    live.start()
    try:
        until(lambda: not live.waits(), "the view is in sync")
        yield live
    finally:
        live.stop()


@pytest.fixture
def live(plane: ControlPlane) -> Iterator[LiveCluster]:
    """A view of the cluster by the administrator."""
    with following(ApiClient(from_kubeconfig(plane.kubeconfig))) as running:
        yield running


def judged(live: LiveCluster, manifest: Object, operation: str = "CREATE") -> Verdict:
    """The verdict on an object that arrives."""
    meta = manifest["metadata"]
    ref = ObjectRef(manifest["apiVersion"], manifest["kind"], meta["namespace"], meta["name"])
    return live.judge.judge(Request("uid", operation, ref, new=manifest))


def told(verdict: Verdict) -> set[tuple[str, str]]:
    """What is said, by rule and severity."""
    return {(one.rule, str(one.severity)) for one in verdict.findings}


GOOD = workload("app", "/etc/right", "one")
WRONG = workload("app", "/etc/wrong", "one")
WITHOUT = workload("app", "/etc/right", "nowhere")
PROMISED = {("secret-missing", "warn"), ("data-key-unannounced", "warn")}
"""Of a Secret that a Certificate will make, with the keys that cert-manager gives it."""


def test_the_first_list_brings_everything_and_each_kind_is_fresh(live: LiveCluster) -> None:
    until(lambda: judged(live, GOOD).word == "allow", "what is right is admitted")
    until(lambda: told(judged(live, WRONG)) == {("file-not-mounted", "deny")}, "what is wrong is denied")
    ages = {one.kind: one for one in live.watches()}
    assert ages["destinationrules.networking.istio.io"].objects >= 1
    assert max(one.seconds for one in ages.values()) < 60
    assert ages["configmaps istio-system/istio"].objects == 0


class Noting(ApiClient):
    """A connection that remembers which pages it was asked for, as plural and query."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(from_kubeconfig(plane.kubeconfig))
        self.pages: list[tuple[str, Query]] = []
        self.forms: dict[str, str] = {}

    def page(self, resource: Resource, namespace: str = "", query: Query | None = None, accept: str = JSON) -> bytes:
        self.pages.append((resource.plural, dict(query or {})))
        self.forms[resource.plural] = accept
        return super().page(resource, namespace, query, accept)

    def of(self, plural: str) -> list[Query]:
        """The queries for the pages of a kind."""
        return [query for one, query in self.pages if one == plural]


def test_a_long_list_comes_in_pages_and_whole(plane: ControlPlane, api: ApiClient) -> None:
    names = [f"many-{number}" for number in range(PAGE + 1)]
    plane.apply(*(partner(name) for name in names))
    noting = Noting(plane)
    with following(noting) as live:
        held = live.store.view.config.services
        assert {host(name) for name in names} <= set(held)
    first, *further = noting.of("serviceentries")
    assert first == {"limit": PAGE}
    assert [("continue" in query, query["limit"]) for query in further] == [(True, PAGE)]
    for name in names:
        api.delete(ENTRIES, TEAM, name)


def test_of_pods_metadata_are_read_and_of_secrets_no_list_at_all(plane: ControlPlane) -> None:
    noting = Noting(plane)
    with following(noting) as live:
        until(lambda: judged(live, GOOD).word == "allow", "what is right is admitted")
    assert noting.forms["pods"] == METADATA_LIST
    assert {form for kind, form in noting.forms.items() if kind != "pods"} == {JSON}
    assert "secrets" not in noting.forms


class Stumbling(Noting):
    """A connection on which what concerns rules goes wrong at first, in ways that nobody has thought of."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane)
        self.faults: list[bytes | KeyError] = [b"{", b"[1]", KeyError("page"), KeyError("watch")]

    def page(self, resource: Resource, namespace: str = "", query: Query | None = None, accept: str = JSON) -> bytes:
        return self._stumbled(resource, "page") or super().page(resource, namespace, query, accept)

    def watch(self, resource: Resource, namespace: str, query: Query, accept: str = JSON) -> WatchStream:
        self._stumbled(resource, "watch")
        return super().watch(resource, namespace, query, accept)

    def _stumbled(self, resource: Resource, where: str) -> bytes:
        if resource != RULES or not self.faults or (len(self.faults) == 1) != (where == "watch"):
            return b""
        fault = self.faults.pop(0)
        if isinstance(fault, KeyError):
            raise fault
        return fault


def test_whatever_goes_wrong_a_kind_is_followed_again(plane: ControlPlane) -> None:
    stumbling = Stumbling(plane)
    with following(stumbling) as live:
        until(lambda: told(judged(live, WRONG)) == {("file-not-mounted", "deny")}, "rules are listed and watched")
        (rules,) = (one for one in live.watches() if one.kind == "destinationrules.networking.istio.io")
        assert (stumbling.faults, rules.restarts) == ([], 4)


def test_a_bookmark_takes_a_quiet_kind_along_without_a_new_list(plane: ControlPlane, api: ApiClient) -> None:
    noting = Noting(plane)
    with following(noting) as live:
        (quiet,) = (one for one in live.store.sources() if one.name == "sidecars.networking.istio.io")
        listed = noting.of("sidecars")
        changed = api.create(ENTRIES, partner("elsewhere"))
        newest = int(changed["metadata"]["resourceVersion"])
        api.delete(ENTRIES, TEAM, "elsewhere")
        assert int(quiet.version) < newest
        api.page(quiet.followed.resource, query={"limit": 1})  # the API server then asks etcd how far the kind is
        until(lambda: int(quiet.version) >= newest, "a bookmark says how far the quiet kind is", 30)
        assert (noting.of("sidecars"), quiet.restarts) == (listed, 0)


def test_mesh_settings_and_revisions_are_read(plane: ControlPlane, live: LiveCluster) -> None:
    assert live.store.view.mesh.root_namespace == "istio-system"
    config = {"rootNamespace": "mesh-root", "defaultDestinationRuleExportTo": ["."]}
    values = {"sidecarInjectorWebhook": {"enableNamespacesByDefault": True}}
    plane.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}},
        config_map("istio", mesh=json.dumps(config)),
        config_map("istio-sidecar-injector", config="policy: enabled", values=json.dumps(values)),
        injector("canary"),
    )

    def mesh() -> tuple[object, ...]:
        found = live.store.view.mesh
        spread = found.enable_namespaces_by_default
        return found.root_namespace, found.default_destination_rule_export_to, spread, found.revisions

    until(lambda: mesh() == ("mesh-root", (".",), True, frozenset({"canary"})), "the mesh's settings are seen")
    until(lambda: "configmaps istio-system/istio-canary" in followed(live), "the revision's own ConfigMap is followed")
    plane.kubectl("delete", "namespace/istio-system", "configmap/istio", "configmap/istio-sidecar-injector", *AT_ONCE)
    plane.kubectl("delete", "mutatingwebhookconfiguration", "istio-sidecar-injector-canary")
    until(lambda: live.store.view.mesh.root_namespace == "istio-system", "without them it is as Istio ships it")


AT_ONCE = ("-n", "istio-system", "--wait=false")


def followed(live: LiveCluster) -> set[str]:
    """What is watched."""
    return {one.kind for one in live.watches()}


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap of Istio's."""
    metadata = {"name": name, "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def injector(revision: str) -> Object:
    """The configuration by which a revision of Istio injects; it matches no operation that happens here."""
    wanted = [{"key": "istio.io/rev", "operator": "In", "values": [revision]}]
    entry = {
        "name": "namespace.sidecar-injector.istio.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "clientConfig": {"service": {"name": "istiod", "namespace": "istio-system", "path": "/inject"}},
        "namespaceSelector": {"matchExpressions": wanted},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": f"istio-sidecar-injector-{revision}"}, "webhooks": [entry]}


def test_acknowledged_objects_are_seen_before_a_denial(live: LiveCluster, api: ApiClient) -> None:
    for number in range(20):
        name, folder = f"race-{number}", f"/etc/race-{number}"
        api.create(SECRETS, secret(name))
        api.create(ENTRIES, partner(name))
        api.create(RULES, rule(name, folder))
        verdict = judged(live, workload(name, folder, name))
        assert verdict.word != "deny", verdict
        assert "view-stale" not in {one.rule for one in verdict.findings}
    for number in range(20):
        api.delete(RULES, TEAM, f"race-{number}")
        api.delete(ENTRIES, TEAM, f"race-{number}")


def test_secret_is_read_again_before_it_is_missing(live: LiveCluster, api: ApiClient) -> None:
    app = workload("late", "/etc/right", "late")
    with suppress(NotFound):
        api.delete(SECRETS, TEAM, "late")
    assert ("secret-missing", "deny") in told(judged(live, app))
    api.create(SECRETS, secret("late"))
    assert judged(live, app).word == "allow"
    api.delete(SECRETS, TEAM, "late")
    until(lambda: judged(live, app).word == "deny", "the Secret is seen gone")


def certificate_crd(*versions: str) -> Object:
    """cert-manager's Certificate, as short as it can be; the first version is stored."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    listed = [
        {"name": name, "served": True, "storage": index == 0, "schema": schema} for index, name in enumerate(versions)
    ]
    names = {"plural": "certificates", "singular": "certificate", "kind": "Certificate", "listKind": "CertificateList"}
    spec = {"group": "cert-manager.io", "scope": "Namespaced", "names": names, "versions": listed}
    meta = {"name": CERTIFICATE_CRD}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def test_kind_is_installed_upgraded_and_deleted(plane: ControlPlane, live: LiveCluster) -> None:
    assert ("secret-missing", "deny") in told(judged(live, WITHOUT))
    plane.apply(certificate_crd("v1beta1"))
    plane.kubectl("wait", "--for=condition=Established", f"crd/{CERTIFICATE_CRD}", "--timeout=60s")
    made: Object = {"metadata": {"name": "nowhere", "namespace": TEAM}, "spec": {"secretName": "nowhere"}}
    plane.apply({"apiVersion": "cert-manager.io/v1beta1", "kind": "Certificate", **made})
    until(lambda: told(judged(live, WITHOUT)) == PROMISED, "the Certificate is seen")
    plane.apply(certificate_crd("v1beta1", "v1"))
    until(lambda: versions(live) == {"cert-manager.io/v1"}, "the preferred version is followed")
    assert told(judged(live, WITHOUT)) == PROMISED
    plane.kubectl("delete", "crd", CERTIFICATE_CRD)
    until(lambda: ("secret-missing", "deny") in told(judged(live, WITHOUT)), "the kind has gone with its objects")
    assert not any("certificates" in one.kind for one in live.watches())
    assert not live.waits()


def versions(live: LiveCluster) -> set[str]:
    """The versions in which Certificates are held."""
    with live.store.lock:
        return {ref.api_version for ref in live.store.view.made}


def test_restarted_api_server_answers_410_and_objects_vanish(plane: ControlPlane, live: LiveCluster) -> None:
    plane.apply(partner("doomed"), rule("doomed", "/etc/doomed"))
    until(lambda: host("doomed") in live.store.view.config.services, "the new host is seen")
    plane.api_server.stop()
    forget_in_etcd(plane, f"/registry/networking.istio.io/destinationrules/{TEAM}/doomed")
    forget_in_etcd(plane, f"/registry/networking.istio.io/serviceentries/{TEAM}/doomed")
    plane.start_api_server()
    until(lambda: host("doomed") not in live.store.view.config.services, "what nobody could see going is gone")
    until(lambda: not list(live.store.view.config.rules.with_tls(host("doomed"))), "the rule, too")
    assert any(one.restarts for one in live.watches())
    until(lambda: told(judged(live, WRONG)) == {("file-not-mounted", "deny")}, "every kind is followed again")


def forget_in_etcd(plane: ControlPlane, key: str) -> None:
    """Takes an object away behind the API server's back."""
    body = json.dumps({"key": base64.b64encode(key.encode()).decode()}).encode()
    url = f"http://127.0.0.1:{plane.etcd_port}/v3/kv/deleterange"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body), timeout=30) as answer:
        assert json.load(answer).get("deleted") == "1"


def test_hanging_watch_is_noticed_and_denies_nothing(plane: ControlPlane, live: LiveCluster) -> None:
    assert judged(live, WRONG).word == "deny"
    plane.api_server.pause()
    try:
        assert judged(live, WRONG).word == "warn"
        until(
            lambda: any("last heard of at" in one.problem for one in judged(live, GOOD).findings),
            "it is said since when",
        )
        assert judged(live, WRONG).word == "warn"
    finally:
        plane.api_server.resume()
    until(lambda: told(judged(live, WRONG)) == {("file-not-mounted", "deny")}, "the view is trusted again")
    assert any(one.restarts for one in live.watches())


READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "reader"},
    "rules": [
        {"apiGroups": ["", "apps", "batch", "networking.istio.io"], "resources": ["*"], "verbs": ["list", "watch"]},
    ],
}
SECRET_READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "secret-reader"},
    "rules": [{"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get"]}],
}


def bound(role: str) -> Object:
    """The role for our account."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "guard", "namespace": TEAM}],
    }


@pytest.fixture
def limited(plane: ControlPlane) -> ApiClient:
    """An account with no more rights than the view needs; kinds that are optional are not among them."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "guard", "namespace": TEAM}}
    plane.apply(account, READER, SECRET_READER, bound("reader"), bound("secret-reader"))
    return ApiClient(from_kubeconfig(plane.account_kubeconfig(TEAM, "guard")))


def test_revoked_secret_right_is_reported_and_denies_nothing(plane: ControlPlane, limited: ApiClient) -> None:
    with following(limited) as live:
        until(lambda: judged(live, GOOD).word == "allow", "what is right is admitted")
        plane.kubectl("delete", "clusterrolebinding", "secret-reader")
        until(lambda: ("object-unread", "warn") in told(judged(live, GOOD)), "the revoked right is said")
        verdict = judged(live, WITHOUT)
        assert verdict.word == "warn"
        (unread,) = (one for one in verdict.findings if one.rule == "object-unread")
        assert str(unread.object) == f"Secret {TEAM}/nowhere"
        assert "403" in unread.problem
        broken = workload("app", "/etc/right", "one")
        broken["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/userVolume"] = "{"
        assert ("annotation-not-json", "deny") in told(judged(live, broken))
        plane.apply(bound("secret-reader"))
        until(lambda: ("secret-missing", "deny") in told(judged(live, WITHOUT)), "the right is back")


def test_forbidden_optional_kind_is_reported_without_delay(live: LiveCluster, limited: ApiClient) -> None:
    """Without the webhook configurations, injection is taken to happen."""
    until(lambda: live.store.view.injection(TEAM, by_itself=True), "that there are none is known to who may list them")
    with following(limited) as less:
        source = next(one for one in less.store.sources() if "mutatingwebhook" in one.name)
        until(lambda: source.forbidden, "the refusal is noted")
        assert not less.waits()
        assert "mutatingwebhookconfigurations" in source.trouble
        assert less.store.view.injection(TEAM, by_itself=True) is None


def test_not_ready_without_right_to_list_destinationrules(plane: ControlPlane, limited: ApiClient) -> None:
    plane.kubectl("delete", "clusterrolebinding", "reader")
    live = LiveCluster(limited, Policy(), lambda *_: None, QUICK)
    live.start()
    try:
        until(lambda: "destinationrules" in live.waits() and "forbidden" in live.waits(), "the missing right is said")
        plane.apply(bound("reader"))
        until(lambda: not live.waits(), "granted, it gets ready by itself", 90)
    finally:
        live.stop()
