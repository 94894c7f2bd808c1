"""The HTTP ladder: which status and words each request meets, before anything is judged."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any
from unittest.mock import Mock

import pytest
from werkzeug.test import create_environ

from webhook.inject import Mutation
from webhook.logs import RequestLog as LogJournal
from webhook.model.deadline import NotJudged
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request
from webhook.web import MAX_BODY_BYTES, ReviewObserver, create_app
from webhook.web.request_body import ARRIVED

JSON = {"Content-Type": "application/json"}
ASK_V1 = 'write `admissionReviewVersions: ["v1"]` in the webhook configuration'
SERVED = "POST /validate and /mutate take an AdmissionReview, GET /healthz and GET /readyz tell how the server is\n"


class Notes:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:
        assert seconds >= 0
        self.lines.append(("answered", review.uid, verdict.word))

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:
        assert seconds >= 0
        self.lines.append(("mutated", review.uid, len(mutation.operations)))

    def unavailable(self, review: Request, reason: str) -> None:
        self.lines.append(("unavailable", review.uid, reason))

    def refused(self, status: int, problem: str) -> None:
        self.lines.append(("refused", status, problem))

    def failed(self, review: Request | None, error: Exception) -> None:
        self.lines.append(("failed", review.uid if review else "", type(error).__name__))


def review(**request: Any) -> bytes:
    """The bytes of an AdmissionReview v1 about a Pod, with some fields of the request changed."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "devel"}}
    asked = {
        "uid": "u-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "namespace": "devel",
        "name": "web",
        "operation": "CREATE",
        "object": pod,
    }
    wire = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked | request}
    return json.dumps(wire).encode()


def allow(request: Request) -> Verdict:
    """A judge that has nothing to say."""
    return Verdict(request.ref)


def call(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, waits: str = ""
) -> tuple[int, str]:
    """Status and text of one request to a server whose judge allows everything."""
    reply = (
        create_app(allow, lambda: waits, Notes()).test_client().open(path, method=method, data=body, headers=headers)
    )
    return reply.status_code, reply.text


