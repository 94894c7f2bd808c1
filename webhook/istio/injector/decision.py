"""Will this pod have a sidecar: the API server's webhook selectors, then istiod's own decision, in three values.

The files of the sidecar are in `proxy_filesystem`. Behaviour of Istio 1.31: mutatingwebhook.yaml of the istiod
chart (gate 1) and pkg/kube/inject/inject.go, injectRequired (gate 2).
"""

from typing import NamedTuple

from webhook.istio.injector.label_selectors import selects
from webhook.istio.injector.templates import TEMPLATES_ANNOTATION, Templates, templates_of
from webhook.model.chain import Answer, Injection
from webhook.model.mesh import Mesh, Namespace
from webhook.model.workload import PROXY, Container, PodTemplate

INJECT = "sidecar.istio.io/inject"
STATUS = "sidecar.istio.io/status"
REVISION = "istio.io/rev"
NAMESPACE_LABEL = "istio-injection"
AMBIENT_LABEL = "istio.io/dataplane-mode"
NATIVE = "sidecar.istio.io/nativeSidecar"
IGNORED_NAMESPACES = frozenset(("kube-system", "kube-public", "kube-node-lease", "local-path-storage"))
OPEN_SHIFT = "openshift.io/sa.scc.uid-range"
_USER_ANNOTATIONS = ("sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount")


class Step(NamedTuple):
    """What one gate says, why, and which label, annotation or field decided ('' for the namespace)."""

    answer: Answer
    reason: str
    path: str = ""


def decide_injection(pod: PodTemplate, namespace: Namespace, mesh: Mesh) -> Injection:
    """Whether the pod will have a sidecar, with the reason in words that stand in a finding.

    Chart defaults are assumed for all that neither the objects nor the mesh tell. Of a namespace that is not known,
    the labels are taken to be what the pod's own labels and annotations mean.
    """
    templates = templates_of(pod, mesh)
    proxy = pod.container(PROXY)
    complete = proxy is not None and proxy.image not in ("", "auto")
    if proxy is not None and complete and STATUS in pod.annotations:
        return _manual(namespace, proxy, templates)
    step = _decide(pod, namespace, mesh, templates)
    if proxy is not None and complete and step.answer is not Answer.YES:
        return _manual(namespace, proxy, templates)
    return Injection(
        step.answer,
        step.reason if step.answer is Answer.YES else step.reason + _ambient(pod, namespace),
        step.path,
        templates.names,
        native := _native(pod, mesh, templates),
        templates.gateway,
        templates.honour_annotations,
        refused=templates.refused or (templates.twice if native else ""),
        open_shift=OPEN_SHIFT in namespace.annotations,
    )


def _decide(pod: PodTemplate, namespace: Namespace, mesh: Mesh, templates: Templates) -> Step:
    """Both gates and the templates: the first that says no decides, else the first that does not know."""
    webhook_step = _excluded(pod, namespace) or (
        _selected(pod, namespace, mesh) if namespace.known else _declared(pod, namespace, mesh)
    )
    if webhook_step.answer is Answer.NO:
        return webhook_step
    istiod_step = _required(pod, mesh)
    if istiod_step is not None:
        return istiod_step
    return _by_templates(pod, templates) or webhook_step


def _excluded(pod: PodTemplate, namespace: Namespace) -> Step | None:
    """What no label can overrule."""
    if pod.host_network:
        return Step(Answer.NO, "hostNetwork is true, and such pods are never injected", _field(pod, "spec.hostNetwork"))
    if namespace.name in IGNORED_NAMESPACES:
        return Step(Answer.NO, f"namespace {namespace.name} is never injected")
    if pod.labels.get(INJECT) == "false":
        return Step(Answer.NO, f'the pod label {INJECT} is "false"', _label(pod, INJECT))
    return None


def _selected(pod: PodTemplate, namespace: Namespace, mesh: Mesh) -> Step:
    """Gate 1: does any of the injector's webhooks match the namespace's and the pod's labels."""
    setting = namespace.labels.get(NAMESPACE_LABEL)
    if setting is not None:
        return _by_namespace_label(namespace.name, setting, mesh)
    revision = namespace.labels.get(REVISION)
    if revision is not None:
        return _by_revision(revision, f"namespace {namespace.name} has the label {REVISION}={revision}", "", mesh)
    return _by_pod_labels(pod, namespace.name, mesh)


def _by_namespace_label(name: str, setting: str, mesh: Mesh) -> Step:
    reason = f"namespace {name} has the label {NAMESPACE_LABEL}={setting}"
    if setting != "enabled":
        return Step(
            Answer.NO, reason + ("" if setting == "disabled" else ", which only the value enabled makes inject")
        )
    if mesh.revisions and "default" not in mesh.revisions and "" not in mesh.revisions:
        return Step(Answer.UNKNOWN, f"{reason}, but no injector of the default revision is known")
    return Step(Answer.YES, reason)


def _by_revision(revision: str, reason: str, path: str, mesh: Mesh) -> Step:
    if mesh.revisions is not None and revision in mesh.revisions:
        return Step(Answer.YES, reason, path)
    return Step(Answer.UNKNOWN, f"{reason}, and whether an injector of revision {revision} exists is not known", path)


