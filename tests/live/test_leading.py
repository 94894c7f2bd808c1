"""The serving certificate and the duties of the leader, on a real API server, with the chart's objects and rights."""

import base64
import json
import shlex
import signal
import ssl
import time
from collections.abc import Iterator

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.helm import helm
from rig.waiting import until
from tests.live.helm import NAMESPACE
from tests.live.replicas import DENIED, ENFORCING, INJECTING, LAST, NAME, TOP, Installation, running, submitting
from tools.chart import CHART

pytestmark = pytest.mark.slow

CREATED = "the webhook configuration was created"
ENFORCES = "the entries enforce from now on: a known-bad object was denied"
FALLS = "the entries enforce no more: the API server does not reach us"
SHORT = {"ca": 24, "ca_renewal": 17, "leaf": 12, "leaf_renewal": 7, "settled": 1}
"""Seconds: two CAs take over, and the first one expires, within 24 of them."""
OPTS_IN = {"mtls-guard.io/client-secret": "one"}
MOUNTS = {"sidecar.istio.io/userVolume": "[]", "sidecar.istio.io/userVolumeMount": "[]"}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane with Istio's CRDs and the chart; nobody runs its Pods."""
    with control_plane() as found:
        found.apply_istio_crds()
        helm("install", NAME, CHART, "--namespace", NAMESPACE, "--create-namespace", cluster=found)
        yield found


@pytest.fixture(scope="module")
def pair(plane: ControlPlane) -> Iterator[Installation]:
    """The first two replicas of an installation; the tests that share them leave two that enforce."""
    with running(plane) as found:
        yield found


def overwrite(plane: ControlPlane, name: str, kind: str = "validatingwebhookconfiguration", only: int = -1) -> None:
    """Puts another CA into every entry, or into one, as a person with kubectl or an operator gone wrong does."""
    other = ssl.get_server_certificate(("localhost", plane.port))
    value = base64.b64encode(other.encode()).decode()
    entries = range(len(plane.get(kind, name)["webhooks"])) if only < 0 else [only]
    patch = [{"op": "replace", "path": f"/webhooks/{n}/clientConfig/caBundle", "value": value} for n in entries]
    plane.kubectl("patch", kind, name, "--type=json", "-p", json.dumps(patch))


def test_replicas_starting_together_agree_on_one_ca(pair: Installation) -> None:
    (bundle,) = pair.bundles()
    shown = {replica.handshake(bundle) for replica in pair.replicas}
    assert (len(shown), bundle) == (1, pair.secret()["ca.crt"])
    assert len(pair.told("a certificate that can serve was issued")) == 1
    assert pair.leader() in {replica.name for replica in pair.replicas}


MUTATING = [(name, "mutatingwebhookconfiguration") for name in (INJECTING, LAST)]


@pytest.mark.parametrize("name", [ENFORCING, INJECTING, LAST])
def test_entries_enforce_only_after_the_probe(pair: Installation, name: str) -> None:
    lines = [next(line for line in pair.told(why) if line["configuration"] == name) for why in (CREATED, ENFORCES)]
    created, enforces = lines
    entries = {ENFORCING: pair.entries, INJECTING: pair.mutating, LAST: pair.last}[name]()
    names = {entry["name"] for entry in entries}
    assert [{line[entry] for entry in names} for line in lines] == [{"Ignore"}, {"Fail"}]
    assert created["time"] < enforces["time"]
    assert DENIED in submitting(pair.plane)()


def test_a_ca_bundle_overwritten_by_hand_is_repaired(pair: Installation) -> None:
    """Also that of a single entry, of either kind."""
    right = pair.bundles()
    for name in (NAME, ENFORCING):
        overwrite(pair.plane, name)
    until(lambda: pair.bundles() == right, "every bundle is repaired")
    for name, kind in ((ENFORCING, "validatingwebhookconfiguration"), *MUTATING):
        overwrite(pair.plane, name, kind, only=1)
        until(lambda: pair.bundles() == right, f"the entry of {name} is repaired")
    until(lambda: DENIED in submitting(pair.plane)(), "reviews are answered again")
    until(pair.enforces, "the entries enforce, if a probe failed meanwhile")


