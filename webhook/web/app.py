"""HTTP for the API server and the kubelet: paths, methods, sizes and status codes. Makes no decision about any object.

What a review means is left to `admission`, whether an object may pass to whoever is handed in as `judge`, TLS and
connections to the server around it. The only importer of flask.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from webhook.admission import BadReview, read_review, respond, respond_mutation
from webhook.inject import Mutation
from webhook.model.deadline import NotJudged
from webhook.model.finding import Verdict
from webhook.model.printable import cut, printable
from webhook.model.request import Request as Review
from webhook.web.request_body import ARRIVED, JSON, MAX_BODY_BYTES, discard, read_body, too_large, unacceptable, waited

_TEXT = "text/plain; charset=utf-8"
_SERVED = "POST /validate and /mutate take an AdmissionReview, GET /healthz and GET /readyz tell how the server is"


class ReviewObserver(Protocol):
    """Who is told of what was answered; never handed a manifest by the web."""

    def answered(self, review: Review, verdict: Verdict, seconds: float) -> None:
        """A review was answered."""

    def mutated(self, review: Review, mutation: Mutation, seconds: float) -> None:
        """A review was answered with a patch, or with none."""

    def unavailable(self, review: Review, reason: str) -> None:
        """A review was not judged, and got no answer. reason: of `NotJudged`."""

    def refused(self, status: int, problem: str) -> None:
        """A request was refused that is no review we could answer."""

    def failed(self, review: Review | None, error: Exception) -> None:
        """Something of ours raised; the review, if it was read by then, was answered all the same."""


_Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Answered = tuple[Mapping[str, Any], Callable[[], None]]
"""The answer, and what to do once it is on its way: nobody shall wait for a log line."""
Answer = Callable[[Review, float], Answered]
"""The answer to a review that could be read; also told since when its client waits, in seconds of `perf_counter`."""


def create_app(
    judge: Callable[[Review], Verdict],
    waits: Callable[[], str],
    journal: ReviewObserver,
    mutate: Callable[[Review], Mutation] = lambda _: Mutation(),
    unready: Callable[[], str] = lambda: "",
) -> Flask:
    """The WSGI application.

    judge: the verdict on a request; may raise, which then warns instead of denying.
    waits: what the server still waits for before it can judge, '' once it can.
    mutate: what injection adds to the object of a request; may raise, which then adds nothing.
    unready: what else is waited for before reviews should be sent here; one that comes all the same is answered.
    """
    app = Flask("mtls-guard", static_folder=None)
    reviews = {
        "/validate": _Reviews(_validating(judge, journal), waits, journal),
        "/mutate": _Reviews(_mutating(mutate, journal), waits, journal),
        "/mutate/last": _Reviews(_mutating(lambda review: mutate(replace(review, last=True)), journal), waits, journal),
    }
    for path in reviews:  # for flask to say which methods there are; whatever is posted there, the shortcut takes
        app.add_url_rule(path, path[1:], methods=["POST"], provide_automatic_options=False)
    app.wsgi_app = _Shortcut(reviews, app.wsgi_app, journal)  # type: ignore[method-assign]  # flask's own way
    app.add_url_rule("/healthz", "healthz", lambda: _text(200, "ok"), provide_automatic_options=False)
    app.add_url_rule("/readyz", "readyz", lambda: _readiness(waits() or unready()), provide_automatic_options=False)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, lambda error: _fault(error, journal))
    return app


def _validating(judge: Callable[[Review], Verdict], journal: ReviewObserver) -> Answer:
    """Answers with a verdict."""

    def answer(review: Review, started: float) -> Answered:
        """The verdict as an AdmissionReview."""
        verdict, reply = respond(review, judge, lambda error: journal.failed(review, error))
        return reply, partial(journal.answered, review, verdict, perf_counter() - started)

    return answer


def _mutating(mutate: Callable[[Review], Mutation], journal: ReviewObserver) -> Answer:
    """Answers with a patch."""

    def answer(review: Review, started: float) -> Answered:
        """The mutation as an AdmissionReview."""
        mutation, reply = respond_mutation(review, mutate, lambda error: journal.failed(review, error))
        return reply, partial(journal.mutated, review, mutation, perf_counter() - started)

    return answer


class _Shortcut:
    """Leads posted reviews past flask, whose routing and contexts would cost a quarter of what an answer takes."""

    def __init__(self, reviews: "Mapping[str, _Reviews]", flask_app: _Wsgi, journal: ReviewObserver) -> None:
        self.reviews, self.others, self.journal = reviews, flask_app, journal

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The answer to one request, by the WSGI protocol."""
        reviews = self.reviews.get(environ.get("PATH_INFO", "")) if environ["REQUEST_METHOD"] == "POST" else None
        if reviews is None:
            return self.others(environ, start_response)
        reply: Response | _Answered
        try:
            reply = reviews(environ)
        except Exception as error:  # noqa: BLE001  # as flask's handler for everything else
            reply = _fault(error, self.journal)
        return reply(environ, start_response)


