"""What mtls-guard has added follows the opt-in, and goes with it; what a person wrote stays."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests import worked
from tests.injecting import ASKS, SECRET, VOLUME_NAME, injected, lines, mutation, opted, pod, reading, rule, verdict
from webhook.engine import judge_state
from webhook.examples import AT
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.policy import Policy
from webhook.view import Snapshot

TWO = {**worked.of_kind("Secret"), "metadata": {"name": "two", "namespace": "devel"}}
WASM = {
    USER_VOLUME: '[{"name":"wasm","emptyDir":{}}]',
    USER_VOLUME_MOUNT: '[{"name":"wasm","mountPath":"/wasm"}]',
}
NAMES_TWO = {"mtls-guard.io/client-secret": "two"}


def annotations(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Those of the Pod, or of its template."""
    at = manifest if manifest["kind"] == "Pod" else manifest["spec"]["template"]
    found: dict[str, str] = at["metadata"]["annotations"]
    return found


def changed(manifest: dict[str, Any], remove: tuple[str, ...] = (), **more: str) -> dict[str, Any]:
    """The template that injection has written into, with other annotations of the user."""
    made: dict[str, Any] = json.loads(json.dumps(manifest))
    held = annotations(made)
    for name in remove:
        del held[name]
    held.update({f"mtls-guard.io/{name.replace('_', '-')}": value for name, value in more.items()})
    return made


def sources(manifest: Mapping[str, Any]) -> dict[str, str]:
    """By directory, the Secret that is mounted there."""
    held = annotations(manifest)
    secrets = {one["name"]: one.get("secret", {}).get("secretName") for one in json.loads(held.get(USER_VOLUME, "[]"))}
    return {one["mountPath"]: secrets[one["name"]] for one in json.loads(held.get(USER_VOLUME_MOUNT, "[]"))}


@pytest.mark.parametrize("kept", [{}, WASM], ids=["alone", "beside a person's"])
def test_a_template_gets_the_secret_that_the_opt_in_names_now(kept: dict[str, str]) -> None:
    view = worked.cluster(TWO)
    before = injected(opted({**ASKS, **kept}), view)
    assert sources(before)["/etc/mtlsfiles"] == SECRET
    after = injected(changed(before, client_secret="two"), view)
    assert sources(after) == {**({"/wasm": None} if kept else {}), "/etc/mtlsfiles": "two"}


GONE: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "opted out": ((), {"inject": "false"}),
    "the opt-in is removed": (("mtls-guard.io/client-secret",), {}),
}


@pytest.mark.parametrize(("remove", "more"), GONE.values(), ids=GONE)
@pytest.mark.parametrize("make", [opted, pod], ids=["Deployment", "Pod"])
def test_additions_leave_with_opt_in_and_manual_entries_stay(
    make: Any, remove: tuple[str, ...], more: dict[str, str]
) -> None:
    view = worked.cluster()
    for kept in ({}, WASM):
        after = injected(changed(injected(make({**ASKS, **kept}), view), remove, **more), view)
        assert {
            name: text for name, text in annotations(after).items() if name in (USER_VOLUME, USER_VOLUME_MOUNT)
        } == kept


def test_a_gateway_loses_volume_mount_and_note_with_the_opt_in() -> None:
    view = worked.cluster()
    asked = pod({**ASKS, "inject.istio.io/templates": "gateway"}, containers=[{"name": "istio-proxy", "image": "auto"}])
    after = injected(changed(injected(asked, view), inject="false"), view)
    assert after["spec"]["containers"] == asked["spec"]["containers"]
    assert "volumes" not in after["spec"]
    assert "mtls-guard.io/injected" not in annotations(after)


def test_while_no_destination_rule_applies_what_was_added_stays() -> None:
    before = injected(opted(), worked.cluster())
    alone = worked.cluster(without=("DestinationRule",))
    assert mutation(before, alone).operations == ()
    assert sources(injected(changed(before, client_secret="two"), alone)) == {}


