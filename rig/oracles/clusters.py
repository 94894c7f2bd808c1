"""Compares the TLS settings that a sidecar is told in our view, by host, port and subset, with istiod's clusters.

Compared are: which hosts and ports a sidecar knows, what happens on the wire for each of them and for each subset, the
files read for it, SNI and names, and all files together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rig.oracles.asking import Json, Tally, compare_all
from rig.oracles.mesh_cases import mesh_cases
from webhook.istio.pilot.client_config import ClientConfig
from webhook.istio.pilot.client_tls import Kind, metadata_files, outcome
from webhook.istio.pilot.destination_rules import selects
from webhook.istio.pilot.host_config import Share
from webhook.istio.pilot.services import clustered
from webhook.kinds.mesh_config import read_mesh
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet, Mesh
from webhook.view.snapshot import Snapshot

PAIR, ROOT = "file-cert:", "file-root:"
WITHOUT_ENDPOINT = (
    "a subset whose labels none of the ServiceEntry's endpoints has gets no cluster; we look at no endpoints"
)
OWN_CERTIFICATE = (
    "without a tls block, a proxy with a certificate of its own shows it inside the mesh, by automatic mTLS"
)
ENTRY_NAMES = (
    "of several ServiceEntries of one host the youngest one's names count, of a dynamic one none; we take another's"
)
LISTED = frozenset({"STATIC", "DNS", "DNS_ROUND_ROBIN"})
"""Resolutions whose endpoints stand in the cluster itself."""
PLAIN = frozenset({Kind.NONE, Kind.PLAINTEXT})
NO_FILES = FileSet()
Place = tuple[str, int, str]
"""Host, service port, subset."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a sidecar does with calls to one place, in the words of `Outcome`. names: sought in the certificate."""

    kind: Kind = Kind.PLAINTEXT
    files: FileSet = NO_FILES
    ca: str = ""
    sni: str = ""
    names: tuple[str, ...] = ()


def compare_clusters(seed: int, count: int) -> Tally:
    """The tally over so many generated meshes."""
    return compare_all("clusters", mesh_cases(seed, count), _compare)


def _compare(case: Json, answer: Json, tally: Tally) -> None:
    tally.outcomes["refused by Istio's validation"] += len(answer["refused"])
    view = snapshot(case, frozenset(map(int, answer["refused"])))
    for proxy, clusters in zip(case["proxies"], answer["proxies"], strict=True):
        reach = view.reach(proxy["namespace"], proxy["labels"])
        theirs = {(one["host"], int(one["port"]), one["subset"]): observe(one["tls"]) for one in clusters}
        tally.outcomes.update(told.kind for told in theirs.values())
        for fact, ours, other in _facts(view, reach, proxy["labels"], (theirs, tally)):
            tally.answers += 1
            if ours != other:
                tally.wrong.append(f"{fact}: we say {ours!r}, istiod {other!r}, to {proxy!r} of {case!r}")


def snapshot(case: Json, refused: frozenset[int]) -> Snapshot:
    """The mesh of a case as a view of ours, without what Istio's validation refused."""
    view = Snapshot()
    held = {"metadata": {"namespace": "istio-system"}, "data": {"mesh": str(case["mesh"])}}
    metadata = {f"ISTIO_META_{key}": value for key, value in case["metadata"].items()}
    mesh = replace(read_mesh(held, None), revisions=frozenset({"default"}), proxy_metadata=metadata)
    view.set_mesh(mesh)
    for number, one in enumerate(case["objects"]):
        if number not in refused:
            view.put(one)
    return view


