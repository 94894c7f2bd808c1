"""What the chart makes of values: objects that the API server takes strictly, and the same ones each time."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from certs.encode import cert_pem
from certs.issue import CA, Dates, make_ca
from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from tests.live.helm import Objects, enforcing, injecting, kept, render, template
from tools.chart import CHART
from webhook.metrics import Metrics
from webhook.model.finding import Severity
from webhook.policy import load_policy
from webhook.rules import catalogue
from webhook.settings import read_settings

pytestmark = pytest.mark.slow

Values = Mapping[str, Any]
CA_TEXT = cert_pem(make_ca(Dates.around(datetime.now(UTC)), CA)).decode()
CASES: Mapping[str, Values] = {
    **{file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((CHART / "ci").glob("*.yaml"))},
    "existing": {"certificate": {"mode": "existing", "existing": {"secretName": "mine", "caBundle": CA_TEXT}}},
}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server with the kinds of cert-manager and the Prometheus operator, and the namespaces that values name."""
    with control_plane(Options(controllers=False)) as found:
        found.apply_istio_crds()
        found.apply_operator_crds()
        for namespace in ("mtls-guard", "devel", "shop"):
            found.kubectl("create", "namespace", namespace)
        yield found


def injects(objects: Objects) -> bool:
    """Whether values let anything be injected."""
    return any("injecting.yaml" in one.get("data", {}) for one in objects)


def of_kind(objects: Objects, kind: str) -> Objects:
    """Those of a kind."""
    return [one for one in objects if one["kind"] == kind]


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_the_api_server_takes_every_object_strictly(plane: ControlPlane, values: Values) -> None:
    objects = render(values)
    objects += [enforcing(objects), *([injecting(objects)] if injects(objects) else [])]
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    said = plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=items)
    assert said.stderr == ""
    assert len(said.stdout.splitlines()) == len(objects)


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_two_renders_are_the_same(values: Values) -> None:
    assert template(values) == template(values)


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_each_object_belongs_to_the_release(values: Values) -> None:
    for one in render(values):
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "mtls-guard"
        assert len(one["metadata"]["name"]) <= 63


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_pods_keep_to_the_restricted_standard(plane: ControlPlane, values: Values) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    plane.kubectl("label", "namespace", "mtls-guard", "--overwrite", level)
    try:
        pods = [pod_of(one) for one in render(values) if one["kind"] in ("Deployment", "Pod")]
        for number, pod in enumerate(pods):
            if pod["spec"].get("hostNetwork"):
                continue
            sent = json.dumps({**pod, "metadata": {**pod["metadata"], "name": f"pod-{number}"}})
            plane.kubectl("-n", "mtls-guard", "create", "--dry-run=server", "-f", "-", stdin=sent)
    finally:
        plane.kubectl("label", "namespace", "mtls-guard", level.partition("=")[0] + "-")


