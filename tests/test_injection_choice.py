"""For which DestinationRule a Secret is mounted; a new object of another namespace never changes that."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import worked
from tests.injecting import ASKS, SECRET, injected, lines, mutation, opted, pod, reading, rule, verdict
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.view import Snapshot

Manifest = dict[str, Any]
USUAL, RENAMED = ("cert", "key", "cacert"), ("client.pem", "client.key", "company.pem")
OTHER_USUAL = ("tls.crt", "tls.key", "ca.crt")
PORT = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}
NAMES_IT = {"mtls-guard.io/client-secret": SECRET}
EARLY, LATER, LATEST = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


def partner(name: str, namespace: str, paths: dict[str, str], created: str = "", **metadata: Any) -> list[Manifest]:
    """A ServiceEntry and a DestinationRule for the host `NAME.example.com`."""
    entry = copy.deepcopy(dict(worked.of_kind("ServiceEntry")))
    entry["metadata"] = {"name": name, "namespace": namespace}
    entry["spec"] |= {"hosts": [f"{name}.example.com"], "ports": [PORT]}
    made = rule(paths, name, namespace=namespace, creationTimestamp=created or None, **metadata)
    made["spec"]["host"] = f"{name}.example.com"
    made["spec"]["trafficPolicy"] = {"tls": {"mode": "MUTUAL", "sni": f"{name}.example.com", **paths}}
    return [entry, made]


def secret(name: str, keys: tuple[str, ...] = USUAL) -> Manifest:
    """A Secret of the workload's namespace with these data keys."""
    held = worked.of_kind("Secret")
    data = dict(zip(keys, held["stringData"].values(), strict=True))
    return {**held, "metadata": {"name": name, "namespace": "devel"}, "stringData": data}


def view_of(*objects: Manifest) -> Snapshot:
    """The worked example's namespaces and Secret, and these objects."""
    return worked.cluster(*objects, without=("DestinationRule", "ServiceEntry", "VirtualService"))


def deployed(annotations: dict[str, str], created: str = LATER) -> Manifest:
    """The stored Deployment."""
    made = opted(annotations)
    made["metadata"]["creationTimestamp"] = created
    return made


