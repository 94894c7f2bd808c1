"""Makes clusters of any size, as manifests: teams that call partners over mTLS, each workload with a Secret of its own.

Every certificate is issued for its Secret, so that nothing is read faster for having been seen before; a partner's CA
stands in the Secrets of all its clients. One workload in FAULTY_EACH is broken in one of the ways of `_FAULTS`. Of
three rules one is private to a team, one comes from the namespace `egress`, one picks its workloads by a label.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from certs.encode import cert_pem, key_pem
from certs.issue import Dates, Issued, Profile, make_ca, make_leaf

TEAMS = 50
FAULTY_EACH = 100
EGRESS = "egress"
_FAULTS = ("path", "expired", "key")
_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9+/=_.-]*(?::[0-9.]+)?")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
_APP = "registry.example.com/{team}/{name}:1.{number}.0"


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each there are. entries: ServiceEntries, at least as many as rules."""

    workloads: int
    rules: int
    entries: int
    secrets: int

    @classmethod
    def of(cls, workloads: int, rules: int) -> "Size":
        """The usual proportions: one ServiceEntry for each rule, one Secret for each workload."""
        return cls(workloads, rules, rules, workloads)


def manifests(size: Size) -> Iterator[dict[str, Any]]:
    """Every object of the cluster, rules before workloads, Secrets last."""
    for team in range(TEAMS):
        yield namespace(f"team-{team}")
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": EGRESS}}
    for number in range(size.entries):
        yield service_entry(number)
    for number in range(size.rules):
        yield destination_rule(number)
    for number in range(size.workloads):
        yield deployment(number, size.rules)
    yield from secrets(size.secrets, size.rules)


def namespace(name: str) -> dict[str, Any]:
    """A namespace whose pods get a sidecar."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"istio-injection": "enabled"}},
    }


def team_of(number: int) -> str:
    """The namespace of a workload, and of those that a rule is for."""
    return f"team-{number % TEAMS}"


def owner_of(number: int) -> str:
    """The namespace of a rule and its ServiceEntry: of every third one `egress`, else that of its workloads."""
    return EGRESS if number % 3 == 1 else team_of(number)


def service_entry(number: int) -> dict[str, Any]:
    """A partner outside the mesh."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": f"partner-{number}", "namespace": owner_of(number)},
        "spec": {
            "hosts": [f"api.partner-{number}.example.com"],
            "location": "MESH_EXTERNAL",
            "resolution": "DNS",
            "ports": [
                {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443},
                {"number": 443, "name": "https", "protocol": "HTTPS"},
            ],
        },
    }