def test_manual_entries_stay_with_another_secret() -> None:
    by_hand = {
        USER_VOLUME: '[{"name":"client","secret":{"secretName":"two"}}]',
        USER_VOLUME_MOUNT: '[{"name":"client","mountPath":"/etc/mtlsfiles"}]',
    }
    assert mutation(opted({**ASKS, **by_hand}), worked.cluster(TWO)).operations == ()


@pytest.mark.parametrize(
    ("asks", "labels"),
    [
        (NAMES_TWO, {}),
        ({**NAMES_TWO, "mtls-guard.io/inject": "true"}, {}),
        (NAMES_TWO, {"mtls-guard.io/inject": "true"}),
    ],
    ids=["alone", "and inject", "and the label of the namespace"],
)
@pytest.mark.parametrize("place", ["devel", "project"])
def test_secret_of_the_workload_takes_precedence(asks: dict[str, str], labels: dict[str, str], place: str) -> None:
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "devel", "labels": {"istio-injection": "enabled", **labels}},
    }
    named = rule({}, namespace=place, annotations={"mtls-guard.io/client-secret": SECRET})
    view = worked.cluster(TWO, named, namespace, without=("DestinationRule", "Namespace"))
    made = injected(pod(asks), view)
    assert sources(made) == {"/etc/mtlsfiles": "two"}
    assert lines(verdict(made, view)) == []


def test_destinationrules_without_secret_leave_each_its_own() -> None:
    first = rule({}, annotations={"mtls-guard.io/client-secret": SECRET})
    second = rule(reading("/etc/partner"), "partner")
    second["spec"]["host"] = "partner.example.com"
    entry = json.loads(json.dumps(worked.of_kind("ServiceEntry")))
    entry["metadata"]["name"], entry["spec"]["hosts"] = "partner", ["partner.example.com"]
    view = worked.cluster(TWO, first, second, entry, without=("DestinationRule",))
    made = injected(pod({**NAMES_TWO, "mtls-guard.io/inject": "true"}), view)
    assert sources(made) == {"/etc/mtlsfiles": SECRET, "/etc/partner": "two"}


def finished(**metadata: Any) -> dict[str, Any]:
    """A Pod as Istio's injector leaves it, without anything of mtls-guard."""
    containers = [{"name": "app", "image": "app"}, {"name": "istio-proxy", "image": "proxyv2:1.32"}]
    made = pod({**ASKS, "sidecar.istio.io/status": "{}"}, containers=containers)
    made["metadata"] |= metadata
    return made


def test_finished_pod_with_late_opt_in_gets_its_files() -> None:
    view = worked.cluster()
    made = injected(finished(), view)
    assert made["spec"]["volumes"] == [{"name": VOLUME_NAME, "secret": {"secretName": SECRET}}]
    mount = {"name": VOLUME_NAME, "mountPath": "/etc/mtlsfiles", "readOnly": True}
    assert made["spec"]["containers"][1]["volumeMounts"] == [mount]
    assert mutation(made, view).operations == ()
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    assert lines(verdict(made, view)) == []


def test_a_pod_that_runs_is_judged_as_it_is() -> None:
    (line,) = lines(verdict(finished(creationTimestamp="2026-01-01T00:00:00Z"), worked.cluster()))
    assert line == (
        'deny opts in to injection, and istio-proxy has not got the files at "/etc/mtlsfiles": injection did not '
        "reach the Pod, or another mutating webhook removed them; create the Pod again; if that is of no "
        "help, see which webhook changes it: kubectl get mutatingwebhookconfigurations [injection-not-applied]"
    )


def moving(directory: str, also: str) -> Snapshot:
    """The worked example with its paths in a directory, and another one where the files are mounted, too."""
    moved = rule(reading(directory), annotations={"mtls-guard.io/also-mount": also})
    return worked.cluster(moved, without=("DestinationRule",))


def test_files_are_mounted_at_both_directories_during_a_move() -> None:
    before, after = (sorted(mutation(pod(), view).addition.mounts, key=str) for view in STEPS)
    assert [mount.mount_path for mount in before] == ["/etc/c", "/etc/d"]
    assert before == after


