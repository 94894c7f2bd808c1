"""Answers a review of `/mutate`: always allowed, with a patch where injection adds something.

Whether an object is right is said by `/validate`, which sees it after every mutation; what keeps injection from adding
is said there too, and here as a warning. What is added is left to `inject`.
"""

import base64
from collections.abc import Callable

import orjson

from webhook.admission.reading import settle
from webhook.admission.wire import Response, Review, enveloped
from webhook.inject import Mutation
from webhook.model.line import cut
from webhook.model.request import Request


def respond_mutation(
    request: Request, mutate: Callable[[Request], Mutation], failed: Callable[[Exception], None]
) -> tuple[Mutation, Review]:
    """The mutation and the answer to the review, whatever happens.

    failed: told when planning raises, which is a fault of ours; the object then passes unchanged, with a warning.
    """
    try:
        mutation = Mutation() if settle(request) else mutate(request)
        return mutation, _answer(request, mutation)
    except Exception as error:  # noqa: BLE001  # whatever it is, the API server gets an answer with the uid
        failed(error)
        warning = f"{request.ref}: injection failed inside mtls-guard and added nothing; see its log [internal-error]"
        return Mutation(), enveloped({"uid": request.uid, "allowed": True, "warnings": [cut(warning)]})


def _answer(request: Request, mutation: Mutation) -> Review:
    response: Response = {"uid": request.uid, "allowed": True}
    if mutation.operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(mutation.operations)).decode()
    if mutation.addition.obstacles:
        told = (f"{request.ref}: nothing injected: {one.problem}; {one.fix}" for one in mutation.addition.obstacles)
        response["warnings"] = [cut(line) for line in told][:12]
    return enveloped(response)
