"""Istio's objects are read as written, and nothing that JSON can hold makes a reader raise."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.mesh_config import read_config_revisions, read_mesh, read_revisions
from webhook.kinds.pruned_fields import LAST_APPLIED
from webhook.kinds.service import read_services
from webhook.kinds.sidecar import read_sidecar
from webhook.kinds.virtual_service import read_virtual_service
from webhook.model.finding import ObjectRef
from webhook.model.mesh import (
    DestinationRule,
    EgressListener,
    FileSet,
    Mesh,
    PortPolicy,
    Route,
    RouteTarget,
    Service,
    ServicePort,
    Sidecar,
    Subset,
    TlsSettings,
    TrafficPolicy,
    VirtualService,
)

NETWORKING = "networking.istio.io/v1"
META = {"name": "a", "namespace": "b", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"x": "y"}}


def manifest(kind: str, spec: object, **meta: object) -> dict[str, object]:
    return {"apiVersion": NETWORKING, "kind": kind, "metadata": {**META, **meta}, "spec": spec}


def ref(kind: str) -> ObjectRef:
    return ObjectRef(NETWORKING, kind, "b", "a")


def test_a_destination_rule_is_read_whole() -> None:
    tls = {
        "mode": "MUTUAL",
        "clientCertificate": "/c",
        "privateKey": "/k",
        "caCertificates": "/ca",
        "caCrl": "/crl",
        "sni": "s",
        "subjectAltNames": ["n", 1],
        "insecureSkipVerify": True,
        "credentialName": "cred",
    }
    spec = {
        "host": "external.system.com",
        "exportTo": ["."],
        "workloadSelector": {"matchLabels": {"app": "x"}},
        "trafficPolicy": {"tls": tls, "portLevelSettings": [{"port": {"number": 443}}, {"port": None, "tls": {}}, 7]},
        "subsets": [{"name": "v1", "labels": {"v": "1"}, "trafficPolicy": {}}, None, {"name": "v2"}],
    }
    top = "spec.trafficPolicy"
    block = TlsSettings(
        "MUTUAL", f"{top}.tls", FileSet("/c", "/k", "/ca", "/crl"), "cred", "s", ("n",), insecure_skip_verify=True
    )
    ports = (
        PortPolicy(443, None, f"{top}.portLevelSettings[0]"),
        PortPolicy(None, TlsSettings("", f"{top}.portLevelSettings[1].tls"), f"{top}.portLevelSettings[1]"),
        PortPolicy(None, None, f"{top}.portLevelSettings[2]"),
    )
    assert read_destination_rule(manifest("DestinationRule", spec, annotations={"k": "v"})) == DestinationRule(
        ref("DestinationRule"),
        "external.system.com",
        TrafficPolicy(top, block, ports),
        (
            Subset("v1", "spec.subsets[0]", {"v": "1"}, TrafficPolicy("spec.subsets[0].trafficPolicy")),
            Subset("v2", "spec.subsets[2]"),
        ),
        (".",),
        {"app": "x"},
        "2026-01-01T00:00:00Z",
        {"x": "y"},
        {"k": "v"},
    )


def test_empty_selector_and_default_namespace() -> None:
    found = read_destination_rule({"metadata": {"generateName": "r-"}, "spec": {"workloadSelector": {}}})
    assert (found.selector, found.ref) == ({}, ObjectRef("", "DestinationRule", "default", "r-"))


PRUNED = [
    ({"hosts": "x"}, ("spec", "hosts")),
    ({"trafficPolicy": {"TLS": {}}}, ("spec.trafficPolicy", "TLS")),
    ({"trafficPolicy": {"tls": {"client_certificate": "/c"}}}, ("spec.trafficPolicy.tls", "client_certificate")),
    ({"trafficPolicy": {"tls": {"caCertificate": "/c"}}}, ("spec.trafficPolicy.tls", "caCertificate")),
    (
        {"trafficPolicy": {"portLevelSettings": [{"port": {"numer": 1}}]}},
        ("spec.trafficPolicy.portLevelSettings[0].port", "numer"),
    ),
    (
        {"trafficPolicy": {"portLevelSettings": [{"tls": {"private_key": "/k"}}]}},
        ("spec.trafficPolicy.portLevelSettings[0].tls", "private_key"),
    ),
    ({"subsets": [{}, {"policy": {}}]}, ("spec.subsets[1]", "policy")),
    ({"subsets": [{"trafficPolicy": {"tls": {"Mode": "X"}}}]}, ("spec.subsets[0].trafficPolicy.tls", "Mode")),
    ({"workloadSelector": {"labels": {}}}, ("spec.workloadSelector", "labels")),
]


@pytest.mark.parametrize(("spec", "expected"), PRUNED)
def test_pruned_field_is_reported_from_both_sources(spec: dict[str, object], expected: tuple[str, str]) -> None:
    applied = {LAST_APPLIED: json.dumps({"spec": spec})}
    both = [
        manifest("DestinationRule", spec, annotations=applied),
        manifest("DestinationRule", {}, annotations=applied),
    ]
    assert [read_destination_rule(one).unknown for one in both] == [(expected,), (expected,)]


@pytest.mark.parametrize("written", ["", "{", "[" * 201 + "]" * 201, "[]", '{"spec": 1}', "null"])
def test_an_odd_last_applied_annotation_tells_nothing(written: str) -> None:
    assert read_destination_rule(manifest("DestinationRule", {}, annotations={LAST_APPLIED: written})).unknown == ()


def test_service_hosts_have_istio_protocols() -> None:
    ports = [
        {"port": 80, "name": "http-web", "targetPort": 8080},
        {"port": 81, "name": "anything", "appProtocol": "https", "targetPort": "web"},
        {"port": 82, "name": "grpc-web-x"},
        {"port": 83, "name": "web", "appProtocol": "kubernetes.io/h2c"},
        {"port": 84, "name": "web"},
        {"port": 3306, "name": "web"},
        {"port": 53, "name": "http", "protocol": "UDP"},
        {"port": "85", "name": "http"},
    ]
    spec = {"ports": ports, "clusterIP": "10.0.0.1", "type": "ClusterIP", "externalName": "ignored"}
    told = {"networking.istio.io/exportTo": "., other"}
    (found,) = read_services({"kind": "Service", "metadata": {**META, "annotations": told}, "spec": spec}, "corp")
    expected = ["HTTP", "HTTPS", "GRPC-WEB", "HTTP2", "", "TCP", "UDP"]
    assert [port.protocol for port in found.ports] == expected
    assert [(port.target, port.path) for port in found.ports[:2]] == [(8080, "spec.ports[0]"), ("web", "spec.ports[1]")]
    assert (found.host, found.export_to, found.addresses) == ("a.b.svc.corp", (".", "other"), ("10.0.0.1",))
    assert (found.external, found.external_name, found.ref.kind) == (False, "", "Service")


def test_an_external_name_and_a_headless_service() -> None:
    spec = {"type": "ExternalName", "externalName": "x.example.com", "clusterIP": "None"}
    (found,) = read_services({"kind": "Service", "metadata": META, "spec": spec})
    assert (found.external_name, found.addresses) == ("x.example.com", ())


def test_a_service_entry_is_one_service_for_each_host() -> None:
    spec = {
        "hosts": ["a.example.com", "b.example.com", "a.example.com", 1, ""],
        "ports": [
            {"number": 443, "name": "https", "protocol": "https", "targetPort": 8443},
            {"number": 1, "protocol": "X"},
        ],
        "resolution": "DNS",
        "addresses": ["10.0.0.1"],
        "subjectAltNames": ["n"],
        "exportTo": ["*"],
    }
    expected = Service(
        ref("ServiceEntry"),
        "a.example.com",
        (ServicePort(443, "https", "HTTPS", 8443, "spec.ports[0]"), ServicePort(1, path="spec.ports[1]")),
        ("*",),
        external=True,
        resolution="DNS",
        addresses=("10.0.0.1",),
        subject_alt_names=("n",),
        created="2026-01-01T00:00:00Z",
        labels={"x": "y"},
    )
    found = read_services(manifest("ServiceEntry", spec))
    assert [one.host for one in found] == ["a.example.com", "b.example.com"]
    assert found[0] == expected
    (inside,) = read_services(manifest("ServiceEntry", {"hosts": ["c"], "location": "MESH_INTERNAL"}))
    assert (inside.external, inside.resolution) == (False, "NONE")


def test_a_virtual_service_is_read_with_one_route_for_each_match() -> None:
    destination = {"destination": {"host": "h", "subset": "v1", "port": {"number": 443}}}
    spec = {
        "hosts": ["h"],
        "gateways": ["mesh"],
        "exportTo": ["."],
        "http": [
            {"match": [{"port": 80}, {"uri": {"prefix": "/x"}, "gateways": ["g"]}], "route": [destination]},
            {
                "match": [{"uri": {"prefix": "/"}, "name": "all"}],
                "mirror": {"host": "m"},
                "mirrors": [{"destination": {"host": "n"}}],
            },
            {"redirect": {}},
        ],
        "tls": [{"match": [{"port": 443, "sniHosts": ["h"]}], "route": [{"destination": {"host": "h"}}, None]}],
        "tcp": [None],
    }
    target = RouteTarget("h", "v1", 443, "spec.http[0].route[0].destination")
    mirrors = (
        RouteTarget("m", path="spec.http[1].mirror"),
        RouteTarget("n", path="spec.http[1].mirrors[0].destination"),
    )
    routes = (
        Route("http", (80,), (target,)),
        Route("http", (), (target,), ("g",), conditional=True),
        Route("http", (), mirrors),
        Route("http", (), ()),
        Route("tls", (443,), (RouteTarget("h", path="spec.tls[0].route[0].destination"),)),
        Route("tcp", (), ()),
    )
    expected = VirtualService(
        ref("VirtualService"), ("h",), routes, ("mesh",), (".",), "2026-01-01T00:00:00Z", {"x": "y"}
    )
    assert read_virtual_service(manifest("VirtualService", spec)) == expected


def test_sidecar_is_read_with_generic_listener() -> None:
    spec = {
        "workloadSelector": {"labels": {"app": "x"}},
        "egress": [
            {"hosts": ["./*"], "port": {"number": 80}},
            {"hosts": [1], "port": {"number": 1, "protocol": "HTTP_PROXY"}},
            0,
        ],
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    }
    egress = (EgressListener(("./*",), 80, "spec.egress[0]"), EgressListener((), None, "spec.egress[1]"))
    expected = Sidecar(ref("Sidecar"), {"app": "x"}, egress, "REGISTRY_ONLY", "2026-01-01T00:00:00Z", {"x": "y"})
    assert read_sidecar(manifest("Sidecar", spec)) == expected
    assert read_sidecar(manifest("Sidecar", {})).egress is None


MESH = """
rootNamespace: mesh-root
defaultDestinationRuleExportTo: ["."]
defaultServiceExportTo: ["*"]
defaultVirtualServiceExportTo: [x]
outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS, tls: {mode: MUTUAL, clientCertificate: /c}}
defaultConfig: {interceptionMode: TPROXY, proxyMetadata: {OUTPUT_CERTS: /out}}
"""
INJECTOR = """
policy: disabled
defaultTemplates: [sidecar, extra]
templates: {sidecar: "{{ x }}", extra: ""}
aliases: {gateway: [kube-gateway]}
neverInjectSelector: [{matchLabels: {a: b}}, 1]
"""
VALUES = {
    "global": {"tag": "1.29.2-distroless", "proxy": {"clusterDomain": "corp"}},
    "sidecarInjectorWebhook": {"enableNamespacesByDefault": True},
    "pilot": {"env": {"ENABLE_NATIVE_SIDECARS": "true", "PILOT_ENABLE_CA_CRL": False}},
}


def test_the_mesh_is_read_from_istios_two_config_maps() -> None:
    injector = {"data": {"config": INJECTOR, "values": json.dumps(VALUES)}}
    assert read_mesh({"metadata": {"namespace": "istio-system"}, "data": {"mesh": MESH}}, injector) == Mesh(
        root_namespace="mesh-root",
        cluster_domain="corp",
        default_destination_rule_export_to=(".",),
        default_service_export_to=("*",),
        default_virtual_service_export_to=("x",),
        enable_namespaces_by_default=True,
        inject_policy="disabled",
        never_inject=({"matchLabels": {"a": "b"}},),
        default_templates=("sidecar", "extra"),
        templates=frozenset({"sidecar", "extra"}),
        aliases={"gateway": ("kube-gateway",)},
        native_sidecars=True,
        outbound_mode="ALLOW_ANY_DYNAMIC_DNS",
        outbound_tls=TlsSettings("MUTUAL", "outboundTrafficPolicy.tls", FileSet("/c")),
        proxy_metadata={"OUTPUT_CERTS": "/out"},
        interception_mode="TPROXY",
        version=(1, 29, 2),
        crl_in_every_sidecar=False,
    )


def test_root_namespace_defaults_to_that_of_config_map() -> None:
    assert read_mesh({"metadata": {"namespace": "mesh"}, "data": {"mesh": "{}"}}, None).root_namespace == "mesh"


@pytest.mark.parametrize("written", [None, "", "a: [", "- 1", "!!python/object:os.system x", "[" * 101, "- " * 101, 7])
def test_a_config_map_that_cannot_be_read_changes_nothing(written: object) -> None:
    mesh = read_mesh({"data": {"mesh": written}}, {"data": {"config": written, "values": written}})
    assert replace(mesh, unread=()) == Mesh()


def test_revisions_are_those_that_the_injectors_selectors_name() -> None:
    def entry(key: str, *values: str) -> dict[str, object]:
        return {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}

    webhooks = [
        {"name": "rev.namespace.sidecar-injector.istio.io", "namespaceSelector": entry("istio.io/rev", "canary")},
        {"name": "rev.object.sidecar-injector.istio.io", "objectSelector": entry("istio.io/rev", "stable")},
        {"name": "namespace.sidecar-injector.istio.io", "namespaceSelector": entry("istio-injection", "enabled")},
        {"name": "other.example.com", "namespaceSelector": entry("istio.io/rev", "never")},
    ]
    assert read_revisions([{"webhooks": webhooks}, {}, {"webhooks": 7}]) == {"canary", "stable", "default"}


def test_tag_uses_config_maps_of_its_revision() -> None:
    def configuration(selected: str, **labels: str) -> dict[str, object]:
        expressions = [{"key": "istio.io/rev", "operator": "In", "values": [selected]}]
        entry = {"name": "rev.sidecar-injector.istio.io", "namespaceSelector": {"matchExpressions": expressions}}
        named = {f"istio.io/{name}": value for name, value in labels.items()}
        return {"metadata": {"labels": named}, "webhooks": [entry]}

    tag, canary = configuration("prod", rev="1-30", tag="prod"), configuration("canary", rev="canary")
    assert read_config_revisions([tag, canary]) == {"1-30", "canary"}
    assert read_revisions([tag, canary]) == {"prod", "canary"}
    assert read_config_revisions([configuration("old"), {"metadata": {"labels": {"istio.io/rev": "none"}}}]) == {"old"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SEEN = [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "name",
    "namespace",
    "annotations",
    "labels",
    "data",
    "mesh",
    "webhooks",
]
SEEN += [
    "host",
    "hosts",
    "trafficPolicy",
    "portLevelSettings",
    "port",
    "tls",
    "subsets",
    "workloadSelector",
    "matchLabels",
]
SEEN += [
    "ports",
    "number",
    "protocol",
    "appProtocol",
    "http",
    "match",
    "route",
    "destination",
    "egress",
    "values",
    LAST_APPLIED,
]
KEYED = st.recursive(
    JSON | st.sampled_from(["Service", "ServiceEntry", "{}", "[]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(SEEN), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(SEEN), KEYED, max_size=6))
def test_no_json_makes_a_reader_raise_or_change_its_input(found: dict[str, object]) -> None:
    before = json.dumps(found)
    for _ in range(2):
        read_destination_rule(found)
        read_services(found)
        read_virtual_service(found)
        read_sidecar(found)
        read_mesh(found, found)
        read_revisions([found])
    assert json.dumps(found) == before
