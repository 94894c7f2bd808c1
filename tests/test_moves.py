"""A release that moves mounts and DestinationRules together: what is denied, the way out, and who accepts a gap."""

import copy
import json
from typing import Any

import pytest

from tests.live import mesh_objects as team
from tests.worked import Object, ask, lines, of_kind
from webhook.kinds.opt_in_annotations import ALLOW_INTERRUPTION
from webhook.model.finding import Verdict
from webhook.view import Snapshot

ACCEPT = 'to accept a short interruption: annotation mtls-guard.io/allow-interruption: "true"'
WAY = f"to move the path: mount at both, change the DestinationRule, then drop the old mount; {ACCEPT}"
BREAKS = (
    "deny this change breaks Deployment devel/app (file-not-mounted); mount the files at old and new path in the "
    f"workloads, change the rule, then drop the old mount; {ACCEPT}"
)


def app(*mounts: tuple[str, str]) -> Object:
    """The Deployment with these mounts: directory and Secret."""
    made = team.workload("app", "/", "")
    volumes = [{"name": f"v{at}", "secret": {"secretName": name}} for at, (_, name) in enumerate(mounts)]
    places = [{"name": f"v{at}", "mountPath": path} for at, (path, _) in enumerate(mounts)]
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    annotations["sidecar.istio.io/userVolume"] = json.dumps(volumes)
    annotations["sidecar.istio.io/userVolumeMount"] = json.dumps(places)
    return made


def accepting(manifest: Object) -> Object:
    """The object with the annotation, where the others are."""
    made: dict[str, Any] = copy.deepcopy(dict(manifest))
    at = made["spec"]["template"]["metadata"] if "template" in made["spec"] else made["metadata"]
    at["annotations"] = {**at.get("annotations", {}), ALLOW_INTERRUPTION: "true"}
    return made


def cluster(*objects: Object) -> Snapshot:
    """A team with a Secret for each of two partners, and these objects."""
    view = Snapshot()
    material = of_kind("Secret")
    secrets = [{**material, "metadata": {"namespace": team.TEAM, "name": name}} for name in ("one", "two")]
    for one in (team.namespace(), *secrets, team.partner("one"), team.partner("two"), *objects):
        view.put(one)
    return view


def said(verdict: Verdict, *rules: str) -> list[str]:
    return [line for rule in rules for line in lines(verdict, rule)]


OLD, NEW, BOTH = app(("/etc/one", "one")), app(("/etc/new", "one")), app(("/etc/one", "one"), ("/etc/new", "one"))
RULE, MOVED = team.rule("one", "/etc/one"), team.rule("one", "/etc/new")
LEFT = (
    'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"][0].mountPath: "/etc/new" holds no file '
    'that DestinationRule devel/one reads; mount Secret "one" at "/etc/one"'
)


def test_mounts_that_leave_the_paths_are_denied_with_the_way() -> None:
    assert said(ask(cluster(RULE, OLD), "UPDATE", NEW, OLD), "file-not-mounted") == [f"deny {LEFT}; {WAY}"]


def test_paths_that_leave_the_mounts_are_denied_with_the_way() -> None:
    assert said(ask(cluster(RULE, OLD), "UPDATE", MOVED, RULE), "workload-broken-by-change") == [BREAKS]


def test_one_annotation_turns_both_denials_into_warnings() -> None:
    view = cluster(RULE, OLD)
    assert said(ask(view, "UPDATE", accepting(NEW), OLD), "file-not-mounted") == [f"warn {LEFT}"]
    found = ask(view, "UPDATE", accepting(MOVED), RULE)
    assert found.word == "warn"
    assert said(found, "workload-broken-by-change") == [BREAKS.replace("deny ", "warn ").removesuffix(f"; {ACCEPT}")]


def test_a_release_that_accepts_it_is_applied_in_any_order() -> None:
    for order in ((accepting(NEW), accepting(MOVED)), (accepting(MOVED), accepting(NEW))):
        view = cluster(RULE, OLD)
        for manifest in order:
            old = OLD if manifest["kind"] == "Deployment" else RULE
            assert ask(view, "UPDATE", manifest, old).word != "deny"
            view.put(manifest)
        assert ask(view, "UPDATE", accepting(NEW), accepting(NEW)).word == "allow"


def test_the_annotation_pardons_no_other_fault() -> None:
    gone = accepting(app(("/etc/one", "gone")))
    assert ask(cluster(RULE, OLD), "UPDATE", gone, OLD).word == "deny"


def test_the_way_that_is_named_is_allowed_at_each_step() -> None:
    view = cluster(RULE, OLD)
    for manifest, old in ((BOTH, OLD), (MOVED, RULE), (NEW, BOTH)):
        assert said(ask(view, "UPDATE", manifest, old), "file-not-mounted", "workload-broken-by-change") == []
        view.put(manifest)