LADDER: dict[str, tuple[tuple[Any, ...], int, str]] = {
    "a GET of /validate": (("GET", "/validate"), 405, f"GET /validate: Method Not Allowed: {SERVED}"),
    "a PUT of /validate": (("PUT", "/validate", b"{}", JSON), 405, f"PUT /validate: Method Not Allowed: {SERVED}"),
    "OPTIONS": (("OPTIONS", "/validate"), 405, f"OPTIONS /validate: Method Not Allowed: {SERVED}"),
    "an unknown path": (("POST", "/", b"{}", JSON), 404, f"POST /: Not Found: {SERVED}"),
    "a slash too many": (("POST", "/validate/", b"{}", JSON), 404, f"POST /validate/: Not Found: {SERVED}"),
    "a path that would forge a line": (("GET", "/x%0aok"), 404, f"GET /x\\nok: Not Found: {SERVED}"),
    "no content type": (("POST", "/validate", b"{}"), 415, "Content-Type: expected application/json, got none\n"),
    "a form": (
        ("POST", "/validate", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
        415,
        'Content-Type: expected application/json, got "application/x-www-form-urlencoded"\n',
    ),
    "a compressed body": (
        ("POST", "/validate", b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"}),
        415,
        'Content-Encoding: expected none, got "gzip"\n',
    ),
    "8 MiB": (
        ("POST", "/validate", b" " * 8 * 1024 * 1024, JSON),
        413,
        "the body has 8388608 bytes; at most 7340032 are read (an object of 3 MB, twice, with its envelope)\n",
    ),
    "nothing": (("POST", "/validate", b"", JSON), 400, "the body is not JSON: it is empty\n"),
    "no JSON": (
        ("POST", "/validate", b"kind: AdmissionReview\n", JSON),
        400,
        "the body is not JSON: unexpected character, expected a JSON value at line 1, column 1\n",
    ),
    "half a body": (
        ("POST", "/validate", b'{"kind":\n "Adm', JSON),
        400,
        "the body is not JSON: unexpected end of data at line 2, column 6\n",
    ),
    "invalid UTF-8": (
        ("POST", "/validate", b'{"kind": "\xff"}', JSON),
        400,
        "the body is not JSON: invalid UTF-8 at byte 10\n",
    ),
    "a number": (
        ("POST", "/validate", b"5", JSON),
        400,
        "the body: expected a JSON object, an AdmissionReview, got 5\n",
    ),
    "a List": (
        ("POST", "/validate", b'{"apiVersion": "v1", "kind": "List", "items": []}', JSON),
        400,
        'kind: expected "AdmissionReview", got "List"\n',
    ),
    "v1beta1": (
        ("POST", "/validate", b'{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}', JSON),
        400,
        f'apiVersion: expected "admission.k8s.io/v1", got "admission.k8s.io/v1beta1"; {ASK_V1}\n',
    ),
    "an answer instead of a request": (
        (
            "POST",
            "/validate",
            b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": null}',
            JSON,
        ),
        400,
        "request: expected an object, got null or nothing\n",
    ),
    "a uid that is a number": (
        ("POST", "/validate", review(uid=5), JSON),
        400,
        "request.uid: expected a string that is not empty, got 5\n",
    ),
    "a uid that is empty": (
        ("POST", "/validate", review(uid=""), JSON),
        400,
        'request.uid: expected a string that is not empty, got ""\n',
    ),
    "/healthz": (("GET", "/healthz"), 200, "ok\n"),
    "/readyz": (("GET", "/readyz"), 200, "ok\n"),
    "a content type with a character set": (
        ("POST", "/validate", review(), {"Content-Type": "Application/JSON; charset=utf-8"}),
        200,
        '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}',
    ),
    "the API server's query": (
        ("POST", "/validate?timeout=10s", review(), JSON),
        200,
        '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}',
    ),
}


@pytest.mark.parametrize("case", LADDER)
def test_each_request_meets_its_status_and_words(case: str) -> None:
    asked, status, text = LADDER[case]
    assert call(*asked) == (status, text)


def test_a_refused_method_is_told_the_allowed_one() -> None:
    assert create_app(allow, str, Notes()).test_client().get("/validate").headers["Allow"] == "POST"


def test_every_text_is_plain_so_that_client_go_hands_it_on() -> None:
    """client-go shows the body of a refusal only when it is text."""
    reply = create_app(allow, str, Notes()).test_client().post("/validate", data=b"x", headers=JSON)
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_before_the_first_sync_only_healthz_is_well() -> None:
    told = "not ready: waiting for the cluster to be read\n"
    asked: list[tuple[Any, ...]] = [("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/validate", review(), JSON)]
    answers = [call(*one, waits="the cluster to be read") for one in asked]
    assert answers == [(200, "ok\n"), (503, told), (503, told)]


def test_who_is_too_early_is_told_to_try_again_at_once() -> None:
    """client-go does, as `tests/live/test_retry.py` shows, and may meet another replica."""
    app = create_app(allow, lambda: "the cluster to be read", Notes())
    reply = app.test_client().post("/validate", data=review(), headers=JSON)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "0")
    assert "Retry-After" not in app.test_client().get("/readyz").headers


def test_a_review_has_taken_as_long_as_its_client_waits() -> None:
    notes = Mock()
    environ = {ARRIVED: perf_counter() - 5}
    create_app(allow, str, notes).test_client().post(
        "/validate", data=review(), headers=JSON, environ_overrides=environ
    )
    assert 5 <= notes.answered.call_args.args[2] < 60


def test_body_without_length_is_read_to_the_limit() -> None:
    body = io.BytesIO(b" " * (MAX_BODY_BYTES + 100))
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    app = create_app(allow, str, Notes())
    reply = app.test_client().post("/validate", headers=JSON, environ_overrides=environ)
    assert (reply.status_code, body.tell()) == (413, MAX_BODY_BYTES + 1)


def test_a_body_that_breaks_off_is_the_clients_fault_and_said_so() -> None:
    class BrokenStream(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError("gone")

    reply = (
        create_app(allow, str, Notes())
        .test_client()
        .post("/validate", headers=JSON, environ_overrides={"wsgi.input": BrokenStream(), "CONTENT_LENGTH": "5"})
    )
    assert (reply.status_code, reply.text) == (400, "the body cannot be read to its end: OSError\n")


def test_a_judge_that_raises_admits_with_a_warning_and_the_uid() -> None:
    notes = Notes()

    def stumble(_request: Request) -> Verdict:
        raise RecursionError("-----BEGIN PRIVATE KEY-----")

    reply = create_app(stumble, str, notes).test_client().post("/validate", data=review(), headers=JSON)
    warning = (
        "Pod devel/web: this webhook failed while judging the object, which is therefore admitted unjudged; "
        "see the webhook's log under this request's uid [internal-error]"
    )
    assert reply.get_json()["response"] == {"uid": "u-1", "allowed": True, "warnings": [warning]}
    assert notes.lines == [("failed", "u-1", "RecursionError"), ("answered", "u-1", "warn")]


def test_error_before_reading_is_a_refusal() -> None:
    notes = Notes()

    def stumble() -> str:
        raise KeyError("secret")

    reply = create_app(allow, stumble, notes).test_client().post("/validate", data=review(), headers=JSON)
    assert (reply.status_code, reply.text, notes.lines) == (
        400,
        "the request could not be read: a fault of this webhook, see its log\n",
        [("failed", "", "KeyError")],
    )


def test_the_journal_is_told_of_answers_and_refusals() -> None:
    notes = Notes()

    def deny(request: Request) -> Verdict:
        return Verdict(request.ref, (Finding("r", Severity.DENY, request.ref, "spec", "is wrong", "mend it"),))

    client = create_app(deny, str, notes).test_client()
    for body in (review(uid="u-2"), b"[]"):
        client.post("/validate", data=body, headers=JSON)
    refusal = "the body: expected a JSON object, an AdmissionReview, got a list"
    assert notes.lines == [("answered", "u-2", "deny"), ("refused", 400, refusal)]


def test_answer_is_sent_before_it_is_logged() -> None:
    for taken in (True, False):
        notes = Notes()
        environ = create_environ("/validate", method="POST", data=review(), headers=JSON)
        body = iter(create_app(allow, str, notes).wsgi_app(environ, Mock()))
        assert (b'"allowed":true' in next(body), notes.lines) == (True, [])
        if taken:
            assert list(body) == []
        else:
            body.close()  # type: ignore[attr-defined]  # a generator, as the server closes it
        assert notes.lines == [("answered", "u-1", "allow")]


def test_an_answer_that_cannot_be_noted_stays_an_answer() -> None:
    notes = Notes()
    notes.answered = Mock(side_effect=OSError("no space left"))  # type: ignore[method-assign]  # as a full disk
    reply = create_app(allow, str, notes).test_client().post("/validate", data=review(), headers=JSON)
    assert (reply.status_code, reply.get_json()["response"]["allowed"]) == (200, True)
    assert notes.lines == [("failed", "", "OSError")]


def test_the_log_is_a_journal() -> None:
    """What the web tells is what the log takes; mypy holds it."""
    journal: ReviewObserver = LogJournal()
    assert isinstance(journal, LogJournal)


def test_object_of_wrong_type_is_answered_with_uid() -> None:
    client = create_app(allow, str, Notes()).test_client()
    odd: dict[str, dict[str, Any]] = {
        "request.object: expected an object, got a list": {"object": [1]},
        f'request.object: expected an object, got "{"x" * 56}...': {"object": "x" * 90},
        'request.operation: expected one of CREATE, UPDATE, DELETE, CONNECT, got "READ"': {"operation": "READ"},
        "request.oldObject: expected an object, got 5": {"operation": "DELETE", "object": None, "oldObject": 5},
    }
    said = [
        client.post("/validate", data=review(**fields), headers=JSON).get_json()["response"] for fields in odd.values()
    ]
    assert said == [{"uid": "u-1", "allowed": True, "warnings": [f"{text}; nothing was judged"]} for text in odd]


def test_the_judge_sees_the_object_as_the_request_names_it() -> None:
    seen: list[Request] = []

    def look(request: Request) -> Verdict:
        seen.append(request)
        return Verdict(request.ref)

    client = create_app(look, str, Notes()).test_client()
    made = {"metadata": {"generateName": "web-"}}
    client.post("/validate", data=review(name="", object=made, dryRun=True), headers=JSON)
    ref = ObjectRef("v1", "Pod", "devel", "web-*")
    metadata = {"generateName": "web-", "namespace": "devel", "name": "web-*"}
    new = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    assert seen == [Request("u-1", "CREATE", ref, new, {}, dry_run=True)]


@pytest.mark.parametrize(
    ("query", "seconds"), [("?timeout=2s", 2.0), ("?a=b&timeout=30s", 30.0), ("", 3.0), ("?timeout=soon", 3.0)]
)
def test_the_judge_is_told_for_how_long_the_api_server_waits(query: str, seconds: float) -> None:
    seen: list[float] = []

    def look(request: Request) -> Verdict:
        seen.append(request.seconds)
        return Verdict(request.ref)

    create_app(look, str, Notes()).test_client().post(f"/validate{query}", data=review(), headers=JSON)
    assert seen == [seconds]


def test_mutate_returns_an_applicable_patch() -> None:
    notes = Notes()
    patch = [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]
    app = create_app(allow, str, notes, lambda _: Mutation(patch))
    reply = app.test_client().post("/mutate", data=review(), headers=JSON).json
    assert reply is not None
    answer = reply["response"]
    assert (answer["uid"], answer["allowed"], answer["patchType"]) == ("u-1", True, "JSONPatch")
    assert json.loads(base64.b64decode(answer["patch"])) == patch
    assert notes.lines == [("mutated", "u-1", 1)]


def test_failing_mutation_admits_with_a_warning() -> None:
    notes = Notes()

    def fail(_: Request) -> Mutation:
        raise RuntimeError("secret words")

    reply = create_app(allow, str, notes, fail).test_client().post("/mutate", data=review(), headers=JSON).json
    assert reply is not None
    assert reply["response"]["allowed"] is True
    assert "patch" not in reply["response"]
    assert "[internal-error]" in reply["response"]["warnings"][0]
    assert "secret words" not in json.dumps(reply)
    assert notes.lines[0] == ("failed", "u-1", "RuntimeError")


def late(*, admits: bool) -> Callable[[Request], Any]:
    """A judge whose time is over."""

    def judge(_: Request) -> Any:
        error = NotJudged("deadline", "the time for this review (3 s) was over")
        error.admits = admits
        raise error

    return judge


def test_a_review_that_was_not_judged_is_admitted_with_a_warning() -> None:
    app = create_app(late(admits=True), str, Notes(), late(admits=True))
    answers: list[Any] = [
        app.test_client().post(path, data=review(), headers=JSON).json for path in ("/validate", "/mutate")
    ]
    why = "not judged because the time for this review (3 s) was over"
    again = "apply it again; mtls-guard doctor says more"
    assert [one["response"] for one in answers] == [
        {"uid": "u-1", "allowed": True, "warnings": [f"Pod devel/web: {why}; {again} [not-judged]"]},
        {"uid": "u-1", "allowed": True, "warnings": [f"Pod devel/web: nothing injected: {why} [not-judged]"]},
    ]


@pytest.mark.parametrize("path", ["/validate", "/mutate"])
def test_unjudged_review_is_unanswered_with_the_switch(path: str) -> None:
    notes = Notes()
    app = create_app(late(admits=False), str, notes, late(admits=False))
    reply = app.test_client().post(path, data=review(), headers=JSON)
    why = "not judged because the time for this review (3 s) was over"
    assert (reply.status_code, reply.text) == (503, f"{why}\n")
    assert notes.lines == [("unavailable", "u-1", "deadline"), ("refused", 503, why)]


def test_server_waiting_time_counts() -> None:
    gone: list[float] = []

    def look(request: Request) -> Verdict:
        gone.append(request.gone)
        return Verdict(request.ref)

    environ = create_environ("/validate", method="POST", data=review(), headers=JSON)
    environ["mtls_guard.arrived"] = perf_counter() - 2
    list(create_app(look, str, Notes()).wsgi_app(environ, Mock()))
    assert 2 <= gone[0] < 2.5