class _Answered:
    """The answer to a review, by the WSGI protocol alone: half of what a Response costs is for what no review needs."""

    def __init__(self, body: bytes, after: Callable[[], None]) -> None:
        """after: called once the server has sent the body, or could not."""
        self.body, self.after = body, after

    def __call__(self, _: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """Sends it."""
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(self.body)))])
        return self._sent()

    def _sent(self) -> Iterator[bytes]:
        try:
            yield self.body
        finally:
            self.after()


class _Reviews:
    """What stands behind `/validate` and `/mutate`: a ladder of refusals, then one answer."""

    def __init__(self, answer: Answer, waits: Callable[[], str], journal: ReviewObserver) -> None:
        self.answer, self.waits, self.journal = answer, waits, journal

    def __call__(self, environ: Mapping[str, Any]) -> "Response | _Answered":
        """The answer to the review in the body of a request."""
        started = environ.get(ARRIVED) or perf_counter()
        missing = self.waits()
        if missing:
            return self._try_again(f"not ready: waiting for {missing}")
        problem = unacceptable(environ)
        if problem:
            discard(environ)
            return self._refuse(*problem)
        try:
            body = read_body(environ)
        except Exception as error:  # noqa: BLE001  # each server has its own for a broken chunk or a client that left
            return self._refuse(400, f"the body cannot be read to its end: {type(error).__name__}")
        if len(body) > MAX_BODY_BYTES:
            return self._refuse(413, too_large(f"more than {MAX_BODY_BYTES}"))
        try:
            review = read_review(body)
        except BadReview as error:
            return self._refuse(400, str(error))
        seconds = waited(environ) or review.seconds
        gone = perf_counter() - started
        return self._answered(replace(review, seconds=seconds, gone=gone), started)

    def _answered(self, review: Review, started: float) -> "Response | _Answered":
        """The answer to the review, 503 where there is to be none."""
        try:
            reply, after = self.answer(review, started)
        except NotJudged as error:
            self.journal.unavailable(review, error.reason)
            return self._refuse(503, f"not judged because {error}")
        return _Answered(orjson.dumps(reply), partial(self._note, after))

    def _note(self, after: Callable[[], None]) -> None:
        """Has an answer noted that has been sent, and can only be noted as it is."""
        try:
            after()
        except Exception as error:  # noqa: BLE001  # the answer is out; the connection shall stay
            self.journal.failed(None, error)

    def _refuse(self, status: int, problem: str) -> Response:
        """A refusal in words, also for the log."""
        self.journal.refused(status, problem)
        return _text(status, problem)

    def _try_again(self, problem: str) -> Response:
        """A refusal after which client-go sends the review again at once, perhaps to another replica."""
        reply = self._refuse(503, problem)
        reply.headers["Retry-After"] = "0"
        return reply


def _readiness(missing: str) -> Response:
    """200 when the server can judge, else 503 with what it waits for."""
    return _text(503, f"not ready: waiting for {missing}") if missing else _text(200, "ok")


def _http_error(error: HTTPException) -> Response:
    """What flask itself refuses: an unknown path, a wrong method."""
    status = error.code or 400
    hint = f": {_SERVED}" if status in (404, 405) else ""
    request_line = f"{request.method} {cut(request.path, 120)}"
    reply = _text(status, f"{request_line}: {error.name}{hint}")
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        reply.headers["Allow"] = ", ".join(sorted(allowed))
    return reply


def _fault(error: Exception, journal: ReviewObserver) -> Response:
    """A fault of ours before the review was read: refused, so that the webhook's failurePolicy decides."""
    journal.failed(None, error)
    return _text(400, "the request could not be read: a fault of this webhook, see its log")


def _text(status: int, line: str) -> Response:
    """A one-line answer for people, which client-go hands on to them."""
    return Response(printable(line) + "\n", status, content_type=_TEXT)