STEPS = (moving("/etc/c", "/etc/d"), moving("/etc/d", "/etc/c/"))
NO_DIRECTORY = ("", "etc/d", "/", "/etc/../d", "/etc/a:b", "/etc/c")


@pytest.mark.parametrize("also", NO_DIRECTORY)
def test_what_is_no_second_directory_changes_nothing(also: str) -> None:
    (mount,) = mutation(pod(), moving("/etc/c", also)).addition.mounts
    assert mount.mount_path == "/etc/c"


def running(view: Snapshot, annotations_now: Mapping[str, str], *, rule_gone: bool = False) -> list[str]:
    """What is said of the Deployment with these annotations, of which a Pod runs that injection gave its files."""
    template = pod()
    template["metadata"] |= {
        "name": "sample-app-5d8f-x",
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "sample-app-5d8f", "controller": True}
        ],
    }
    view.put(injected(template, view))
    manifest = opted(annotations_now)
    view.put(manifest)
    if rule_gone:
        for one in list(view.config.rules):
            view.remove(one.ref)
    return [line for line in lines(verdict(manifest, view)) if line.endswith("[pod-outdated]")]


def test_running_pod_with_current_files_is_not_mentioned() -> None:
    assert running(worked.cluster(), ASKS) == []


RESTART = "kubectl -n devel rollout restart deployment/sample-app [pod-outdated]"


def test_running_pod_with_other_files_needs_restart() -> None:
    (line,) = running(worked.cluster(TWO), NAMES_TWO)
    expected = 'warn spec.template: 1 running Pod lacks what injection adds now: the files at "/etc/mtlsfiles"; '
    assert line == expected + RESTART
    (line,) = running(worked.cluster(), {"mtls-guard.io/inject": "false"})
    assert line == "warn spec.template: 1 running Pod has files that injection does not add any more; " + RESTART


CRON_JOB: Mapping[str, Any] = {"apiVersion": "batch/v1", "kind": "CronJob"}


def nightly(job: str) -> tuple[Snapshot, dict[str, Any], dict[str, Any]]:
    """A CronJob that names Secret two; of a run that began before goes on a Pod with the files of the other Secret."""
    view, template = worked.cluster(TWO), pod()
    template["metadata"] |= {
        "name": f"{job}-x",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": job, "controller": True}],
    }
    running_pod = injected(template, view)
    cron_job = pod(annotations=NAMES_TWO)
    manifest = {
        **CRON_JOB,
        "metadata": {"name": "nightly", "namespace": "devel"},
        "spec": {"jobTemplate": {"spec": {"template": {key: cron_job[key] for key in ("metadata", "spec")}}}},
    }
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    view.put(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": job, "namespace": "devel", "ownerReferences": [owner]},
            "spec": {"template": {key: running_pod[key] for key in ("metadata", "spec")}},
        }
    )
    view.put(running_pod)
    view.put(manifest)
    return view, manifest, running_pod


def test_running_cron_job_with_other_files_is_named() -> None:
    view, manifest, _ = nightly("nightly-29012345")
    (line,) = (line for line in lines(verdict(manifest, view)) if line.endswith("[pod-outdated]"))
    assert line.startswith("warn spec.jobTemplate.spec.template: 1 running Pod lacks what injection adds now")
    assert "kubectl -n devel delete pod nightly-29012345-x" in line


def test_manual_job_of_cron_job_is_judged_by_its_pod() -> None:
    """Nothing in its name leads to the CronJob."""
    view, _, running_pod = nightly("by-hand")
    view.put(rule(reading("/etc/d")))
    (line,) = (one for one in judge_state(view, Policy(), AT) if one.subject.kind == "Pod")
    assert [finding.rule for finding in line.findings] == ["injection-not-applied"]
    assert line.subject.name == running_pod["metadata"]["name"]


def test_no_restart_is_proposed_that_would_take_the_files_away() -> None:
    """While no DestinationRule says what to mount, a new Pod would get nothing."""
    assert running(worked.cluster(), ASKS, rule_gone=True) == []