def destination_rule(number: int) -> dict[str, Any]:
    """How sidecars call a partner: with files of a directory of its own."""
    folder = f"/etc/mtls/partner-{number}"
    spec: dict[str, Any] = {
        "host": f"api.partner-{number}.example.com",
        "trafficPolicy": {
            "connectionPool": {"http": {"maxRequestsPerConnection": 100}},
            "portLevelSettings": [
                {
                    "port": {"number": 80},
                    "tls": {
                        "mode": "MUTUAL",
                        "clientCertificate": f"{folder}/tls.crt",
                        "privateKey": f"{folder}/tls.key",
                        "caCertificates": f"{folder}/ca.crt",
                        "sni": f"api.partner-{number}.example.com",
                    },
                }
            ],
        },
    }
    spec["exportTo"] = [team_of(number)]
    if number % 3 == 2:
        spec["workloadSelector"] = {"matchLabels": {"partner": f"partner-{number}"}}
    meta = {"name": f"partner-{number}", "namespace": owner_of(number), "creationTimestamp": "2026-03-01T10:00:00Z"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": meta, "spec": spec}


def deployment(number: int, rules: int) -> dict[str, Any]:
    """A workload that calls one partner: with a multiple of TEAMS rules, one whose rule is known to it."""
    name, partner = f"shop-{number}", number % rules
    folder = f"/etc/mtls/partner-{partner}" if _fault(number) != "path" else f"/etc/mtls/partner{partner}"
    annotations = {
        "sidecar.istio.io/userVolume": f'[{{"name":"client","secret":{{"secretName":"{name}-client"}}}}]',
        "sidecar.istio.io/userVolumeMount": f'[{{"name":"client","mountPath":"{folder}","readonly":true}}]',
        "prometheus.io/scrape": "true",
    }
    labels = {"app": name, "version": f"v{number % 7}", "partner": f"partner-{partner}"}
    template = {"metadata": {"labels": labels, "annotations": annotations}, "spec": _pod(name, number)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": team_of(number), "labels": {"app": name}},
        "spec": {"replicas": 1 + number % 3, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def pod(number: int, rules: int) -> dict[str, Any]:
    """A Pod that runs for a workload, as its ReplicaSet has made it and Istio's injector has found it."""
    made_for = deployment(number, rules)
    name = made_for["metadata"]["name"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-6d4cf56db6", "uid": str(number)}
    template = made_for["spec"]["template"]
    meta = {
        **template["metadata"],
        "name": f"{name}-6d4cf56db6-{number % 90000 + 10000}",
        "namespace": made_for["metadata"]["namespace"],
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def _pod(name: str, number: int) -> dict[str, Any]:
    image = _APP.format(team=team_of(number), name=name, number=number % 90)
    container = {
        "name": name,
        "image": image,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "SHARD", "value": str(number)}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "volumeMounts": [{"name": "config", "mountPath": "/config"}],
    }
    return {
        "serviceAccountName": name,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": f"{name}-config"}}],
    }


def secrets(count: int, partners: int) -> Iterator[dict[str, Any]]:
    """One Secret for each workload, each with a certificate and key of its own; they expire on different days."""
    now = datetime.now(UTC)
    cas = [make_ca(Dates.around(now, days=2000 + index)) for index in range(min(count, partners))]
    for number in range(count):
        yield secret(number, cas[number % len(cas)], now)


def secret(number: int, ca: Issued, now: datetime) -> dict[str, Any]:
    """The Secret of one workload."""
    fault, name = _fault(number), f"shop-{number}"
    end = now - timedelta(days=2) if fault == "expired" else now + timedelta(days=60 + number % 300)
    leaf = make_leaf(ca, Dates(now - timedelta(days=90), end), Profile(name))
    key = make_leaf(ca, Dates.around(now)) if fault == "key" else leaf
    values = {"tls.crt": cert_pem(leaf), "tls.key": key_pem(key), "ca.crt": cert_pem(ca)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-client", "namespace": team_of(number)},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }


def _fault(number: int) -> str:
    """What is wrong with a workload, '' for most."""
    return "" if number % FAULTY_EACH != FAULTY_EACH - 1 else _FAULTS[number // FAULTY_EACH % len(_FAULTS)]


def write(folder: Path, size: Size) -> None:
    """Writes the cluster as YAML, a file for each kind and team, as a repository would hold it."""
    texts: dict[str, list[str]] = {}
    for manifest in manifests(size):
        place = manifest["metadata"].get("namespace", "cluster")
        texts.setdefault(f"{place}-{manifest['kind'].lower()}", []).append(_yaml(manifest))
    for name, parts in texts.items():
        (folder / f"{name}.yaml").write_text("---\n".join(parts), encoding="utf-8")


def _yaml(value: object, indent: str = "") -> str:
    """JSON as block YAML, the way people write it; PyYAML's own dumper would take most of the benchmark's time."""
    if isinstance(value, dict):
        return "".join(f"{indent}{key}:{_nested(inner, indent + '  ')}" for key, inner in value.items())
    assert isinstance(value, list)
    return "".join(f"{indent}- {_item(inner, indent + '  ')}" for inner in value)


def _nested(value: object, indent: str) -> str:
    return f"\n{_yaml(value, indent)}" if isinstance(value, dict | list) else f" {_scalar(value)}\n"


def _item(value: object, indent: str) -> str:
    return _yaml(value, indent).removeprefix(indent) if isinstance(value, dict | list) else f"{_scalar(value)}\n"


def _scalar(value: object) -> str:
    """A number as it is; text bare where that is safe."""
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)
