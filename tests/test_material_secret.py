"""A Secret or ConfigMap as it stands in a manifest becomes facts of its keys; what is to be replaced is told apart."""

import base64

import pytest

from certs.encode import cert_pem
from tests.material_cases import parties
from webhook.material import (
    read_config_map,
    read_material,
    read_secret,
)
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Material, SecretFacts


def _secret(**fields: object) -> SecretFacts:
    return read_secret(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "devel", "name": "x"}, **fields}
    )


def test_a_secret_is_read_with_its_keys() -> None:
    """`stringData` wins; base64 may hold line breaks; what is wrong is a fact of its key."""
    data = {"a": "aGVs\nbG8=", "b": "aGVsbG8=", "c": "no base64", "d": 5, "e": None, "f": ""}
    facts = _secret(data=data, stringData={"b": "hi", "g": ["x"]}, type="kubernetes.io/tls", immutable=True)
    assert facts == SecretFacts(
        ref=ObjectRef("v1", "Secret", "devel", "x"),
        keys={
            "a": Material("text", 5),
            "b": Material("text", 2),
            "c": Material("bad-base64", 9),
            "d": Material("not-a-string"),
            "e": Material("empty"),
            "f": Material("empty"),
            "g": Material("not-a-string"),
        },
        type="kubernetes.io/tls",
    )


def test_a_config_map_is_read_with_its_keys() -> None:
    """`data` is text, `binaryData` base64."""
    pem = cert_pem(parties().ca)
    manifest = {"metadata": {"name": "ca"}, "data": {"a": pem.decode()}, "binaryData": {"b": "aGVsbG8="}}
    assert read_config_map(manifest) == ConfigMapFacts(
        ObjectRef("v1", "ConfigMap", "default", "ca"), {"b": Material("text", 5), "a": read_material(pem)}
    )


@pytest.mark.parametrize(
    "value",
    [
        "{{ .Values.cert | b64enc }}",
        "${CERT}",
        "$(CERT)",
        "<redacted>",
        "<path:secret/data/mtls#cert>",
        "PLACEHOLDER",
        "REDACTED",
        "changeme",
        "*****",
        "...",
        "your-certificate-here",
        "ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]",
        "vault:secret/data/mtls#cert",
        "ref+awssecrets://mtls/cert",
        "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n{{ cert }}\n-----END CERTIFICATE-----\n",
    ],
)
def test_placeholder_counts_as_material_only_in_the_cluster(value: str) -> None:
    """In `data` as it is and encoded, in `stringData`; an object with a uid holds what it holds."""
    encoded = base64.b64encode(value.encode()).decode()
    read = [_secret(data={"a": value}), _secret(data={"a": encoded}), _secret(stringData={"a": value})]
    assert [(one.keys["a"].form, one.sealed) for one in read] == [("placeholder", True)] * 3
    live = _secret(metadata={"uid": "1"}, data={"a": encoded})
    assert (live.keys["a"].placeholder, live.sealed) == (False, False)


def test_material_is_no_placeholder() -> None:
    """Certificates, words and JSON are what they are; an empty value is broken rather than to come."""
    values = [cert_pem(parties().client).decode(), "hello", '{"a": {"b": {}}}', "key", ""]
    assert [_secret(stringData={"a": value}).sealed for value in values] == [False] * 5


def test_a_secret_that_a_controller_fills_is_sealed() -> None:
    """SOPS and the two controllers that copy Secrets; otherwise no data means no keys."""
    annotated = {"annotations": {"replicator.v1.mittwald.de/replicate-from": "a/b"}}
    assert [_secret(sops={}).sealed, _secret(metadata=annotated).sealed, _secret().sealed] == [True, True, False]
