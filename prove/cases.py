"""The examples of rules as cases to play: what exists, what changes, which workloads run, which URL they call.

Examples are the smallest objects that show their point; `completion` makes of them what an API server takes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from certs.vocabulary import WORKED_SECRET
from prove.completion import WORKLOADS, completed, idle
from webhook.examples import AT, instant, load
from webhook.model.rule import Example

Object = Mapping[str, Any]
WORKED = Path(__file__).resolve().parent.parent / "examples" / "worked"
HOST = "external.system.com"
ENDPOINT = "198.18.255.1"
"""Where a Service of an example leads: out of the Pod, so to the partner."""
LIST_SECRETS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: list-secrets}
rules: [{apiGroups: [""], resources: [secrets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: list-secrets}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: list-secrets}
subjects: [{kind: ServiceAccount, name: default, namespace: devel}]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One example to play.

    bad: it must not work. says: the lines of the rule. also: other rules with a line for it. at: the instant around
    which its certificates are made. before: what is there already. subject: the object that is applied, or, where it
    is deleted, goes. workloads: those whose Pods run then.
    """

    rule: str
    title: str
    bad: bool
    says: tuple[str, ...]
    also: tuple[str, ...]
    at: datetime
    before: tuple[Object, ...]
    subject: Object
    deleted: bool
    workloads: tuple[Object, ...]

    @property
    def objects(self) -> tuple[Object, ...]:
        """What is there when the workloads run."""
        return self.before if self.deleted else (*self.before, self.subject)

    @property
    def good(self) -> bool:
        """Whether no rule has a word for it: then it must work."""
        return not self.says and not self.also

    @property
    def hosts(self) -> frozenset[str]:
        """The names of the partner."""
        entries = (one for one in self.objects if one["kind"] == "ServiceEntry")
        found = {host for entry in entries for host in entry["spec"].get("hosts", ())}
        snis = {sni for one in self.objects if one["kind"] == "DestinationRule" for sni in _values(one, "sni")}
        return frozenset(name for name in {HOST, *found, *snis} if isinstance(name, str) and "*" not in name)

    @property
    def url(self) -> str:
        """What the application calls: the host of a rule with TLS, by plain http where a port takes that."""
        rules = [one for one in reversed(self.objects) if one["kind"] == "DestinationRule" and [*_values(one, "tls")]]
        for one in rules:
            for host, ports in self._offers():
                if host == one["spec"].get("host") and ports:
                    return f"http://{host}/" if 80 in ports else f"http://{host}:{ports[0]}/"
        return self._first_offered()

    def _first_offered(self) -> str:
        """The first host that is offered over plain http, whatever its rule."""
        for host, ports in self._offers():
            if ports:
                return f"http://{host.replace('*', 'one')}/" if 80 in ports else f"http://{host}:{ports[0]}/"
        return f"http://{HOST}/"

    def _offers(self) -> Iterator[tuple[str, list[int]]]:
        """Each host and its ports that take plain http, the example's own before those of the worked one."""
        for one in reversed(self.objects):
            spec = one.get("spec", {})
            if one["kind"] == "ServiceEntry":
                ports = [port["number"] for port in spec.get("ports", ()) if _takes_http(port.get("protocol", ""))]
                yield from ((host, ports) for host in spec.get("hosts", ()))
            elif one["kind"] == "Service":
                name = f"{one['metadata']['name']}.{one['metadata']['namespace']}.svc.cluster.local"
                yield name, [port["port"] for port in spec.get("ports", ()) or ({"port": 443},)]


def cases(rule: str, at: datetime = AT) -> Iterator[Case]:
    """The cases of a rule, in the order of its examples. Where none is certain enough to be denied, warnings count.

    at: the instant that is to be the one at which examples are judged.
    """
    examples = load(rule)
    sign = "deny " if any(line.startswith("deny ") for one in examples for line in one.findings) else "warn "
    for example in examples:
        yield _case(rule, example, sign, at + (AT - instant(example)))


def _case(rule: str, example: Example, sign: str, at: datetime) -> Case:
    """One example, completed."""
    subject = completed(next(_parsed(example.object)), at)
    held = {_key(one): one for one in (*_around(example), *_parsed(example.cluster))}
    held.pop(_key(subject), None)
    held |= {_key(one): one for one in _parsed(example.old)}
    running = [subject] if subject["kind"] in WORKLOADS else [one for one in held.values() if one["kind"] in WORKLOADS]
    running = running or [*_parsed((WORKED / "deployment.yaml").read_text())]
    named = {one["metadata"].get("namespace", "default") for one in (*held.values(), subject, *running)}
    missing = named - {one["metadata"]["name"] for one in held.values() if one["kind"] == "Namespace"}
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(missing)]
    kept = sorted((one for one in held.values() if not _is_foreign(one)), key=_age)
    before = (*spaces, *(idle(completed(one, at)) for one in kept), *_endpoints([*kept, subject]))
    workloads = tuple(completed(one, at) for one in running)
    bad = any(line.startswith(sign) for line in example.findings)
    told = (rule, example.title, bad, example.findings, example.also)
    return Case(*told, at, before, subject, example.deleted, workloads)


def _is_foreign(one: Object) -> bool:
    """Whether it is of the installation, of which the mesh has its own; or of a kind that nobody here would serve."""
    installed = one["kind"] == "ConfigMap" and one["metadata"].get("namespace") == "istio-system"
    return installed or one["kind"] in {"MutatingWebhookConfiguration", "Certificate"}


def _age(one: Object) -> str:
    """Older ones sort first; those without an age stand before all, in their order."""
    return str(one["metadata"].get("creationTimestamp", ""))


def _endpoints(held: list[Object]) -> Iterator[Object]:
    """An endpoint for each Service: the partner."""
    for one in held:
        if one["kind"] == "Service" and "externalName" not in one["spec"]:
            metadata = {**one["metadata"], "labels": {"kubernetes.io/service-name": one["metadata"]["name"]}}
            ports = [{"name": port.get("name", ""), "port": port["port"]} for port in one["spec"].get("ports", ())]
            head = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
            yield {**head, "addressType": "IPv4", "endpoints": [{"addresses": [ENDPOINT]}], "ports": ports}


def _around(example: Example) -> Iterator[Object]:
    """The worked example, but for kinds that the example leaves out; namespaces stay."""
    yield from _namespaces()
    if not example.worked:
        return
    for one in (*_parsed((WORKED / "istio.yaml").read_text()), *_parsed(WORKED_SECRET)):
        if one["kind"] not in example.without:
            yield one


def _namespaces() -> Iterator[Object]:
    """The worked example's, and the right of Pods that `credentialName` needs."""
    yield from _parsed((WORKED / "namespaces.yaml").read_text())
    yield from _parsed(LIST_SECRETS)


def _parsed(text: str) -> Iterator[Object]:
    return (one for one in yaml.safe_load_all(text) if isinstance(one, dict))


def _key(one: Object) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def _takes_http(protocol: object) -> bool:
    return str(protocol).upper() in {"HTTP", "HTTP2", "GRPC"}


def _values(held: object, name: str) -> Iterator[Any]:
    """Every value of that name, however deep."""
    if isinstance(held, dict):
        for key, value in held.items():
            if key == name:
                yield value
            yield from _values(value, name)
    elif isinstance(held, list):
        for one in held:
            yield from _values(one, name)
