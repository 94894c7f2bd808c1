"""Which controllers create objects of a kind: what they create has a template that was judged with the controller.

Group and kind of the owner count. Whether the owner exists is not looked at: the garbage collector deletes an object
whose owner does not.
"""

from collections.abc import Container, Mapping
from typing import Any

from webhook.kinds.registry import REGISTRY, GroupKind
from webhook.model.raw_object import group_of, sequence, text
from webhook.model.workload import Workload

CREATORS: Mapping[GroupKind, tuple[GroupKind, ...]] = {
    entry.group_kind: entry.creators for entry in REGISTRY if entry.creators
}
"""By the kind that is created: the judged controllers that create it. A kind that a policy adds may create any."""


def controller_of(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The owner reference of the controller, {} where there is none."""
    for owner in sequence(metadata.get("ownerReferences")):
        if isinstance(owner, dict) and owner.get("controller") is True:
            return owner
    return {}


def is_created(created: GroupKind, owner: Mapping[str, Any], further: Container[GroupKind]) -> bool:
    """Whether the owner is a controller whose template was judged. further: kinds that the policy adds."""
    creator = (group_of(text(owner.get("apiVersion"))), text(owner.get("kind")))
    return creator in CREATORS.get(created, ()) or creator in further


def is_controlled(workload: Workload, further: Container[GroupKind]) -> bool:
    """Whether a controller of a kind that is judged made the workload, so that its template was judged already."""
    owner = {"apiVersion": workload.controller_version, "kind": workload.controller}
    return is_created((group_of(workload.ref.api_version), workload.ref.kind), owner, further)
