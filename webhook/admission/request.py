"""Reads the bytes of an AdmissionReview into a Request; any JSON value may stand in any field.

Leaves the object itself to the readers of `kinds` and `istio`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from webhook.admission.object_names import invalid_name
from webhook.admission.wire import API_VERSION, KIND
from webhook.decoding.json_text import MAX_DEPTH, too_deep
from webhook.model.finding import ObjectRef, Verdict
from webhook.model.printable import cut
from webhook.model.raw_object import mapping, text
from webhook.model.request import Request

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
_QUOTED_CHARACTERS = 60
_ONE_VERSION = '; write `admissionReviewVersions: ["v1"]` in the webhook configuration'
"""v1beta1 is refused: every API server since 1.16 speaks v1, and one wire format is one to test."""


class BadReview(ValueError):
    """No AdmissionReview that could be answered with its uid; the text says what, where, and what is allowed."""


def read_review(body: bytes) -> Request:
    """The request that an AdmissionReview of `admission.k8s.io/v1` carries.

    Of a key that stands twice the last counts, as in the API server. An object without its own namespace, name,
    kind or apiVersion gets those of the request. A request whose uid can be read is always read, see `Request.odd`.

    Raises:
        BadReview: it is no AdmissionReview, has no uid, or names its object as Kubernetes never would; answer with
            HTTP 400 and the text.
    """
    review = _parse(body)
    _expect(review.get("kind") == KIND, "kind", f'"{KIND}"', review.get("kind"))
    _expect(
        review.get("apiVersion") == API_VERSION,
        "apiVersion",
        f'"{API_VERSION}"',
        review.get("apiVersion"),
        _ONE_VERSION,
    )
    request = review.get("request")
    if not isinstance(request, dict):
        raise BadReview(_said("request", "an object", request))
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid:
        raise BadReview(_said("request.uid", "a string that is not empty", uid))
    return _read(uid, request)


def settle(request: Request) -> Verdict | None:
    """The verdict on a request that leaves nothing to judge: allowed, saying why; None for every other one."""
    return Verdict(request.ref, notes=(f"{request.odd}; nothing was judged",)) if request.odd else None


def _parse(body: bytes) -> Mapping[str, Any]:
    """The body as a JSON object."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadReview(f"the body is not JSON: {_complaint(error, body)}") from error
    if not isinstance(review, dict):
        raise BadReview(_said("the body", f"a JSON object, an {KIND}", review))
    if too_deep(review):
        raise BadReview(f"the body is nested deeper than {MAX_DEPTH} levels")
    return review


def _complaint(error: orjson.JSONDecodeError, body: bytes) -> str:
    """What the parser met and where: `unexpected end of data at line 2, column 4`."""
    if not body:
        return "it is empty"
    try:
        body.decode()
    except UnicodeDecodeError as broken:
        return f"invalid UTF-8 at byte {broken.start}"
    return f"{cut(error.msg, 120)} at line {error.lineno}, column {error.colno}"


def _read(uid: str, request: Mapping[str, Any]) -> Request:
    """The request behind a uid, whatever stands in the other fields."""
    operation = request.get("operation")
    new, old = request.get("object"), request.get("oldObject")
    main = mapping(new) or mapping(old)
    ref = _ref(request, main)
    return Request(
        uid=uid,
        operation=operation if isinstance(operation, str) else "",
        ref=ref,
        new=_completed(new, ref),
        old=_completed(old, ref),
        sub_resource=text(request.get("subResource")),
        dry_run=request.get("dryRun") is True,
        user=text(mapping(request.get("userInfo")).get("username")),
        field_manager=text(mapping(request.get("options")).get("fieldManager")),
        odd=_odd(operation, new, old),
    )


def _ref(request: Mapping[str, Any], manifest: Mapping[str, Any]) -> ObjectRef:
    """Which object is meant: by the request, then by the object's own words; a name to come ends in `*`.

    Raises:
        BadReview: Kubernetes would refuse its name.
    """
    requested_kind = mapping(request.get("kind"))
    metadata = mapping(manifest.get("metadata"))
    group, version, kind = (
        text(requested_kind.get("group")),
        text(requested_kind.get("version")),
        text(requested_kind.get("kind")),
    )
    api_version = f"{group}/{version}" if group and version else version
    kind = kind or text(manifest.get("kind"))
    prefix = text(metadata.get("generateName"))
    explicit_name = text(metadata.get("name")) or text(request.get("name"))
    name = explicit_name or (f"{prefix}*" if prefix else "")
    # Of a Namespace the API server says that it lies in itself.
    request_namespace = "" if kind == "Namespace" else text(request.get("namespace"))
    namespace = text(metadata.get("namespace")) or request_namespace
    ref = ObjectRef(api_version or text(manifest.get("apiVersion")), kind, namespace, name)
    if invalid := invalid_name(ref, generated=not explicit_name):
        raise BadReview(_said(f"the object's {invalid[0]}", *invalid[1:]))
    return ref


def _completed(manifest: object, ref: ObjectRef) -> dict[str, Any]:
    """The object with what only the request said of it: kind, apiVersion, namespace and name; {} when it is none."""
    if not isinstance(manifest, dict) or not manifest:
        return {}
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        metadata = manifest["metadata"] = {}
    for place, key, value in (
        (manifest, "apiVersion", ref.api_version),
        (manifest, "kind", ref.kind),
        (metadata, "namespace", ref.namespace),
        (metadata, "name", ref.name),
    ):
        if not place.get(key):
            place[key] = value
    return manifest


def _odd(operation: object, new: object, old: object) -> str:
    """What keeps a request from being judged: an unknown operation, or no object where one belongs; else ''."""
    if operation not in OPERATIONS:
        return _said("request.operation", f"one of {', '.join(OPERATIONS)}", operation)
    if new is not None and not isinstance(new, dict):
        return _said("request.object", "an object", new)
    if operation == "DELETE" and old is not None and not isinstance(old, dict):
        return _said("request.oldObject", "an object", old)
    return ""


def _expect(holds: bool, field: str, expected: str, value: object, hint: str = "") -> None:  # noqa: FBT001
    """Raises BadReview about the field unless the condition holds."""
    if not holds:
        raise BadReview(_said(field, expected, value) + hint)


def _said(field: str, expected: str, value: object) -> str:
    """`request.uid: expected a string that is not empty, got 5`."""
    return f"{field}: expected {expected}, got {_quoted(value)}"


def _quoted(value: object) -> str:
    """A JSON value for people: short and printable, containers by their kind."""
    if value is None:
        return "null or nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return cut(orjson.dumps(value).decode(), _QUOTED_CHARACTERS)
