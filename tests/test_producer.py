"""An object that will make a Secret says which, and under which keys where that can be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.kinds.producer import FurtherProducer, read_producers
from webhook.kinds.producer_status import reported
from webhook.model.finding import ObjectRef
from webhook.model.material import Producer
from webhook.model.raw_object import mapping
from webhook.view import Snapshot

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


KAFKA, VAULT = "kafka.strimzi.io/v1beta2", "secrets.hashicorp.com/v1beta1"
PKI = {
    "certificate",
    "private_key",
    "private_key_type",
    "ca_chain",
    "issuing_ca",
    "serial_number",
    "expiration",
    "_raw",
}
CA = {"ca.crt", "ca.p12", "ca.password"}
TARGET = {"configMap": {"key": "ca.pem"}, "secret": {"key": "ca.pem"}, "additionalFormats": {"jks": {"key": "ca.jks"}}}


@pytest.mark.parametrize(
    ("version", "kind", "spec", "made"),
    [
        (VAULT, "VaultPKISecret", {"destination": {"create": True, "name": "s"}}, [("Secret", "s", PKI)]),
        (VAULT, "VaultPKISecret", {"destination": {"create": True, "name": "s", "type": "kubernetes.io/tls"}},
         [("Secret", "s", PKI | {"tls.crt", "tls.key"})]),
        (VAULT, "VaultPKISecret", {"destination": {"create": True, "name": "s", "transformation": {"a": 1}}},
         [("Secret", "s", None)]),
        (VAULT, "VaultStaticSecret", {"destination": {"create": True, "name": "s"}}, [("Secret", "s", None)]),
        (VAULT, "VaultDynamicSecret", {"destination": {"name": "s"}}, []),
        ("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass",
         {"secretObjects": [{"secretName": "s", "data": [{"key": "cert"}, 1]}, {"secretName": "t"}, None]},
         [("Secret", "s", {"cert"}), ("Secret", "t", set())]),
        (KAFKA, "KafkaUser", {"authentication": {"type": "tls"}},
         [("Secret", "x", {"ca.crt", "user.crt", "user.key", "user.p12", "user.password"})]),
        (KAFKA, "KafkaUser", {"authentication": {"type": "tls-external"}}, []),
        (KAFKA, "Kafka", {}, [("Secret", "x-cluster-ca-cert", CA), ("Secret", "x-clients-ca-cert", CA)]),
        (KAFKA, "Kafka", {"clusterCa": {"generateCertificateAuthority": False}},
         [("Secret", "x-clients-ca-cert", CA)]),
        ("onepassword.com/v1", "OnePasswordItem", {"itemPath": "a"}, [("Secret", "x", None)]),
        ("trust.cert-manager.io/v1alpha1", "Bundle", {"target": TARGET},
         [("ConfigMap", "x", {"ca.pem", "ca.jks"}), ("Secret", "x", {"ca.pem", "ca.jks"})]),
        (EXTERNAL, "ExternalSecret", {"target": {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}},
         [("ConfigMap", "x", set())]),
        (EXTERNAL, "ExternalSecret", {"target": {"manifest": {"apiVersion": "a.example/v1", "kind": "Secret"}}}, []),
    ],
)  # fmt: skip
def test_each_kind_says_what_it_makes(version: str, kind: str, spec: object, made: list[object]) -> None:
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"namespace": "devel", "name": "x"}, "spec": spec}
    assert [(one.kind, one.name, one.keys) for one in read_producers(manifest)] == made


@pytest.mark.parametrize(
    ("kind", "status", "problem"),
    [
        ("Certificate", {}, ""),
        ("Certificate", {"conditions": [{"type": "Ready", "status": "False", "reason": "DoesNotExist",
                                         "message": "Issuing certificate as Secret does not exist"}]}, ""),
        ("Certificate", {"conditions": [{"type": "Issuing", "status": "True", "reason": "DoesNotExist",
                                         "message": 'Referenced "Issuer" not found'}]},
         'DoesNotExist: Referenced "Issuer" not found'),
        ("Certificate", {"conditions": [{"type": "Issuing", "status": "False", "reason": "Failed",
                                         "message": "The certificate request has failed to complete"}]},
         "Failed: The certificate request has failed to complete"),
        ("Certificate", {"conditions": [{"type": "Issuing", "status": "False", "reason": "Issued"}]}, ""),
        ("ExternalSecret", {"conditions": [{"type": "Ready", "status": "False", "reason": "SecretSyncedError",
                                            "message": "could not get secret data from provider"}]},
         "SecretSyncedError: could not get secret data from provider"),
        ("SealedSecret", {"conditions": [{"type": "Synced", "status": "False", "message": "no key could decrypt"}]},
         "no key could decrypt"),
        ("KafkaUser", {"conditions": [{"type": "NotReady", "status": "True", "reason": "Creating"}]}, ""),
        ("VaultPKISecret", {"valid": False, "error": "permission denied\n"}, "permission denied\\n"),
        ("OnePasswordItem", {"conditions": [{"type": "Ready", "status": "False"}, 5]}, "Ready is False"),
        ("OnePasswordItem", {"conditions": "x"}, ""),
    ],
)  # fmt: skip
def test_a_producer_reports_what_it_fails_at(kind: str, status: object, problem: str) -> None:
    assert reported(kind, mapping(status))[0] == problem


def test_cluster_scoped_producer_is_not_for_everybody() -> None:
    """Its words may name objects of other namespaces; and only namespaces that it selects get what it makes."""
    condition = {"type": "Synced", "status": "False", "message": "Secret trust/hidden not found"}
    target = {"configMap": {"key": "ca.pem"}, "namespaceSelector": {"matchLabels": {"team": "a"}}}
    manifest = {
        "apiVersion": "trust.cert-manager.io/v1alpha1",
        "kind": "Bundle",
        "metadata": {"name": "roots"},
        "spec": {"target": target},
        "status": {"conditions": [condition]},
    }
    view = Snapshot()
    for one in (manifest, namespace("one", "a"), namespace("two", "b")):
        view.put(one)
    (made,) = view.producers("ConfigMap", "one", "roots")
    assert made.problem == "its status says that it fails"
    assert view.producers("ConfigMap", "two", "roots") == ()
    assert view.producers("Secret", "one", "roots") == ()
    view.remove(ObjectRef("trust.cert-manager.io/v1alpha1", "Bundle", "default", "roots"))
    assert view.producers("ConfigMap", "one", "roots") == ()


def namespace(name: str, team: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}}


def test_a_kind_that_the_policy_adds_makes_what_its_path_names() -> None:
    further = {("a.example", "Tls"): FurtherProducer("a.example", "Tls", ("spec", "secretName"))}
    view = Snapshot(further=further)
    assert not view.producer_may_follow("Secret")
    view.put({"apiVersion": "a.example/v1", "kind": "Tls", "metadata": {"name": "t"}, "spec": {"secretName": "s"}})
    assert [str(one.ref) for one in view.producers("Secret", "default", "s")] == ["Tls default/t"]
    assert (view.producer_may_follow("Secret"), view.producer_may_follow("ConfigMap")) == (True, False)


def test_a_definition_in_the_input_says_that_its_kind_is_served() -> None:
    """Of a kind that makes Secrets; another one says nothing."""
    for group, kind, follows in (("cert-manager.io", "Certificate", True), ("cert-manager.io", "Issuer", False)):
        view, names = Snapshot(), {"kind": kind}
        meta = {"name": "x"}
        definition = {"kind": "CustomResourceDefinition", "metadata": meta, "spec": {"group": group, "names": names}}
        view.put({"apiVersion": "apiextensions.k8s.io/v1", **definition})
        assert view.producer_may_follow("Secret") is follows