def _by_pod_labels(pod: PodTemplate, name: str, mesh: Mesh) -> Step:
    """The namespace says nothing, so that the pod's labels, never its annotations, have to ask."""
    revision, label = pod.labels.get(REVISION), pod.labels.get(INJECT)
    if revision is not None:
        return _by_revision(revision, f"the pod has the label {REVISION}={revision}", _label(pod, REVISION), mesh)
    if label == "true":
        return Step(Answer.YES, f"the pod has the label {INJECT}=true", _label(pod, INJECT))
    if label is not None:
        return Step(
            Answer.NO, f'the pod label {INJECT} is "{label}", and only "true" asks for a sidecar', _label(pod, INJECT)
        )
    if mesh.enable_namespaces_by_default:
        return Step(Answer.YES, "the mesh injects every namespace by default")
    lacks = f"namespace {name} has no label {NAMESPACE_LABEL}=enabled and the pod no label {INJECT}=true"
    if pod.annotations.get(INJECT) == "true":
        lacks += " (the annotation of that name does not ask for a sidecar)"
    return Step(Answer.NO, lacks)


def _declared(pod: PodTemplate, namespace: Namespace, mesh: Mesh) -> Step:
    """The namespace's labels are not in view: a pod that prepares for a sidecar is taken to get one."""
    sign = _sign(pod)
    if sign is not None:
        return Step(Answer.YES, f"the pod says so with {sign[0]}; namespace {namespace.name} is not in view", sign[1])
    if mesh.enable_namespaces_by_default:
        return Step(Answer.YES, "the mesh injects every namespace by default")
    return Step(Answer.UNKNOWN, f"the labels of namespace {namespace.name} are not in view")


def _sign(pod: PodTemplate) -> tuple[str, str] | None:
    """What on the pod only makes sense with a sidecar, in words, and where it stands."""
    if pod.labels.get(INJECT) == "true":
        return f"the label {INJECT}=true", _label(pod, INJECT)
    if REVISION in pod.labels:
        return f"the label {REVISION}={pod.labels[REVISION]}", _label(pod, REVISION)
    if pod.annotations.get(INJECT) == "true":
        return f"the annotation {INJECT}=true", _annotation(pod, INJECT)
    for name in (*_USER_ANNOTATIONS, TEMPLATES_ANNOTATION):
        if name in pod.annotations:
            return f"the annotation {name}", _annotation(pod, name)
    proxy = pod.container(PROXY)
    return ("its own container istio-proxy", proxy.path) if proxy is not None else None


def _required(pod: PodTemplate, mesh: Mesh) -> Step | None:
    """Gate 2: why istiod leaves the pod alone although its webhook was called; None when it does not."""
    label = pod.labels.get(INJECT)
    value = label if label is not None else pod.annotations.get(INJECT, "")
    path = _label(pod, INJECT) if label is not None else _annotation(pod, INJECT)
    if value == "false":
        return Step(Answer.NO, f'the pod annotation {INJECT} is "false"', path)
    if mesh.inject_policy not in ("enabled", "disabled"):
        return Step(Answer.NO, f'the mesh has the invalid injection policy "{mesh.inject_policy}"')
    if value == "true":
        return None
    if mesh.never_inject and any(selects(selector, pod.labels) for selector in mesh.never_inject):
        return Step(Answer.NO, "the pod's labels match neverInjectSelector of the mesh")
    if mesh.inject_policy == "enabled" or any(selects(selector, pod.labels) for selector in mesh.always_inject):
        return None
    return Step(Answer.NO, f"the mesh injects only pods that ask for it with the label {INJECT}=true")


def _by_templates(pod: PodTemplate, templates: Templates) -> Step | None:
    path = _annotation(pod, TEMPLATES_ANNOTATION) if TEMPLATES_ANNOTATION in pod.annotations else ""
    if not templates.proxy:
        return Step(Answer.NO, f"the injection template {', '.join(templates.names)} adds no proxy", path)
    if templates.custom_only:
        return Step(Answer.UNKNOWN, f"the injection template {', '.join(templates.names)} is not one of Istio's", path)
    return None


def _manual(namespace: Namespace, proxy: Container, templates: Templates) -> Injection:
    """The manifest already holds the sidecar."""
    return Injection(
        Answer.YES,
        "the manifest already holds the sidecar istio-proxy",
        proxy.path,
        templates.names,
        proxy.init,
        templates.gateway or proxy.args[1:2] in (("router",), ("waypoint",)),
        honours_annotations=False,
        manual=True,
        open_shift=OPEN_SHIFT in namespace.annotations,
    )


def _native(pod: PodTemplate, mesh: Mesh, templates: Templates) -> bool | None:
    """Whether istio-proxy becomes a native sidecar; any text but "false" means yes (injection-template.yaml).

    Of Istio's own templates only that one asks: an injected gateway is always an ordinary container.
    """
    if not templates.may_be_native:
        return False
    annotation = pod.annotations.get(NATIVE)
    return mesh.native_sidecars if not annotation else annotation != "false"


def _ambient(pod: PodTemplate, namespace: Namespace) -> str:
    """A note for pods that ztunnel carries, which knows no DestinationRule."""
    mode = pod.labels.get(AMBIENT_LABEL) or namespace.labels.get(AMBIENT_LABEL)
    return "; it is in ambient mode, where no DestinationRule applies without a waypoint" if mode == "ambient" else ""


def _field(pod: PodTemplate, field: str) -> str:
    return f"{pod.path}.{field}" if pod.path else field


def _label(pod: PodTemplate, key: str) -> str:
    return _field(pod, f'metadata.labels["{key}"]')


def _annotation(pod: PodTemplate, key: str) -> str:
    return _field(pod, f'metadata.annotations["{key}"]')
