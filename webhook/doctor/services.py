"""Whether the Service that every entry asks is there and leads to the replicas."""

import orjson

from webhook.doctor.check import Check, DoctorContext
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.resource import registered
from webhook.model.raw_object import Manifest, dig, mapping, sequence, texts

SERVICES = registered("Service")
PORT = 443
"""Of the Service, as every entry names it."""


def service_of(connection: ApiClient, namespace: str, name: str) -> Manifest | None:
    """The Service, None where there is none; listed, since that is what a replica itself may do."""
    query = {"fieldSelector": f"metadata.name={name}"}
    listed = orjson.loads(connection.page(SERVICES, namespace, query))
    return next((mapping(each) for each in sequence(dig(listed, "items"))), None)


def check_service(connection: ApiClient, found: DoctorContext, deployment: Manifest) -> Check:
    """Whether it is there, selects the Pods of the Deployment, and serves the port that the entries name."""
    service = service_of(connection, found.namespace, found.name)
    problem = f"there is no Service {found.namespace}/{found.name}" if service is None else _fault(service, deployment)
    if problem:
        return Check("service", good=False, told=f"{problem}: no review reaches a replica", remedy=found.upgrade)
    return Check("service", good=True, told="it leads to the replicas")


def _fault(service: Manifest, deployment: Manifest) -> str:
    """What is wrong with it, '' for nothing."""
    selector = texts(dig(service, "spec", "selector"))
    labels = texts(dig(deployment, "spec", "template", "metadata", "labels"))
    if not selector or not selector.items() <= labels.items():
        chosen = ",".join(f"{key}={value}" for key, value in selector.items())
        return f'its selector "{chosen}" selects no Pod of the Deployment'
    if PORT not in [dig(port, "port") for port in sequence(dig(service, "spec", "ports"))]:
        return f"it has no port {PORT}"
    return ""
