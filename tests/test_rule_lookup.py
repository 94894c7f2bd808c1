"""Which rules are merged, and which of them count for a client namespace, a service and a pod."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio_objects import FILES, HOST, ROOT, config, entry, files, kubernetes, mutual, policy, rule, subset
from webhook.istio.pilot.destination_rule_merge import merge, orders, rank
from webhook.istio.pilot.destination_rules import RuleIndex, lookup, pick
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, Mesh, Service

DATES = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]
APP = {"app": "sample-app"}


def found(
    *objects: DestinationRule | Service,
    client: str = "client",
    mesh: Mesh | None = None,
    labels: dict[str, str] | None = None,
) -> str:
    """Name of the rule that counts for a pod, '' for none."""
    held = config(*objects, mesh=mesh)
    service = next(one for one in objects if isinstance(one, Service))
    chosen = pick(lookup(held.rules, held.mesh, client, service), client, labels or {})
    return chosen.rule.ref.name if chosen else ""


def merged(*rules: DestinationRule) -> list[tuple[str, list[str], str, list[str]]]:
    """Per entry: its rule, its members, who wrote its policy, and its subsets."""
    return [
        (
            one.rule.ref.name,
            [member.ref.name for member in one.members],
            one.policy_owner.ref.name if one.policy else "",
            [part.name for part in one.subsets],
        )
        for one in merge(sorted(rules, key=rank))
    ]


# ------------------------------------------------------------------------------------------------ merging


def test_older_policy_counts_whole_and_subsets_are_added() -> None:
    older = rule("b", created=DATES[0], subsets=(subset("v1"),))
    younger = rule("a", created=DATES[1], subsets=(subset("v1", policy()), subset("v2")))
    assert merged(younger, older) == [("b", ["b", "a"], "b", ["v1", "v2"])]


def test_younger_policy_counts_only_without_an_older() -> None:
    none, empty = rule("a", policy=None, created=DATES[0]), rule("a", policy=policy(), created=DATES[0])
    younger = rule("b", created=DATES[1])
    assert [merged(none, younger)[0][2], merged(empty, younger)[0][2]] == ["b", "a"]


@pytest.mark.parametrize(
    ("first", "second", "entries"),
    [
        ((), (), ["a"]),
        (("*",), ("*",), ["a"]),
        (("x", "y"), ("y", "x"), ["a"]),
        ((), ("*",), ["a", "b"]),
        ((), (".",), ["a", "b"]),
        ((".",), ("client",), ["a", "b"]),
        (("x",), ("x", "y"), ["a"]),
        (("x", "y"), ("x",), ["a", "b"]),
    ],
)
def test_merge_requires_equal_or_wider_export_to(
    first: tuple[str, ...], second: tuple[str, ...], entries: list[str]
) -> None:
    both = rule("a", export_to=first, created=DATES[0]), rule("b", export_to=second, created=DATES[1])
    assert [one[0] for one in merged(*both)] == entries


def test_equal_selectors_merge_and_different_ones_do_not() -> None:
    one, same = rule("a", selector=APP), rule("b", selector=dict(APP))
    other = rule("c", selector={"app": "other"})
    assert [(name, members) for name, members, _, _ in merged(one, same, other)] == [("a", ["a", "b"]), ("c", ["c"])]


def test_private_namespace_wide_policy_vanishes_in_selector() -> None:
    """istio#58322: with equal exportTo nothing sets the rule apart again; unset exportTo avoids it."""
    selected = rule("selected", selector=APP, created=DATES[1])
    lost, kept = rule("wide", export_to=(".",)), rule("wide")
    assert [(one[0], one[1]) for one in merged(selected, lost)] == [("selected", ["selected", "wide"])]
    assert [(one[0], one[1]) for one in merged(selected, kept)] == [("selected", ["selected"]), ("wide", ["wide"])]


def test_rules_are_ordered_by_selector_age_and_name() -> None:
    rules = [
        rule("z"),
        rule("new", created=""),
        rule("old", created=DATES[0]),
        rule("pick", selector={}, created=DATES[4]),
    ]
    rules.append(rule("a"))
    assert [one.ref.name for one in sorted(rules, key=rank)] == ["pick", "a", "old", "z", "new"]


