"""What the sidecars of a namespace are told: services they see, Sidecars, routes, and all hosts together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio_objects import (
    FILES,
    HOST,
    ROOT,
    config,
    entry,
    files,
    kubernetes,
    mutual,
    policy,
    put,
    remove,
    route,
    rule,
    sidecar,
    subset,
    tls_blocks,
    virtual,
)
from webhook.istio.pilot.client_config import ClientConfig, IstioConfig, Past, explain_miss, is_told, reach
from webhook.istio.pilot.route_resolution import Call, End
from webhook.istio.pilot.services import choose, destined, visible
from webhook.model.mesh import (
    DestinationRule,
    FileSet,
    Mesh,
    RouteTarget,
    Service,
    ServicePort,
    Sidecar,
    VirtualService,
)

APP = {"app": "sample-app"}
HTTP, HTTPS = ServicePort(80, "http", "HTTP"), ServicePort(443, "https", "HTTPS")
WORKED = (
    entry(ports=(HTTP, HTTPS), resolution="DNS"),
    rule("dest", "project", policy=policy(None, {443: mutual(FILES)})),
    virtual(route(RouteTarget(HOST, "", 443, "spec.http[0].route[0].destination"), ports=(80,))),
)


def told(
    *objects: object, client: str = "client", under: Sidecar | None = None, mesh: Mesh | None = None
) -> ClientConfig:
    return reach(config(*objects, mesh=mesh), client, under)


def read(made: ClientConfig, labels: dict[str, str] | None = None) -> dict[FileSet, list[tuple[str, str, int, str]]]:
    """File sets, each with rule, host, port and subset of what reads it."""
    groups = made.groups(labels or {})
    return {
        held: [(one.rule.ref.name, one.service.host, one.port.number, one.subset) for one in ones]
        for held, ones in groups.items()
    }


# ------------------------------------------------------------------------------------------------ the worked example


def test_worked_example_uses_its_files_for_443() -> None:
    made = told(*WORKED)
    assert read(made) == {FILES: [("dest", HOST, 443, "")]}
    ref = WORKED[2].ref
    assert made.http_calls(HOST) == (
        Call(HTTP, End.SERVICE, HOST, 443, "", ref, "spec.http[0].route[0].destination"),
        Call(HTTPS, End.PASSTHROUGH, HOST, 443),
    )
    assert made.tls_calls(HOST) == (Call(HTTPS, End.SERVICE, HOST, 443),)
    assert [tls.files for tls in tls_blocks(made, HOST, 443)] == [FILES]
    assert tls_blocks(made, HOST, 80) == []


# ------------------------------------------------------------------------------------------------ services


@pytest.mark.parametrize(
    ("export", "default", "clients"),
    [
        ((), (), ["project", "client", ""]),
        (("*",), ("~",), ["project", "client", ""]),
        ((".",), (), ["project"]),
        (("client",), (), ["client"]),
        (("client", "."), (), ["project", "client"]),
        (("~",), (), []),
        (("*", "~"), (), ["project", "client", ""]),
        ((), (".",), ["project"]),
        ((), ("client",), ["client"]),
    ],
)
def test_who_sees_a_service(export: tuple[str, ...], default: tuple[str, ...], clients: list[str]) -> None:
    mesh = Mesh(default_service_export_to=default)
    assert [name for name in ("project", "client", "") if visible(entry(export_to=export), name, mesh)] == clients


def test_service_precedence_is_own_namespace_kubernetes_oldest() -> None:
    old, new = entry(namespace="a", created="2025-01-01T00:00:00Z"), entry(namespace="b")
    real = kubernetes("x", "c", host=HOST)
    cases = [("b", (old, new, real)), ("c", (old, new, real)), ("z", (old, new, real)), ("z", (old, new)), ("z", ())]
    assert [choose(found, name, Mesh()) for name, found in cases] == [new, real, real, old, None]


def test_equally_old_entries_are_ordered_by_namespace() -> None:
    held = config(entry(namespace="b", name="1"), entry(namespace="a", name="2"))
    assert [one.namespace for one in held.services.of_host(HOST)] == ["a", "b"]


def test_destination_host_means_first_visible_service() -> None:
    """That one alone: its ports are not joined with others', and who exports to whom sets nothing before age."""
    old, young = entry(namespace="old"), entry(namespace="young", created="2026-02-01T00:00:00Z")
    own, private = entry(namespace="client", export_to=("~",)), entry(namespace="named", export_to=("client",))
    later = replace(private, created="2026-03-01T00:00:00Z")
    kube = kubernetes("api", "project", host=HOST, created="2026-04-01T00:00:00Z")
    found = [
        destined(services, "client", Mesh())
        for services in ((old, young, own), (old, young, later), (old, young, kube), (replace(old, export_to=("~",)),))
    ]
    assert found == [own, old, kube, None]


