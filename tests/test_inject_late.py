"""A Secret that is not there, or not yet: what is mounted all the same, so that no Pod starts without its files."""

import json
from typing import Any

from tests import worked
from tests.injecting import SECRET, VOLUME_NAME, injected, lines, opted, pod, reading, rule, verdict
from webhook.istio.injector.annotations import USER_VOLUME
from webhook.model.finding import Severity
from webhook.view import Snapshot

BY_NAME = [{"key": name, "path": name} for name in ("cert", "key", "cacert")]
RENAMED = [{"key": key, "path": path} for key, path in (("tls.crt", "cert"), ("tls.key", "key"), ("ca.crt", "cacert"))]
CERTIFICATE = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "client", "namespace": "devel"},
    "spec": {"secretName": SECRET},
}


def volume(items: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The annotation with these items of the one Secret."""
    name = VOLUME_NAME if items == BY_NAME else "mtls-guard-external-system-mtls-data-bebfbcf1"
    return [{"name": name, "secret": {"secretName": SECRET, "items": items}}]


def mounted(made: dict[str, Any]) -> Any:
    """The volumes that the Pod's annotation names."""
    return json.loads(made["metadata"]["annotations"][USER_VOLUME])


def denied(manifest: dict[str, Any], view: Snapshot) -> list[str]:
    """The rules that deny it."""
    return [one.rule for one in verdict(manifest, view).findings if one.severity is Severity.DENY]


def test_missing_secret_is_refused_with_a_command() -> None:
    """So nothing of the object, patched or not, is stored: neither a template nor a Pod of one's own."""
    view = worked.cluster(without=("Secret",))
    for manifest in (opted(), pod(), injected(opted(), view), injected(pod(), view)):
        (line,) = lines(verdict(manifest, view))
        assert line.startswith(
            f"deny Secret devel/{SECRET}: does not exist, the Pod will not start; create it: kubectl"
        )
        assert line.endswith("[secret-missing]")


def test_pod_of_admitted_template_waits_for_its_secret() -> None:
    """The Secret went away after its template was admitted: nobody judges the Pod, and it must not start without."""
    assert mounted(injected(pod(), worked.cluster(without=("Secret",)))) == volume(BY_NAME)


def test_waiting_pod_is_correct_once_the_secret_exists() -> None:
    waiting = injected(pod(), worked.cluster(without=("Secret",)))
    assert lines(verdict(waiting, worked.cluster())) == []


def test_late_secret_with_other_data_keys_fixes_the_next_pod() -> None:
    waiting = injected(pod(), worked.cluster(without=("Secret",)))
    held = worked.of_kind("Secret")
    keys = {one["path"]: one["key"] for one in RENAMED}
    late = {**held, "stringData": {keys[name]: value for name, value in held["stringData"].items()}}
    view = worked.cluster(late, without=("Secret",))
    waiting["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    assert "item-data-key-missing" in denied(waiting, view)
    assert mounted(injected(pod(), view)) == volume(RENAMED)
    assert lines(verdict(injected(pod(), view), view)) == []


def test_data_keys_of_awaited_secret_follow_its_certificate() -> None:
    view = worked.cluster(CERTIFICATE, without=("Secret",))
    assert mounted(injected(pod(), view)) == volume(RENAMED)
    assert denied(opted(), view) == []


def test_two_directories_of_missing_secret_are_mounted() -> None:
    paths = {**reading("/etc/client"), "caCertificates": "/etc/ca/cacert"}
    view = worked.cluster(rule(paths), without=("DestinationRule", "Secret"))
    assert [one["secret"]["items"] for one in mounted(injected(pod(), view))] == [BY_NAME[:2], BY_NAME[2:]]


def test_what_git_does_not_hold_is_no_missing_secret() -> None:
    view = Snapshot(complete=False)
    for one in worked.worked():
        if one["kind"] != "Secret":
            view.put(one)
    assert mounted(injected(pod(), view)) == [{"name": VOLUME_NAME, "secret": {"secretName": SECRET}}]
