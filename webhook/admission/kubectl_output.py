"""What a person at a terminal sees of an answer: the words that kubectl puts around ours.

For the demo, and for `review -o text`. Seen with kubectl 1.32 and 1.37; the refused patch that kubectl prints on an
update is left out.
"""

from collections.abc import Sequence

from webhook.admission.wire import Review
from webhook.kinds.registry import ISTIO_KINDS
from webhook.model.printable import printable
from webhook.model.raw_object import group_of
from webhook.model.request import Request

_DOING = {"CREATE": "creating", "UPDATE": "patching", "DELETE": "deleting"}
_DONE = {"CREATE": "created", "UPDATE": "configured", "DELETE": "deleted", "CONNECT": "connected"}
_ENTRIES = {
    **dict.fromkeys(ISTIO_KINDS, "istio"),
    "DestinationRule": "destinationrules",
    "Secret": "secrets",
}


def screen(request: Request, reply: Review, file: str) -> Sequence[str]:
    """The lines that `kubectl apply -f FILE` prints when the webhook answers so."""
    response = reply["response"]
    status = response.get("status")
    if status is not None:
        doing = _DOING.get(request.operation)
        error = f'error when {doing} "{printable(file)}": ' if doing else ""
        entry = f"{_ENTRIES.get(request.ref.kind, 'workloads')}.mtls-guard.io"
        message = f'{error}admission webhook "{entry}" denied the request: {status["message"]}'
        return f"Error from server ({status['reason']}): {message}".split("\n")
    return [*(f"Warning: {line}" for line in response.get("warnings", ())), _done(request)]


def _done(request: Request) -> str:
    """`deployment.apps/sample-app created`."""
    group = group_of(request.ref.api_version)
    kind = ".".join(word for word in (request.ref.kind.lower(), group) if word)
    dry = " (server dry run)" if request.dry_run else ""
    return printable(f"{kind}/{request.ref.name} {_DONE.get(request.operation, 'admitted')}{dry}")