def test_entries_of_one_host_add_their_ports() -> None:
    first = entry(name="a", ports=(HTTP,))
    more, other = entry(name="b", ports=(HTTP, HTTPS)), entry(name="c", ports=(HTTPS,), resolution="DNS")
    chosen = [choose(pair, "z", Mesh()) for pair in ((first, more), (first, other))]
    assert [one.ports if one else () for one in chosen] == [(HTTP, HTTPS), (HTTP,)]


@pytest.mark.parametrize(
    "service",
    [
        entry("other.example.com"),
        entry(ports=()),
        entry(ports=(ServicePort(443, "dns", "UDP"),)),
        entry(external_name="other.example.com"),
        entry(export_to=(".",)),
        entry(labels={"istio.io/rev": "gone"}),
    ],
)
def test_destinationrule_needs_a_service_with_a_cluster(service: Service) -> None:
    assert read(told(service, rule(), mesh=Mesh(revisions=frozenset({"default"})))) == {}


def test_virtual_service_includes_unexported_own_service() -> None:
    hidden = entry(namespace="client", export_to=("~",))
    assert read(told(hidden, rule())) == {}
    assert read(told(hidden, rule(), virtual(route(RouteTarget(HOST))))) == {files("/rule"): [("rule", HOST, 443, "")]}


# ------------------------------------------------------------------------------------------------ Sidecars


@pytest.mark.parametrize(
    ("hosts", "seen"),
    [
        (("*/*",), ["a.one.com", "b.two.com"]),
        (("project/*",), ["a.one.com"]),
        (("./*",), []),
        (("other/b.two.com",), ["b.two.com"]),
        (("*/*.one.com",), ["a.one.com"]),
        (("*/b.two.com", "project/a.one.com"), ["a.one.com", "b.two.com"]),
        (("*/*", "~project/*"), ["b.two.com"]),
        (("*/*", "~/*.two.com"), ["a.one.com"]),
        (("*/*", "~*/a.one.com"), ["b.two.com"]),
        (("nonsense", "a/b/c"), []),
    ],
)
def test_egress_hosts_decide_what_is_seen(hosts: tuple[str, ...], seen: list[str]) -> None:
    objects = (
        entry("a.one.com", "project"),
        entry("b.two.com", "other"),
        rule("one", host="a.one.com"),
        rule("two", host="b.two.com"),
    )
    made = told(*objects, under=sidecar(*hosts))
    assert sorted(one[1] for ones in read(made).values() for one in ones) == seen


def test_an_egress_port_trims_services_to_it() -> None:
    objects = (entry(ports=(HTTP, HTTPS)), rule())
    ports = [
        [one[2] for ones in read(told(*objects, under=sidecar("*/*", port=port))).values() for one in ones]
        for port in (443, 8443)
    ]
    assert ports == [[443], []]


def test_destination_of_imported_virtual_service_is_visible() -> None:
    objects = (
        entry("partner.example.com", "project", ports=(HTTP, HTTPS)),
        rule(host="partner.example.com"),
        virtual(route(RouteTarget("partner.example.com", port=443)), hosts=("alias.example.com",)),
    )
    made = [told(*objects, under=sidecar(host)) for host in ("*/alias.example.com", "*/other.example.com")]
    assert [read(one) for one in made] == [{files("/rule"): [("rule", "partner.example.com", 443, "")]}, {}]


