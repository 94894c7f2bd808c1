"""The configurations that block and inject: Ignore first, Fail once proved, repaired, given up when told so."""

import base64
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster_memory import Memory
from webhook.kubeapi.client import Query
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable, Forbidden
from webhook.kubeapi.resource import CONFIG_MAPS, MUTATING, NAMESPACES, VALIDATING, Resource
from webhook.leader.enforcement import EnforcementReconciler
from webhook.leader.enforcement_plan import BREAK_GLASS, InvalidDesiredState, read_stated
from webhook.leader.installation import CLUSTER_ROLES, Installation
from webhook.leader.probe_challenge import MARK, NAME, challenge_of
from webhook.leader.webhook_entries import FieldDifference, act, differences

INSTALLATION = Installation("mtls-guard", "mtls-guard", "mtls-guard")
ENFORCING = VALIDATING.path("", "mtls-guard-enforcing")
INJECTING = MUTATING.path("", "before-istio-mtls-guard")
OWNER = CLUSTER_ROLES.path("", "mtls-guard")
OURS = NAMESPACES.path("", "mtls-guard")
ENTRIES = CONFIG_MAPS.path("mtls-guard", "mtls-guard-entries")
FAILED = 'failed calling webhook "probe-injection.mtls-guard.io": failed to call webhook: Post "https://..."'
ADMITTED = "it was admitted: the API server did not ask us, or could not"
WAITS = "nothing is enforced yet: the known-bad object was not denied by us"
ENFORCES = "the entries enforce from now on: a known-bad object was denied"
FALLS = "the entries enforce no more: the API server does not reach us"


def entry(name: str, policy: str = "Fail", path: str = "/validate") -> dict[str, Any]:
    """An entry as the chart writes it."""
    return {
        "name": f"{name}.mtls-guard.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": policy,
        "timeoutSeconds": 3,
        "clientConfig": {"service": {"name": "mtls-guard", "namespace": "mtls-guard", "path": path}},
        "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["*"]}],
    }


def configuration(resource: Resource, name: str, *entries: dict[str, Any]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "mtls-guard"}
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**kind, "metadata": {"name": name, "labels": labels}, "webhooks": list(entries)}


def config_map(enforcing: object, injecting: object = None, annotation: str = "") -> dict[str, Any]:
    annotations = {annotation: "why, who, until when"} if annotation else {}
    metadata = {"name": "mtls-guard-entries", "namespace": "mtls-guard", "annotations": annotations}
    telling = configuration(VALIDATING, "mtls-guard", entry("reach", "Ignore"))
    data = {"enforcing.yaml": enforcing, "injecting.yaml": injecting, "telling.yaml": telling}
    return {"metadata": metadata, "data": {key: yaml.safe_dump(made) for key, made in data.items() if made}}


