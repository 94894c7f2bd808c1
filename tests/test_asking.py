"""Workloads that ask for injection count as those whom a rule serves, and as those whom a change can break."""

import pytest

from tests import worked
from tests.injecting import SECRET, mutation, opted, pod, reading, verdict
from tests.test_inject_fits import SETTINGS, partner
from webhook.engine import judge_state
from webhook.examples import AT
from webhook.policy import Policy
from webhook.view import Snapshot

OTHER_KEYS = {"cert": "client.crt", "key": "client.key", "cacert": "ca.crt"}
OTHER_FILES = {"trafficPolicy": {"tls": {**SETTINGS, **reading("/etc/partner", *OTHER_KEYS.values())}}}
SAME_FILES = {"trafficPolicy": {"tls": SETTINGS}}
ASKING = {"istio-injection": "enabled", "mtls-guard.io/inject": "true"}
RULE = worked.of_kind("DestinationRule")
BY_NAME = {**RULE, "metadata": {**RULE["metadata"], "annotations": {"mtls-guard.io/client-secret": SECRET}}}


def asking(*extra: worked.Object, annotations: dict[str, str] | None = None) -> Snapshot:
    """The worked example with a workload that asks instead of mounting."""
    asks = opted() if annotations is None else opted(annotations)
    return worked.cluster(asks, *extra, without=("Deployment",))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(asking(), id="the workload names the Secret"),
        pytest.param(asking(BY_NAME, annotations={"mtls-guard.io/inject": "true"}), id="the rule names it"),
        pytest.param(
            asking(
                BY_NAME,
                {"kind": "Namespace", "metadata": {"name": "devel", "labels": ASKING}},
                annotations={},
            ),
            id="the namespace asks",
        ),
    ],
)
def test_a_rule_whose_files_injection_brings_serves_somebody(view: Snapshot) -> None:
    assert [one.findings for one in judge_state(view, Policy(), AT)] == [(), ()]


def test_a_rule_that_injection_cannot_serve_serves_nobody() -> None:
    view = asking(annotations={"mtls-guard.io/client-secret": SECRET, "mtls-guard.io/destinations": "elsewhere.com"})
    told = {finding.rule for one in judge_state(view, Policy(), AT) for finding in one.findings}
    assert "destinationrule-unused" in told


def test_a_second_rule_with_other_keys_takes_nobody_his_files() -> None:
    entry, second, _ = partner(OTHER_FILES, OTHER_KEYS)
    view = asking(entry)
    assert "workload-broken-by-change" not in {one.rule for one in worked.ask(view, "CREATE", second).findings}
    view.put(second)
    added = mutation(pod(), view).addition
    assert [one.mount_path for one in added.mounts] == ["/etc/mtlsfiles"]
    assert not added.obstacles


def test_second_candidate_destinationrule_removes_no_files() -> None:
    entry, second, _ = partner(SAME_FILES)
    view = asking(entry)
    assert worked.lines(worked.ask(view, "CREATE", second), "workload-broken-by-change") == []
    view.put(second)
    assert [one.mount_path for one in mutation(pod(), view).addition.mounts] == ["/etc/mtlsfiles"]


def test_destinationrule_of_own_namespace_is_preferred() -> None:
    entry, second, _ = partner(SAME_FILES)
    own = {**second, "metadata": {**second["metadata"], "namespace": "devel"}}
    service = {**entry, "metadata": {**entry["metadata"], "namespace": "devel"}}
    view = asking(service, own)
    assert [one.mount_path for one in mutation(pod(), view).addition.mounts] == ["/etc/partner"]
    assert [one.rule for one in verdict(opted(), view).findings if one.rule.startswith("injection")] == []


def test_a_misspelt_destination_is_named() -> None:
    asks = opted({"mtls-guard.io/client-secret": SECRET, "mtls-guard.io/destinations": "externl.system.com"})
    found = [one for one in verdict(asks, asking()).findings if one.rule == "injection-without-destinationrule"]
    assert [(one.path.rpartition("[")[2], one.problem.partition(":")[0]) for one in found] == [
        ('"mtls-guard.io/destinations"]', '"externl.system.com"')
    ]


def test_a_secret_that_a_workload_asks_for_concerns_it() -> None:
    held = worked.of_kind("Secret")
    found = worked.ask(asking(), "DELETE", held, held).findings
    assert [one.rule for one in found] == ["workload-broken-by-change"]


def test_too_many_workloads_suppress_unused_destinationrule(monkeypatch: pytest.MonkeyPatch) -> None:
    view = asking(annotations={"mtls-guard.io/client-secret": "another"})
    view.put(
        {**worked.of_kind("Secret"), "metadata": {"name": "another", "namespace": "devel"}, "stringData": {"a": "b"}}
    )
    entry, second, _ = partner(SAME_FILES)
    for one in (entry, second):
        view.put(one)  # no Secret has the data keys of either
    assert "destinationrule-unused" in {one.rule for each in judge_state(view, Policy(), AT) for one in each.findings}
    monkeypatch.setattr("webhook.trace.audience.ASKED", 0)
    assert "destinationrule-unused" not in {
        one.rule for each in judge_state(view, Policy(), AT) for one in each.findings
    }