def test_sidecar_import_decides_between_services() -> None:
    objects = (entry(namespace="a"), entry(namespace="b"), rule("of-a", "a"), rule("of-b", "b"))
    made = told(*objects, under=sidecar("b/*"))
    assert [read(told(*objects)), read(made)] == [
        {files("/of-a"): [("of-a", HOST, 443, "")]},
        {files("/of-b"): [("of-b", HOST, 443, "")]},
    ]


def test_exact_sidecar_host_means_oldest_service() -> None:
    tcp = ServicePort(9000, "tcp", "TCP")
    old = entry(namespace="a", name="old", ports=(HTTPS,), created="2026-01-01T00:00:00Z")
    young = entry(namespace="a", name="young", ports=(HTTPS, tcp), created="2026-02-01T00:00:00Z")
    under = (sidecar("a/*"), sidecar(f"a/{HOST}"), sidecar("a/*", port=9000), sidecar(f"a/{HOST}", port=9000))
    made = [read(told(old, young, rule("of-a", "a"), under=one)) for one in under]
    ports = [[port for ones in one.values() for _, _, port, _ in ones] for one in made]
    assert ports == [[443, 9000], [443], [9000], []]


def test_sidecar_precedence_is_selector_namespace_root() -> None:
    own = [
        sidecar("./*", name="b", selector=APP),
        sidecar("./*", name="a", selector=APP, created="2026-01-01T00:00:00Z"),
    ]
    every, root = sidecar("./*"), sidecar("./*", namespace=ROOT, name="root")
    ignored = sidecar("./*", namespace=ROOT, name="picky", selector={})
    held = config(*own, every, root, ignored).sidecars
    chosen = [held.choose(name, labels, Mesh()) for name, labels in (("client", APP), ("client", {}), ("devel", APP))]
    assert [one.ref.name if one else "" for one in chosen] == ["a", "default", "root"]


def test_sidecar_of_unknown_revision_is_ignored() -> None:
    foreign = [
        sidecar("./*", name="a", namespace=namespace, labels={"istio.io/rev": "canary"})
        for namespace in ("client", ROOT)
    ]
    held, mesh = config(*foreign, sidecar("./*", name="b")).sidecars, Mesh(revisions=frozenset({"default"}))
    chosen = [held.choose(name, {}, mesh) for name in ("client", "devel")]
    assert [one.ref.name if one else "" for one in chosen] == ["b", ""]


# ------------------------------------------------------------------------------------------------ reach


def test_selectors_decide_per_pod_and_are_told_apart() -> None:
    made = told(
        entry(),
        rule("wide", policy=policy(mutual(files("/wide")))),
        rule("picked", selector=APP, policy=policy(mutual(files("/picked")))),
    )
    assert read(made) == {files("/wide"): [("wide", HOST, 443, "")]}
    assert read(made, APP) == {files("/picked"): [("picked", HOST, 443, "")]}
    assert [made.selected(APP), made.selected({})] == [(files("/picked"),), ()]
    assert [made.under("/picked"), made.under("/wide/"), made.under("/")] == [
        (files("/picked"),),
        (files("/wide"),),
        (files("/picked"), files("/wide")),
    ]


def test_originations_of_a_rule_include_blocks_that_read_nothing() -> None:
    plain = rule("plain", policy=policy(mutual(FileSet())), subsets=(subset("v1", policy(mutual(FILES))),))
    made = told(entry(), plain)
    assert [(one.subset, one.tls.files) for one in made.originations_of(plain.ref)] == [("", FileSet()), ("v1", FILES)]
    assert made.originations_of(entry().ref) == ()


def test_destinationrules_with_same_paths_are_one_group() -> None:
    hosts = [f"{letter}.example.com" for letter in "cab"]
    objects = [
        one for host in hosts for one in (entry(host), rule(host, "project", host=host, policy=policy(mutual(FILES))))
    ]
    assert [host for _, host, _, _ in read(told(*objects))[FILES]] == sorted(hosts)


def test_namespaces_with_nothing_of_their_own_share_one_answer() -> None:
    held = config(*WORKED)
    assert reach(held, "a", None).groups({}) is reach(held, "b", None).groups(APP)


