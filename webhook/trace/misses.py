"""Rules that a workload means by what it mounts for nothing, or declares, and why each is not in force for it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from webhook.istio.reach import explain_miss
from webhook.model.chain import Miss
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule
from webhook.trace.destination import about_client

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

LOOKED_AT = 20
"""How many rules that one idle mount may mean are asked for their reason; a cluster may hold thousands of them."""


def misses(picture: "WorkloadPicture") -> tuple[Miss, ...]:
    """The misses of every idle mount and declared host, each rule once; none for a Pod without sidecar."""
    meant = {rule.ref: rule for rule in _meant(picture)} if picture.has_sidecar else {}
    if not meant:
        return ()
    config = picture.view.config
    namespace, labels = picture.workload.namespace, picture.pod.labels
    sidecar = config.sidecars.choose(namespace, labels, picture.view.mesh)
    found = (explain_miss(config, namespace, sidecar, labels, rule) for rule in meant.values())
    return tuple(miss for miss in found if miss is not None)


def _meant(picture: "WorkloadPicture") -> Iterator[DestinationRule]:
    """Rules that mention an idle mount, or its Secret as a credential, and rules for a host that is declared."""
    for stray in picture.strays:
        mentioning = picture.view.config.rules.mentioning(stray.mount.mount_path)
        yield from islice(mentioning, LOOKED_AT)
        yield from islice(_naming(picture).get(("credential", stray.secret), ()), LOOKED_AT) if stray.secret else ()
    for host in picture.declaration.destinations:
        yield from islice(_naming(picture).get(("host", host), ()), LOOKED_AT)


def _naming(picture: "WorkloadPicture") -> Mapping[tuple[str, str], tuple[DestinationRule, ...]]:
    """Rules about client certificates by credential and by host; worked out when first asked for, and kept."""
    key = "rules by credential and host"
    known: Mapping[tuple[str, str], tuple[DestinationRule, ...]] | None = picture.view.memo.get(key)
    if known is None:
        found: dict[tuple[str, str], dict[ObjectRef, DestinationRule]] = {}
        rules = picture.view.config.rules
        for rule in sorted((one for one in rules if any(map(about_client, one.settings()))), key=lambda one: one.ref):
            for name in (("host", rules.host(rule)), *(("credential", tls.credential_name) for tls in rule.settings())):
                found.setdefault(name, {})[rule.ref] = rule
        known = picture.view.memo[key] = {name: tuple(held.values()) for name, held in found.items()}
    return known
