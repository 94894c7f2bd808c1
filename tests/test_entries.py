"""The configuration that may block: Ignore first, Fail once proved, repaired, given up when it is told so."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster_memory import Memory
from webhook.cluster.bundles import Bundles, Configuration, Held
from webhook.cluster.enforcing import CLUSTER_ROLES, Enforcing, Installation
from webhook.cluster.entries import BREAK_GLASS, BadEntries, Wanted, act, read_wanted, unproved
from webhook.cluster.errors import ClusterUnavailable, Forbidden
from webhook.cluster.probe import NAME
from webhook.cluster.resource import CONFIG_MAPS, VALIDATING, Resource

INSTALLATION = Installation("mtls-guard", "mtls-guard", "mtls-guard")
ENFORCING = VALIDATING.path("", "mtls-guard-enforcing")
OWNER = CLUSTER_ROLES.path("", "mtls-guard")
ENTRIES = CONFIG_MAPS.path("mtls-guard", "mtls-guard-entries")


def entry(name: str, policy: str = "Fail") -> dict[str, Any]:
    """An entry as the chart writes it."""
    return {
        "name": f"{name}.mtls-guard.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": policy,
        "timeoutSeconds": 3,
        "clientConfig": {"service": {"name": "mtls-guard", "namespace": "mtls-guard", "path": "/validate"}},
        "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["*"]}],
    }


def configuration(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": VALIDATING.api_version,
        "kind": VALIDATING.kind,
        "metadata": {"name": "mtls-guard-enforcing", "labels": {"app.kubernetes.io/name": "mtls-guard"}},
        "webhooks": list(entries),
    }


def config_map(manifest: object, **annotations: str) -> dict[str, Any]:
    metadata = {"name": "mtls-guard-entries", "namespace": "mtls-guard", "annotations": annotations}
    return {"metadata": metadata, "data": {"enforcing.yaml": yaml.safe_dump(manifest)}}


class Cluster(Memory):
    """An installation. denied_by: whose denial the known-bad object meets."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        super().__init__()
        self.denied_by = ""
        self.told: list[tuple[str, dict[str, object]]] = []
        self.create(CLUSTER_ROLES, {"metadata": {"name": "mtls-guard", "uid": "owner-1"}})
        self.create(CONFIG_MAPS, config_map(configuration(*entries)))
        self.before = self._admit
        self.enforcing = Enforcing(self, INSTALLATION, lambda why, fields: self.told.append((why, dict(fields))))

    def _admit(self, verb: str, path: str) -> None:
        if verb == "create" and path.endswith(NAME) and self.denied_by:
            raise Forbidden(f'POST {path}: 403 admission webhook "{self.denied_by}" denied the request: no', 403)

    def say(self, *entries: dict[str, Any], **annotations: str) -> None:
        """Values change."""
        self.objects[ENTRIES] = config_map(configuration(*entries), **annotations)

    @property
    def live(self) -> dict[str, Any]:
        return self.objects[ENFORCING]

    def policies(self) -> dict[str, str]:
        """The policy of each entry that is there."""
        return {one["name"].partition(".")[0]: one["failurePolicy"] for one in self.live["webhooks"]}

    def enforce(self) -> None:
        """From nothing to `Fail`."""
        self.denied_by = "workloads.mtls-guard.io"
        self.enforcing.keep()
        assert self.enforcing.prove()


def test_entries_are_ignore_until_a_known_bad_object_was_denied_by_us() -> None:
    cluster = Cluster(entry("workloads"), entry("reach", "Ignore"))
    cluster.enforcing.keep()
    first = cluster.policies()
    proved = [cluster.enforcing.prove()]
    cluster.denied_by = "validation.istio.io"
    proved.append(cluster.enforcing.prove())
    assert (cluster.policies(), proved) == (first, [False, False])
    cluster.denied_by = "workloads.mtls-guard.io"
    assert cluster.enforcing.prove()
    told = [(first, {"workloads": "Ignore", "reach": "Ignore"})]
    told.append((cluster.policies(), {"workloads": "Fail", "reach": "Ignore"}))
    assert all(found == wanted for found, wanted in told)
    assert cluster.live["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "name": "mtls-guard",
            "uid": "owner-1",
        }
    ]