RULES = st.builds(
    lambda name, namespace, host, export, selector, directory, created: rule(
        name,
        namespace,
        host,
        export_to=export,
        selector=selector,
        created=created,
        policy=policy(mutual(files(directory))) if directory else None,
    ),
    st.sampled_from("abc"),
    st.sampled_from(["client", "project", ROOT, "other"]),
    st.sampled_from(["a.one.com", "b.one.com", "*.one.com", "*"]),
    st.sampled_from([(), ("*",), (".",), ("client",), ("client", "other")]),
    st.sampled_from([None, None, {}, APP]),
    st.sampled_from(["", "/etc/a", "/etc/b"]),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
)
SERVICES = st.builds(
    lambda name, namespace, host, export, created: entry(host, namespace, name, export_to=export, created=created),
    st.sampled_from("xy"),
    st.sampled_from(["client", "project", ROOT, "other"]),
    st.sampled_from(["a.one.com", "b.one.com", "*.one.com"]),
    st.sampled_from([(), ("*",), (".",), ("~",), ("client",)]),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
)
ROUTES = st.builds(
    lambda name, namespace, host: virtual(route(RouteTarget(host)), namespace=namespace, name=name),
    st.sampled_from("vw"),
    st.sampled_from(["client", "project"]),
    st.sampled_from(["a.one.com", "b.one.com"]),
)
OBJECTS = st.one_of(RULES, SERVICES, ROUTES)
MESHES = st.sampled_from(
    [Mesh(), Mesh(default_service_export_to=(".",)), Mesh(default_destination_rule_export_to=(".",))]
)
SIDECARS = st.sampled_from([None, sidecar("./*"), sidecar("*/*.one.com", "~project/*"), sidecar("*/a.one.com")])


def answers(held: IstioConfig, under: Sidecar | None, pasts: dict[str, Past | None]) -> list[object]:
    """Everything that a few clients are told. pasts: of their earlier answers, brought up to date."""
    found: list[object] = []
    for client in ("client", "project", ROOT, "stranger"):
        made = reach(held, client, under, pasts.get(client))
        pasts[client] = made.past
        found += [read(made), read(made, APP), set(made.under("/etc")), made.selected(APP)]
        found += [
            [(one.rule.ref.name, one.service.host) for one in made.originations_of(each.ref)] for each in all_of(held)
        ]
    return found


def all_of(held: IstioConfig) -> list[DestinationRule]:
    return sorted(held.rules, key=lambda one: one.ref)


def contents(held: IstioConfig) -> list[object]:
    """The objects that a config holds, each kind in an order of its own."""
    services = [one for host in sorted(held.services) for one in held.services.of_host(host)]
    names = [virtual(namespace=namespace, name=name).ref for name in "vw" for namespace in ("client", "project")]
    return [*all_of(held), *services, *(held.routes.get(ref) for ref in names)]


@given(st.lists(OBJECTS, max_size=8), st.lists(st.tuples(st.booleans(), OBJECTS), max_size=6), MESHES, SIDECARS)
def test_incremental_result_equals_fresh_result(
    start: list[object], steps: list[tuple[bool, object]], mesh: Mesh, under: Sidecar | None
) -> None:
    """Changes, copies and answers in between never leave a trace: a new config of the same objects answers the same."""
    held, pasts = config(*start, mesh=mesh), dict[str, Past | None]()
    answers(held, under, pasts)
    for number, (kept, one) in enumerate(steps):
        remove(held, one)
        if kept:
            put(held, one)
        if number % 2:
            held = IstioConfig(mesh, held.rules.copy(), held.services.copy(), held.routes.copy(), held.sidecars.copy())
            answers(held, under, pasts)
    fresh = config(*contents(held), mesh=mesh)
    assert answers(held, under, pasts) == answers(fresh, under, {})


# ------------------------------------------------------------------------------------------------ calls


def ends(
    *objects: object, host: str = HOST, under: Sidecar | None = None
) -> list[tuple[int, str, str, int, str, bool]]:
    calls = told(*objects, under=under).http_calls(host)
    return [(one.port.number, one.end.value, one.host, one.number, one.subset, one.conditional) for one in calls]


