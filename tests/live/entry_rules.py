"""Which entry DestinationRules meet, Istio's other kinds, Secrets, and objects as large as they come."""

from collections.abc import Iterator

from tests.live.entry_objects import (
    VOLUMES,
    Case,
    Manifest,
    changed,
    created,
    deleted,
    istio,
    patch,
    port,
    rule,
    tls,
    unique,
    with_metadata,
    workload,
)

ENTRY = {
    "hosts": ["external.system.com"],
    "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
    "resolution": "DNS",
}
ROUTE = {"hosts": ["external.system.com"], "http": [{"route": [{"destination": {"host": "external.system.com"}}]}]}


def rule_cases() -> Iterator[Case]:
    """DestinationRules: those that name files anywhere, and all others."""
    for version in ("v1", "v1beta1", "v1alpha3"):
        yield created(f"{version} with files", "destinationrules", rule(version=version, policy={"tls": tls()}))
        yield created(f"{version} without", "shadows", rule(version=version))
    for field in ("clientCertificate", "privateKey", "caCertificates", "caCrl"):
        named = tls(field)
        subset = {"name": "a", "trafficPolicy": {"tls": named}}
        deep = {"name": "a", "trafficPolicy": port(named)}
        yield created(f"{field} for all", "destinationrules", rule(policy={"tls": named}))
        yield created(f"{field} of a port", "destinationrules", rule(policy=port(named)))
        yield created(f"{field} of a subset", "destinationrules", rule(subsets=[{"name": "b"}, subset]))
        yield created(f"{field} of a subset's port", "destinationrules", rule(subsets=[deep, {"name": "b"}]))
    simple = {"mode": "SIMPLE", "sni": "a"}
    yield created("TLS without files", "shadows", rule(policy={"tls": simple, **port(simple)}, subsets=[{"name": "a"}]))
    yield created(
        "a Secret's name instead of files", "shadows", rule(policy={"tls": {"mode": "MUTUAL", "credentialName": "a"}})
    )
    yield created("in the root namespace", "destinationrules", rule("istio-system", policy={"tls": tls()}))
    yield created("in a strict namespace", "destinationrules", rule("strict", policy={"tls": tls()}))
    for namespace in ("kube-system", "mtls-guard"):
        yield created(f"files in {namespace}", "", rule(namespace, policy={"tls": tls()}))
        yield created(f"none in {namespace}", "", rule(namespace))
        yield deleted(f"deleted in {namespace}", "", rule(namespace, policy={"tls": tls()}))
    yield from rule_changes()


def rule_changes() -> Iterator[Case]:
    """Updates of DestinationRules, and their end."""
    host = ("patch", "NAME", "--type=merge", "-p", '{"spec":{"host":"other"}}')
    gone = ("patch", "NAME", "--type=merge", "-p", '{"spec":{"trafficPolicy":null}}')
    come = (
        "patch",
        "NAME",
        "--type=merge",
        "-p",
        '{"spec":{"trafficPolicy":{"tls":{"mode":"SIMPLE","caCertificates":"/a"}}}}',
    )
    yield changed("files stay", "destinationrules", rule(policy={"tls": tls()}), *host)
    yield changed("files go", "destinationrules", rule(policy={"tls": tls()}), *gone)
    yield changed("files come", "destinationrules", rule(), *come)
    yield changed("never files", "shadows", rule(), *host)
    yield changed(
        "files, annotated",
        "destinationrules",
        rule(policy={"tls": tls()}),
        "annotate",
        "NAME",
        "mtls-guard.io/client-secret=a",
    )
    yield changed(
        "files, nothing new", "", rule(policy={"tls": tls()}), *patch('{"metadata":{"finalizers":["a.b/c"]}}')
    )
    yield changed(
        "files, status",
        "",
        rule(policy={"tls": tls()}),
        "--subresource=status",
        *patch('{"status":{"observedGeneration":"1"}}'),
    )
    yield deleted("files, deleted", "shadows", rule(policy={"tls": tls()}))
    yield deleted("no files, deleted", "shadows", rule())
    for name in ("namespace-controller", "generic-garbage-collector"):
        going = rule(policy={"tls": tls()})
        clean = (f"--as=system:serviceaccount:kube-system:{name}", "--as-group=system:masters")
        yield Case(f"deleted by the {name}", "", (*clean, "delete", "-f", "-"), going, going)


