"""Which injection templates a pod gets, and what follows from them: an annotation that is read, a gateway, a refusal.

Whether the pod is injected at all is left to `injection`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from webhook.model.mesh import Mesh
from webhook.model.workload import PodTemplate

TEMPLATES_ANNOTATION = "inject.istio.io/templates"
READING_ANNOTATIONS = frozenset(("sidecar", "grpc-agent"))
"""Templates that read userVolume and userVolumeMount (injection-template.yaml, grpc-agent.yaml; Istio 1.31)."""
GATEWAYS = frozenset(("gateway", "kube-gateway", "waypoint", "agentgateway", "agentgateway-waypoint"))
WITHOUT_PROXY = frozenset(("grpc-simple",))
BUILT_IN = READING_ANNOTATIONS | GATEWAYS | WITHOUT_PROXY


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of a pod in order, aliases resolved. custom: one of them is not Istio's own.

    refused: why the injector refuses the pod, '' if it does not.
    """

    names: tuple[str, ...]
    refused: str = ""

    @property
    def honour_annotations(self) -> bool:
        """Whether a template reads the annotations; of one that is not Istio's own this is assumed."""
        return any(name in READING_ANNOTATIONS or name not in BUILT_IN for name in self.names)

    @property
    def gateway(self) -> bool:
        """Whether the proxy becomes a gateway."""
        return any(name in GATEWAYS for name in self.names)

    @property
    def proxy(self) -> bool:
        """Whether any template of the list adds an istio-proxy."""
        return any(name not in WITHOUT_PROXY for name in self.names)

    @property
    def custom_only(self) -> bool:
        """Whether none of the templates is Istio's own, so that nobody can say what they add."""
        return bool(self.names) and not any(name in BUILT_IN for name in self.names)

    @property
    def may_be_native(self) -> bool:
        """Whether a template of the list can make istio-proxy a native sidecar; of one not Istio's own, assumed."""
        return any(name == "sidecar" or name not in BUILT_IN for name in self.names)

    @property
    def twice(self) -> str:
        """Why the API server refuses the pod where `sidecar` makes a native istio-proxy, '' if it does not."""
        second_template = next((name for name in self.names if name in BUILT_IN - WITHOUT_PROXY - {"sidecar"}), "")
        if not second_template or "sidecar" not in self.names:
            return ""
        return f"templates sidecar and {second_template} make an istio-proxy each, one of them under initContainers"


_CHART_DEFAULT = Templates(("sidecar",))


def templates_of(pod: PodTemplate, mesh: Mesh) -> Templates:
    """The templates that the annotation names, else the mesh's default ones (inject.go, selectTemplates)."""
    annotation = pod.annotations.get(TEMPLATES_ANNOTATION)
    if (
        annotation is None
        and mesh.default_templates == _CHART_DEFAULT.names
        and not mesh.aliases
        and not mesh.templates
    ):
        return _CHART_DEFAULT
    chosen = mesh.default_templates if annotation is None else tuple(part.strip() for part in annotation.split(","))
    names = resolve_aliases(chosen, mesh.aliases)
    return Templates(names, _refusal(names, mesh))


def resolve_aliases(names: tuple[str, ...], aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Each name replaced once by what it stands for; what an alias gives is not looked up again."""
    return tuple(template for name in names for template in aliases.get(name, (name,)))


def _refusal(names: tuple[str, ...], mesh: Mesh) -> str:
    for name in names:
        if not name or (mesh.templates is not None and name not in mesh.templates):
            return f'requested template "{name}" not found'
    return ""