TARGET = RouteTarget(HOST, "v1", 443, "spec.http[0].route[0].destination")


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([], (80, "service", HOST, 80, "", False)),
        ([route(TARGET)], (80, "service", HOST, 443, "v1", False)),
        ([route(TARGET, ports=(8080,))], (80, "service", HOST, 80, "", False)),
        ([route(TARGET, kind="tcp")], (80, "service", HOST, 80, "", False)),
        ([route(RouteTarget("gone.example.com"))], (80, "unknown", "gone.example.com", 80, "", False)),
        ([route()], (80, "nowhere", "", 0, "", False)),
        (
            [route(TARGET, RouteTarget("m.example.com", path="spec.http[0].mirror"))],
            (80, "service", HOST, 443, "v1", False),
        ),
    ],
)
def test_where_a_plain_http_call_ends(routes: list[object], expected: tuple[object, ...]) -> None:
    found = ends(entry(ports=(HTTP, HTTPS)), *([virtual(*routes)] if routes else []))  # type: ignore[arg-type]
    assert found[0] == expected


def test_conditional_routes_are_listed_to_first_unconditional() -> None:
    routes = virtual(route(TARGET, conditional=True), route(RouteTarget(HOST, port=80)), route(TARGET))
    assert ends(entry(ports=(HTTP,)), routes) == [
        (80, "service", HOST, 443, "v1", True),
        (80, "service", HOST, 80, "", False),
    ]


def test_destination_without_port_means_the_only_port() -> None:
    objects = (entry(ports=(HTTP, HTTPS)), entry("one.example.com", ports=(ServicePort(8443),)))
    assert ends(*objects, virtual(route(RouteTarget("one.example.com"))))[0][2:4] == ("one.example.com", 8443)


def test_plain_http_to_tls_port_needs_an_address() -> None:
    ports = (HTTPS,)
    services = [
        entry(ports=ports),
        entry(ports=ports, addresses=("10.0.0.1",)),
        kubernetes("x", "y", host=HOST, ports=ports),
    ]
    assert [ends(service)[0][1] for service in services] == ["passthrough", "service", "service"]


@pytest.mark.parametrize(
    ("routes", "kept"),
    [
        (virtual(route(TARGET), export_to=(".",)), False),
        (virtual(route(TARGET), export_to=("client",)), True),
        (virtual(route(TARGET), gateways=("istio-system/ingress",)), False),
        (virtual(route(TARGET), gateways=("istio-system/ingress", "mesh")), True),
        (virtual(route(TARGET), hosts=("*.system.com",)), True),
        (virtual(route(TARGET), hosts=("other.system.com",)), False),
    ],
)
def test_which_virtual_service_governs(routes: VirtualService, kept: bool) -> None:
    assert (ends(entry(ports=(HTTP,)), routes)[0][3] == 443) == kept


def test_https_with_tls_block_is_tls_in_tls() -> None:
    made = told(entry(), rule())
    (call,) = made.tls_calls(HOST)
    blocks = tls_blocks(made, call.host, call.number, call.subset)
    assert (call.end, [tls.mode for tls in blocks]) == (End.SERVICE, ["MUTUAL"])


# ------------------------------------------------------------------------------------------------ misses


def miss(
    judged: DestinationRule, *objects: object, under: Sidecar | None = None, mesh: Mesh | None = None
) -> tuple[str, str]:
    """Cause and name of what stands in the way, ('', '') when the rule is in force."""
    found = explain_miss(config(judged, *objects, mesh=mesh), "client", under, APP, judged)
    return (found.cause, found.by.name if found.by else "") if found else ("", "")


