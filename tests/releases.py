"""Setups that work, drawn at random, and the orders in which tools send their objects: no denial stops a tool."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from prove.releases.shapes import Call, Object

FORMS = ("files", "injection", "credential")
PRODUCERS = ("Secret", "Certificate", "ExternalSecret", "SealedSecret", "VaultPKISecret", "SecretProviderClass")
DIRECTORIES = ("/etc/mtls", "/etc/certs", "/var/run/partner/tls")


@st.composite
def setups(draw: st.DrawFn) -> tuple[Call, ...]:
    """One to three calls of one or two teams; each workload has its own host, Secret and DestinationRule."""
    count = draw(st.integers(1, 3))
    return tuple(
        Call(
            f"s{number}",
            draw(st.sampled_from(("one", "two"))),
            draw(st.sampled_from(FORMS)),
            draw(st.sampled_from(PRODUCERS)),
            draw(st.sampled_from(DIRECTORIES)),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for number in range(count)
    )


@dataclass(frozen=True)
class Tool:
    """How a tool sends objects. first: kinds that it sends first, in this order; the others follow by their names.

    labels, annotations, manager: its signs. rehearses: it does a dry run of everything first.
    """

    name: str
    first: Sequence[str] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    manager: str = ""
    rehearses: bool = False

    def signed(self, one: Object) -> Object:
        """The object with the signs of the tool."""
        meta = one["metadata"]
        labels = {**meta.get("labels", {}), **dict(self.labels)}
        annotations = {**meta.get("annotations", {}), **dict(self.annotations)}
        return {**one, "metadata": {**meta, "labels": labels, "annotations": annotations}}

    def ordered(self, objects: Sequence[Object]) -> list[Object]:
        """The objects as it sends them; kubectl's order is that of the input."""
        if not self.first:
            return list(objects)
        return sorted(objects, key=lambda one: (*self._place(one["kind"]), one["metadata"]["name"]))

    def _place(self, kind: str) -> tuple[int, str]:
        return (self.first.index(kind), "") if kind in self.first else (len(self.first), kind)


BUILT_IN = ("Namespace", "Secret", "ConfigMap", "CustomResourceDefinition", "Service", "Deployment")
"""Of the kinds that occur here, those that all three tools send first, and in which order."""
TOOLS = (
    Tool("kubectl", manager="kubectl-client-side-apply"),
    Tool(
        "helm",
        BUILT_IN,
        (("app.kubernetes.io/managed-by", "Helm"),),
        (("meta.helm.sh/release-name", "r"), ("meta.helm.sh/release-namespace", "one")),
        "helm",
    ),
    Tool(
        "flux",
        BUILT_IN,
        (("kustomize.toolkit.fluxcd.io/name", "apps"), ("kustomize.toolkit.fluxcd.io/namespace", "flux-system")),
        manager="kustomize-controller",
        rehearses=True,
    ),
    Tool("argocd", BUILT_IN, (), (("argocd.argoproj.io/tracking-id", "a:x/y:z/w"),), "argocd-controller"),
)
