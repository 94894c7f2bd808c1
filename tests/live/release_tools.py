"""The calls of Flux and Argo CD on a real API server, sent by kubectl; beside the real kubectl and Helm.

What their engines ask of the API server was read from their code: fluxcd/pkg/ssa 0.78 labels each object, sends all of
them as a server-side dry run and stops at the first denial, then applies what defines kinds and namespaces, then the
rest; gitops-engine of 2026-09-14 applies one object after the other in its order of kinds, with the field manager
argocd-controller. Their own code is run by `python -m prove.releases`.
"""

from collections.abc import Sequence

from prove.releases.shapes import Object
from prove.releases.tools import HELM, HELM_WITH_ROLLBACK, KUBECTL, Outcome, Place, Tool, ran, written
from tests.releases import TOOLS
from tests.releases import Tool as Order

BY_NAME = {order.name: order for order in TOOLS}


def by_flux(to: Place, objects: Sequence[Object]) -> Outcome:
    """A dry run of everything, which the first denial ends; then everything in its order."""
    manager = _server_side(BY_NAME["flux"])
    return _sent(to, BY_NAME["flux"], objects, [(*manager, "--dry-run=server"), manager])


def by_argocd(to: Place, objects: Sequence[Object]) -> Outcome:
    """A client-side apply of one object after the other."""
    order = BY_NAME["argocd"]
    return _sent(to, order, objects, [(f"--field-manager={order.manager}",)])


def by_argocd_server_side(to: Place, objects: Sequence[Object]) -> Outcome:
    """The same with ServerSideApply=true."""
    return _sent(to, BY_NAME["argocd"], objects, [_server_side(BY_NAME["argocd"])])


def _server_side(order: Order) -> tuple[str, ...]:
    return ("--server-side", f"--field-manager={order.manager}", "--force-conflicts")


def _sent(to: Place, order: Order, objects: Sequence[Object], rounds: Sequence[tuple[str, ...]]) -> Outcome:
    """Each round sends the objects in the order of the tool, and is the last where one is refused."""
    file = written(to.folder, order.ordered([order.signed(one) for one in objects]))
    said = ""
    for options in rounds:
        outcome = ran(to.plane.kubectl("apply", *options, "-f", str(file), check=False))
        said += outcome.said
        if not outcome.good:
            return Outcome(False, said)
    return Outcome(True, said)


PLAYED = (
    KUBECTL,
    HELM,
    HELM_WITH_ROLLBACK,
    Tool("Flux", by_flux),
    Tool("Argo CD", by_argocd),
    Tool("Argo CD, ServerSideApply", by_argocd_server_side),
)