def other_cases() -> Iterator[Case]:
    """Istio's other kinds, Secrets, and what must never wait for us."""
    for kind, spec in (
        ("ServiceEntry", ENTRY),
        ("VirtualService", ROUTE),
        ("Sidecar", {"egress": [{"hosts": ["./*"]}]}),
    ):
        yield created(f"a {kind}", "istio", istio(kind, "devel", "v1", spec))
        yield created(f"an old {kind}", "istio", istio(kind, "istio-system", "v1alpha3", spec))
        yield created(f"a {kind} of ours", "", istio(kind, "mtls-guard", "v1", spec))
        yield deleted(f"a {kind} that goes", "istio", istio(kind, "devel", "v1", spec))
    gateway = {"servers": [{"hosts": ["a"], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}]}
    yield created("a Gateway", "", istio("Gateway", "devel", "v1", gateway))
    yield from secret_cases()
    for kind, version, namespace in (
        ("Lease", "coordination.k8s.io/v1", "kube-node-lease"),
        ("Lease", "coordination.k8s.io/v1", "devel"),
        ("ConfigMap", "v1", "devel"),
        ("ServiceAccount", "v1", "devel"),
        ("Namespace", "v1", ""),
        ("Node", "v1", ""),
    ):
        metadata = {"name": unique(), **({"namespace": namespace} if namespace else {})}
        yield created(
            f"a {kind} in {namespace or 'no namespace'}",
            "",
            {"apiVersion": version, "kind": kind, "metadata": metadata},
        )


def secret_cases() -> Iterator[Case]:
    """Secrets, only with our label, and only when what they hold changes."""

    def secret(namespace: str = "devel", watch: str = "true") -> Manifest:
        """A Secret with our label."""
        metadata = {"name": unique(), "namespace": namespace, "labels": {"mtls-guard.io/watch": watch}}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": "b"}}

    data = patch('{"stringData":{"a":"c"}}')
    yield created("a watched Secret comes", "", secret())
    yield changed("a watched Secret changes", "secrets", secret(), *data)
    yield deleted("a watched Secret goes", "secrets", secret())
    yield changed("a watched Secret is labelled", "", secret(), "label", "NAME", "a=b")
    yield changed("another Secret changes", "", secret(watch="false"), *data)
    yield changed("a watched Secret of ours changes", "", secret("mtls-guard"), *data)
    yield changed("a watched Secret of kube-system changes", "", secret("kube-system"), *data)


def giant_cases() -> Iterator[Case]:
    """Objects as large as the API server takes: never refused for what our conditions cost."""
    many = {f"a.b/{number}": "x" for number in range(12_000)}
    yield created("12,000 annotations", "reach", workload("Pod", annotations=many))
    yield created("12,000 labels", "reach", workload("Pod", labels={f"l{number}": "x" for number in range(12_000)}))
    owners = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": f"{number}-0"} for number in range(8_000)]
    yield created(
        "8,000 owners", "workloads", with_metadata(workload("Pod", annotations=VOLUMES), ownerReferences=owners)
    )
    containers = [{"name": f"c{number}", "image": "none"} for number in range(4_000)]
    large = workload(annotations=VOLUMES, containers=containers)
    yield changed("4,000 containers, restarted", "workloads", large, "rollout", "restart", "NAME")
    yield created("20,000 subsets", "destinationrules", rule(subsets=[{"name": f"s{n}"} for n in range(20_000)]))
    yield created("256 subsets", "shadows", rule(subsets=[_wide(f"s{number}", 64) for number in range(256)]))
    yield created("4,000 ports", "destinationrules", rule(policy=_wide("", 4_000)["trafficPolicy"]))
    wide = rule(subsets=[_wide(f"s{number}", 64) for number in range(256)])
    yield changed("256 subsets, changed", "shadows", wide, *patch('{"spec":{"host":"other"}}'))


def _wide(name: str, ports: int) -> Manifest:
    """A subset with so many ports, none of which names a file."""
    settings = [{"port": {"number": number + 1}, "tls": {"sni": "a"}} for number in range(ports)]
    return {"name": name, "trafficPolicy": {"portLevelSettings": settings}}
