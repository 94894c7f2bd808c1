"""Verdicts on a live view: what is read and confirmed before a denial, and what is said when that cannot be done."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread, Timer
from time import monotonic, sleep

import orjson
import pytest

from certs.bundle import client_bundle
from tests.live.mesh_objects import TEAM, Object, namespace, partner, rule, workload
from tests.test_connection import Server, connection, server, token
from tests.test_cost import calls
from webhook.informer.consistency import ConsistencyWait
from webhook.informer.list_watch import ObjectDeleted, ObjectUpserted
from webhook.informer.live_engine import LiveEngine, ReviewLimits, named_secrets
from webhook.informer.secret_cache import FreshnessRequirement, SecretCache
from webhook.informer.store import Store
from webhook.informer.watched_kinds import BUILT_IN, WatchTarget
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.resource import CONFIG_MAPS, SECRETS, Resource
from webhook.model.deadline import NotJudged
from webhook.model.finding import ObjectRef, Verdict
from webhook.model.request import Request
from webhook.policy import Policy

__all__ = ["connection", "server", "token"]
RULES = "/apis/networking.istio.io/v1/destinationrules"
KINDS = ("Namespace", "Service", "ServiceEntry", "DestinationRule", "VirtualService", "Sidecar", "Deployment")
WRONG = workload("app", "/etc/wrong", "one")
MATERIAL = client_bundle(datetime.now(UTC))


class Cluster:
    """A view of one team that works, and the server behind it, which agrees until a test says otherwise."""

    def __init__(self, server: Server, connection: ApiClient, kinds: Sequence[str] = KINDS) -> None:
        self.server, self.store, self.version = server, Store({}), 100
        self.sources = {kind: self.store.source(followed(kind)) for kind in kinds}
        for one in self.sources.values():
            one.synced, one.alive, one.version = True, monotonic(), "100"
        reader = SecretCache(connection, monotonic, lambda _: None)
        self.store.view.by_name = reader.asked(FreshnessRequirement())
        self.judge = LiveEngine(self.store, reader, ConsistencyWait(connection, self.store, reader.patience), Policy())
        self.see("Namespace", namespace())
        self.see("ServiceEntry", partner("one"))
        self.see("DestinationRule", rule("one", "/etc/right"))
        self.hold_secret()
        server.replies[CONFIG_MAPS.path(TEAM, "istio-ca-crl")] = (404, b"{}", {})
        self.agree()

    def see(self, kind: str, manifest: Object) -> None:
        """The watch brings the object."""
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        source = self.sources[kind]
        self.store.take(source, [ObjectUpserted(json.loads(json.dumps(manifest)))])
        with self.store.moved:
            source.version, source.alive = str(self.version), monotonic()
            self.store.moved.notify_all()

    def hold_secret(self) -> None:
        """The server holds the Secret."""
        metadata = {"namespace": TEAM, "name": "one", "uid": "u", "resourceVersion": "1"}
        data = {name: b64encode(value).decode() for name, value in MATERIAL.items()}
        self.server.replies[SECRETS.path(TEAM, "one")] = (200, orjson.dumps({"metadata": metadata, "data": data}), {})

    def agree(self, **counts: int) -> None:
        """Lists of one object tell the count of each kind that is held, or another."""
        for kind, source in self.sources.items():
            count = counts.get(kind, len(source.held))
            more = {"continue": "x", "remainingItemCount": count - 1} if count > 1 else {}
            items: list[Object] = [{}] * min(count, 1)
            body = {"metadata": {"resourceVersion": "500", **more}, "items": items}
            self.server.replies[source.followed.resource.path()] = (200, orjson.dumps(body), {})

    def ask(self, manifest: Object) -> Verdict:
        """The verdict on an object that arrives."""
        return self.judge.judge(arrival(manifest))

    def patch(self, manifest: Object) -> int:
        """How many operations injection has for an object that arrives."""
        return len(self.judge.mutate(arrival(manifest)).operations)


def arrival(manifest: Object) -> Request:
    meta = manifest["metadata"]
    ref = ObjectRef(manifest["apiVersion"], manifest["kind"], meta["namespace"], meta["name"])
    return Request("uid", "CREATE", ref, new=manifest)


def followed(kind: str) -> WatchTarget:
    one = next(one for one in BUILT_IN if one.kind == kind)
    return WatchTarget(one, one.served or Resource(one.group, "v1", f"{kind.lower()}s", kind))


@pytest.fixture
def cluster(server: Server, connection: ApiClient) -> Cluster:
    return Cluster(server, connection)


def told(verdict: Verdict) -> set[tuple[str, str]]:
    return {(one.rule, str(one.severity)) for one in verdict.findings}


def lists(server: Server) -> list[str]:
    return [path for _, path, _, _ in server.asked if "limit=1" in path]


def reads(server: Server) -> list[str]:
    """What was asked of Secrets by name."""
    return [path for _, path, _, _ in server.asked if "/secrets/" in path]


def test_a_good_workload_is_admitted_without_a_list(cluster: Cluster, server: Server) -> None:
    assert cluster.ask(workload("app", "/etc/right", "one")).word == "allow"
    assert lists(server) == []


def test_named_secret_is_read_before_first_judgement(cluster: Cluster, server: Server) -> None:
    app = workload("app", "/etc/right", "one")
    assert calls(lambda: cluster.ask(app))["judge"] == 1
    assert reads(server) == [SECRETS.path(TEAM, "one") + "?resourceVersion=0"]


def test_cached_secret_decides_nothing_alone(cluster: Cluster, server: Server) -> None:
    """Its watch cache may be behind: the Secret was acknowledged, and the first look does not show it yet."""
    later, server.replies[SECRETS.path(TEAM, "one")] = server.replies[SECRETS.path(TEAM, "one")], (404, b"{}", {})

    def arrives(path: str) -> None:
        if path == SECRETS.path(TEAM, "one"):
            server.replies[SECRETS.path(TEAM, "one")] = later

    server.heard = arrives
    assert cluster.ask(workload("app", "/etc/right", "one")).word == "allow"
    assert reads(server) == [SECRETS.path(TEAM, "one") + "?resourceVersion=0", SECRETS.path(TEAM, "one")]


def test_missing_secret_is_confirmed_before_a_warning(cluster: Cluster, server: Server) -> None:
    """On a dry run: the Secret was acknowledged, and a first look does not show it."""
    path = SECRETS.path(TEAM, "one")
    later, server.replies[path] = server.replies[path], (404, b"{}", {})

    def arrives(asked: str) -> None:
        if asked == path:
            server.replies[path] = later

    server.heard = arrives
    verdict = cluster.judge.judge(replace(arrival(workload("app", "/etc/right", "one")), dry_run=True))
    assert told(verdict) == set()
    assert reads(server) == [path + "?resourceVersion=0", path]


def test_secret_of_own_annotation_is_read_first() -> None:
    annotations = {"mtls-guard.io/client-secret": "one, two", "sidecar.istio.io/userVolume": "not JSON"}
    new = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    ref = ObjectRef("apps/v1", "Deployment", TEAM, "app")
    assert named_secrets(Request("uid", "CREATE", ref, new=new), {}) == (
        ("Secret", TEAM, "one"),
        ("Secret", TEAM, "two"),
    )


def test_nothing_is_read_ahead_for_controlled_pods() -> None:
    annotations = {"mtls-guard.io/client-secret": "one"}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "controller": True}
    pod = {"metadata": {"annotations": annotations, "ownerReferences": [owner]}}
    assert named_secrets(Request("uid", "CREATE", ObjectRef("v1", "Pod", TEAM, "app"), new=pod), {}) == ()
    secret = {"metadata": {"name": "one"}}
    assert named_secrets(Request("uid", "CREATE", ObjectRef("v1", "Secret", TEAM, "one"), new=secret), {}) == ()


def test_denial_follows_confirmation_of_its_kinds(cluster: Cluster, server: Server) -> None:
    assert told(cluster.ask(WRONG)) == {("file-not-mounted", "deny")}
    asked = {path.partition("?")[0].rpartition("/")[2] for path in lists(server)}
    assert {"destinationrules", "serviceentrys", "services", "namespaces", "sidecars"} <= asked


def test_secret_is_read_again_for_a_denial(cluster: Cluster, server: Server) -> None:
    cluster.ask(workload("app", "/etc/right", "one"))
    server.asked.clear()
    cluster.ask(WRONG)
    assert reads(server) == [SECRETS.path(TEAM, "one")]


def test_destinationrule_during_confirmation_admits(cluster: Cluster, server: Server) -> None:
    """The server knows of one rule more than the view; it comes a while after the server was asked."""
    app = workload("two", "/etc/two", "one")
    cluster.see("ServiceEntry", partner("two"))
    cluster.agree(DestinationRule=2)
    late = Timer(0.2, cluster.see, ("DestinationRule", rule("two", "/etc/two")))
    server.heard = lambda path: late.start() if path.startswith(RULES) and not late.ident else None
    assert told(cluster.ask(app)) == {("sidecar-unprepared", "warn")}
    late.join()


def test_late_view_denies_nothing_and_names_the_gap(cluster: Cluster) -> None:
    cluster.agree(DestinationRule=9)
    verdict = cluster.ask(WRONG)
    assert told(verdict) == {("file-not-mounted", "warn"), ("view-stale", "warn")}
    assert any(
        "changes to destinationrules.networking.istio.io had not arrived" in one.problem for one in verdict.findings
    )


def test_an_api_server_that_does_not_answer_leaves_a_warning(cluster: Cluster, server: Server) -> None:
    server.replies[cluster.sources["DestinationRule"].followed.resource.path()] = (503, b"{}", {})
    assert told(cluster.ask(WRONG)) == {("file-not-mounted", "warn"), ("view-stale", "warn")}


def test_silent_kind_denies_nothing_and_names_since_when(cluster: Cluster) -> None:
    cluster.judge.limits = ReviewLimits(stale=timedelta(seconds=30))
    cluster.sources["DestinationRule"].alive -= 100
    verdict = cluster.ask(WRONG)
    assert told(verdict) == {("file-not-mounted", "warn"), ("view-stale", "warn")}
    assert any("were last heard of at 2" in one.problem for one in verdict.findings)
    assert told(cluster.ask(workload("app", "/etc/right", "one"))) == {("view-stale", "warn")}


def test_fault_of_the_object_is_denied_on_a_stale_view(cluster: Cluster) -> None:
    cluster.sources["DestinationRule"].alive -= 1000
    broken = workload("app", "/etc/right", "one")
    broken["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/userVolume"] = "{"
    assert ("annotation-not-json", "deny") in told(cluster.ask(broken))


def test_a_stale_kind_on_which_no_verdict_rests_says_nothing(cluster: Cluster) -> None:
    cluster.sources["Deployment"].alive -= 1000
    assert told(cluster.ask(WRONG)) == {("file-not-mounted", "deny")}


def with_another_team(cluster: Cluster) -> Object:
    """A workload whose own DestinationRule the view does not show yet, and that of another team, which arrives."""
    cluster.see("Deployment", workload("two", "/etc/two", "one"))
    cluster.store.take(cluster.sources["DestinationRule"], [ObjectDeleted((TEAM, "one"))])
    for name in ("two", "three"):
        cluster.see("ServiceEntry", partner(name))
    cluster.agree(DestinationRule=1)
    made: Object = rule("three", "/etc/three")
    return made


def test_unseen_own_destinationrule_prevents_blame(cluster: Cluster, server: Server) -> None:
    assert cluster.ask(with_another_team(cluster)).word == "warn"
    assert lists(server) == []


def test_outdated_workload_prevents_no_change(cluster: Cluster, server: Server) -> None:
    """Mount at the old and the new place first, then change the rule: the order that our own remedy asks for."""
    app = workload("app", "/etc/right", "one")
    cluster.see("Deployment", app)
    moved: Object = rule("one", "/etc/new")
    moved["metadata"]["resourceVersion"] = "7"
    change = replace(arrival(moved), operation="UPDATE", old=rule("one", "/etc/right"))
    cluster.agree()
    assert cluster.judge.judge(change).word == "deny"
    both = workload("app", "/etc/new", "one")
    cluster.agree(Deployment=2)
    cluster.see("Deployment", workload("else", "/etc/right", "one"))
    server.heard = lambda path: cluster.see("Deployment", both) if "/deployments" in path else None
    verdict = cluster.judge.judge(change)
    assert "Deployment project/app" not in " ".join(one.problem for one in verdict.findings)


@pytest.mark.parametrize(
    ("api_version", "kind"), [("apps/v1", "Deployment"), ("v1", "ReplicationController"), ("apps/v1", "ReplicaSet")]
)
def test_broken_workload_of_stale_kind_only_warns(
    api_version: str, kind: str, server: Server, connection: ApiClient
) -> None:
    """Also of a kind of which most clusters have no object."""
    cluster = Cluster(server, connection, (*KINDS, "ReplicationController", "ReplicaSet"))
    broken = {**workload("app", "/etc/right", "one"), "apiVersion": api_version, "kind": kind}
    cluster.see(kind, broken)
    cluster.agree()
    change = replace(arrival(rule("one", "/etc/new")), operation="UPDATE", old=rule("one", "/etc/right"))
    assert cluster.judge.judge(change).word == "deny"
    cluster.sources[kind].alive -= 1000
    assert cluster.judge.judge(change).word == "warn"


@pytest.mark.parametrize("status", [403, 500])
def test_a_secret_that_cannot_be_read_is_said_and_denies_nobody(cluster: Cluster, server: Server, status: int) -> None:
    server.replies[SECRETS.path(TEAM, "one")] = (status, b"{}", {})
    verdict = cluster.ask(workload("app", "/etc/right", "one"))
    assert told(verdict) == {("object-unread", "warn")}
    assert f"could not be read: GET {SECRETS.path(TEAM, 'one')}: {status}" in verdict.findings[0].problem


def test_new_secret_is_seen_at_once(cluster: Cluster, server: Server) -> None:
    server.replies[SECRETS.path(TEAM, "one")] = (404, b"{}", {})
    assert ("secret-missing", "deny") in told(cluster.ask(workload("app", "/etc/right", "one")))
    cluster.hold_secret()
    assert cluster.ask(workload("app", "/etc/right", "one")).word == "allow"


def asking(secret: str) -> Object:
    """A workload that names its Secret and mounts nothing."""
    made: Object = workload("app", "/etc/right", secret)
    made["spec"]["template"]["metadata"]["annotations"] = {"mtls-guard.io/client-secret": secret}
    return made


def test_what_is_found_to_inject_is_injected_without_a_list(cluster: Cluster, server: Server) -> None:
    assert cluster.patch(asking("one")) == 2
    assert lists(server) == []


def items_of(cluster: Cluster, manifest: Object) -> list[tuple[str, str]]:
    """The data keys and files of the only volume that injection writes for an object that arrives."""
    (volume,) = cluster.judge.mutate(arrival(manifest)).addition.volumes
    ((secret, items),) = volume.secrets
    assert (secret, items is None) == ("one", False)
    return [(item.key, item.path) for item in items or ()]


def test_new_secret_is_mounted_by_its_data_keys(cluster: Cluster, server: Server) -> None:
    """As after a dry run of Flux: a Pod that demands other data keys would wait for them for as long as it lives."""
    path = SECRETS.path(TEAM, "one")
    server.replies[path] = (404, b"{}", {})
    assert items_of(cluster, asking("one")) == [(name, name) for name in ("cert", "key", "cacert")]
    usual = {"cert": "tls.crt", "key": "tls.key", "cacert": "ca.crt"}
    data = {usual[name]: b64encode(value).decode() for name, value in MATERIAL.items()}
    metadata = {"namespace": TEAM, "name": "one", "uid": "u", "resourceVersion": "1"}
    server.replies[path] = (200, orjson.dumps({"metadata": metadata, "data": data}), {})
    assert items_of(cluster, asking("one")) == [(key, name) for name, key in usual.items()]


def test_unseen_destinationrule_is_awaited_before_injection(cluster: Cluster, server: Server) -> None:
    """Else a Pod that comes right after its rule would run without its files."""
    cluster.store.take(cluster.sources["DestinationRule"], [ObjectDeleted((TEAM, "one"))])
    cluster.agree(DestinationRule=1)
    late = Timer(0.1, cluster.see, ("DestinationRule", rule("one", "/etc/right")))
    server.heard = lambda path: late.start() if path.startswith(RULES) and not late.ident else None
    assert cluster.patch(asking("one")) == 2
    late.join()


def test_whoever_does_not_ask_waits_for_nothing(cluster: Cluster, server: Server) -> None:
    made = asking("one")
    made["spec"]["template"]["metadata"]["annotations"] = {}
    assert cluster.patch(made) == 0
    assert lists(server) == []


def test_warning_does_not_quote_another_review(cluster: Cluster, server: Server) -> None:
    cluster.see("Namespace", namespace("other"))
    server.heard = lambda _: sleep(3.2)
    cluster.ask(workload("theirs", "/etc/right", "hidden", "other"))
    verdict = cluster.ask(workload("app", "/etc/right", "one"))
    why = "could not be read: the API server does not answer mtls-guard"
    words = f"not judged because it {why}; its keys and certificates were not checked"
    assert {one.problem for one in verdict.findings if one.rule == "object-unread"} == {words}


@pytest.fixture
def unavailable(cluster: Cluster) -> Cluster:
    """The same, where what cannot be judged gets no answer."""
    cluster.judge.limits = ReviewLimits(unavailable=True)
    return cluster


def refused(cluster: Cluster, manifest: Object) -> tuple[str, str]:
    """Why a review is not judged: the reason, and the words as far as they do not vary."""
    with pytest.raises(NotJudged) as caught:
        cluster.ask(manifest)
    return caught.value.reason, str(caught.value).partition(" were last")[0]


def test_a_stale_view_is_no_answer_where_the_switch_says_so(unavailable: Cluster) -> None:
    unavailable.sources["DestinationRule"].alive -= 1000
    assert refused(unavailable, WRONG) == ("stale", "destinationrules.networking.istio.io")


def test_unconfirmed_denial_is_unanswered_with_the_switch(unavailable: Cluster) -> None:
    unavailable.agree(DestinationRule=9)
    late = "changes to destinationrules.networking.istio.io had not arrived in time"
    assert refused(unavailable, WRONG) == ("unanswered", late)


def test_unanswered_secret_is_unanswered_but_forbidden_warns(unavailable: Cluster, server: Server) -> None:
    path, app = SECRETS.path(TEAM, "one"), workload("app", "/etc/right", "one")
    server.replies[path] = (500, b"{}", {})
    assert refused(unavailable, app) == ("unanswered", f"Secret {TEAM}/one could not be read: GET {path}: 500")
    server.replies[path] = (403, b"{}", {})
    unavailable.judge.limits = ReviewLimits(fresh=timedelta(), unavailable=True)
    assert told(unavailable.ask(app)) == {("object-unread", "warn")}


def test_a_good_workload_is_admitted_with_the_switch_too(unavailable: Cluster) -> None:
    assert unavailable.ask(workload("app", "/etc/right", "one")).word == "allow"


def test_opt_in_is_unanswered_without_confirmation(cluster: Cluster) -> None:
    cluster.store.take(cluster.sources["DestinationRule"], [ObjectDeleted((TEAM, "one"))])
    cluster.agree(DestinationRule=9)
    with pytest.raises(NotJudged, match=r"changes to destinationrules.networking.istio.io had not arrived in time"):
        cluster.patch(asking("one"))


def test_planned_pod_is_injected_without_lists(cluster: Cluster) -> None:
    cluster.agree(DestinationRule=9)
    assert cluster.patch(asking("one")) == 2


def test_review_gives_up_while_another_holds_the_view(cluster: Cluster) -> None:
    request = replace(arrival(workload("app", "/etc/right", "one")), seconds=0.2)
    cluster.judge.judge(replace(request, seconds=3.0))  # what it asks for is at hand
    ended: list[NotJudged] = []

    def ask() -> None:
        with pytest.raises(NotJudged) as caught:
            cluster.judge.judge(request)
        ended.append(caught.value)

    other = Thread(target=ask)
    with cluster.store.lock:
        other.start()
        other.join(10)
        assert [(one.reason, str(one)) for one in ended] == [
            ("deadline", "the time for this review (0.2 s) was over"),
        ]


def test_time_that_was_over_when_the_review_was_read_counts(cluster: Cluster) -> None:
    late = replace(arrival(workload("app", "/etc/right", "one")), gone=2.8)
    with pytest.raises(NotJudged, match=r"the time for this review \(3 s\) was over"):
        cluster.judge.judge(late)