def mounted(view: Snapshot, annotations: dict[str, str]) -> dict[str, Any]:
    """By directory, the volume that a Pod of the Deployment gets."""
    manifest = pod(annotations)
    manifest["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "sample-app-5d8f", "controller": True}]
    held = injected(manifest, view)["metadata"]["annotations"]
    volumes = {one["name"]: {**one, "name": ""} for one in json.loads(held.get(USER_VOLUME, "[]"))}
    return {one["mountPath"]: volumes[one["name"]] for one in json.loads(held.get(USER_VOLUME_MOUNT, "[]"))}


CHOICES: dict[str, tuple[list[Manifest], list[str]]] = {
    "of the own namespace before an older one": (
        [*partner("a", "other", reading("/a"), EARLY), *partner("b", "devel", reading("/b"), LATEST)],
        ["/b"],
    ),
    "the older of two of other namespaces": (
        [*partner("a", "other", reading("/a"), LATER), *partner("b", "third", reading("/b"), EARLY)],
        ["/b"],
    ),
    "by namespace and name where both are of one second": (
        [*partner("b", "other", reading("/b"), EARLY), *partner("a", "third", reading("/a"), EARLY)],
        ["/b"],
    ),
    "whose file names are the data keys, before an older one that needs items": (
        [*partner("a", "other", reading("/a", *OTHER_USUAL), EARLY), *partner("b", "third", reading("/b"), LATER)],
        ["/b"],
    ),
    "that needs items, before one that came after the workload": (
        [*partner("a", "other", reading("/a", *OTHER_USUAL), EARLY), *partner("b", "third", reading("/b"), LATEST)],
        ["/a"],
    ),
    "of the own namespace with items, before one whose file names are the data keys": (
        [*partner("a", "devel", reading("/a", *OTHER_USUAL), LATEST), *partner("b", "third", reading("/b"), EARLY)],
        ["/a"],
    ),
    "of the own namespace alone, also where one of another namespace names the Secret": (
        [*partner("a", "other", reading("/a"), EARLY, annotations=NAMES_IT), *partner("b", "devel", reading("/b"))],
        ["/b"],
    ),
    "named by one of the own namespace, and by one of another": (
        [
            *partner("a", "other", reading("/a"), EARLY, annotations=NAMES_IT),
            *partner("b", "devel", reading("/b"), annotations=NAMES_IT),
        ],
        ["/b"],
    ),
    "named by one of the own namespace, where one of another reads files of the same names": (
        [*partner("a", "other", reading("/a"), EARLY), *partner("b", "devel", reading("/b"), annotations=NAMES_IT)],
        ["/b"],
    ),
    "the older of two of other namespaces, also where the newer names the Secret": (
        [
            *partner("a", "other", reading("/a"), LATER, annotations=NAMES_IT),
            *partner("b", "third", reading("/b"), EARLY),
        ],
        ["/b"],
    ),
    "none of another namespace of which the Secret lacks a file": (
        [secret(SECRET, ("cert", "key", "other.pem")), *partner("a", "other", reading("/a"), EARLY)],
        [],
    ),
}


@pytest.mark.parametrize(("objects", "expected"), CHOICES.values(), ids=CHOICES)
def test_the_destination_rule_that_is_chosen(objects: list[Manifest], expected: list[str]) -> None:
    view = view_of(*objects, deployed(dict(ASKS)))
    assert list(mounted(view, dict(ASKS))) == expected


def test_candidates_of_other_namespaces_are_proposed() -> None:
    objects = [*partner("a", "other", reading("/a"), EARLY), *partner("b", "third", reading("/b"), LATER)]
    assert [line for line in lines(verdict(opted(), view_of(*objects))) if "[injection" in line] == [
        (
            f'warn spec.template.metadata.annotations["mtls-guard.io/client-secret"]: "{SECRET}" could be for 2 '
            "DestinationRules (a.example.com, b.example.com) and is mounted for DestinationRule other/a, the oldest "
            "that fits best; say for which: "
            'annotation mtls-guard.io/destinations: "a.example.com" [injection-ambiguous]'
        )
    ]


def test_destinationrule_of_another_workload_is_no_candidate() -> None:
    """Its names would do with `items`, but another workload has its files from another Secret."""
    objects = [*partner("a", "devel", reading("/a", *OTHER_USUAL), EARLY), *partner("b", "third", reading("/b"), EARLY)]
    other = opted({"mtls-guard.io/client-secret": "other"})
    other["metadata"]["name"] = "other"
    view = view_of(*objects, secret("other", OTHER_USUAL), other, deployed(dict(ASKS)))
    assert list(mounted(view, dict(ASKS))) == ["/b"]


def test_existing_entries_are_chosen_again() -> None:
    view = view_of(*partner("a", "other", reading("/a"), EARLY), *partner("b", "third", reading("/b"), LATER))
    assert mutation(injected(pod(), view), view).operations == ()


def test_certificate_and_ca_of_two_secrets_are_mounted() -> None:
    """The commonest real layout: the pair in a Secret of type kubernetes.io/tls, the company's CA in another."""
    paths = {**reading("/etc/client", "tls.crt", "tls.key", "ca.pem"), "caCertificates": "/etc/ca/ca.pem"}
    named = {"annotations": {"mtls-guard.io/client-secret": "kafka-client, kafka-ca"}}
    pair, trust = secret("kafka-client", OTHER_USUAL), secret("kafka-ca", ("a", "b", "ca.pem"))
    del pair["stringData"]["ca.crt"], trust["stringData"]["a"], trust["stringData"]["b"]
    for asks, metadata in (
        ({"mtls-guard.io/inject": "true"}, named),
        ({"mtls-guard.io/client-secret": "kafka-client, kafka-ca"}, {}),
        ({"mtls-guard.io/client-secret": "kafka-client"}, named),
    ):
        view = view_of(*partner("kafka", "devel", paths, EARLY, **metadata), pair, trust)
        assert mounted(view, asks) == {
            "/etc/client": {"name": "", "secret": {"secretName": "kafka-client"}},
            "/etc/ca": {"name": "", "secret": {"secretName": "kafka-ca"}},
        }
        assert [line for line in lines(verdict(opted(asks), view)) if line.startswith("deny")] == []


def test_missing_foreign_secret_delays_no_pod() -> None:
    named: dict[str, Any] = {"annotations": {"mtls-guard.io/client-secret": "theirs"}}
    own: dict[str, Any] = {"annotations": {"mtls-guard.io/client-secret": SECRET}}
    asks = {"mtls-guard.io/inject": "true"}
    view = view_of(*partner("a", "devel", reading("/a"), EARLY, **own), *partner("b", "other", reading("/b"), **named))
    assert list(mounted(view, asks)) == ["/a"]
    assert [line for line in lines(verdict(opted(asks), view)) if "[sidecar" not in line] == [
        (
            "warn spec.template: DestinationRule other/b names Secret theirs, and devel has none with its files; if "
            "the workload calls b.example.com, create the Secret and restart the workload [injection-impossible]"
        )
    ]


# What works stays as it is, whatever another namespace adds later.

WORKING: dict[str, tuple[list[Manifest], dict[str, str]]] = {
    "own": ([*partner("own", "devel", reading("/etc/own"), EARLY)], dict(ASKS)),
    "own, with items": ([*partner("own", "devel", reading("/etc/own", *OTHER_USUAL), EARLY)], dict(ASKS)),
    "of a platform": ([*partner("own", "project", reading("/etc/own"), EARLY)], dict(ASKS)),
    "of a platform, with items": ([*partner("own", "project", reading("/etc/own", *RENAMED), EARLY)], dict(ASKS)),
    "with destinations": (
        [*partner("own", "project", reading("/etc/own"), EARLY)],
        {**ASKS, "mtls-guard.io/destinations": "own.example.com"},
    ),
    "named by its rule": (
        [*partner("own", "project", reading("/etc/own"), EARLY, annotations={"mtls-guard.io/client-secret": SECRET})],
        {"mtls-guard.io/inject": "true"},
    ),
    "two Secrets": (
        [
            *partner("own", "devel", reading("/etc/own"), EARLY),
            *partner("two", "project", reading("/etc/two", *OTHER_USUAL), EARLY),
            secret("two", OTHER_USUAL),
        ],
        {"mtls-guard.io/client-secret": f"{SECRET}, two"},
    ),
}
DIRECTORIES = ("/etc/own", "/etc/two", "/etc/other", "/etc", "/etc/istio", "/var/run/secrets/tls", "/etc/own/deeper")
STRANGERS = st.lists(
    st.tuples(
        st.sampled_from(["aaa", "stranger", "zzz"]),
        st.lists(st.sampled_from(DIRECTORIES), min_size=1, max_size=3),
        st.sampled_from([USUAL, OTHER_USUAL, RENAMED, ("cert", "key", "company.pem")]),
        st.sampled_from(["", SECRET, "two", "gone", f"{SECRET}, two"]),
        st.sampled_from([LATEST, ""]),
    ),
    min_size=1,
    max_size=4,
)


def strangers(drawn: list[tuple[str, list[str], tuple[str, ...], str, str]]) -> list[Manifest]:
    """ServiceEntries and DestinationRules of other namespaces, valid each by itself."""
    made: list[Manifest] = []
    for number, (namespace, places, names, named, created) in enumerate(drawn):
        fields = ("clientCertificate", "privateKey", "caCertificates")
        paths = {field: f"{places[at % len(places)]}/{names[at]}" for at, field in enumerate(fields)}
        metadata = {"annotations": {"mtls-guard.io/client-secret": named}} if named else {}
        made += partner(f"s{number}", namespace, paths, created, **metadata)
    return made


@settings(max_examples=300)
@given(st.sampled_from(sorted(WORKING)), STRANGERS)
def test_no_object_of_another_namespace_changes_an_injection(
    name: str, drawn: list[tuple[str, list[str], tuple[str, ...], str, str]]
) -> None:
    objects, asks = WORKING[name]
    objects = [*objects, deployed(asks)]
    before, after = view_of(*objects), view_of(*objects, *strangers(drawn))
    had = dict(mounted(before, asks).items())
    has = mounted(after, asks)
    assert had
    for place, volume in had.items():
        assert files(volume).items() <= files(has[place]).items(), (place, has)
    assert [line for line in lines(verdict(deployed(asks), before)) if line.startswith("deny")] == []


def files(volume: Manifest) -> dict[str, tuple[str, str]]:
    """By file name, the Secret and data key behind it; `*` where each data key is a file."""
    sources = [volume["secret"]] if "secret" in volume else [one["secret"] for one in volume["projected"]["sources"]]
    found: dict[str, tuple[str, str]] = {}
    for one in sources:
        name = one.get("secretName") or one["name"]
        items = one.get("items") or [{"key": key, "path": key} for key in {"two": OTHER_USUAL}.get(name, USUAL)]
        found |= {each["path"]: (name, each["key"]) for each in items}
    return found
