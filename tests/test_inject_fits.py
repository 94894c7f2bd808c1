"""What injection adds fits the rule in force, whatever its paths, ports and subsets, and the Secrets that are named."""

import json
from typing import Any

import pytest

from tests import worked
from tests.injecting import ASKS, SECRET, injected, lines, mutation, opted, pod, reading, rule, verdict
from webhook.examples import AT
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.workload import TEMPLATE_PATHS, read_workload
from webhook.model.chain import FileState
from webhook.model.expiry_horizon import Horizon
from webhook.model.raw_object import dig
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

PARTNER = "partner.example.com"
SETTINGS = {"mode": "MUTUAL", "sni": PARTNER, "subjectAltNames": [PARTNER], **reading("/etc/partner")}


def partner(policy: dict[str, Any], secret: dict[str, str] | None = None, **more: Any) -> list[dict[str, Any]]:
    """A second destination: its ServiceEntry, its rule with this policy, its Secret with other keys."""
    head = {"name": "partner", "namespace": "project"}
    ports = [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}]
    spec = {"hosts": [PARTNER], "ports": ports, "resolution": "DNS", "location": "MESH_EXTERNAL"}
    istio = "networking.istio.io/v1"
    held = worked.of_kind("Secret")
    data = {(secret or {}).get(name, name): value for name, value in held["stringData"].items()}
    return [
        {"apiVersion": istio, "kind": "ServiceEntry", "metadata": head, "spec": spec},
        {
            "apiVersion": istio,
            "kind": "DestinationRule",
            "metadata": {**head, **more},
            "spec": {"host": PARTNER, **policy},
        },
        {**held, "metadata": {"name": "partner", "namespace": "devel"}, "stringData": data},
    ]


def entries(made: dict[str, Any], name: str) -> Any:
    """The value of an annotation of the Pod."""
    return json.loads(made["metadata"]["annotations"][name])


def mounts(manifest: dict[str, Any], view: Snapshot) -> dict[str, str]:
    """Where the Pod gets which volume; what is added leaves no finding of a file."""
    made = injected(manifest, view)
    assert [line for line in lines(verdict(made, view)) if line.startswith("deny")] == []
    secrets = {one["name"]: one["secret"]["secretName"] for one in entries(made, USER_VOLUME)}
    return {one["mountPath"]: secrets[one["name"]] for one in entries(made, USER_VOLUME_MOUNT)}


FROM_PARTNER = {"mtls-guard.io/client-secret": "partner", "mtls-guard.io/destinations": PARTNER}
PLACES: dict[str, dict[str, Any]] = {
    "the whole rule": {"trafficPolicy": {"tls": SETTINGS}},
    "a port": {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": SETTINGS}]}},
    "a subset": {"subsets": [{"name": "v1", "labels": {"v": "1"}, "trafficPolicy": {"tls": SETTINGS}}]},
    "a port of a subset": {
        "subsets": [
            {
                "name": "v1",
                "labels": {"v": "1"},
                "trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": SETTINGS}]},
            }
        ]
    },
}


ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "partner", "namespace": "project"},
    "spec": {"hosts": [PARTNER], "http": [{"route": [{"destination": {"host": PARTNER, "subset": "v1"}}]}]},
}


@pytest.mark.parametrize("policy", PLACES.values(), ids=PLACES)
def test_the_paths_count_wherever_in_the_rule_they_stand(policy: dict[str, Any]) -> None:
    view = worked.cluster(*partner(policy), *([ROUTE] if "subsets" in policy else []))
    assert mounts(pod(FROM_PARTNER), view) == {"/etc/partner": "partner"}


def test_secrets_are_matched_by_data_keys() -> None:
    names = {"cert": "tls.crt", "key": "tls.key", "cacert": "ca.crt"}
    settings = {**SETTINGS, **reading("/etc/partner", "tls.crt", "tls.key", "ca.crt")}
    view = worked.cluster(*partner({"trafficPolicy": {"tls": settings}}, names))
    asked = pod({"mtls-guard.io/client-secret": f"{SECRET}, partner"})
    assert mounts(asked, view) == {"/etc/mtlsfiles": SECRET, "/etc/partner": "partner"}


