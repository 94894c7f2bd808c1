"""Reads whatever makes pods into a Workload: the built-in kinds, Argo Rollouts, and kinds that a policy adds.

What the pod template holds is read by `pod`.
"""

from collections.abc import Mapping
from typing import Any

from webhook.kinds.controllers import controller_of
from webhook.kinds.pod_template import read_pod
from webhook.kinds.registry import WORKLOAD_KINDS
from webhook.kinds.volume_claim_templates import with_claims
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import Manifest, dig, group_of, mapping, namespace_of, number, sequence, text, texts
from webhook.model.workload import Workload

TEMPLATE_PATHS: Mapping[str, tuple[str, ...]] = {
    kind: entry.template for kind, entry in WORKLOAD_KINDS.items() if entry.template is not None
}
"""The path of the pod template in objects of each built-in kind; () for a Pod, which has none of its own."""

Templates = Mapping[tuple[str, str], tuple[str, ...]]
"""The way to the pod template of further kinds, by API group and kind."""
NO_TEMPLATES: Templates = {}


def template_path(api_version: str, kind: str, further: Templates = NO_TEMPLATES) -> tuple[str, ...] | None:
    """Where the pod template of a kind stands, None where it has none; a `Job` of another group is another kind."""
    group = group_of(api_version)
    if kind in TEMPLATE_PATHS and (not api_version or group in WORKLOAD_KINDS[kind].groups):
        return TEMPLATE_PATHS[kind]
    return further.get((group, kind))


def read_workload(manifest: object, further: Templates = NO_TEMPLATES) -> Workload | None:
    """The workload, or None when the object makes no pods. further: kinds beside the built-in ones."""
    found = mapping(manifest)
    steps = template_path(text(found.get("apiVersion")), text(found.get("kind")), further)
    if steps is None:
        return None
    metadata = mapping(found.get("metadata"))
    ref = _ref(found, metadata)
    owner, template = controller_of(metadata), dig(found, *steps)
    pod = read_pod(mapping(template), ".".join(steps), ref.namespace)
    return Workload(
        ref,
        with_claims(pod, found) if ref.kind == "StatefulSet" else pod,
        texts(metadata.get("labels")),
        texts(metadata.get("annotations")),
        text(owner.get("kind")),
        text(owner.get("name")),
        text(owner.get("apiVersion")),
        text(metadata.get("creationTimestamp")),
        _finished(found, metadata, ref.kind, owned=bool(owner)),
        _template_elsewhere(found) if ref.kind == "Rollout" else "",
        texts(dig(found, "spec", "jobTemplate", "metadata", "annotations")) if ref.kind == "CronJob" else {},
        template_missing=not isinstance(template, dict) and template_path(ref.api_version, ref.kind) is None,
    )


def _ref(manifest: Manifest, metadata: Mapping[str, Any]) -> ObjectRef:
    name = text(metadata.get("name"))
    prefix = "" if name else text(metadata.get("generateName"))
    return ObjectRef(
        text(manifest.get("apiVersion")),
        text(manifest.get("kind")),
        namespace_of(manifest),
        f"{prefix}*" if prefix else name,
    )


def _finished(manifest: Manifest, metadata: Mapping[str, Any], kind: str, *, owned: bool) -> bool:
    """Whether it makes no pods any more: going, done, or an old ReplicaSet that its Deployment keeps for a rollback."""
    if metadata.get("deletionTimestamp"):
        return True
    if kind == "Pod":
        return dig(manifest, "status", "phase") in ("Succeeded", "Failed")
    if kind == "Job":
        conditions = sequence(dig(manifest, "status", "conditions"))
        return any(_true(condition, "Complete") or _true(condition, "Failed") for condition in conditions)
    return kind == "ReplicaSet" and owned and number(dig(manifest, "spec", "replicas")) == 0


def _true(condition: object, kind: str) -> bool:
    return bool(dig(condition, "type") == kind and dig(condition, "status") == "True")


def _template_elsewhere(manifest: Manifest) -> str:
    """`Deployment/sample-app` when a Rollout takes the template of another object (argo-rollouts, spec.workloadRef)."""
    reference = mapping(dig(manifest, "spec", "workloadRef"))
    name = text(reference.get("name"))
    return f"{text(reference.get('kind'))}/{name}" if name else ""
