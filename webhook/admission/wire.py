"""The shapes of `admission.k8s.io/v1` that we write, and the envelope, as the API server reads them.

Source: https://github.com/kubernetes/api/blob/v0.34.0/admission/v1/types.go, and `Status` of
https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/apis/meta/v1/types.go
"""

from typing import Literal, NotRequired, TypedDict

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"


class Cause(TypedDict):
    """One finding for machines. reason: the rule's id; field: the path inside the object."""

    reason: str
    message: str
    field: str


class Details(TypedDict):
    """What was denied, and why, finding by finding."""

    name: str
    group: str
    kind: str
    causes: list[Cause]


class Status(TypedDict):
    """The refusal. message: what kubectl prints after `denied the request: `."""

    status: Literal["Failure"]
    message: str
    reason: Literal["Forbidden"]
    details: Details
    code: Literal[403]


class Response(TypedDict):
    """The answer to one request; `status` only when denied, `warnings` only when allowed.

    patch: a JSON Patch, base64-encoded, of an answer to `/mutate` that adds something.
    """

    uid: str
    allowed: bool
    status: NotRequired[Status]
    warnings: NotRequired[list[str]]
    patchType: NotRequired[Literal["JSONPatch"]]
    patch: NotRequired[str]


class Review(TypedDict):
    """The AdmissionReview that goes back."""

    apiVersion: str
    kind: str
    response: Response


def enveloped(response: Response) -> Review:
    """The envelope around a response."""
    return {"apiVersion": API_VERSION, "kind": KIND, "response": response}
