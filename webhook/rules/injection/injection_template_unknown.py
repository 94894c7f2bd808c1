"""The annotation `inject.istio.io/templates` names templates that the injector has.

## Why

The injector rejects a Pod that names an unknown template, including an empty name. The Deployment is accepted, and its
ReplicaSet gets an event `FailedCreate`. If the configuration of the injector is not known to mtls-guard, it warns only
about names that are similar to those of Istio's own templates, because custom templates can have any other name.

## Fix

Correct the name, or remove the annotation, which selects the template `sidecar`.

## Source

pkg/kube/inject/inject.go, `selectTemplates` and `RunTemplate` (Istio 1.31).
"""

from collections.abc import Iterator
from difflib import get_close_matches

from webhook.istio.injector.templates import BUILT_IN, TEMPLATES_ANNOTATION
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import annotation, quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, on the annotation."""
    template_names = picture.pod.annotations.get(TEMPLATES_ANNOTATION)
    if template_names is None or not picture.has_sidecar:
        return
    path = annotation(picture.pod.path, TEMPLATES_ANNOTATION)
    if picture.injection.refused:
        problem = f"{quote(template_names)}: {picture.injection.refused}; the injector refuses every Pod"
        yield Violation(picture.ref, path, problem, "remove it, or name a template of the injector, as sidecar")
    elif picture.view.mesh.templates is None:
        yield from _near(picture, path)


def _near(picture: WorkloadPicture, path: str) -> Iterator[Violation]:
    """Names that are none of Istio's own, and come near one."""
    for name in picture.injection.templates:
        near = get_close_matches(name, sorted(BUILT_IN), 1, 0.8) if name not in BUILT_IN else ()
        if near:
            problem = f"{quote(name)} is no template of Istio; unless it is your own, the injector refuses every Pod"
            yield Violation(picture.ref, path, problem, f"write {quote(near[0])}", certain=False)


RULE = RuleMetadata(
    title="The Pod selects an injection template that does not exist",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