class Cluster(Memory):
    """An installation. answer: what the API server says to the probe; '' for the right answers of this installation."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        super().__init__()
        self.answer = "admitted"
        self.mutates = True
        self.told: list[tuple[str, dict[str, object]]] = []
        self.create(CLUSTER_ROLES, {"metadata": {"name": "mtls-guard", "uid": "owner-1"}})
        self.create(NAMESPACES, {"metadata": {"name": "mtls-guard"}})
        self.create(CONFIG_MAPS, {"metadata": {"name": "mtls-guard-entries", "namespace": "mtls-guard"}})
        self.say(*entries)
        self.keeping = EnforcementReconciler(
            self, INSTALLATION, lambda why, fields: self.told.append((why, dict(fields)))
        )

    def create(self, resource: Resource, manifest: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        """A probe is answered; all else is created."""
        challenge = challenge_of(manifest)
        if challenge is None or self.answer == "admitted":
            made = super().create(resource, manifest, query)
            if challenge and self.mutates:
                made["metadata"] = {**made["metadata"], "annotations": {MARK: challenge.mark}}
            return made
        if self.answer:
            raise error_of(self.answer)
        said = f"{challenge.answer} {challenge.mark if self.mutates else ''}"
        raise error_of(f'admission webhook "probe.mtls-guard.io" denied the request: {said}')

    def say(self, *entries: dict[str, Any], injecting: bool = True, annotation: str = "") -> None:
        """Values change. annotation: the name of one that the ConfigMap has."""
        mutating = configuration(MUTATING, "before-istio-mtls-guard", entry("inject", path="/mutate"))
        enforcing = configuration(VALIDATING, "mtls-guard-enforcing", *entries)
        self.objects[ENTRIES] = config_map(enforcing, mutating if injecting else None, annotation)

    @property
    def live(self) -> dict[str, Any]:
        return self.objects[ENFORCING]

    def policies(self, path: str = ENFORCING) -> dict[str, str]:
        """The policy of each entry that is there."""
        return {one["name"].partition(".")[0]: one["failurePolicy"] for one in self.objects[path]["webhooks"]}

    def round(self, times: int = 1) -> None:
        """Rounds of the leader."""
        for _ in range(times):
            self.keeping.keep()
            self.keeping.prove()

    def enforce(self) -> None:
        """From nothing to `Fail`."""
        self.answer = ""
        self.round()
        assert self.all_policies() == {"Fail"}
        self.told.clear()

    def all_policies(self) -> set[str]:
        return {*self.policies().values(), *self.policies(INJECTING).values()}

    def messages(self) -> list[str]:
        return [why for why, _ in self.told]


def error_of(said: str) -> ClusterError:
    """As the API server refuses."""
    return ClusterUnavailable(said, 500) if said.startswith("failed") else Forbidden(said, 403)


def test_entries_enforce_after_own_probe_answer() -> None:
    cluster = Cluster(entry("workloads"), entry("reach", "Ignore"))
    cluster.keeping.keep()
    owners = [cluster.objects[path]["metadata"]["ownerReferences"] for path in (ENFORCING, INJECTING)]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "mtls-guard", "uid": "owner-1"}
    assert owners == [[role], [role]]
    foreign = 'admission webhook "validation.istio.io" denied the request: no'
    quoting = f'admission webhook "probe.mtls-guard.io" denied the request: {NAME} is not allowed'
    for answer in ("admitted", foreign, quoting):
        cluster.answer = answer
        cluster.mutates = False
        cluster.round()
        assert cluster.policies() == {"workloads": "Ignore", "reach": "Ignore"}
        assert cluster.policies(INJECTING) == {"inject": "Ignore"}
    cluster.answer, cluster.mutates = "", True
    cluster.round()
    assert cluster.policies() == {"workloads": "Fail", "reach": "Ignore"}
    assert cluster.policies(INJECTING) == {"inject": "Fail"}


def test_each_configuration_is_proved_by_itself() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.answer, cluster.mutates = "", False
    cluster.round(4)
    assert (cluster.policies(), cluster.policies(INJECTING)) == ({"workloads": "Fail"}, {"inject": "Ignore"})
    problem = "the mutating webhook was left out: the API server could not reach it"
    assert (WAITS, {"configuration": "before-istio-mtls-guard", "problem": problem}) in cluster.told
    cluster.mutates = True
    cluster.round()
    assert cluster.policies(INJECTING) == {"inject": "Fail"}


def test_why_nothing_is_enforced_yet_is_said_once() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.keeping.keep()
    cluster.told.clear()
    cluster.mutates = False
    cluster.round(3)
    names = ("mtls-guard-enforcing", "before-istio-mtls-guard")
    assert cluster.told == [(WAITS, {"configuration": name, "problem": ADMITTED}) for name in names]


@pytest.mark.parametrize("answer", ["admitted", FAILED])
def test_enforcing_entries_fall_back_when_probes_fail(answer: str) -> None:
    """Two failed probes mean nothing yet; the third in a row does, and one answer is not enough to come back."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.answer, cluster.mutates = answer, False
    cluster.round(2)
    assert cluster.all_policies() == {"Fail"}
    cluster.round()
    assert cluster.all_policies() == {"Ignore"}
    assert cluster.messages().count(FALLS) == 2
    cluster.answer, cluster.mutates = "", True
    cluster.round(2)
    assert cluster.all_policies() == {"Ignore"}
    cluster.round()
    assert cluster.all_policies() == {"Fail"}


