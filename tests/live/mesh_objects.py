"""Objects of one team that originates mTLS, as short as the API server takes them."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from certs.bundle import client_bundle
from webhook.kubeapi.resource import Resource

ISTIO = "networking.istio.io/v1"
TEAM = "devel"
Object = dict[str, Any]
RULES = Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule")
ENTRIES = Resource("networking.istio.io", "v1", "serviceentries", "ServiceEntry")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


def namespace(name: str = TEAM) -> Object:
    """A namespace whose pods are injected."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"istio-injection": "enabled"}},
    }


def partner(name: str, team: str = TEAM) -> Object:
    """A ServiceEntry for `NAME.partner.example`, called by plain http."""
    port = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}
    spec = {"hosts": [host(name)], "location": "MESH_EXTERNAL", "resolution": "DNS", "ports": [port]}
    return {"apiVersion": ISTIO, "kind": "ServiceEntry", "metadata": _meta(name, team), "spec": spec}


def rule(name: str, folder: str, team: str = TEAM) -> Object:
    """A DestinationRule that makes sidecars of the team read the usual three files in the folder."""
    files = {"clientCertificate": "cert", "privateKey": "key", "caCertificates": "cacert"}
    paths = {field: f"{folder}/{file}" for field, file in files.items()}
    tls = {"mode": "MUTUAL", "sni": host(name), "subjectAltNames": [host(name)], **paths}
    spec = {"host": host(name), "exportTo": ["."], "trafficPolicy": {"tls": tls}}
    return {"apiVersion": ISTIO, "kind": "DestinationRule", "metadata": _meta(name, team), "spec": spec}


def secret(name: str, team: str = TEAM) -> Object:
    """A Secret with a certificate that is valid today."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _meta(name, team), "data": dict(_material())}


def workload(name: str, folder: str, mounted: str, team: str = TEAM) -> Object:
    """A Deployment whose sidecar mounts the Secret of that name at the folder."""
    volumes = [{"name": "mtls", "secret": {"secretName": mounted}}]
    annotations = {
        "sidecar.istio.io/userVolume": json.dumps(volumes),
        "sidecar.istio.io/userVolumeMount": json.dumps([{"name": "mtls", "mountPath": folder, "readOnly": True}]),
    }
    labels = {"app": name}
    pod = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _meta(name, team), "spec": spec}


def declaring(name: str, folder: str, mounted: str, called: str) -> Object:
    """The same, which says that it calls the partner `called`: what it lacks for that is denied on a dry run, too."""
    made = workload(name, folder, mounted)
    made["spec"]["template"]["metadata"]["annotations"]["mtls-guard.io/destinations"] = host(called)
    return made


def host(name: str) -> str:
    """The host of a partner."""
    return f"{name}.partner.example"


def _meta(name: str, team: str) -> Object:
    return {"name": name, "namespace": team}


@lru_cache(maxsize=1)
def _material() -> dict[str, str]:
    return {key: b64encode(value).decode() for key, value in client_bundle(datetime.now(UTC)).items()}