def test_without_timestamps_each_rule_may_be_the_oldest() -> None:
    rules = tuple(rule(name, created="") for name in "abc")
    assert [[one.ref.name for one in order] for order in orders(rules)] == [["b", "a", "c"], ["c", "a", "b"]]
    assert orders((rule("a"), rule("b", created=""))) == ()


# ------------------------------------------------------------------------------------------------ lookup


def test_lookup_order_is_client_service_root_namespace() -> None:
    service = entry(namespace="project")
    rules = [rule("mine", "client"), rule("theirs", "project"), rule("root", ROOT)]
    assert [found(service, *rules[start:]) for start in range(4)] == ["mine", "theirs", "root", ""]


def test_a_rule_of_any_other_namespace_never_applies() -> None:
    assert found(entry(), rule(namespace="elsewhere", export_to=("*",))) == ""


def test_less_specific_host_of_client_namespace_wins() -> None:
    wide = rule("wide", "client", host="*.com", policy=None)
    assert found(entry(), wide, rule("exact", "project")) == "wide"


@pytest.mark.parametrize(
    ("hosts", "winner"),
    [
        ([HOST, "*.system.com", "*"], HOST),
        (["*.system.com", "*.com"], "*.system.com"),
        (["*.com", "*"], "*.com"),
        ([f"*.{HOST}"], ""),
        (["External.system.com"], ""),
    ],
)
def test_exact_host_wins_then_longest_wildcard(hosts: list[str], winner: str) -> None:
    assert found(entry(), *(rule(host, "client", host=host) for host in hosts)) == winner


def test_a_short_host_means_a_service_of_the_rules_own_namespace() -> None:
    service = kubernetes("partner", "egress")
    hosts = ["partner", "partner.egress", "partner.egress.svc.cluster.local"]
    assert [found(service, rule("r", "egress", host=host)) for host in hosts] == ["r", "", "r"]
    assert found(service, rule("r", "client", host="partner")) == ""


@pytest.mark.parametrize(
    ("export", "default", "clients"),
    [
        ((), (), ["project", "client", ROOT]),
        (("*",), (), ["project", "client", ROOT]),
        ((".",), (), ["project"]),
        (("project",), (), ["project"]),
        (("client",), (), ["client"]),
        (("client", "project"), (), ["project", "client"]),
        (("~",), (), []),
        ((), (".",), ["project"]),
        (("*",), (".",), ["project", "client", ROOT]),
        ((), ("client",), ["project", "client", ROOT]),
    ],
)
def test_export_to_selects_client_namespaces(
    export: tuple[str, ...], default: tuple[str, ...], clients: list[str]
) -> None:
    mesh = Mesh(default_destination_rule_export_to=default)
    judged = (entry(), rule("r", "project", export_to=export))
    assert [name for name in ("project", "client", ROOT) if found(*judged, client=name, mesh=mesh)] == clients


def test_root_namespace_tries_private_ones_first() -> None:
    service = entry(namespace="project")
    public, private = rule("public", ROOT), rule("private", ROOT, export_to=(".",), host="*.com")
    theirs = rule("theirs", "project")
    assert found(service, public, private, theirs, client=ROOT) == "private"
    assert found(service, public, theirs, client=ROOT) == "theirs"
    assert found(service, public, client=ROOT) == "public"


def test_hidden_destinationrule_continues_in_next_namespace() -> None:
    hidden, wide = rule("hidden", "project", export_to=("other",)), rule("wide", "project", host="*.com")
    assert found(entry(), hidden, wide) == ""
    assert found(entry(), hidden, wide, rule("root", ROOT)) == "root"


def test_first_matching_selector_wins() -> None:
    rules = [
        rule("first", selector=APP, created=DATES[0]),
        rule("every", selector={}, created=DATES[1]),
        rule("old", created=DATES[2]),
        rule("young", export_to=("*",), created=DATES[3]),
    ]
    assert found(entry(), *rules, labels={**APP, "x": "y"}) == "first"
    assert found(entry(), *rules) == "every"
    assert found(entry(), *rules[2:]) == "young"


def test_unmatched_selectors_shadow_the_service_namespace() -> None:
    """istio#57719."""
    rules = (rule("mine", selector={"app": "other"}), rule("theirs", "project"))
    assert found(entry(), *rules, labels=APP) == ""
    assert found(entry(), rules[1], labels=APP) == "theirs"