def test_earlier_failures_do_not_count_for_fallback() -> None:
    """As right after an install: the first Pods were not reached yet."""
    cluster = Cluster(entry("workloads"))
    cluster.mutates = False
    cluster.round(2)
    cluster.mutates = True
    cluster.enforce()
    cluster.answer, cluster.mutates = FAILED, False
    cluster.round(2)
    assert cluster.all_policies() == {"Fail"}
    cluster.round()
    assert cluster.all_policies() == {"Ignore"}


def test_one_that_is_reached_every_other_time_does_not_swing() -> None:
    """Each fall doubles what has to be proved before the next `Fail`."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    for number in range(200):
        cluster.answer = "" if number % 4 else FAILED
        cluster.round()
    assert cluster.messages().count(FALLS) <= 2
    cluster.answer = ""
    cluster.round(48)
    assert cluster.all_policies() == {"Fail"}


@pytest.mark.parametrize(
    "answer",
    [
        'admission webhook "validation.istio.io" denied the request: no',
        'failed calling webhook "other.example.com": failed to call webhook: context deadline exceeded',
        'failed calling webhook "destinationrules.mtls-guard.io": Post "https://mtls-guard.other.svc:443/validate"',
        "destinationrules is forbidden: User may not",
    ],
)
def test_what_says_nothing_about_us_changes_nothing(answer: str) -> None:
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    cluster.answer = answer
    cluster.round(10)
    assert cluster.all_policies() == {"Fail"}
    assert cluster.messages() == ["the probe failed", "the probe failed"]


def test_what_is_as_it_should_be_is_probed_and_not_written() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.asked.clear()
    cluster.round(3)
    assert {asked.partition(" ")[0] for asked in cluster.asked} == {"get"}
    assert cluster.keeping.outcomes == {"proved": 4}


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a rule narrowed": lambda live: live["webhooks"][0]["rules"][0].update(resources=["none"]),
    "a condition added": lambda live: live["webhooks"][0].update(
        matchConditions=[{"name": "never", "expression": "false"}]
    ),
    "a selector added": lambda live: live["webhooks"][0].update(objectSelector={"matchLabels": {"a": "b"}}),
    "an entry removed": lambda live: live["webhooks"].pop(0),
    "an entry added": lambda live: live["webhooks"].append(entry("other")),
    "another time-out": lambda live: live["webhooks"][0].update(timeoutSeconds=30),
    "a policy weakened": lambda live: live["webhooks"][0].update(failurePolicy="Ignore"),
    "called again": lambda live: live["webhooks"][0].update(reinvocationPolicy="IfNeeded"),
    "no owner": lambda live: live["metadata"].pop("ownerReferences"),
    "no label": lambda live: live["metadata"].pop("labels"),
    "the injector of cert-manager": lambda live: live["metadata"].update(
        annotations={"cert-manager.io/inject-ca-from": "a/b"}
    ),
    "another Service": lambda live: live["webhooks"][0]["clientConfig"]["service"].update(name="other"),
    "another path": lambda live: live["webhooks"][0]["clientConfig"]["service"].update(path="/other"),
    "a url": lambda live: live["webhooks"][0].update(clientConfig={"url": "https://elsewhere/"}),
}


@pytest.mark.parametrize("path", [ENFORCING, INJECTING], ids=["enforcing", "injecting"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_is_put_back_within_a_round(change: str, path: str) -> None:
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    before = cluster.objects[path]
    expected = {part: before["metadata"].get(part, {}) for part in ("labels", "ownerReferences", "annotations")}
    expected, entries = deepcopy((expected, before["webhooks"]))
    CHANGES[change](cluster.objects[path])
    cluster.round()
    live = cluster.objects[path]
    assert live["webhooks"] == entries
    assert {part: live["metadata"].get(part, {}) for part in expected} == expected


def test_what_belongs_to_others_stays_when_it_is_put_back() -> None:
    """The CA bundle is written apart, labels and annotations by anybody."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    bundle = base64.b64encode(b"a bundle").decode()
    cluster.live["webhooks"][0] |= {"timeoutSeconds": 30}
    cluster.live["webhooks"][0]["clientConfig"] |= {"caBundle": bundle}
    cluster.live["metadata"] |= {"annotations": {"theirs": "stays"}}
    cluster.keeping.keep()
    assert cluster.live["metadata"]["annotations"] == {"theirs": "stays"}
    assert (cluster.live["webhooks"][0]["clientConfig"]["caBundle"], cluster.policies()) == (
        bundle,
        {"workloads": "Fail"},
    )


