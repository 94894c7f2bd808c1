"""Log lines: one line each, whatever a request puts into them, and nothing of an object but its name."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook import logs
from webhook.logs import Form, RequestLog
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.request import Request

REF = ObjectRef("apps/v1", "Deployment", "devel", "sample-app")
FAULT = Finding("file-not-mounted", Severity.DENY, REF, "spec", "is wrong", "mend it")


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    """Loggers are the process's own: leaves them as they were."""
    names = (logs.NAME, "gunicorn.error")
    held = [(logging.getLogger(name), logging.getLogger(name).handlers[:]) for name in names]
    yield
    for log, handlers in held:
        log.handlers[:] = handlers


def written(form: Form, review: Request, verdict: Verdict) -> str:
    """What the log holds after one review."""
    stream = io.StringIO()
    logs.set_up(form, stream)
    RequestLog().answered(review, verdict, 0.0004123)
    return stream.getvalue()


def without_time(line: str) -> dict[str, Any]:
    """A JSON line without its only field that differs from run to run."""
    fields: dict[str, Any] = json.loads(line)
    return {key: value for key, value in fields.items() if key != "time"}


def test_review_is_one_json_line_without_the_object() -> None:
    review = Request("u-1", "UPDATE", REF, {"spec": {"secret": "x"}}, {"spec": {}}, dry_run=True, user="jane")
    assert without_time(written("json", review, Verdict(REF, (FAULT, FAULT)))) == {
        "level": "info",
        "message": "review answered",
        "uid": "u-1",
        "operation": "UPDATE",
        "kind": "Deployment",
        "namespace": "devel",
        "name": "sample-app",
        "verdict": "deny",
        "rules": ["file-not-mounted"],
        "milliseconds": 0.412,
        "dryRun": True,
    }


def test_the_text_form_says_the_same_in_words() -> None:
    line = written("text", Request("u 1", "CREATE", REF), Verdict(REF, (FAULT,)))
    assert line.split(" ", 1)[1] == (
        'info    review answered uid="u 1" operation=CREATE kind=Deployment namespace=devel name=sample-app '
        "verdict=deny rules=file-not-mounted milliseconds=0.412 dryRun=false\n"
    )


def test_the_time_is_utc_to_the_millisecond() -> None:
    told = json.loads(written("json", Request("u", "CREATE", REF), Verdict(REF)))["time"]
    assert (told[10], told[19], told[23:], len(told)) == ("T", ".", "Z", 24)


@given(text=st.text(), form=st.sampled_from(("json", "text")))
def test_request_text_adds_no_line_or_control_character(text: str, form: Form) -> None:
    ref = ObjectRef(text, text, text, text)
    line = written(form, Request(text, text, ref), Verdict(ref))
    assert line.endswith("\n")
    assert line[:-1].isprintable()


def test_a_field_is_cut() -> None:
    line = written("json", Request("u" * 5_000_000, "CREATE", REF), Verdict(REF))
    assert without_time(line)["uid"] == "u" * 317 + "..."


def test_an_error_is_told_by_type_and_place_never_by_its_words() -> None:
    stream = io.StringIO()
    logs.set_up("json", stream)
    try:
        json.loads("-----BEGIN PRIVATE KEY-----")
    except ValueError as error:
        RequestLog().failed(Request("u-1", "CREATE", REF), error)
    fields = without_time(stream.getvalue())
    where = fields.pop("where")
    assert fields == {"level": "error", "message": "internal error", "uid": "u-1", "error": "JSONDecodeError"}
    assert where.split(" > ")[0].split(":")[0] == "test_logs.py"


def test_an_exception_that_gunicorn_logs_is_one_line_too() -> None:
    stream = io.StringIO()
    logs.set_up("json", stream)
    try:
        io.StringIO().fileno()
    except OSError:
        logging.getLogger("gunicorn.error").exception("Socket error\nprocessing request.")
    fields = without_time(stream.getvalue())
    fields.pop("where")
    assert fields == {
        "level": "error",
        "message": "Socket error\\nprocessing request.",
        "error": "UnsupportedOperation",
    }
