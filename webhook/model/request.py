"""What the API server asks: one object to be created, changed or deleted."""

from dataclasses import dataclass, field

from webhook.model.finding import ObjectRef
from webhook.model.raw_object import Manifest


@dataclass(frozen=True, slots=True)
class Request:
    """One admission request, read. operation: CREATE, UPDATE, DELETE or CONNECT.

    new, old: the raw objects, empty where the operation has none. ref: of the object, also when its name is yet
    to be generated (then its prefix and a `*`). sub_resource: `status`, `scale`, ... or ''.
    odd: what in the request has a shape that leaves nothing to judge, in words, else ''.
    seconds: how long the API server waits for the answer. field_manager: as `options` of the request name it, '' if
    they do not. gone: how many of these seconds were over when the request was read. last: the object comes from the
    mutating webhook that is called after all others.
    """

    uid: str
    operation: str
    ref: ObjectRef
    new: Manifest = field(default_factory=dict)
    old: Manifest = field(default_factory=dict)
    sub_resource: str = ""
    dry_run: bool = False
    user: str = ""
    odd: str = ""
    seconds: float = 3.0
    field_manager: str = ""
    gone: float = field(default=0.0, compare=False)
    last: bool = False