def pod_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The Pod that a manifest is, or makes."""
    template = manifest["spec"].get("template", manifest)
    metadata = {part: template["metadata"].get(part, {}) for part in ("labels", "annotations")}
    spec = {**template["spec"], "priorityClassName": None}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_replicas_are_spread_and_drained_one_at_a_time() -> None:
    objects = render()
    (deployment,) = of_kind(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert pod["priorityClassName"] == "system-cluster-critical"
    spread = [one["topologyKey"] for one in pod["topologySpreadConstraints"]]
    assert spread == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    settings = read_settings(flags_of(deployment), {})
    drained = container["lifecycle"]["preStop"]["sleep"]["seconds"] + settings.drain + settings.linger
    assert drained + 25 <= pod["terminationGracePeriodSeconds"]
    assert settings.linger > 90
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    (budget,) = of_kind(objects, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


def test_host_network_rollout_frees_ports_first() -> None:
    """Two replicas on two nodes: a third Pod would find no node with free ports, and the rollout would never end."""
    objects = render({"hostNetwork": True, "webhook": {"port": 10260}})
    (deployment,), (budget,) = of_kind(objects, "Deployment"), of_kind(objects, "PodDisruptionBudget")
    assert deployment["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }
    pod = deployment["spec"]["template"]["spec"]
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert budget["spec"]["maxUnavailable"] == 1  # no drain takes the other replica during a rollout


def test_autoscaler_alone_sets_replicas() -> None:
    objects = render(CASES["everything-values"])
    (deployment,), (scaler,) = of_kind(objects, "Deployment"), of_kind(objects, "HorizontalPodAutoscaler")
    assert "replicas" not in deployment["spec"]
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 9)
    assert of_kind(render(), "HorizontalPodAutoscaler") == []


def test_prometheus_is_led_to_the_port_that_serves_metrics() -> None:
    objects = render(CASES["cert-manager-values"])
    (monitor,), services = of_kind(objects, "ServiceMonitor"), of_kind(objects, "Service")
    (endpoint,) = monitor["spec"]["endpoints"]
    chosen = monitor["spec"]["selector"]["matchLabels"].items()
    ports = [port for one in services if chosen <= one["metadata"]["labels"].items() for port in one["spec"]["ports"]]
    assert [port["targetPort"] for port in ports if port["name"] == endpoint["port"]] == ["metrics"]
    assert (endpoint.get("scheme", "http"), endpoint.get("path", "/metrics")) == ("http", "/metrics")


def test_cert_manager_ca_is_mounted_for_the_entries() -> None:
    """Its injector is not asked for: it knows one CA, and would take out that of replicas that still run."""
    objects = render(CASES["cert-manager-values"])
    assert [one["metadata"]["name"] for one in of_kind(objects, "Issuer")] == [
        "mtls-guard-self-signed",
        "mtls-guard-ca",
    ]
    root, leaf = of_kind(objects, "Certificate")
    assert root["spec"]["isCA"] is True
    assert leaf["spec"]["dnsNames"] == ["mtls-guard.mtls-guard.svc"]
    assert leaf["spec"]["issuerRef"] == {"name": "mtls-guard-ca", "kind": "Issuer", "group": "cert-manager.io"}
    configurations = [one for one in objects if one["kind"].endswith("WebhookConfiguration")]
    for one in (*configurations, enforcing(objects), injecting(objects)):
        assert set(one["metadata"]["annotations"]) == {"admissions.enforcer/disabled"}
    (deployment,) = of_kind(objects, "Deployment")
    mounted = next(one for one in deployment["spec"]["template"]["spec"]["volumes"] if one["name"] == "serving")
    pair, authorities = (source["secret"] for source in mounted["projected"]["sources"])
    assert pair["name"] == authorities["name"] == leaf["spec"]["secretName"] == "mtls-guard-cert-manager"
    assert ([item["key"] for item in pair["items"]], pair.get("optional")) == (["tls.crt", "tls.key"], None)
    assert ([item["key"] for item in authorities["items"]], authorities["optional"]) == (["ca.crt"], True)


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_chart_hands_ca_bundles_of_values_to_the_leader(values: Values) -> None:
    """Else the bundle would change at once with a mode of the certificate, while replicas still serve the old one."""
    objects = render(values)
    made = [one for one in objects if one["kind"].endswith("WebhookConfiguration")] + [enforcing(objects)]
    made += [injecting(objects)] if injects(objects) else []
    assert not any("caBundle" in entry["clientConfig"] for one in made for entry in one["webhooks"])
    (authorities,) = [one["data"].get("ca.crt", "") for one in objects if "enforcing.yaml" in one.get("data", {})]
    assert authorities.strip() == values.get("certificate", {}).get("existing", {}).get("caBundle", "").strip()


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_config_map_contains_the_expected_configuration(values: Values) -> None:
    """For doctor to compare."""
    objects = render(values)
    (telling,) = of_kind(objects, "ValidatingWebhookConfiguration")
    assert kept(objects, "telling.yaml") == telling


def test_an_issuer_of_the_company_is_used_as_it_is() -> None:
    objects = render(CASES["cluster-issuer-values"])
    (leaf,) = of_kind(objects, "Certificate")
    assert leaf["spec"]["issuerRef"] == {"name": "company-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert of_kind(objects, "Issuer") == []


@pytest.mark.parametrize("mode", ["existing", "cert-manager-values"])
def test_we_may_not_touch_a_certificate_of_others(mode: str) -> None:
    objects = render(CASES[mode])
    assert verbs(objects, "secrets") == {"get"}
    assert verbs(objects, "validatingwebhookconfigurations", "mtls-guard") == {"get", "patch"}


def verbs(objects: Objects, resource: str, name: str = "") -> set[str]:
    """What we may do with a resource, or with the one of this name."""
    rules = [rule for one in objects for rule in one.get("rules", []) if resource in rule["resources"]]
    return {verb for rule in rules if not name or name in rule["resourceNames"] for verb in rule["verbs"]}


def test_secrets_can_be_readable_in_some_namespaces_only() -> None:
    objects = render(CASES["shared-cluster-values"])
    assert verbs(of_kind(objects, "ClusterRole"), "secrets") == set()
    readers = [one for one in of_kind(objects, "Role") if one["metadata"]["name"] == "mesh-guard-secrets"]
    assert [one["metadata"]["namespace"] for one in readers] == ["devel", "shop"]
    assert verbs(readers, "secrets") == {"get"}


def test_the_policy_of_values_is_one_that_the_server_takes() -> None:
    rules = {"secret-missing": False, "certificate-expiring": "deny"}
    for values in (CASES["everything-values"], {"policy": {"rules": rules}}):
        (found,) = [
            one["data"]["policy.yaml"] for one in of_kind(render(values), "ConfigMap") if "policy.yaml" in one["data"]
        ]
        read = load_policy(found, "policy.yaml", catalogue())
        assert read.severities["secret-missing"] is Severity.OFF
        assert read.severities["certificate-expiring"] is Severity.DENY


@pytest.mark.parametrize("values", [{}, CASES["everything-values"]], ids=["default", "everything"])
def test_no_value_lets_us_look_at_the_control_plane_or_ourselves(values: Values) -> None:
    objects = render({**values, "webhook": {**values.get("webhook", {}), "excludedNamespaces": []}})
    configurations = [one for one in objects if one["kind"].endswith("WebhookConfiguration")]
    assert len(configurations) == 1
    configurations += [enforcing(objects), injecting(objects)]
    for entry in [entry for one in configurations for entry in one["webhooks"] if "rules" in entry]:
        if not entry["name"].startswith("probe"):
            (never,) = [
                one
                for one in entry["namespaceSelector"]["matchExpressions"]
                if one["key"] == "kubernetes.io/metadata.name"
            ]
            assert never["operator"] == "NotIn"
            assert set(never["values"]) >= {"kube-system", "kube-public", "kube-node-lease", "mtls-guard"}
        assert {rule["scope"] for rule in entry["rules"]} == {"Namespaced"}
        assert not any("/" in resource or "*" in resource for rule in entry["rules"] for resource in rule["resources"])


def test_the_names_of_the_charts_entries_are_for_ever() -> None:
    """One that is gone could not be taken out of a cluster: see templates/_entries.tpl."""
    for values in ({}, CASES["shared-cluster-values"]):
        (configuration,) = of_kind(render(values), "ValidatingWebhookConfiguration")
        names = [entry["name"].partition(".")[0] for entry in configuration["webhooks"]]
        assert names == ["reach", "shadows", "istio", "secrets"]
        assert {entry["failurePolicy"] for entry in configuration["webhooks"]} == {"Ignore"}


def test_our_injection_comes_before_that_of_istio() -> None:
    assert injecting(render(CASES["everything-values"]))["metadata"]["name"] < "istio-revision-tag-default"


def test_network_policy_allows_only_needed_traffic() -> None:
    (policy,) = of_kind(render(CASES["shared-cluster-values"]), "NetworkPolicy")
    admission, metrics = policy["spec"]["ingress"]
    assert admission["from"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    names, api_server = policy["spec"]["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert [peer["ipBlock"]["cidr"] for peer in api_server["to"]] == ["10.96.0.1/32", "172.18.0.2/32"]


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_the_server_is_started_with_flags_that_it_knows(values: Values) -> None:
    (deployment,) = of_kind(render(values), "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["args"][0] == "serve"
    settings = read_settings(flags_of(deployment), {})
    assert settings.bind.port == deployment["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert not settings.cluster


def flags_of(deployment: Mapping[str, Any]) -> dict[str, str]:
    """What the server is started with, by the name of the flag."""
    flags = deployment["spec"]["template"]["spec"]["containers"][0]["args"][1:]
    return {flag.removeprefix("--").partition("=")[0]: flag.partition("=")[2] for flag in flags}


def test_alerts_ask_for_metrics_that_there_are() -> None:
    (rules,) = of_kind(render(CASES["cert-manager-values"]), "PrometheusRule")
    alerts = rules["spec"]["groups"][0]["rules"]
    ours = set(re.findall(r"mtls_guard_\w+", " ".join(alert["expr"] for alert in alerts)))
    served = {metric.name for metric in Metrics().registry.collect()}
    assert {name.removesuffix("_bucket") for name in ours} <= served
    assert {alert["labels"]["team"] for alert in alerts} == {"platform"}
    assert any("{{ $labels.name }}" in alert["annotations"]["description"] for alert in alerts)


def test_producer_kinds_of_the_policy_may_be_watched() -> None:
    """Under the plural of the kind, or the one that values name."""
    producers = [
        {"group": "example.com", "kind": "ClientTls"},
        {"group": "example.com", "kind": "Root", "makes": "ConfigMap"},
    ]
    values = {"policy": {"producers": producers}, "workloadResources": {"ClientTls": "clienttlses"}}
    roles = [one for one in of_kind(render(values), "ClusterRole") if one["metadata"]["name"] == "mtls-guard"]
    added = [rule for rule in roles[0]["rules"] if rule["apiGroups"] == ["example.com"]]
    assert [(rule["resources"], rule["verbs"]) for rule in added] == [
        (["clienttlses"], ["list", "watch"]),
        (["roots"], ["list", "watch"]),
    ]