@pytest.mark.parametrize("value", ["false", "", "yes"])
def test_any_other_value_accepts_nothing(value: str) -> None:
    made = copy.deepcopy(dict(accepting(NEW)))
    made["spec"]["template"]["metadata"]["annotations"][ALLOW_INTERRUPTION] = value
    assert ask(cluster(RULE, OLD), "UPDATE", made, OLD).word == "deny"


# Several external hosts: each chain is judged like the first.

TWO, TWO_MOVED = team.rule("two", "/etc/two"), team.rule("two", "/etc/new2")
HOSTS = app(("/etc/one", "one"), ("/etc/two", "two"))


def test_two_misplaced_mounts_are_denied_for_their_hosts() -> None:
    wrong = app(("/etc/wrong1", "one"), ("/etc/wrong2", "two"))
    path = 'spec.template.metadata.annotations["sidecar.istio.io/userVolumeMount"]'
    assert said(ask(cluster(RULE, TWO), "CREATE", wrong), "file-not-mounted") == [
        f'deny {path}[{at}].mountPath: "/etc/wrong{at + 1}" holds no file that DestinationRule devel/{name} reads; '
        f'mount Secret "{name}" at "/etc/{name}"'
        for at, name in enumerate(("one", "two"))
    ]


def test_second_mount_is_judged_beside_a_correct_one() -> None:
    wrong = app(("/etc/one", "one"), ("/etc/wrong2", "two"))
    found = ask(cluster(RULE, TWO), "CREATE", wrong)
    assert [line.partition(": ")[2].partition(";")[0] for line in said(found, "file-not-mounted")] == [
        '"/etc/wrong2" holds no file that DestinationRule devel/two reads'
    ]


SHARED = (team.rule("one", "/etc/mtls"), team.rule("two", "/etc/mtls"))
SHARED_MOVED = (team.rule("one", "/etc/new"), team.rule("two", "/etc/new"))
LAYOUTS = {
    "a directory each": ((RULE, TWO), (MOVED, TWO_MOVED), HOSTS, app(("/etc/new", "one"), ("/etc/new2", "two"))),
    "one directory for both": (SHARED, SHARED_MOVED, app(("/etc/mtls", "one")), app(("/etc/new", "one"))),
}


@pytest.mark.parametrize(("rules", "moved", "old", "new"), LAYOUTS.values(), ids=LAYOUTS)
def test_joint_move_admits_no_object_before_the_others(
    rules: tuple[Object, Object], moved: tuple[Object, Object], old: Object, new: Object
) -> None:
    """So that nothing is left half applied, on a dry run too."""
    view = cluster(*rules, old)
    for manifest, former in zip((new, *moved), (old, *rules), strict=True):
        assert ask(view, "UPDATE", manifest, former).word == "deny", manifest["metadata"]


@pytest.mark.parametrize(("rules", "moved", "old", "new"), LAYOUTS.values(), ids=LAYOUTS)
def test_both_hosts_move_by_the_named_steps(
    rules: tuple[Object, Object], moved: tuple[Object, Object], old: Object, new: Object
) -> None:
    mounts = [json.loads(one["spec"]["template"]["metadata"]["annotations"][MOUNTS]) for one in (old, new)]
    secrets = ["one", "two"] if len(mounts[0]) > 1 else ["one"]
    both = app(*((one["mountPath"], name) for each in mounts for one, name in zip(each, secrets, strict=True)))
    for steps in (
        [(both, old), *zip(moved, rules, strict=True), (new, both)],
        [(accepting(new), old), *((accepting(one), rule) for one, rule in zip(moved, rules, strict=True))],
    ):
        view = cluster(*rules, old)
        for manifest, former in steps:
            assert ask(view, "UPDATE", manifest, former).word != "deny"
            view.put(manifest)


MOUNTS = "sidecar.istio.io/userVolumeMount"


# What workloads of other DestinationRules have is no reason to admit a move: its DestinationRule is denied afterwards.


def elsewhere(manifest: Object, namespace: str) -> Object:
    """The same object of another team."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def test_foreign_private_destinationrule_admits_no_move() -> None:
    """Its workload has the files of another DestinationRule."""
    theirs = (team.namespace("other"), of_kind("Secret"), RULE, OLD)
    private = [elsewhere(one, "other") for one in theirs[1:]]
    assert private[1]["spec"]["exportTo"] == ["."]
    private[0] = {**private[0], "metadata": {"namespace": "other", "name": "one"}}
    view = cluster(RULE, OLD, theirs[0], elsewhere(team.partner("one"), "other"), *private)
    assert said(ask(view, "UPDATE", NEW, OLD), "file-not-mounted") == [f"deny {LEFT}; {WAY}"]


def test_workload_may_change_host_before_its_destinationrule() -> None:
    """With another Secret, while others still use the DestinationRule that it leaves."""
    other = {**app(("/etc/one", "one")), "metadata": {"name": "second", "namespace": team.TEAM}}
    turned = app(("/etc/two", "two"))
    found = ask(cluster(RULE, OLD, other), "UPDATE", turned, OLD)
    assert found.word != "deny", [one.rule for one in found.findings]
