"""What others write does not decide how much memory is kept: facts, caches and results are bounded by bytes."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from sys import getsizeof
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.bundle import client_bundle
from tests.clock import Clock, clock
from tests.test_connection import Server, connection, server, token
from tests.worked import deployment
from webhook.admission import BadReview, read_review
from webhook.engine import judge
from webhook.informer.secret_cache import FreshnessRequirement, SecretCache
from webhook.istio.injector.annotations import read_user_volumes
from webhook.kinds.pod_template import read_pod
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.resource import SECRETS
from webhook.material import read_secret
from webhook.model.byte_bounded_cache import Cache, weigh
from webhook.model.finding import ObjectRef
from webhook.model.material import SecretFacts
from webhook.model.mesh import FileSet
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.trace.annotation_names import meant_by
from webhook.view import Snapshot
from webhook.view.namespace_cache import MOST_NAMESPACES, MOST_RESULTS, Tallies
from webhook.view.snapshot import PASSING

__all__ = ["clock", "connection", "server", "token"]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
FEW_KB = 4096
INJECTED = {"istio-injection": "enabled"}


def certificate(*extensions: x509.ExtensionType, name: str = "client") -> bytes:
    """A certificate with these extensions, in PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, KEY.public_key(), 1, NOW, NOW.replace(year=2027))
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


def secret(**data: bytes) -> dict[str, Any]:
    """A Secret as the API server has it."""
    values = {key: b64encode(value).decode() for key, value in data.items()}
    return {"metadata": {"name": "data", "namespace": "devel", "uid": "u"}, "data": values}


def facts_of(**data: bytes) -> SecretFacts:
    """What is kept of a Secret."""
    return read_secret(secret(**data))


@pytest.mark.parametrize(
    "extension",
    [
        x509.ExtendedKeyUsage([x509.ObjectIdentifier(f"1.2.{number}") for number in range(20_000)]),
        x509.SubjectKeyIdentifier(b"k" * 100_000),
        x509.AuthorityKeyIdentifier(b"k" * 100_000, None, None),
        x509.SubjectAlternativeName([x509.DNSName(f"host-{number}") for number in range(5_000)]),
    ],
    ids=["usages", "subject key", "authority key", "SAN"],
)
def test_the_facts_of_a_certificate_are_small_whatever_is_in_it(extension: x509.ExtensionType) -> None:
    pem = certificate(extension)
    facts = facts_of(cert=pem)
    (kept,) = facts.keys["cert"].certificates
    assert kept.key_type == "EC"
    assert weigh(facts) < FEW_KB < len(pem)


def test_named_usages_are_kept_among_many_unnamed() -> None:
    numbers = [x509.ObjectIdentifier(f"1.2.{number}") for number in range(100)]
    (kept,) = (
        facts_of(cert=certificate(x509.ExtendedKeyUsage([*numbers, ExtendedKeyUsageOID.SERVER_AUTH])))
        .keys["cert"]
        .certificates
    )
    assert kept.usages == (*(f"1.2.{number}" for number in range(16)), "serverAuth")


def test_two_long_key_identifiers_stay_comparable() -> None:
    """Beyond any hash's length, the hash of the identifier stands for it."""
    pair = certificate(x509.SubjectKeyIdentifier(b"k" * 65), x509.AuthorityKeyIdentifier(b"k" * 65, None, None))
    (kept,) = facts_of(cert=pair).keys["cert"].certificates
    assert (kept.subject_key, len(kept.subject_key)) == (kept.issuer_key, 64)


def test_data_keys_share_a_limit_of_blocks() -> None:
    material = client_bundle(NOW)
    large = material["cacert"] * 600
    facts = facts_of(bundle=large, more=large, **material)
    assert sum(len(one.blocks) for one in facts.keys.values()) == 1000
    assert [(len(facts.keys[key].blocks), facts.keys[key].unread) for key in ("cert", "key", "cacert")] == [(1, 0)] * 3
    assert (len(facts.keys["bundle"].blocks), len(facts.keys["more"].blocks), facts.keys["more"].unread) == (
        600,
        397,
        203,
    )


