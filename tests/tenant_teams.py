"""Strategy: a team whose workload calls one or two hosts and works, in the ways in which teams do that."""

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.tenants import (
    BOTH,
    DESTINATIONS,
    DIRECTORIES,
    HOSTS,
    INJECT,
    KEYS,
    PLAIN,
    VERSIONS,
    Object,
    Team,
    destination,
    entry,
    exported,
    istio,
    namespace,
    rule,
    secret,
    tls,
    workload,
)

EXPORTS: st.SearchStrategy[tuple[str, ...]] = st.sampled_from(((), (".",), ("*",)))
SPARE = ("server.pem", "server-key.pem", "bundle.pem")


@dataclass(frozen=True)
class Host:
    """What a team needs for one host. owner: the namespace of its objects, which may be a central one."""

    name: str
    at: int
    owner: str
    directory: str
    keys: tuple[str, str, str]

    def objects(self, draw: st.DrawFn, place: str) -> Iterator[Object]:
        """ServiceEntry, DestinationRule, and the VirtualService where calls to port 80 go to the TLS port."""
        wide: tuple[tuple[str, ...], ...] = ((), ("*",), (place,))
        exports = EXPORTS if self.owner == place else st.sampled_from(wide)
        form = draw(st.sampled_from(("plain", "plain", "routed", "subset")))
        called, export = f"partner-{self.at}", draw(exports)
        yield entry(self.owner, called, self.name, draw(exports), BOTH if form == "routed" else (PLAIN,))
        yield self._rule(draw, form, export, own=self.owner == place)
        if form != "plain":
            to: Object = {"port": {"number": 443}} if form == "routed" else {"subset": "secured"}
            spec = {"hosts": [self.name], "http": [destination(self.name, **to)]}
            yield istio("VirtualService", self.owner, called, spec | exported(draw(exports)))

    def _rule(self, draw: st.DrawFn, form: str, export: tuple[str, ...], *, own: bool) -> Object:
        found = rule(self.owner, f"partner-{self.at}", self.name, (self.directory, self.keys), **exported(export))
        block = tls(self.name, self.directory, self.keys)
        if form == "routed":
            found["spec"]["trafficPolicy"] = {"portLevelSettings": [{"port": {"number": 443}, "tls": block}]}
        elif form == "subset":
            found["spec"]["subsets"] = [{"name": "secured", "trafficPolicy": {"tls": block}}]
            del found["spec"]["trafficPolicy"]
        elif own and export in ((), (".",)) and draw(st.integers(0, 4)) == 0:
            found["spec"]["workloadSelector"] = {"matchLabels": {"app": "shop"}}
        return found


@st.composite
def teams(draw: st.DrawFn, place: str = "a", *, named: bool = True) -> Team:
    """A team whose workload calls one or two hosts, by mounts or by injection.

    named: whether some workloads name their hosts in the environment.
    """
    keys, injected = draw(st.sampled_from(KEYS)), draw(st.booleans())
    names = draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=1 if injected else 2, unique=True))
    places = draw(st.permutations(DIRECTORIES))
    owner = draw(st.sampled_from((place, place, place, "central")))
    hosts = [Host(name, at, owner, places[at], keys) for at, name in enumerate(names)]
    parts = [namespace(place), secret(place, "client", keys)]
    for host in hosts:
        parts.extend(host.objects(draw, place))
    mounts = [] if injected else [("client", host.directory) for host in hosts]
    if draw(st.booleans()) and not injected:
        mounts.append(("spare", places[-1]))
        parts.append(secret(place, "spare", SPARE))
    environment = names if named and draw(st.booleans()) else []
    return Team(_workload(draw, (place, names[0]), mounts, environment), tuple(parts), tuple(names))


def _workload(draw: st.DrawFn, at: tuple[str, str], mounts: list[tuple[str, str]], environment: list[str]) -> Object:
    place, first = at
    asked: Object = {} if mounts else {INJECT: "client"}
    named_too = draw(st.booleans())
    if asked and named_too:
        asked[DESTINATIONS] = first
    kind = draw(st.sampled_from(("Deployment", "Deployment", *VERSIONS)))
    return workload(place, "shop", mounts, asked, kind=kind, hosts=environment)
