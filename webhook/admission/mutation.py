"""Answers a review of `/mutate`: with a patch where injection adds something, and a denial for a Pod that has to wait.

Otherwise it is allowed. Whether an object is right is said by `/validate`, which sees it after every mutation; what
keeps injection from adding is said there too, and here as a warning. What is added is left to `inject`.
"""

import base64
from collections.abc import Callable, Iterator

import orjson

from webhook.admission.request import settle
from webhook.admission.wire import Cause, Response, Review, Status, enveloped
from webhook.inject import Mutation
from webhook.model.deadline import NotJudged
from webhook.model.printable import cut
from webhook.model.raw_object import group_of
from webhook.model.request import Request

SHOWN = 12
RULE = "injection-without-destinationrule"
"""The rule that says of the workload what its Pod waits for."""


def respond_mutation(
    request: Request, mutate: Callable[[Request], Mutation], failed: Callable[[Exception], None]
) -> tuple[Mutation, Review]:
    """The mutation and the answer to the review, whatever happens.

    failed: told when planning raises, which is a fault of ours; the object then passes unchanged, with a warning.

    Raises:
        NotJudged: there is to be no answer, for the API server to do what its failurePolicy says.
    """
    try:
        mutation = Mutation() if settle(request) else mutate(request)
        return mutation, _answer(request, mutation)
    except NotJudged as error:
        if not error.admits:
            raise
        warning = f"{request.ref}: nothing injected: not judged because {error} [not-judged]"
        allowed: Response = {"uid": request.uid, "allowed": True, "warnings": [cut(warning)]}
        return Mutation(not_judged=error.reason), enveloped(allowed)
    except Exception as error:  # noqa: BLE001  # whatever it is, the API server gets an answer with the uid
        failed(error)
        warning = f"{request.ref}: injection failed inside mtls-guard and added nothing; see its log [internal-error]"
        return Mutation(), enveloped({"uid": request.uid, "allowed": True, "warnings": [cut(warning)]})


def _answer(request: Request, mutation: Mutation) -> Review:
    if mutation.refused:
        return enveloped({"uid": request.uid, "allowed": False, "status": _refusal(request, mutation.refused)})
    response: Response = {"uid": request.uid, "allowed": True}
    if mutation.operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(mutation.operations)).decode()
    warnings = [cut(line) for line in _warnings(request, mutation)][:SHOWN]
    return enveloped({**response, "warnings": warnings} if warnings else response)


def _warnings(request: Request, mutation: Mutation) -> Iterator[str]:
    """What keeps injection from adding, and what a Pod starts without."""
    outcome = "not injected" if mutation.addition else "nothing injected"
    for obstacle in mutation.addition.obstacles:
        yield f"{request.ref}: {outcome}: {obstacle.problem}; {obstacle.fix}"
    for missing_object in mutation.without:
        yield f"{request.ref} starts without certificate files: {missing_object} is not there; restart it then [{RULE}]"


def _refusal(request: Request, why: str) -> Status:
    """A denial whose first line is all that an Event shows."""
    group, path = group_of(request.ref.api_version), "metadata.annotations"
    cause: Cause = {"reason": RULE, "message": why, "field": path}
    return {
        "status": "Failure",
        "message": f"{why}\nexplain: mtls-guard explain {RULE}",
        "reason": "Forbidden",
        "details": {"name": request.ref.name, "group": group, "kind": request.ref.kind, "causes": [cause]},
        "code": 403,
    }