def test_a_secret_deleted_by_hand_comes_back_with_the_same_ca(pair: Installation) -> None:
    before = pair.secret()
    pair.plane.kubectl("delete", "secret", f"{NAME}-serving", "-n", NAMESPACE)
    until(lambda: pair.secret() == before, "the Secret is back as it was")
    assert DENIED in submitting(pair.plane)()


EDITS = {
    "rules": {"op": "replace", "path": "/webhooks/0/rules/0/resources", "value": ["nothing"]},
    "failurePolicy": {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
    "selector": {"op": "add", "path": "/webhooks/1/namespaceSelector/matchLabels", "value": {"a": "b"}},
    "objectSelector": {"op": "add", "path": "/webhooks/0/objectSelector/matchLabels", "value": {"a": "b"}},
    "Service": {"op": "replace", "path": "/webhooks/0/clientConfig/service/name", "value": "other"},
    "path": {"op": "replace", "path": "/webhooks/0/clientConfig/service/path", "value": "/other"},
    "timeout": {"op": "replace", "path": "/webhooks/1/timeoutSeconds", "value": 29},
    "condition": {"op": "add", "path": "/webhooks/0/matchConditions/-", "value": {"name": "no", "expression": "false"}},
    "entry": {"op": "remove", "path": "/webhooks/0"},
}


@pytest.mark.parametrize("kind", ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"])
def test_an_entry_changed_or_deleted_by_hand_is_put_back(pair: Installation, kind: str) -> None:
    name = ENFORCING if kind.startswith("validating") else INJECTING
    entries = pair.entries if name == ENFORCING else pair.mutating
    until(pair.enforces, "the entries enforce")
    before = entries()
    for edited, edit in EDITS.items():
        pair.plane.kubectl("patch", kind, name, "--type=json", "-p", json.dumps([edit]))
        until(lambda: entries() == before, f"{edited} of {name} is put back")
    pair.plane.kubectl("delete", kind, name)
    until(lambda: entries() and all(entry["failurePolicy"] == "Ignore" for entry in entries()), "it is back")
    until(lambda: entries() == before, "the entries enforce")
    restored = [line["configuration"] for line in pair.told("the webhook configuration was deleted by others")]
    assert restored[-1] == name


def test_break_glass_covers_both_configurations(pair: Installation) -> None:
    annotate, end = (words for words in documented("annotate"))
    pair.plane.kubectl(*annotate)
    until(lambda: pair.policies() == {"Ignore"}, "nothing blocks")
    pair.plane.kubectl(*documented("delete --ignore-not-found")[0])
    until(lambda: len(pair.told(CREATED)) >= 2 and pair.entries() and pair.mutating(), "both are back")
    assert pair.policies() == {"Ignore"}
    pair.plane.kubectl(*end)
    until(lambda: pair.policies() == {"Fail"}, "it is mended", 60)


def test_another_replica_leads_when_the_leader_is_gone(pair: Installation) -> None:
    leader = next(one for one in pair.replicas if one.name == pair.leader())
    pair.replicas.remove(leader)
    pair.route(pair.replicas)
    leader.send(signal.SIGTERM)
    leader.process.wait(60)
    until(lambda: pair.leader() == pair.replicas[0].name, "the other one leads")
    right = pair.bundles()
    overwrite(pair.plane, NAME)
    until(lambda: pair.bundles() == right, "the bundle is repaired by the other one")
    pair.start(1)


def test_enforcing_entries_without_pods_block_nothing_essential(pair: Installation) -> None:
    """After a full restart of the cluster. What uses the feature is refused, and one command lets it through.

    The replicas that come up then find an abandoned Lease, and take it.
    """
    plane = pair.plane
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(deployment("default", MOUNTS)))
    pair.stop(signal.SIGKILL)
    assert pair.policies() == {"Fail"}
    plane.kubectl("apply", "-f", "-", "--dry-run=server", stdin=json.dumps(listed(*needed())))
    for replicas in (1, 2):
        plane.kubectl("scale", "deployment", NAME, "-n", NAMESPACE, f"--replicas={replicas}")
    status = json.dumps({"status": {"observedGeneration": 1}})
    plane.kubectl("patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", status)
    plane.kubectl("delete", "deployment", "web")
    uses = (deployment("default", MOUNTS), pod("default", OPTS_IN))
    submit = ("apply", "-f", "-", "--dry-run=server")
    for each in uses:
        refused = plane.kubectl(*submit, stdin=json.dumps(each), check=False)
        assert "failed calling webhook" in refused.stderr
    plane.kubectl(*documented("delete --ignore-not-found")[0])
    for each in uses:
        plane.kubectl(*submit, stdin=json.dumps(each))
    pair.start(2)
    until(pair.enforces, "all is as it was", 120)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_break_glass_commands_work_in_any_order(pair: Installation, order: tuple[int, ...]) -> None:
    """Verbatim, as docs/operations.md has them; the Deployment is scaled, and its replicas end, as a kubelet would."""
    plane = pair.plane
    section = typed_under("Break the glass")
    delete, annotate, scale, end, restore = section[:5]
    for _ in range(2):
        for number in order:
            words = (delete, annotate, scale)[number]
            plane.kubectl(*words)
            if words is scale and pair.replicas:
                pair.stop()
    assert pair.policies() <= {"Ignore"}
    plane.kubectl("apply", "-f", "-", "--dry-run=server", stdin=json.dumps(deployment("default", MOUNTS)))
    plane.kubectl("create", "-f", "-", stdin=json.dumps(pod("default", OPTS_IN)))
    plane.kubectl("delete", "pod", "web", "--force", "--grace-period=0")
    pair.start(2)
    until(lambda: pair.entries() and pair.mutating(), "both are back")
    assert pair.policies() == {"Ignore"}
    plane.kubectl(*end)
    plane.kubectl(*restore)
    until(pair.enforces, "all is as it was", 120)


def test_the_commands_after_a_leak_make_a_new_ca(pair: Installation) -> None:
    """Verbatim, too."""
    plane, before = pair.plane, pair.secret()["ca.crt"]
    commands = [words for words in typed_under("The serving certificate") if words[0] != "get"]
    for words in commands[:5]:
        plane.kubectl(*words)
        if "--replicas=0" in words:
            pair.stop()
    pair.start(2)
    until(lambda: pair.policies() == {"Fail"}, "the entries enforce", 120)
    assert pair.secret()["ca.crt"] != before


def test_entries_fall_back_while_unreachable_and_recover(pair: Installation) -> None:
    """Nothing listens where the Service leads; what the leader reaches by its own way is all there."""
    plane = pair.plane
    for replica in pair.replicas:
        plane.unroute(replica.address)
    plane.restart_api_server()  # or it would go on with the connections that it has
    until(lambda: pair.policies() == {"Ignore"}, "the entries fall back", 60)
    plane.kubectl("create", "-f", "-", "--dry-run=server", stdin=json.dumps(pod("default", OPTS_IN)))
    plane.kubectl("create", "-f", "-", "--dry-run=server", stdin=json.dumps(deployment("default", MOUNTS)))
    assert {line["configuration"] for line in pair.told(FALLS)} == {ENFORCING, INJECTING, LAST}
    pair.route(pair.replicas)
    until(lambda: pair.policies() == {"Fail"}, "they enforce again", 60)


def test_wrong_unrepairable_ca_makes_entries_fall_back(pair: Installation) -> None:
    """As with a CA injector that writes the wrong one: here, the leader may not write."""
    plane = pair.plane
    right = plane.get("clusterrole", NAME)
    rules = [dict(rule) for rule in right["rules"]]
    for rule in rules:
        if rule.get("resourceNames") and "admissionregistration.k8s.io" in rule["apiGroups"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb != "patch"]
    for name, kind in ((ENFORCING, "validatingwebhookconfiguration"), *MUTATING):
        plane.kubectl("patch", "clusterrole", NAME, "--type=merge", "-p", json.dumps({"rules": rules}))
        overwrite(plane, name, kind)
    until(lambda: pair.policies() == {"Ignore"}, "the entries fall back", 60)
    assert any("x509" in line["problem"] for line in pair.told("the probe failed"))
    plane.kubectl("create", "-f", "-", "--dry-run=server", stdin=json.dumps(pod("default", OPTS_IN)))
    plane.kubectl("patch", "clusterrole", NAME, "--type=merge", "-p", json.dumps({"rules": right["rules"]}))
    until(pair.enforces, "all is as it was", 60)


def documented(beginning: str) -> list[list[str]]:
    """The words of the commands that docs/operations.md lets a person type, in order, without `kubectl`."""
    lines = (TOP / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    typed = [shlex.split(line)[1:] for line in lines if line.strip().startswith("kubectl ")]
    return [words for words in typed if beginning in " ".join(words)]


def typed_under(title: str) -> list[list[str]]:
    """The words of the commands that stand as blocks in a section of docs/operations.md, without `kubectl`."""
    text = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0].splitlines()
    return [
        shlex.split(line)[1:] for line in section if line.startswith("    ") and line.strip().startswith("kubectl ")
    ]


def listed(*items: dict[str, object]) -> dict[str, object]:
    """A List."""
    return {"apiVersion": "v1", "kind": "List", "items": items}


def deployment(namespace: str, annotations: dict[str, str]) -> dict[str, object]:
    """A Deployment."""
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def pod(namespace: str, annotations: dict[str, str]) -> dict[str, object]:
    """A Pod."""
    metadata = {"name": "web", "namespace": namespace, "annotations": annotations}
    spec = {"containers": [{"name": "web", "image": "web"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def needed() -> Iterator[dict[str, object]]:
    """What a cluster has to be able to write before anything of ours runs."""
    for namespace in ("kube-system", NAMESPACE):
        yield deployment(namespace, MOUNTS)
        yield pod(namespace, MOUNTS | {"mtls-guard.io/client-secret": "one"})
    yield deployment("default", {})
    lease = {"name": "node-1", "namespace": "kube-node-lease"}
    yield {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": lease, "spec": {}}
    yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "default"}}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "default"}}


def test_reviews_are_answered_while_ca_and_certificate_rotate(plane: ControlPlane, pair: Installation) -> None:
    """Two CAs take over; meanwhile each replica is met in a new handshake with the bundle that the API server has."""
    first, shown, asked = pair.bundles(), set[bytes](), 0
    pair.stop()
    forget(plane)
    submit = submitting(plane)
    with running(plane, SHORT) as found:
        own = found.bundles()
        while not found.told("an expired CA was dropped") or len(found.told("the announced CA has taken over")) < 2:
            assert DENIED in submit()
            bundles = found.bundles()
            if len(bundles) == 1:  # else it is being written right now
                shown |= {replica.handshake(*bundles) for replica in found.replicas}
            asked += 1
            assert asked < 100_000
            time.sleep(0.05)  # twenty a second are enough, and leave the processor to the replicas
        assert (found.bundles().isdisjoint(first | own), found.policies()) == (True, {"Fail"})
        assert len(shown) >= 3
    forget(plane)
    pair.start(2)
    until(pair.enforces, "all is as it was", 120)


def forget(plane: ControlPlane) -> None:
    """Removes what the replicas have made, as before a first install."""
    plane.kubectl("delete", "secret", f"{NAME}-serving", "-n", NAMESPACE)
    plane.kubectl("delete", "validatingwebhookconfiguration", ENFORCING)
    plane.kubectl("delete", "mutatingwebhookconfiguration", INJECTING, LAST)


def test_uninstall_removes_enforcing_entries(pair: Installation) -> None:
    helm("uninstall", NAME, "--namespace", NAMESPACE, cluster=pair.plane)
    until(lambda: not pair.entries() and not pair.mutating() and not pair.last(), "the entries are gone")
    created = len(pair.told(CREATED))
    until(lambda: pair.told("the Lease cannot be had"), "the replicas have lost their rights")
    assert (pair.entries(), len(pair.told(CREATED))) == ([], created)
