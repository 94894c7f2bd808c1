"""A Secret says who writes it; what is wrong in it is corrected there, and what is missing in it may still come."""

from collections.abc import Mapping
from typing import Any

import pytest

from certs.vocabulary import fill
from tests import worked
from webhook.engine import judge_workload
from webhook.examples import AT
from webhook.kinds.secret_producer import producer_of
from webhook.kinds.workload import read_workload
from webhook.model.finding import ObjectRef
from webhook.model.printable import sentence
from webhook.policy import Policy

NAME = "external-system-mtls-data"
SECRET = f"Secret devel/{NAME}"
RULE = "DestinationRule project/external-system-dest-rule"
OF_CERT_MANAGER = {"annotations": {"cert-manager.io/certificate-name": "client"}}
ISSUED = {"annotations": {**OF_CERT_MANAGER["annotations"], "cert-manager.io/issuer-name": "ca"}}
OF_VAULT = {
    "ownerReferences": [
        {"apiVersion": "secrets.hashicorp.com/v1beta1", "kind": "VaultPKISecret", "name": "v", "controller": True}
    ]
}


@pytest.mark.parametrize(
    ("metadata", "ref"),
    [
        (OF_CERT_MANAGER, ObjectRef("cert-manager.io/v1", "Certificate", "devel", "client")),
        (OF_VAULT, ObjectRef("secrets.hashicorp.com/v1beta1", "VaultPKISecret", "devel", "v")),
        (
            {"ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "s"}]},
            ObjectRef("bitnami.com/v1alpha1", "SealedSecret", "devel", "s"),
        ),
        (
            {"ownerReferences": [{"apiVersion": "a.example/v1", "kind": "Tls", "name": "t", "controller": True}]},
            ObjectRef("a.example/v1", "Tls", "devel", "t"),
        ),
        (
            {"labels": {"reconcile.external-secrets.io/managed": "true"}},
            ObjectRef("external-secrets.io/v1", "ExternalSecret", "devel", ""),
        ),
        ({"labels": {"trust.cert-manager.io/bundle": "b"}}, ObjectRef("trust.cert-manager.io/v1", "Bundle", "", "b")),
        (
            {"annotations": {"reflector.v1.k8s.emberstack.com/reflects": "certs/client"}},
            ObjectRef("v1", "Secret", "certs", "client"),
        ),
        ({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True}]}, None),
        ({"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}, 5, None], "labels": []}, None),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, None),
    ],
)
def test_a_secret_says_who_writes_it(metadata: Mapping[str, Any], ref: ObjectRef | None) -> None:
    assert producer_of(metadata, "devel") == ref


def said(metadata: Mapping[str, Any], data: Mapping[str, str], *objects: worked.Object) -> list[str]:
    """The lines on the worked example's Deployment, with this Secret."""
    meta = {"name": NAME, "namespace": "devel", **metadata}
    secret = fill({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
    workload = read_workload(worked.deployment())
    assert workload is not None
    view = worked.cluster(secret, *objects, without=("Secret",))
    found = judge_workload(workload, view, Policy(), AT).findings
    return [f"{one.severity} {sentence(one, workload.ref)}" for one in found]


CERTIFICATE: dict[str, Any] = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "client", "namespace": "devel"},
    "spec": {"secretName": NAME},
}
EXTERNAL: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": NAME, "namespace": "devel"},
    "spec": {"dataFrom": [{"extract": {"key": "a"}}]},
}
READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
FAILS = {"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "no such secret"}
PAIR = {"cert": "@client.cert", "key": "@client.key"}
WHOLE = {**PAIR, "cacert": "@ca.cert"}
LACKS = f'{SECRET} key "cacert": does not exist (it holds "cert", "key"), and {RULE} reads it'


@pytest.mark.parametrize(
    ("metadata", "objects", "line"),
    [
        (OF_VAULT, (), f"warn {LACKS}: VaultPKISecret devel/v has not completed it yet; wait for it"),
        ({}, (EXTERNAL,), f"warn {LACKS}: ExternalSecret devel/{NAME} has not completed it yet; wait for it"),
        ({}, ({**EXTERNAL, **READY},), f'deny {LACKS}; let ExternalSecret devel/{NAME} write "cacert"'),
        (
            {},
            ({**EXTERNAL, "status": {"conditions": [FAILS]}},),
            (
                f"warn {LACKS}: ExternalSecret devel/{NAME}, which writes it, reports: "
                f"SecretSyncedError: no such secret; correct ExternalSecret devel/{NAME}"
            ),
        ),
        (OF_CERT_MANAGER, (), f"warn {LACKS}: Certificate devel/client has not completed it yet; wait for it"),
        (ISSUED, (), f'deny {LACKS}; let Certificate devel/client write "cacert"'),
        (OF_CERT_MANAGER, (CERTIFICATE,), f'deny {LACKS}; let Certificate devel/client write "cacert"'),
    ],
)
def test_data_key_may_come_until_producer_is_done(
    metadata: Mapping[str, Any], objects: tuple[worked.Object, ...], line: str
) -> None:
    """The last one never comes: a Certificate writes `ca.crt`, not `cacert`."""
    assert said(metadata, PAIR, *objects) == [line]


@pytest.mark.parametrize(
    ("metadata", "data", "fix"),
    [
        (ISSUED, {**WHOLE, "cert": "@expired.cert", "key": "@expired.key"},
         "renew Certificate devel/client: cmctl renew -n devel client"),
        (OF_VAULT, {**WHOLE, "cert": "@expired.cert", "key": "@expired.key"},
         "replace it where VaultPKISecret devel/v takes it from, which writes this Secret"),
        (OF_VAULT, {**WHOLE, "key": "@other.key"},
         "replace it where VaultPKISecret devel/v takes it from, which writes this Secret"),
        (OF_VAULT, {**WHOLE, "cacert": "no PEM"},
         "put the PEM file into it; VaultPKISecret devel/v writes this Secret: correct it there"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_it_is_corrected_at_its_producer(
    metadata: Mapping[str, Any], data: Mapping[str, str], fix: str
) -> None:
    lines = said(metadata, data)
    assert [line.startswith("deny ") and line.endswith(f"; {fix}") for line in lines] == [True], lines
    assert not any("kubectl" in line for line in lines)