def test_what_is_kept_of_secrets_is_bounded_by_bytes(server: Server, connection: ApiClient, clock: Clock) -> None:
    size = weigh(facts_of(**client_bundle(NOW)))
    reader = SecretCache(connection, clock, lambda _: None, kept_bytes=3 * size + size // 2)
    for name in ("a", "b", "c", "d"):
        held = secret(**client_bundle(NOW))
        held["metadata"]["name"] = name
        server.replies[SECRETS.path("devel", name)] = (200, json.dumps(held).encode(), {})
        reader.read([("Secret", "devel", name)], FreshnessRequirement())
    asked = reader.asked(FreshnessRequirement())
    known = [name for name in ("a", "b", "c", "d") if asked.secret("devel", name) is not None]
    assert known == ["b", "c", "d"]


def test_cache_is_emptied_at_its_byte_limit() -> None:
    cache: Cache[str, str] = Cache(10_000)
    assert cache.put("giant", "x" * 2_000) == "x" * 2_000
    assert cache.get("giant") is None
    sizes = []
    for number in range(100):
        cache.put(str(number), "y" * 500)
        sizes.append(cache.size)
    assert (max(sizes) <= 10_000, cache.get("99"), cache.get("0")) == (True, "y" * 500, None)


def test_annotations_that_are_full_of_faults_fill_no_cache() -> None:
    """1,000 texts with 500 faults each took a hundred kilobytes each, for as long as the process lived."""
    from webhook.istio.injector import annotations

    for number in range(1_000):
        text = json.dumps([number, *[0] * 500])
        read_user_volumes(read_pod({"metadata": {"annotations": {annotations.USER_VOLUME: text}}}, "", "devel"))
    assert annotations._VOLUMES_READ.size <= annotations._KEPT_BYTES


def test_an_annotation_name_longer_than_any_is_not_looked_at() -> None:
    assert meant_by("mtls-guard.io/" + "x" * 304) is None
    assert meant_by("mtls-guard.io/" + "x" * 303) == ""


def review(**fields: Any) -> bytes:
    """An AdmissionReview of a Deployment with these fields of the request."""
    metadata = {"name": "app", "namespace": "devel", **fields.pop("metadata", {})}
    request = {
        "uid": "u",
        "operation": "CREATE",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "namespace": "devel",
        "name": "app",
        "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata},
        **fields,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


NAME_SAYS = (
    "the object's name: expected a DNS subdomain of at most 253 characters (lower-case letters, digits, - and .), got"
)
SPACE_SAYS = (
    "the object's namespace: expected a DNS label of at most 63 characters (lower-case letters, digits and -), got"
)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"name": "a" * 254}, f'{NAME_SAYS} "{"a" * 56}...'),
        ({"name": "a" * 6_000_000}, f'{NAME_SAYS} "{"a" * 56}...'),
        ({"name": "My_App"}, f'{NAME_SAYS} "My_App"'),
        ({"name": "a..b"}, f'{NAME_SAYS} "a..b"'),
        ({"name": "a/b"}, f'{NAME_SAYS} "a/b"'),
        ({"name": "app-"}, f'{NAME_SAYS} "app-"'),
        ({"name": "app*"}, f'{NAME_SAYS} "app*"'),
        ({"name": "", "generateName": "a" * 254}, f'{NAME_SAYS} "{"a" * 56}...'),
        ({"namespace": "a" * 64}, f'{SPACE_SAYS} "{"a" * 56}...'),
        ({"namespace": "a.b"}, f'{SPACE_SAYS} "a.b"'),
    ],
)
def test_a_name_that_kubernetes_refuses_is_refused(metadata: dict[str, str], said: str) -> None:
    with pytest.raises(BadReview) as refused:
        read_review(review(metadata=metadata, name=""))
    assert str(refused.value) == said


@pytest.mark.parametrize("metadata", [{"name": "a" * 253}, {"name": "1.a-b.c"}, {"name": "", "generateName": "app-"}])
def test_a_name_that_kubernetes_takes_is_read(metadata: dict[str, str]) -> None:
    assert read_review(review(metadata=metadata, name="")).uid == "u"


