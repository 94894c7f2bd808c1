"""Whether cert-manager has issued the serving certificate, where it is cert-manager that does."""

from collections.abc import Mapping
from typing import Any

import orjson

from webhook.doctor.check import Check, DoctorContext
from webhook.doctor.pods import condition
from webhook.informer.watched_kinds import Key
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import Resource
from webhook.model.printable import cut
from webhook.model.raw_object import Manifest, dig, mapping, sequence, text

_KIND: Key = ("cert-manager.io", "Certificate")
_MODE = "-cert-manager"
"""The end of the Secret's name where `certificate.mode` is certManager."""
_SHOWN = 300


def check_certificate(
    connection: ApiClient, found: DoctorContext, deployment: Manifest, served: Mapping[Key, Resource]
) -> Check | None:
    """None where cert-manager issues nothing here."""
    secret = _secret(deployment)
    if not secret.endswith(_MODE):
        return None
    if _KIND not in served:
        told = f"the CustomResourceDefinitions of cert-manager are missing: nobody issues or renews Secret {secret}"
        remedy = "install cert-manager, or set certificate.mode to selfManaged"
        return Check("certificate", good=False, told=told, remedy=remedy)
    certificate = _certificate(connection, found, served[_KIND], secret)
    if certificate is None:
        return Check("certificate", good=False, told=f"no Certificate makes Secret {secret}", remedy=found.upgrade)
    return _check(found, certificate, secret)


def _check(found: DoctorContext, certificate: Manifest, secret: str) -> Check:
    name, ready = text(dig(certificate, "metadata", "name")), condition(certificate, "Ready")
    if ready.get("status") == "True":
        return Check("certificate", good=True, told=f"cert-manager has issued Secret {secret}")
    describe = found.kubectl(f"describe certificate {name}")
    if not ready:
        told = f"cert-manager has not looked at Certificate {name}: its controller does not run"
        remedy = f"see whether it runs: kubectl get pods -A -l app.kubernetes.io/instance=cert-manager; {describe}"
        return Check("certificate", good=False, told=told, remedy=remedy)
    told = f"Certificate {name} is not ready: {cut(text(ready.get('message')), _SHOWN)}"
    return Check("certificate", good=False, told=told, remedy=describe)


def _secret(deployment: Manifest) -> str:
    """The Secret from which the replicas serve, '' where they issue it themselves."""
    volumes: list[Any] = [*sequence(dig(deployment, "spec", "template", "spec", "volumes"))]
    return next((_name(each) for each in volumes if dig(each, "name") == "serving"), "")


def _name(volume: object) -> str:
    projected = [text(dig(each, "secret", "name")) for each in sequence(dig(volume, "projected", "sources"))]
    return text(dig(volume, "secret", "secretName")) or next(filter(None, projected), "")


def _certificate(connection: ApiClient, found: DoctorContext, resource: Resource, secret: str) -> Manifest | None:
    try:
        listed = orjson.loads(connection.page(resource, found.namespace))
    except ClusterError:
        return None
    items = (mapping(each) for each in sequence(dig(listed, "items")))
    return next((each for each in items if dig(each, "spec", "secretName") == secret), None)