def test_destinationrule_chooses_between_several_secrets() -> None:
    asked = pod({"mtls-guard.io/client-secret": f"{SECRET}, partner"})
    policy = {"trafficPolicy": {"tls": SETTINGS}}
    unclear = worked.cluster(*partner(policy))
    assert mutation(asked, unclear).operations == ()
    told = [line for line in lines(verdict(asked, unclear)) if line.endswith("[injection-impossible]")]
    assert told[0].endswith(
        "annotate the DestinationRule with mtls-guard.io/client-secret, or name one Secret [injection-impossible]"
    )
    named = {"annotations": {"mtls-guard.io/client-secret": "partner"}}
    own = rule({}, annotations={"mtls-guard.io/client-secret": SECRET})
    clear = worked.cluster(own, *partner(policy, **named), without=("DestinationRule",))
    assert mounts(asked, clear) == {"/etc/mtlsfiles": SECRET, "/etc/partner": "partner"}


def test_destinationrules_share_one_volume_of_one_secret() -> None:
    view = worked.cluster(*partner({"trafficPolicy": {"tls": SETTINGS}}))
    asked = pod({**ASKS, "mtls-guard.io/destinations": f"external.system.com, {PARTNER}"})
    assert mounts(asked, view) == {"/etc/mtlsfiles": SECRET, "/etc/partner": SECRET}
    assert len(entries(injected(asked, view), USER_VOLUME)) == 1


def test_ca_in_another_directory_comes_from_the_same_secret() -> None:
    paths = {**reading("/etc/client"), "caCertificates": "/etc/ca/cacert"}
    view = worked.cluster(rule(paths), without=("DestinationRule",))
    assert mounts(pod(), view) == {"/etc/client": SECRET, "/etc/ca": SECRET}


def test_ca_missing_in_the_secret_is_not_guessed() -> None:
    held = worked.of_kind("Secret")
    less = {**held, "stringData": {name: value for name, value in held["stringData"].items() if name != "cacert"}}
    paths = {**reading("/etc/client"), "caCertificates": "/etc/ca/company.pem"}
    view = worked.cluster(rule(paths), less, without=("DestinationRule", "Secret"))
    assert mutation(pod(), view).operations == ()
    (line,) = [line for line in lines(verdict(opted(), view)) if line.endswith("[injection-without-destinationrule]")]
    assert line == (
        f'warn spec.template.metadata.annotations["mtls-guard.io/client-secret"]: "{SECRET}" is not mounted: '
        'DestinationRule project/external-system-dest-rule reads "company.pem", which are no data keys of it; if '
        "external.system.com is meant, add these data keys; else apply its DestinationRule, then restart "
        "[injection-without-destinationrule]"
    )
    meant = opted({**ASKS, "mtls-guard.io/destinations": "external.system.com"})
    (line,) = [line for line in lines(verdict(meant, view)) if line.endswith("[injection-impossible]")]
    assert f'2 directories: /etc/client, /etc/ca, and Secret "{SECRET}" holds no "company.pem"' in line


@pytest.mark.parametrize("spec", [{}, {"securityContext": {"fsGroup": 2000}}], ids=["no fsGroup", "an fsGroup"])
def test_istio_proxy_can_read_mounts_with_or_without_fs_group(spec: dict[str, Any]) -> None:
    """Nothing says a mode, and Kubernetes' own is 0644; every mount is read-only."""
    made = injected(pod(**spec), worked.cluster())
    assert "defaultMode" not in entries(made, USER_VOLUME)[0]["secret"]
    assert all(one["readOnly"] is True for one in entries(made, USER_VOLUME_MOUNT))
    workload = read_workload(made)
    assert workload is not None
    files = [chain.file for chain in WorkloadPicture(workload, worked.cluster(), Horizon(AT)).chains]
    assert {(file.state, file.mode) for file in files} == {(FileState.PRESENT, 0o644)}


KINDS = {
    "apps/v1": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "batch/v1": ("Job", "CronJob"),
    "v1": ("ReplicationController",),
    "argoproj.io/v1alpha1": ("Rollout",),
}


@pytest.mark.parametrize(("version", "kind"), [(version, kind) for version, kinds in KINDS.items() for kind in kinds])
def test_templates_of_every_kind_are_written_into_at_their_place(version: str, kind: str) -> None:
    template = opted()["spec"]["template"]
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    made: dict[str, Any] = {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "devel"}}
    made["spec"] = spec
    before = json.dumps(made)
    after = injected(made, worked.cluster())
    annotations = dig(after, *TEMPLATE_PATHS[kind], "metadata", "annotations")
    assert (USER_VOLUME in annotations, "mtlsfiles" in annotations.pop(USER_VOLUME_MOUNT)) == (True, True)
    del annotations[USER_VOLUME]
    assert json.dumps(after) == before