def test_a_kind_that_is_not_judged_may_have_another_kind_of_name() -> None:
    kind = {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "ClusterRole"}
    made = {"kind": "ClusterRole", "metadata": {"name": "system:node"}}
    assert read_review(review(kind=kind, object=made, name="system:node", namespace="")).ref.name == "system:node"


def asked(view: Snapshot, namespace: str, **template: Any) -> None:
    """Judges the worked example's Deployment as if it were in that namespace."""
    made = json.loads(json.dumps(deployment()))
    made["metadata"]["namespace"] = namespace
    made["spec"]["template"] |= template
    ref = ObjectRef("apps/v1", "Deployment", namespace, made["metadata"]["name"])
    judge(Request("u", "CREATE", ref, new=made), view, Policy(), NOW)


def rule(name: str, path: str, **selector: str) -> dict[str, Any]:
    """A DestinationRule whose files lie at the path."""
    tls = {"mode": "MUTUAL", "clientCertificate": f"{path}/cert", "privateKey": f"{path}/key"}
    spec: dict[str, Any] = {"host": f"{name}.example.com", "trafficPolicy": {"tls": tls}}
    if selector:
        spec["workloadSelector"] = {"matchLabels": selector}
    metadata = {"name": name, "namespace": "devel"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def service(name: str) -> dict[str, Any]:
    """A ServiceEntry for the rule's host."""
    spec = {"hosts": [f"{name}.example.com"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}
    metadata = {"name": name, "namespace": "devel"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": metadata, "spec": spec}


def cluster() -> Snapshot:
    """A namespace with a DestinationRule."""
    view = Snapshot()
    for one in (rule("x", "/etc/x"), service("x")):
        view.put(one)
    view.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "devel", "labels": INJECTED}})
    return view


def test_unknown_namespaces_leave_nothing_behind() -> None:
    view = cluster()
    asked(view, "devel")
    asked(view, "forged")
    before = (len(view.memo), len(view.past), len(view.lasting))
    for number in range(100):
        asked(view, f"forged-{number}")
    assert (len(view.memo), len(view.past), len(view.lasting)) == before
    assert len(view._passing) <= PASSING


def test_what_was_decided_for_a_namespace_goes_with_it() -> None:
    view = cluster()
    asked(view, "devel")
    assert [key[1] for key in view.past] == ["devel"]
    view.remove(ObjectRef("v1", "Namespace", "default", "devel"))
    assert view.past == {}


def test_label_results_are_kept_up_to_a_bound() -> None:
    """Ten DestinationRules that pick by a label each make 1,024 ways to be picked."""
    view = cluster()
    for number in range(10):
        view.put(rule(f"s{number}", "/etc/s", **{f"l{number}": "yes"}))
        view.put(service(f"s{number}"))
    reach = view.reach("devel", {})
    for number in range(200):
        labels = {f"l{bit}": "yes" for bit in range(10) if number >> bit & 1}
        picked = {user.rule.ref.name for users in reach.groups(labels).values() for user in users}
        assert picked == {"x", *(f"s{bit}" for bit in range(10) if number >> bit & 1)}
    assert len(reach._groups) <= 64


def test_tallies_keep_a_bounded_number_of_results() -> None:
    tallies = Tallies()
    for number in range(3 * MOST_RESULTS):
        tallies.at("devel")[number] = 1
    assert len(tallies.at("devel")) <= MOST_RESULTS + 1
    for number in range(MOST_NAMESPACES + 1):
        tallies.at(f"n{number}")
    assert len(list(tallies)) <= MOST_NAMESPACES


def test_results_are_not_kept_for_paths_that_no_file_has() -> None:
    view = cluster()
    view.put(rule("y", "/" + "y" * 5000))
    view.put(service("y"))
    asked(view, "devel")
    kept: dict[FileSet, bool] = view.lasting["bare lacks"]
    assert max(getsizeof(files.client_certificate) for files in kept) < 4096