def test_why_nothing_is_enforced_yet_is_said_once() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforcing.keep()
    cluster.told.clear()
    for _ in range(3):
        cluster.enforcing.prove()
    problem = "it was admitted: the API server did not ask us, or could not"
    assert cluster.told == [
        ("nothing is enforced yet: the known-bad object was not denied by us", {"problem": problem})
    ]


def test_what_stands_as_it_should_is_neither_written_nor_probed() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.asked.clear()
    cluster.enforcing.keep()
    assert cluster.enforcing.prove()
    assert {asked.partition(" ")[0] for asked in cluster.asked} == {"get"}


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a rule narrowed": lambda live: live["webhooks"][0]["rules"][0].update(resources=["none"]),
    "a condition added": lambda live: live["webhooks"][0].update(
        matchConditions=[{"name": "never", "expression": "false"}]
    ),
    "a selector added": lambda live: live["webhooks"][0].update(objectSelector={"matchLabels": {"a": "b"}}),
    "an entry removed": lambda live: live["webhooks"].pop(1),
    "an entry added": lambda live: live["webhooks"].append(entry("other")),
    "another time-out": lambda live: live["webhooks"][0].update(timeoutSeconds=30),
    "a policy weakened": lambda live: live["webhooks"][0].update(failurePolicy="Ignore"),
    "no owner": lambda live: live["metadata"].pop("ownerReferences"),
    "another Service": lambda live: live["webhooks"][0]["clientConfig"]["service"].update(name="other"),
    "a url": lambda live: live["webhooks"][0].update(clientConfig={"url": "https://elsewhere/"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_is_put_back(change: str) -> None:
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    shall = configuration(entry("workloads"), entry("destinationrules"))["webhooks"]
    CHANGES[change](cluster.live)
    cluster.enforcing.keep()
    assert cluster.enforcing.prove()
    assert cluster.live["webhooks"] == shall
    assert [one["uid"] for one in cluster.live["metadata"]["ownerReferences"]] == ["owner-1"]


def test_what_belongs_to_others_stays_when_it_is_put_back() -> None:
    """The CA bundle is written by whoever owns the certificate, labels and annotations by anybody."""
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    bundle = base64.b64encode(b"a bundle").decode()
    cluster.live["webhooks"][0] |= {"timeoutSeconds": 30}
    cluster.live["webhooks"][0]["clientConfig"] |= {"caBundle": bundle}
    cluster.live["metadata"] |= {"annotations": {"theirs": "stays"}}
    cluster.enforcing.keep()
    assert cluster.live["metadata"]["annotations"] == {"theirs": "stays"}
    assert (cluster.live["webhooks"][0]["clientConfig"]["caBundle"], cluster.policies()) == (
        bundle,
        {"workloads": "Fail"},
    )


def test_an_entry_that_is_new_or_asks_another_service_has_to_prove_itself() -> None:
    cluster = Cluster(entry("workloads"), entry("destinationrules"))
    cluster.enforce()
    moved = entry("destinationrules") | {"clientConfig": {"service": {"name": "other", "namespace": "mtls-guard"}}}
    cluster.say(entry("workloads"), moved, entry("namespaces"))
    cluster.enforcing.keep()
    assert cluster.policies() == {"workloads": "Fail", "destinationrules": "Ignore", "namespaces": "Ignore"}
    assert cluster.enforcing.prove()
    assert set(cluster.policies().values()) == {"Fail"}


def test_values_that_say_ignore_are_followed_at_once() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say(entry("workloads", "Ignore"))
    cluster.enforcing.keep()
    assert (cluster.policies(), cluster.enforcing.prove()) == ({"workloads": "Ignore"}, True)
    assert cluster.policies() == {"workloads": "Ignore"}


def test_values_without_an_entry_remove_it() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say()
    cluster.enforcing.keep()
    cluster.enforcing.keep()
    assert ENFORCING not in cluster.objects


def test_a_broken_glass_makes_everything_ignore_until_it_is_mended() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.say(entry("workloads"), **{BREAK_GLASS: "it denies everything"})
    cluster.enforcing.keep()
    assert (cluster.enforcing.prove(), cluster.policies()) == (True, {"workloads": "Ignore"})
    cluster.say(entry("workloads"))
    assert (cluster.enforcing.prove(), cluster.policies()) == (True, {"workloads": "Fail"})


def test_one_deleted_by_hand_comes_back_as_ignore_and_has_to_prove_itself() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    del cluster.objects[ENFORCING]
    cluster.enforcing.keep()
    assert cluster.policies() == {"workloads": "Ignore"}


@pytest.mark.parametrize("gone", ["role", "role being deleted", "entries"])
def test_an_installation_that_is_being_removed_is_left_alone(gone: str) -> None:
    cluster = Cluster(entry("workloads"))
    cluster.denied_by = "workloads.mtls-guard.io"
    if gone == "role being deleted":
        cluster.objects[OWNER]["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    else:
        del cluster.objects[OWNER if gone == "role" else ENTRIES]
    cluster.enforcing.keep()
    assert cluster.enforcing.prove()
    assert ENFORCING not in cluster.objects


def test_an_api_server_that_does_not_answer_changes_nothing() -> None:
    cluster = Cluster(entry("workloads"))
    cluster.enforce()

    def cut(_verb: str, path: str) -> None:
        if path == ENTRIES:
            raise ClusterUnavailable(f"{path}: no answer")

    cluster.before = cut
    with pytest.raises(ClusterUnavailable):
        cluster.enforcing.keep()
    assert cluster.policies() == {"workloads": "Fail"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: [", 'key "enforcing.yaml" is no YAML'),
        ("", 'key "enforcing.yaml" holds "", expected a configuration named "mtls-guard-enforcing"'),
        ("metadata: {name: other}", 'key "enforcing.yaml" holds "other", expected a'),
    ],
)
def test_entries_that_cannot_be_read_are_said_and_change_nothing(content: str, told: str) -> None:
    with pytest.raises(BadEntries) as caught:
        read_wanted({"data": {"enforcing.yaml": content}}, "mtls-guard-enforcing")
    assert str(caught.value).startswith(told)
    cluster = Cluster(entry("workloads"))
    cluster.enforce()
    cluster.objects[ENTRIES]["data"] = {"enforcing.yaml": content}
    cluster.enforcing.keep()
    assert cluster.policies() == {"workloads": "Fail"}


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_shape_of_a_live_configuration_raises(odd: object) -> None:
    wanted = Wanted(configuration(entry("workloads")))
    for live in (
        {"webhooks": odd},
        {"webhooks": [odd]},
        {"metadata": odd},
        {"webhooks": [{"clientConfig": odd, "rules": odd}]},
    ):
        assert act(wanted, {}, live, proved=False)
        assert unproved(wanted, live)


def bundles(memory: Memory, *names: str) -> Bundles:
    return Bundles(memory, [Configuration(VALIDATING, name) for name in names])


def put(memory: Memory, resource: Resource, manifest: dict[str, Any]) -> None:
    memory.create(resource, manifest)


def test_bundles_are_written_where_they_differ_and_nowhere_else() -> None:
    memory = Memory()
    put(memory, VALIDATING, configuration(entry("workloads"), entry("destinationrules")))
    known = bundles(memory, "mtls-guard", "mtls-guard-enforcing")
    assert [one.bundle for one in known.held()] == [b"", b""]
    assert [known.publish(b"one"), known.publish(b"one")] == [("mtls-guard-enforcing",), ()]
    memory.objects[ENFORCING]["webhooks"][1]["clientConfig"]["caBundle"] = "no base64"
    held = (Held("workloads.mtls-guard.io", b"one"), Held("destinationrules.mtls-guard.io", b""))
    assert known.held() == held
    assert known.publish(b"one") == ("mtls-guard-enforcing",)
    assert {one.bundle for one in known.held()} == {b"one"}
    assert [asked.partition(" ")[0] for asked in memory.asked].count("apply") == 2