def test_configuration_of_helm_is_adopted_with_enforcement() -> None:
    cluster = Cluster(entry("workloads"))
    labels = {"app.kubernetes.io/instance": "mtls-guard", "helm.sh/chart": "mtls-guard-0.1.0", "team": "platform"}
    helms = configuration(MUTATING, "before-istio-mtls-guard", entry("inject", path="/mutate"))
    annotations = {"meta.helm.sh/release-name": "mtls-guard", "helm.sh/resource-policy": "keep"}
    helms["metadata"] |= {"labels": labels, "annotations": annotations}
    Memory.create(cluster, MUTATING, helms)
    cluster.round()
    metadata = cluster.objects[INJECTING]["metadata"]
    assert cluster.policies(INJECTING) == {"inject": "Fail"}
    assert metadata["labels"] == {"app.kubernetes.io/name": "mtls-guard", "team": "platform"}
    assert metadata["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert [one["uid"] for one in metadata["ownerReferences"]] == ["owner-1"]


def test_mutating_configuration_of_helm_stays_with_helm() -> None:
    """After a rollback: its ConfigMap does not speak of it."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    del cluster.objects[ENTRIES]["data"]["telling.yaml"], cluster.objects[ENTRIES]["data"]["injecting.yaml"]
    cluster.live["webhooks"][0] |= {"timeoutSeconds": 30}
    cluster.round()
    assert cluster.policies(INJECTING) == {"inject": "Fail"}
    assert cluster.live["webhooks"][0]["timeoutSeconds"] == 3


def test_an_entry_that_asks_another_service_has_to_prove_itself() -> None:
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    moved = entry("destinationrules") | {"clientConfig": {"service": {"name": "other", "namespace": "mtls-guard"}}}
    cluster.say(entry("workloads"), moved)
    cluster.keeping.keep()
    assert cluster.policies() == {"workloads": "Fail", "destinationrules": "Ignore"}
    cluster.round()
    assert set(cluster.policies().values()) == {"Fail"}


def test_values_that_say_ignore_are_followed_at_once() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say(entry("workloads", "Ignore"))
    cluster.round()
    assert cluster.policies() == {"workloads": "Ignore"}


def test_values_without_an_entry_or_without_injection_remove_it() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say(injecting=False)
    cluster.round(2)
    assert cluster.objects.keys().isdisjoint({ENFORCING, INJECTING})


def test_break_glass_ignores_every_entry_until_revoked() -> None:
    """And nothing is `Fail` again without another proof."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say(entry("workloads"), annotation=BREAK_GLASS)
    cluster.round(3)
    assert cluster.all_policies() == {"Ignore"}
    cluster.say(entry("workloads"))
    cluster.keeping.keep()
    assert cluster.all_policies() == {"Ignore"}
    cluster.keeping.prove()
    assert cluster.all_policies() == {"Fail"}


@pytest.mark.parametrize("path", [ENFORCING, INJECTING], ids=["enforcing", "injecting"])
def test_deleted_configuration_returns_as_ignore(path: str) -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    del cluster.objects[path]
    cluster.round(2)
    assert set(cluster.policies(path).values()) == {"Ignore"}
    cluster.round()
    assert cluster.all_policies() == {"Fail"}
    name = path.rpartition("/")[2]
    judged, injected = "objects were not judged", "Pods that opted in started without their files"
    fields = {"configuration": name, "meanwhile": judged if path == ENFORCING else injected}
    assert cluster.told[0] == ("the webhook configuration was deleted by others", fields)
    assert cluster.keeping.kept[name].restored == 1


def test_nothing_fails_after_deletion_during_break_glass() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    del cluster.objects[ENFORCING], cluster.objects[INJECTING]
    cluster.say(entry("workloads"), annotation=BREAK_GLASS)
    cluster.round(20)
    assert cluster.all_policies() == {"Ignore"}


def test_namespace_deletion_removes_configurations() -> None:
    """Whichever replica sees it, and whatever a leader does that has not seen it yet."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.objects[OURS]["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    cluster.round()
    assert cluster.objects.keys().isdisjoint({ENFORCING, INJECTING})
    cluster.round()
    assert cluster.objects.keys().isdisjoint({ENFORCING, INJECTING})
    assert cluster.messages() == ["the namespace is being deleted: the configuration was removed"] * 2


@pytest.mark.parametrize("gone", ["role", "role being deleted", "entries"])
def test_an_installation_that_is_being_removed_is_left_alone(gone: str) -> None:
    cluster = Cluster(entry("workloads"))
    cluster.answer = ""
    if gone == "role being deleted":
        cluster.objects[OWNER]["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    else:
        del cluster.objects[OWNER if gone == "role" else ENTRIES]
    cluster.round()
    assert cluster.objects.keys().isdisjoint({ENFORCING, INJECTING})


def test_an_api_server_that_does_not_answer_changes_nothing() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()

    def cut(_verb: str, path: str) -> None:
        if path == ENTRIES:
            raise ClusterUnavailable(f"{path}: no answer")

    cluster.before = cut
    with pytest.raises(ClusterUnavailable):
        cluster.keeping.keep()
    assert cluster.policies() == {"workloads": "Fail"}


def test_repeated_changes_are_restored_less_often() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    for _ in range(24):
        cluster.live["webhooks"][0]["timeoutSeconds"] = 30
        cluster.round()
    assert cluster.messages().count("the webhook configuration was brought to what values say") == 5
    assert cluster.messages().count("the webhook configuration keeps being changed by others") == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: [", 'key "enforcing.yaml" is no YAML'),
        ("", 'key "enforcing.yaml" holds "", expected a configuration named "mtls-guard-enforcing"'),
        ("metadata: {name: other}", 'key "enforcing.yaml" holds "other", expected a'),
    ],
)
def test_entries_that_cannot_be_read_are_said_and_change_nothing(content: str, told: str) -> None:
    with pytest.raises(InvalidDesiredState) as caught:
        read_stated({"data": {"enforcing.yaml": content}}, INSTALLATION)
    assert str(caught.value).startswith(told)
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.objects[ENTRIES]["data"] = {"enforcing.yaml": content}
    cluster.round()
    assert cluster.policies() == {"workloads": "Fail"}


def test_difference_names_entry_field_and_values() -> None:
    """What doctor says of a configuration."""
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    stated = read_stated(cluster.objects[ENTRIES], INSTALLATION)
    assert [one.name for one in stated.configurations] == [
        "mtls-guard",
        "mtls-guard-enforcing",
        "before-istio-mtls-guard",
        "zzz-after-istio-mtls-guard",
    ]
    expected = stated.enforcing.expected({})
    assert differences(expected, cluster.live) == ()
    cluster.live["webhooks"][0] |= {"timeoutSeconds": 30, "failurePolicy": "Ignore"}
    service = cluster.live["webhooks"].pop(1)
    assert differences(expected, cluster.live) == (
        FieldDifference("workloads.mtls-guard.io", "failurePolicy", "Ignore", "Fail"),
        FieldDifference("workloads.mtls-guard.io", "timeoutSeconds", 30, 3),
        FieldDifference("destinationrules.mtls-guard.io", "", None, {**service, "failurePolicy": "Fail"}),
    )


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_shape_of_a_live_configuration_raises(odd: object) -> None:
    expected = configuration(VALIDATING, "mtls-guard-enforcing", entry("workloads"))
    for live in (
        {"webhooks": odd},
        {"webhooks": [odd]},
        {"metadata": odd},
        {"webhooks": [{"clientConfig": odd, "rules": odd, "name": "workloads.mtls-guard.io"}]},
        {"webhooks": [{"clientConfig": {"service": odd}, "name": "workloads.mtls-guard.io"}]},
    ):
        assert act(expected, {}, live)
        assert differences(expected, live)
