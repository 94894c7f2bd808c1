"""What can go wrong when the API server is asked: one family, by what the caller can do about it."""

from http import HTTPStatus

from webhook.model.printable import cut

_TOLD_CHARACTERS = 400


class ClusterError(Exception):
    """The API server did not do what it was asked. status: as HTTP has it, 0 when there was no answer.

    The text says what was asked and what came back; never a body that we sent, nor one of a Secret.
    """

    def __init__(self, problem: str, status: int = 0) -> None:
        super().__init__(problem)
        self.status = status


class ClusterUnavailable(ClusterError):
    """No answer, not in time, or one of a server in trouble; later it may. pause: seconds it asks us to wait."""

    def __init__(self, problem: str, status: int = 0, pause: float = 0.0) -> None:
        super().__init__(problem, status)
        self.pause = pause


class NotFound(ClusterError):
    """There is no such object, or no such kind."""


class Forbidden(ClusterError):
    """We may not; an administrator has to grant it."""


class Conflict(ClusterError):
    """It exists already, has changed since it was read, or another field manager owns the field."""


class Gone(ClusterError):
    """The resourceVersion or the continue token is too old: list anew."""


class Rejected(ClusterError):
    """The API server understood and refuses: an invalid object, an admission webhook's denial."""


_BY_STATUS: dict[int, type[ClusterError]] = {
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
}
_TROUBLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def error_of(asked: str, status: int, told: str, pause: float = 0.0) -> ClusterError:
    """The error for an answer. asked: `GET /api/v1/...`. told: the message of its Status object, '' if it has none."""
    problem = f"{asked}: {status}" + (f" {cut(told, _TOLD_CHARACTERS)}" if told else "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TROUBLE:
        return ClusterUnavailable(problem, status, pause)
    return _BY_STATUS.get(status, Rejected)(problem, status)