def _facts(
    view: Snapshot, reach: ClientConfig, labels: Mapping[str, str], told: tuple[Mapping[Place, Told], Tally]
) -> Iterator[tuple[object, object, object]]:
    """What is compared: the fact, our answer, istiod's."""
    (theirs, tally), ours = told, dict(predict(view, reach, labels))
    yield "places", sorted(_places(view, reach)), sorted((host, port) for host, port, subset in theirs if not subset)
    apart = set()
    for place in sorted({*theirs, *ours}):
        pair = (ours.get(place, Told()), theirs.get(place))
        if pair[0] != pair[1] and (named := _explained(view, reach, place, pair)):
            tally.explained[named] += 1
            apart.add(place)
        else:
            yield place, *pair
    groups = reach.groups(labels).items()
    mine = {
        files
        for files, users in groups
        if any((one.service.host, one.port.number, one.subset) not in apart for one in users)
    }
    yield "files", mine, {one.files for place, one in theirs.items() if one.files and place not in apart}


def _explained(view: Snapshot, reach: ClientConfig, place: Place, pair: tuple[Told, Told | None]) -> str:
    """The name of the reason why the two differ, '' where there is none."""
    ours, theirs = pair
    service = reach.service(place[0])
    if theirs is None:
        return WITHOUT_ENDPOINT if place[2] and service and service.resolution in LISTED else ""
    if replace(ours, names=()) == replace(theirs, names=()) and all(
        name.startswith("entry") for name in (*ours.names, *theirs.names)
    ):
        return ENTRY_NAMES
    own = metadata_files(view.mesh)
    return OWN_CERTIFICATE if own and ours == Told() and theirs.kind is Kind.MUTUAL and theirs.files == own else ""


def _places(view: Snapshot, reach: ClientConfig) -> Iterator[tuple[str, int]]:
    for host in view.config.services:
        service = reach.service(host)
        yield from ((host, port.number) for port in clustered(service)) if service else ()


def predict(view: Snapshot, reach: ClientConfig, labels: Mapping[str, str]) -> Iterator[tuple[Place, Told]]:
    """Our answer for every place for which a tls block is in force."""
    for host in view.config.services:
        decision = reach.decision(host)
        if decision is None:
            continue
        picked = (one for one in decision.picks if selects(one.entry.rule.selector or {}, labels))
        share = next(picked, decision.default)
        if share is not None:
            for one in share.originations:
                yield (host, one.port.number, one.subset), _told(one, share, view.mesh)


def _told(one: Origination, share: Share, mesh: Mesh) -> Told:
    tls, selector = one.tls, share.entry.rule.selector is not None
    found = outcome(tls, external=one.service.external, selector=selector, metadata=metadata_files(mesh))
    if found.kind in PLAIN:
        return Told()
    if found.kind is Kind.ISTIO_MUTUAL:
        return Told(found.kind, ca=found.ca)
    names = tls.subject_alt_names or one.service.subject_alt_names
    return Told(found.kind, found.files, found.ca, tls.sni, () if found.ca == "nothing" else names)


def observe(tls: Json | None) -> Told:
    """A cluster's TLS context in the same words. The agent takes a pair's name apart at its one `~`."""
    if tls is None:
        return Told()
    certificate, root = tls["certificate"], tls["root"]
    if certificate == "default":
        return Told(Kind.ISTIO_MUTUAL, ca="mesh")
    kind, pair = _pair(certificate)
    ca, file = _ca(root)
    files = FileSet(*pair, file, tls["crl"])
    return Told(kind, files, ca, tls["sni"], tuple(tls["names"]))


def _pair(certificate: str) -> tuple[Kind, tuple[str, str]]:
    if not certificate:
        return Kind.ONE_WAY, ("", "")
    if not certificate.startswith(PAIR):
        return Kind.CREDENTIAL, ("", "")
    parts = certificate.removeprefix(PAIR).split("~")
    return (Kind.MUTUAL, (parts[0], parts[1])) if len(parts) == 2 else (Kind.MESH_IDENTITY, ("", ""))


def _ca(root: str) -> tuple[str, str]:
    if not root:
        return "nothing", ""
    if not root.startswith(ROOT):
        return "credential", ""
    path = root.removeprefix(ROOT)
    return ("system", "") if path == "system" else ("malformed", "") if "~" in path else ("file", path)
