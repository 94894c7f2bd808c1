"""Names that Kubernetes itself would refuse: nothing is judged, and so nothing kept, under such a name.

Source: k8s.io/apimachinery v0.37, pkg/util/validation (IsDNS1123Subdomain, IsDNS1123Label) and pkg/api/validation
(NameIsDNSSubdomain, maskTrailingDash). Kinds that are not judged may have other names (a ClusterRole's has colons).
"""

import re

from webhook.kinds.registry import SHARED_KINDS, WORKLOAD_KINDS
from webhook.model.finding import ObjectRef

MAX_NAME, MAX_LABEL = 253, 63
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
_JUDGED = frozenset((*WORKLOAD_KINDS, *SHARED_KINDS))
_SUBDOMAIN_SAYS = f"a DNS subdomain of at most {MAX_NAME} characters (lower-case letters, digits, - and .)"
_LABEL_SAYS = f"a DNS label of at most {MAX_LABEL} characters (lower-case letters, digits and -)"


def invalid_name(ref: ObjectRef, *, generated: bool) -> tuple[str, str, str] | None:
    """The field, what Kubernetes expects there and the value, of the first name that it refuses; None for none.

    generated: the name is yet to be generated, `app-*`.
    """
    if not _is_label(ref.namespace):
        return "namespace", _LABEL_SAYS, ref.namespace
    if len(ref.kind) > MAX_LABEL:
        return "kind", f"at most {MAX_LABEL} characters", ref.kind
    if len(ref.api_version) > MAX_NAME + len("/") + MAX_LABEL:
        return "apiVersion", f"a group of at most {MAX_NAME} and a version of at most {MAX_LABEL}", ref.api_version
    name = re.sub("-$", "a", ref.name.removesuffix("*")) if generated else ref.name
    if len(name) > MAX_NAME or (name and ref.kind in _JUDGED and not _SUBDOMAIN.fullmatch(name)):
        return "name", _SUBDOMAIN_SAYS, ref.name
    return None


def _is_label(name: str) -> bool:
    return not name or (len(name) <= MAX_LABEL and _LABEL.fullmatch(name) is not None)
