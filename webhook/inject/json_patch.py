"""Creates the JSON Patch (RFC 6902) that injects volumes and mounts into a Pod or pod template."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from webhook.inject.template_writer import write
from webhook.kinds.workload import NO_TEMPLATES, Templates, read_workload, template_path
from webhook.model.expiry_horizon import Horizon
from webhook.model.injection_plan import NO_ADDITION, Addition
from webhook.model.raw_object import Manifest, dig, mapping
from webhook.model.request import Request
from webhook.trace.injection_plan import plan
from webhook.trace.managed_entries import is_outdated, without_own
from webhook.trace.pod_owner import origin
from webhook.trace.workload import WorkloadPicture
from webhook.view import ClusterView

Operation = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mutation:
    """The operations of a JSON Patch (RFC 6902) for one object; empty if nothing is added.

    origin_created: creationTimestamp of the workload that owns the object, '' if it is not in view.
    refused: message why the Pod is rejected for now. without: requested additions that the Pod starts without.
    not_judged: the reason of `NotJudged` if nothing could be planned.
    """

    operations: Sequence[Operation] = ()
    addition: Addition = NO_ADDITION
    origin_created: str = ""
    refused: str = ""
    without: Sequence[str] = ()
    not_judged: str = ""

    @property
    def outcome(self) -> str:
        """The outcome of a requested injection; '' if the object does not request injection."""
        if self.refused:
            return "waiting"
        if self.without or (self.addition.impossible and not self.operations):
            return "without"
        asks = self.addition.opted_in
        return "patched" if self.operations else "unchanged" if asks else ""


def mutate(request: Request, view: ClusterView, horizon: Horizon, further: Templates = NO_TEMPLATES) -> Mutation:
    """The mutation of a created or updated object. further: pod template paths of additional kinds from the policy."""
    path = template_path(request.ref.api_version, request.ref.kind, further)
    possible = ("CREATE",) if request.ref.kind == "Pod" else ("CREATE", "UPDATE")
    if path is None or request.operation not in possible or request.sub_resource:
        return Mutation()
    workload = read_workload(request.new, further)
    if workload is None or workload.terminating:
        return Mutation()
    picture = WorkloadPicture(without_own(replace(workload, ref=request.ref)), view, horizon)
    addition = plan(picture)
    outdated = is_outdated(workload.template, picture.declaration, addition)
    spec = addition.in_spec or replace(picture.pod, annotations={}) != replace(workload.template, annotations={})
    operations = _operations(request.new, path, addition, spec=spec) if outdated else ()
    stored = origin(view, workload) if addition.guessed else None
    return Mutation(operations, addition, stored.created if stored is not None else "")


def _operations(manifest: Manifest, path: Sequence[str], addition: Addition, *, spec: bool) -> Sequence[Operation]:
    """The JSON Patch between the template before and after, computed on the parts that injection can change."""
    import jsonpatch  # here, so that commands which never inject do not pay for it

    before = _skeleton(manifest, path, spec=spec)
    after = deepcopy(before)
    write(dig(after, *path) if path else after, addition)
    return tuple(jsonpatch.make_patch(before, after).patch)


def _skeleton(manifest: Manifest, path: Sequence[str], *, spec: bool) -> dict[str, Any]:
    """The object reduced to the fields that injection can change. spec: include volumes and containers."""
    template = mapping(dig(manifest, *path) if path else manifest)
    reduced: dict[str, Any] = {}
    if "metadata" in template:
        reduced["metadata"] = _only(template["metadata"], "annotations")
    if spec and "spec" in template:
        reduced["spec"] = _only(template["spec"], "volumes", "containers", "initContainers")
    for step in reversed(path):
        reduced = {step: reduced}
    return reduced


def _only(value: object, *keys: str) -> object:
    return {key: value[key] for key in keys if key in value} if isinstance(value, dict) else value