MISSES: dict[str, tuple[DestinationRule, list[object], tuple[str, str]]] = {
    "in force": (rule(), [entry()], ("", "")),
    "in force for one of its hosts": (rule(host="*.com"), [entry(), entry("b.com"), rule("x", host="b.com")], ("", "")),
    "no service": (rule(host="nobody.example.com"), [entry()], ("no-service", "")),
    "only an ExternalName": (rule(), [entry(external_name="x.example.com")], ("no-service", "entry")),
    "no TCP port": (rule(), [entry(ports=())], ("no-service", "entry")),
    "service not exported": (rule(), [entry(export_to=(".",))], ("service-not-exported", "entry")),
    "foreign namespace": (rule(namespace="elsewhere"), [entry()], ("foreign-namespace", "")),
    "not exported": (rule(namespace="project", export_to=(".",)), [entry()], ("not-exported", "")),
    "not even to itself": (rule(export_to=("other",)), [entry()], ("not-exported", "")),
    "selector elsewhere": (rule(namespace="project", selector=APP), [entry()], ("not-exported", "")),
    "selector mismatch": (rule(selector={"app": "other"}), [entry()], ("selector-mismatch", "")),
    "shadowed by the client's rule": (
        rule(namespace="project"),
        [entry(), rule("mine", host="*.com")],
        ("shadowed", "mine"),
    ),
    "shadowed by a closer host": (rule(host="*.com"), [entry(), rule("exact")], ("shadowed", "exact")),
    "shadowed by a selector": (rule(), [entry(), rule("picked", selector=APP)], ("shadowed", "picked")),
    "shadowed by a selector that picks nobody": (
        rule(namespace="project"),
        [entry(), rule("other", selector={"app": "other"})],
        ("search-ended", "other"),
    ),
    "merged away": (rule(), [entry(), rule("older", created="2025-01-01T00:00:00Z")], ("merged-away", "older")),
    "vanished in a selector's rule": (
        rule(export_to=(".",)),
        [entry(), rule("picked", selector={"app": "other"})],
        ("merged-into-selection", "picked"),
    ),
    "mode that reads nothing": (rule(policy=policy(mutual(FileSet()))), [entry()], ("no-tls", "")),
    "port that the service lacks": (rule(policy=policy(None, {8443: mutual()})), [entry()], ("no-tls", "")),
}


@pytest.mark.parametrize("case", MISSES, ids=list(MISSES))
def test_why_a_rule_is_not_in_force(case: str) -> None:
    judged, objects, expected = MISSES[case]
    assert miss(judged, *objects) == expected


def test_reasons_for_not_applied_destinationrules() -> None:
    assert miss(rule(), entry(), under=sidecar("./*")) == ("outside-egress", "default")
    other = rule(labels={"istio.io/rev": "old"})
    assert miss(other, entry(), mesh=Mesh(revisions=frozenset({"default"}))) == ("other-revision", "")


def test_sidecar_without_service_leaves_its_destinationrule() -> None:
    first, second = (
        entry("*.one.com", place, "x", created=f"2026-01-0{day}T00:00:00Z")
        for place, day in (("project", 1), ("other", 2))
    )
    judged = rule("a", "other", "*.one.com")
    held = config(first, second, judged)
    assert [one.rule.ref for ones in reach(held, "client", None).groups(APP).values() for one in ones] == []
    under = reach(held, "client", sidecar("*/*.one.com", "~project/*"))
    assert {one.rule.ref for ones in under.groups(APP).values() for one in ones} == {judged.ref}


@given(st.lists(OBJECTS, max_size=8), RULES, MESHES, SIDECARS)
def test_miss_is_explained_iff_not_applied(
    objects: list[object], judged: DestinationRule, mesh: Mesh, under: Sidecar | None
) -> None:
    held = config(*objects, judged, mesh=mesh)
    groups = reach(held, "client", under).groups(APP)
    in_force = any(one.rule.ref == judged.ref for ones in groups.values() for one in ones)
    assert (explain_miss(held, "client", under, APP, judged) is None) == in_force


@given(st.lists(OBJECTS, max_size=8), RULES, MESHES, SIDECARS)
def test_single_query_equals_full_answer(
    objects: list[object], added: DestinationRule, mesh: Mesh, under: Sidecar | None
) -> None:
    held = config(*objects, added, mesh=mesh)
    for client in ("client", "project", "istio-system"):
        made = reach(held, client, under)
        for one in all_of(held):
            assert is_told(held, client, under, one.ref) == bool(made.originations_of(one.ref))