def test_a_selector_counts_only_in_its_own_namespace() -> None:
    assert found(entry(), rule("r", "project", selector={}), labels=APP) == ""
    assert found(entry(), rule("r", ROOT, selector={}), client=ROOT) == "r"


def test_a_rule_of_an_unknown_revision_is_ignored() -> None:
    judged = (entry(), rule("r", "project", labels={"istio.io/rev": "old"}))
    meshes = [Mesh(), Mesh(revisions=frozenset({"old"})), Mesh(revisions=frozenset({"default"}))]
    assert [found(*judged, mesh=mesh) for mesh in meshes] == ["r", "r", ""]


def test_another_cluster_domain_completes_short_hosts() -> None:
    held = config(rule("r", "egress", host="partner"))
    there = held.rules.in_domain("corp.example")
    assert there.rivals("egress", "partner.egress.svc.corp.example") == (held.rules.get(rule("r", "egress").ref),)
    assert there is held.rules.in_domain("corp.example")


# ------------------------------------------------------------------------------------------------ the index


def test_destinationrules_are_found_by_directory() -> None:
    held = config(
        rule("plain", policy=policy(mutual(FILES)), subsets=(subset("v1", policy(mutual(files("/etc/other")))),)),
        rule("relative", policy=policy(mutual(files("etc//mtlsfiles/./sub")))),
    ).rules
    there = ["/etc/mtlsfiles", "/etc/mtlsfiles/sub", "/etc/other/", "/etc", "/etc/mtls", "/etc/mtlsfiles/cert", "/"]
    assert {path: [one.ref.name for one in held.mentioning(path)] for path in there} == {
        "/etc/mtlsfiles": ["plain", "relative"],
        "/etc/mtlsfiles/sub": ["relative"],
        "/etc/other/": ["plain"],
        "/etc": ["plain", "relative"],
        "/etc/mtls": [],
        "/etc/mtlsfiles/cert": ["plain"],
        "/": ["plain", "relative"],
    }


RULES = st.builds(
    lambda name, namespace, host, export, selector, directory, dated: rule(
        name,
        namespace,
        host,
        export_to=export,
        selector=selector,
        created=DATES[0] if dated else "",
        policy=policy(mutual(files(directory))) if directory else None,
    ),
    st.sampled_from("abc"),
    st.sampled_from(["client", "project", ROOT]),
    st.sampled_from([HOST, "*.com", "*", "partner"]),
    st.sampled_from([(), ("*",), (".",), ("client",)]),
    st.sampled_from([None, {}, APP]),
    st.sampled_from(["", "/etc/a", "/etc/b"]),
    st.booleans(),
)


@given(st.lists(RULES, max_size=6, unique_by=lambda one: one.ref), RULES)
def test_put_then_remove_leaves_the_index_as_it_was(held: list[DestinationRule], extra: DestinationRule) -> None:
    names = {one.ref for one in held}
    before, after = RuleIndex(), RuleIndex()
    for one in held:
        before.put(one)
        after.put(one)
    if extra.ref not in names:
        after.put(extra)
        after.remove(extra.ref)
    assert after == before


@given(st.lists(RULES, max_size=6), st.lists(RULES, min_size=1, max_size=4))
def test_copy_and_original_are_independent(held: list[DestinationRule], changes: list[DestinationRule]) -> None:
    one, untouched = RuleIndex(), RuleIndex()
    for each in held:
        one.put(each)
        untouched.put(each)
    twin = one.copy()
    for change in changes:
        twin.remove(change.ref)
        twin.put(change)
    assert one == untouched
    changed, again = twin.copy(), RuleIndex()
    for change in changes:
        one.remove(change.ref)
    for each in twin:
        again.put(each)
    assert twin == changed == again


@given(
    st.permutations(
        [rule("a"), rule("b", host="*.com"), rule("c", "project"), rule("d", "project", export_to=("client",))]
    )
)
def test_the_order_of_arrival_never_counts(rules: list[DestinationRule]) -> None:
    assert found(entry(), *rules) == "a"
    held = config(*rules)
    assert held.rules == config(*reversed(rules)).rules


def test_removing_what_is_not_there_changes_nothing() -> None:
    held = config(rule("a"))
    held.rules.remove(ObjectRef("", "DestinationRule", "client", "b"))
    assert held.rules == config(rule("a")).rules
