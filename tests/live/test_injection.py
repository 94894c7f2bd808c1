"""Injection as a cluster sees it: written once, owned by nobody, never fought over; into Pods and into templates."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from rig.control_plane import ControlPlane
from rig.installation import Installation
from rig.waiting import until
from tests.live.mesh_objects import host, partner, rule, secret
from webhook.cli import group
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT

pytestmark = pytest.mark.slow

Manifest = dict[str, Any]
TEAM, ELSEWHERE = "injected", "injected-too"
ASKS = {"mtls-guard.io/client-secret": "one"}
OWN = {
    USER_VOLUME: '[{"name":"wasm","emptyDir":{}}]',
    USER_VOLUME_MOUNT: '[{"name":"wasm","mountPath":"/wasm"}]',
}
SERVER_SIDE = ("apply", "--server-side", "-f", "-")
CLIENT_SIDE = ("apply", "-f", "-")
WAYS = {"server-side": SERVER_SIDE, "client-side": CLIENT_SIDE}
WRITTEN = {"asks": ASKS, "asks and has its own": {**ASKS, **OWN}}


def namespace(name: str, **labels: str) -> Manifest:
    """A namespace whose Pods are injected."""
    labels = {"istio-injection": "enabled", **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(name: str, annotations: Mapping[str, str] = ASKS, **labels: str) -> Manifest:
    """A Pod that nobody runs."""
    metadata = {"name": name, "namespace": TEAM, "annotations": dict(annotations), "labels": {"app": name, **labels}}
    spec = {"nodeName": "nowhere", "containers": [{"name": "app", "image": "app"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def deployment(name: str, annotations: Mapping[str, str] = ASKS, replicas: int = 1) -> Manifest:
    """A Deployment of it."""
    template = {key: value for key, value in pod(name, annotations).items() if key in ("metadata", "spec")}
    template["metadata"] = {key: template["metadata"][key] for key in ("annotations", "labels")}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": TEAM}, "spec": spec}


@pytest.fixture(scope="module")
def plane(installation: Installation) -> Iterator[ControlPlane]:
    """A team with a partner, and our webhook that has seen both; nothing of it is left in the end."""
    cluster = installation.cluster
    cluster.apply(namespace(TEAM), namespace(ELSEWHERE, **{"mtls-guard.io/inject": "true"}))
    named = rule("one", "/etc/one", ELSEWHERE)
    named["metadata"]["annotations"] = ASKS
    cluster.apply(*(make("one", team) for make in (partner, secret) for team in (TEAM, ELSEWHERE)))
    cluster.apply(rule("one", "/etc/one", TEAM), named)
    yield cluster
    cluster.kubectl("delete", "namespace", TEAM, ELSEWHERE, "--wait=false")


@pytest.fixture(scope="module")
def templates(installation: Installation, plane: ControlPlane) -> Iterator[ControlPlane]:
    """The same, and the entries write into templates."""
    installation.helm("upgrade", injection={"into": "Templates"})
    installation.wait()
    settled(plane)
    yield plane
    installation.helm("upgrade")
    installation.wait()


def settled(plane: ControlPlane) -> None:
    """Waits until the API server calls the entries as they are now."""

    def written() -> bool:
        tried = plane.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=text(deployment("tried")))
        return USER_VOLUME in annotations(json.loads(tried.stdout))

    until(written, "templates are written into", 60)


def text(manifest: Manifest) -> str:
    return json.dumps(manifest)


def annotations(manifest: Manifest) -> Mapping[str, str]:
    """Those of the Pod, or of its template."""
    at = manifest["spec"]["template"] if manifest["kind"] != "Pod" else manifest
    found: Mapping[str, str] = at["metadata"]["annotations"]
    return found


def live(plane: ControlPlane, manifest: Manifest) -> Manifest:
    """The object as it is stored, with who owns what."""
    kind, name = manifest["kind"].lower(), manifest["metadata"]["name"]
    found: Manifest = plane.get(kind, name, "-n", TEAM, "--show-managed-fields")
    return found


def owned(manifest: Manifest) -> Mapping[str, str]:
    """What each manager owns, times and status aside."""
    entries = [one for one in manifest["metadata"]["managedFields"] if one.get("subresource") != "status"]
    return {one["manager"]: json.dumps(one["fieldsV1"], sort_keys=True) for one in entries}


def mount_paths(manifest: Manifest) -> list[str]:
    return [one["mountPath"] for one in json.loads(annotations(manifest).get(USER_VOLUME_MOUNT, "[]"))]


def test_a_pod_that_asks_is_stored_with_the_two_annotations(plane: ControlPlane) -> None:
    plane.kubectl("create", "-f", "-", stdin=text(pod("asks")))
    found = annotations(live(plane, pod("asks")))
    (volume,) = json.loads(found[USER_VOLUME])
    assert volume["name"].startswith("mtls-guard-one-")
    assert volume["secret"] == {"secretName": "one"}
    mount = {"name": volume["name"], "mountPath": "/etc/one", "readOnly": True}
    assert json.loads(found[USER_VOLUME_MOUNT]) == [mount]


def test_running_pod_keeps_its_files_with_another_secret(plane: ControlPlane) -> None:
    plane.apply(secret("other", TEAM))
    plane.kubectl("create", "-f", "-", stdin=text(pod("runs")))
    before = live(plane, pod("runs"))["spec"]
    change = ("annotate", "pod", "runs", "-n", TEAM, "--overwrite", "mtls-guard.io/client-secret=other")
    said = plane.kubectl(*change).stderr
    assert '"one" becomes "other": the Pod keeps the files that it has' in said
    assert f"kubectl -n {TEAM} replace --force -f FILE [annotation-of-running-pod]" in said
    assert live(plane, pod("runs"))["spec"] == before


def test_namespace_label_requests_injection_unless_declined(plane: ControlPlane) -> None:
    for name, said, expected in (("all", {}, ["/etc/one"]), ("not", {"mtls-guard.io/inject": "false"}, [])):
        made = pod(name, said)
        made["metadata"]["namespace"] = ELSEWHERE
        tried = plane.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=text(made))
        found = json.loads(tried.stdout)
        found["metadata"].setdefault("annotations", {})
        assert mount_paths(found) == expected


def test_pods_of_a_deployment_are_injected_but_not_its_template(plane: ControlPlane) -> None:
    plane.kubectl(*SERVER_SIDE, stdin=text(deployment("made")))
    until(lambda: len(plane.get("pods", "-n", TEAM, "-l", "app=made")["items"]) == 1, "its Pod is made", 60)
    (made,) = plane.get("pods", "-n", TEAM, "-l", "app=made")["items"]
    assert mount_paths(made) == ["/etc/one"]
    assert annotations(live(plane, deployment("made"))) == ASKS


def test_a_dry_run_shows_what_would_be_stored_and_stores_nothing(plane: ControlPlane) -> None:
    tried = plane.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=text(pod("tried")))
    assert mount_paths(json.loads(tried.stdout)) == ["/etc/one"]
    assert plane.get("pods", "-n", TEAM, "-l", "app=tried")["items"] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_deployment_that_is_applied_twice_differs_in_nothing(plane: ControlPlane, way: str) -> None:
    unchanged(plane, deployment(f"pods-{way}"), WAYS[way])


@pytest.mark.parametrize("way", WAYS)
def test_pod_applied_twice_does_not_differ(plane: ControlPlane, way: str) -> None:
    unchanged(plane, pod(f"own-{way}"), WAYS[way])


BAD: Mapping[str, tuple[Manifest, str]] = {
    "JSON that does not parse": (pod("a", {**ASKS, USER_VOLUME: '[{"name":"a",}]'}), "annotation-not-json"),
    "a mount without a volume": (
        pod("b", {**ASKS, USER_VOLUME_MOUNT: '[{"name":"b","mountPath":"/etc/one"}]'}),
        "mount-without-volume",
    ),
    "a broken annotation of 200 KB": (pod("c", {**ASKS, USER_VOLUME: "[" * 200_000}), "annotation-not-json"),
    "no room for more": (pod("d", {**ASKS, "a": "x" * 262_000}), "injection-impossible"),
    "a Secret that is missing": (pod("e", {"mtls-guard.io/client-secret": "gone"}), "secret-missing"),
}


@pytest.mark.parametrize(("manifest", "law"), BAD.values(), ids=BAD)
def test_bad_input_passes_mutation_and_is_refused_by_validation(
    plane: ControlPlane, manifest: Manifest, law: str
) -> None:
    said = plane.kubectl("create", "-f", "-", stdin=text(manifest), check=False).stderr
    assert "(Forbidden)" in said
    assert f"[{law}]" in said


# The tests below come last: they change the entries.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_template_that_is_applied_twice_differs_in_nothing(templates: ControlPlane, written: str, way: str) -> None:
    """Also where Git holds annotations that injection adds to: what is tried on the server comes to what is there."""
    manifest = deployment(f"templates-{way}-{written.replace(' ', '-')}", WRITTEN[written], replicas=0)
    unchanged(templates, manifest, WAYS[way])
    assert mount_paths(live(templates, manifest))[-1] == "/etc/one"


def test_template_additions_cause_no_ownership_conflict(templates: ControlPlane) -> None:
    manifest = deployment("owned", replicas=0)
    templates.kubectl(*SERVER_SIDE, stdin=text(manifest))
    stored = live(templates, manifest)
    assert mount_paths(stored) == ["/etc/one"]
    assert "userVolume" not in "".join(owned(stored).values())
    templates.kubectl(*SERVER_SIDE, "--field-manager=another", stdin=text(manifest))


def test_late_destinationrule_takes_effect_with_a_restart(
    templates: ControlPlane,
) -> None:
    asks = {"mtls-guard.io/client-secret": "two", "mtls-guard.io/destinations": host("two")}
    manifest = deployment("early", asks, replicas=0)
    said = templates.kubectl(*SERVER_SIDE, stdin=text(manifest)).stderr
    assert "no DestinationRule in force reads files for it" in said
    templates.apply(partner("two", TEAM), secret("two", TEAM))
    late = templates.kubectl("apply", "-f", "-", stdin=text(rule("two", "/etc/two", TEAM))).stderr
    assert "[workload-broken-by-change]" not in late  # "one" is for the older of both, as before
    templates.kubectl("annotate", "deployment", "early", "-n", TEAM, "owner=jane")
    assert mount_paths(live(templates, manifest)) == []
    templates.kubectl("rollout", "restart", "deployment", "early", "-n", TEAM)
    assert mount_paths(live(templates, manifest)) == ["/etc/two"]


def unchanged(plane: ControlPlane, manifest: Manifest, way: tuple[str, ...]) -> None:
    """Applies it, and asserts that nothing differs then, and that a second time changes neither object nor owners."""
    plane.kubectl(*way, stdin=text(manifest))
    before = live(plane, manifest)
    server = ("--server-side",) if "--server-side" in way else ()
    shown = plane.kubectl("diff", *server, "-f", "-", stdin=text(manifest), check=False)
    assert (shown.returncode, shown.stdout) == (0, "")
    plane.kubectl(*way, stdin=text(manifest))
    after = live(plane, manifest)
    assert (after["spec"], annotations(after)) == (before["spec"], annotations(before))
    assert after["metadata"].get("generation") == before["metadata"].get("generation")
    assert owned(after) == owned(before)


def test_opt_in_is_refused_while_injection_is_disabled(installation: Installation, plane: ControlPlane) -> None:
    """At admission as in `check --live`; the leader has taken the configuration away."""
    waits = deployment("waits", replicas=0)
    plane.apply(waits)
    missing = "injection is not installed (no MutatingWebhookConfiguration has inject.mtls-guard.io)"
    installation.helm("upgrade", injection={"enabled": False})
    try:

        def refusal() -> str:
            create = ("create", "--dry-run=server", "-f", "-")
            return plane.kubectl(*create, stdin=text(deployment("tried", replicas=0)), check=False).stderr

        said = until(lambda: " ".join(found.split()) if "unavailable" in (found := refusal()) else "", "it is refused")
        assert f"{missing}: Pods lack the files of DestinationRule {TEAM}/one" in said
        assert 'mount "one" by hand, or set injection.enabled of the chart [injection-unavailable]' in said
        asked = ["check", "--live", "--kubeconfig", str(plane.kubeconfig), "-n", TEAM]
        reported = " ".join(CliRunner().invoke(group, asked).stdout.split())
        assert f"{missing}: Pods lack the files of DestinationRule {TEAM}/one" in reported
    finally:
        installation.helm("upgrade")
        installation.wait()
