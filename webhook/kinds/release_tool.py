"""Recognises the release tool that sends an object, by what it writes on the object and by its name as field manager.

Helm, Argo CD and Flux send custom resources after workloads, and give up at a denial.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webhook.model.raw_object import Manifest, dig, texts


@dataclass(frozen=True, slots=True)
class Sign:
    """A label or annotation by which a tool is recognised. value: '' for any."""

    key: str
    value: str
    tool: str


LABELS: tuple[Sign, ...] = (
    Sign("app.kubernetes.io/managed-by", "Helm", "Helm"),
    Sign("kustomize.toolkit.fluxcd.io/name", "", "Flux"),
    Sign("helm.toolkit.fluxcd.io/name", "", "Flux"),
    Sign("argocd.argoproj.io/instance", "", "Argo CD"),
    Sign("app.kubernetes.io/instance", "", "Argo CD"),
)
"""The last is Argo CD's default tracking label; charts write it, too, which makes no difference here."""
ANNOTATIONS: tuple[Sign, ...] = (
    Sign("meta.helm.sh/release-name", "", "Helm"),
    Sign("argocd.argoproj.io/tracking-id", "", "Argo CD"),
)
FIELD_MANAGERS: Mapping[str, str] = {
    "helm": "Helm",
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}


@dataclass(frozen=True, slots=True)
class ReleaseTools:
    """Further signs of release tools, as the policy names them: labels, annotations and field managers."""

    labels: tuple[Sign, ...] = ()
    annotations: tuple[Sign, ...] = ()
    field_managers: tuple[str, ...] = ()


BUILT_IN = ReleaseTools()


def release_tool(manifest: Manifest, field_manager: str, further: ReleaseTools = BUILT_IN) -> str:
    """The name of the tool that sends the object, '' where no sign of any is to be seen.

    further: signs that the policy adds; their tool is called by the sign itself.
    """
    if field_manager in FIELD_MANAGERS:
        return FIELD_MANAGERS[field_manager]
    if field_manager in further.field_managers:
        return field_manager
    metadata = dig(manifest, "metadata")
    labels, annotations = texts(dig(metadata, "labels")), texts(dig(metadata, "annotations"))
    return _signed((*ANNOTATIONS, *further.annotations), annotations) or _signed((*LABELS, *further.labels), labels)


def _signed(signs: Iterable[Sign], values: Mapping[str, str]) -> str:
    """The tool of the first sign among the labels or annotations."""
    return next((sign.tool for sign in signs if sign.key in values and sign.value in ("", values[sign.key])), "")
