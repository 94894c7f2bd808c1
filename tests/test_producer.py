"""An object that will make a Secret says which, and under which keys where that can be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.kinds.producer import read_producers
from webhook.model.finding import ObjectRef
from webhook.model.material import Producer

CERTIFICATE, EXTERNAL, SEALED = "cert-manager.io/v1", "external-secrets.io/v1", "bitnami.com/v1alpha1"
KINDS = {CERTIFICATE: "Certificate", EXTERNAL: "ExternalSecret", SEALED: "SealedSecret"}
TLS = {"tls.crt", "tls.key", "ca.crt"}
DATA = [{"secretKey": "cert", "remoteRef": {"key": "a"}}, {"secretKey": "key"}, None, {"secretKey": 5}]


@pytest.mark.parametrize(
    ("version", "spec", "secret", "keys"),
    [
        (CERTIFICATE, {"secretName": "s"}, "s", TLS),
        (CERTIFICATE, {"secretName": "s", "additionalOutputFormats": [{"type": "CombinedPEM"}, {"type": "DER"}, 1]},
         "s", TLS | {"tls-combined.pem", "key.der"}),
        (CERTIFICATE, {"secretName": "s", "keystores": {"pkcs12": {"create": True}, "jks": {"create": False}}}, "s",
         TLS | {"keystore.p12", "truststore.p12"}),
        (EXTERNAL, {"data": DATA}, "x", {"cert", "key"}),
        (EXTERNAL, {"target": {"name": "s"}, "data": DATA}, "s", {"cert", "key"}),
        (EXTERNAL, {"dataFrom": [{"extract": {"key": "a"}}]}, "x", None),
        (EXTERNAL, {"dataFrom": [{}], "target": {"template": {"data": {"cacert": "{{ .ca }}"}}}}, "x", {"cacert"}),
        (EXTERNAL, {"data": DATA, "target": {"template": {"mergePolicy": "Merge", "data": {"cacert": ""}}}}, "x",
         {"cert", "key", "cacert"}),
        (EXTERNAL, {"data": DATA, "target": {"template": {"templateFrom": [{"configMap": {}}]}}}, "x", None),
        (SEALED, {"encryptedData": {"cert": "Ag"}, "template": {"data": {"cacert": "x"}}}, "x", {"cert", "cacert"}),
        (SEALED, {"data": "AgBlob"}, "x", None),
    ],
)  # fmt: skip
def test_a_producer_names_its_secret_and_its_keys(
    version: str, spec: object, secret: str, keys: set[str] | None
) -> None:
    manifest = {
        "apiVersion": version,
        "kind": KINDS[version],
        "metadata": {"namespace": "devel", "name": "x"},
        "spec": spec,
    }
    ref = ObjectRef(version, KINDS[version], "devel", "x")
    assert read_producers(manifest) == (Producer(ref, secret, None if keys is None else frozenset(keys)),)


@pytest.mark.parametrize(
    ("version", "kind", "spec"),
    [
        (CERTIFICATE, "Certificate", {}),
        (CERTIFICATE, "Issuer", {"secretName": "s"}),
        ("example.com/v1", "Certificate", {"secretName": "s"}),
        (EXTERNAL, "ClusterExternalSecret", {"target": {"name": "s"}}),
        (EXTERNAL, "ExternalSecret", {"target": {"name": "s", "creationPolicy": "Merge"}}),
        (EXTERNAL, "ExternalSecret", {"target": {"name": "s", "creationPolicy": "None"}}),
    ],
)
def test_what_makes_no_secret_is_no_producer(version: str, kind: str, spec: object) -> None:
    assert read_producers({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}) == ()


FIELDS = st.sampled_from(
    ["name", "secretName", "target", "template", "data", "dataFrom", "metadata", "encryptedData", "keystores", "pkcs12"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(KINDS.items())), JSON, JSON)
def test_any_json_in_any_field_is_read(kind: tuple[str, str], metadata: object, spec: object) -> None:
    """At most one producer, and never one without a Secret's name."""
    found = read_producers({"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec})
    assert [one for one in found[1:] or found if not one.name] == []
