"""Takes out of a raw object, before it is read, whatever no verdict looks at; what is left is all that memory holds.

The names here are those that `kinds` and the rules read; a field that a rule begins to read must stay.
"""

from sys import intern
from typing import Any

from webhook.informer.watched_kinds import WatchTarget
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.controllers import controller_of, is_created
from webhook.kinds.opt_in_annotations import PREFIX
from webhook.kinds.pruned_fields import LAST_APPLIED
from webhook.kinds.workload import TEMPLATE_PATHS, Templates
from webhook.model.raw_object import dig, mapping, sequence, text
from webhook.model.workload import PROXY
from webhook.trace.annotation_names import meant_by

LARGE = 1024
"""Characters of an annotation that no verdict looks at, above which it is not kept."""
_NOISE = ("managedFields", "selfLink", "generation", "finalizers")


def trim(item: dict[str, Any], followed: WatchTarget, further: Templates) -> dict[str, Any]:
    """The same object, changed: with the kind under which it is served, and without what takes room for nothing.

    further: workload kinds that the policy adds.
    """
    item["apiVersion"], item["kind"] = intern(followed.resource.api_version), followed.resource.kind
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        return item
    for name in _NOISE:
        metadata.pop(name, None)
    if isinstance(metadata.get("namespace"), str):
        metadata["namespace"] = intern(metadata["namespace"])
    _without_large(metadata)
    if followed.watched.kind == "Pod":
        _trim_pod(item, metadata, created=is_created(followed.watched.key, controller_of(metadata), further))
    elif followed.watched.kind not in _WITHOUT_TEMPLATE:
        _without(metadata, LAST_APPLIED)
        _trim_template(dig(item, *TEMPLATE_PATHS.get(followed.watched.kind, ("spec", "template"))))
    return item


_WITHOUT_TEMPLATE = frozenset({"DestinationRule"})
"""What was last applied tells which fields of a DestinationRule the API server has dropped."""


def _trim_pod(item: dict[str, Any], metadata: dict[str, Any], *, created: bool) -> None:
    """Of a Pod that a controller made, only its user volumes count, and whether it opts in to injection."""
    if not created:
        _without(metadata, LAST_APPLIED)
        return
    metadata.pop("creationTimestamp", None)
    annotations = mapping(metadata.get("annotations"))
    metadata["annotations"] = {name: value for name, value in annotations.items() if _of_a_pod(name)}
    if "spec" not in item:
        metadata.pop("labels", None)
    _trim_template(item)


def _of_a_pod(name: str) -> bool:
    return name in (USER_VOLUME, USER_VOLUME_MOUNT) or name.startswith(PREFIX)


def _without_large(metadata: dict[str, Any]) -> None:
    """Takes out large annotations that no verdict looks at; an object may have 256 KiB, and its template as much."""
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        for name in [name for name, value in annotations.items() if len(str(value)) > LARGE and not _counts(name)]:
            del annotations[name]


def _counts(name: str) -> bool:
    """Whether a verdict may look at the annotation: ours, Istio's, and what may be meant as one of these."""
    return "istio" in name or name.startswith(PREFIX) or name == LAST_APPLIED or meant_by(name) is not None


def _without(metadata: dict[str, Any], name: str) -> None:
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(name, None)


def _trim_template(template: object) -> None:
    """Images, arguments and variables of the application count for nothing; those of a proxy may."""
    if isinstance(metadata := dig(template, "metadata"), dict):
        _without_large(metadata)
    for listed in ("containers", "initContainers"):
        for container in sequence(dig(template, "spec", listed)):
            if isinstance(container, dict) and text(container.get("name")) != PROXY:
                for name in ("env", "image", "args", "command", "resources"):
                    container.pop(name, None)
