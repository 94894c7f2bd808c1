"""Log lines of the server: JSON for machines or text for people, each one line whatever stands in it.

A message is constant text, what varies are fields beside it. Never a manifest, never a byte of a Secret: of an
error of ours its type and place, not its words, which may quote either. What is worth a line is left to the callers.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import PurePath
from time import time
from typing import Literal, TextIO

import orjson

from webhook.inject import Mutation
from webhook.model.finding import Verdict
from webhook.model.printable import cut
from webhook.model.request import Request

Form = Literal["json", "text"]
NAME = "mtls_guard"
_FIELD_CHARACTERS = 320
_FRAMES = 6
_LOG = logging.getLogger(NAME)


def set_up(form: Form, stream: TextIO | None = None) -> None:
    """Sends what we log, and gunicorn's warnings, to the stream (stderr by default); may be called again."""
    # Nobody reads the thread and the process of a record; finding them out is a third of what a line costs.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = _Handler(stream or sys.stderr, JsonFormatter() if form == "json" else TextFormatter())
    for name, level in ((NAME, logging.INFO), ("gunicorn.error", logging.WARNING)):
        log = logging.getLogger(name)
        log.handlers[:] = [handler]
        log.propagate = False
        log.setLevel(level)


def tell(message: str, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    """Writes one line: a constant message, and what varies as fields."""
    for handler in _LOG.handlers if _LOG.isEnabledFor(level) else ():
        if isinstance(handler, _Handler):
            handler.put(level, message, fields)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes the records of libraries, and lines of ours without the record, which would cost most of the line."""

    def __init__(self, stream: TextIO, lines: "LineFormatter") -> None:
        super().__init__(stream)
        self.lines = lines
        self.setFormatter(lines)

    def put(self, level: int, message: str, fields: Mapping[str, object]) -> None:
        """Writes one line; a stream that takes none is no reason to fail."""
        line = self.lines.line(time(), logging.getLevelName(level), message, _made_safe(fields)) + self.terminator
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.stream.write(line)
            self.flush()


class RequestLog:
    """One line for each request that the web answered; `webhook.web.ReviewObserver` says what it is told."""

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:
        """Who asked for what, and what was said, by rule ids."""
        rules = list(dict.fromkeys(found.rule for found in verdict.findings))
        tell("review answered", _asked(review) | {"verdict": verdict.word, "rules": rules} | _took(review, seconds))

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:
        """Who asked for what, how many volumes and mounts were added, and how many obstacles kept others out."""
        addition = mutation.addition
        added = {"mounts": len(addition.mounts), "obstacles": len(addition.obstacles), "outcome": mutation.outcome}
        tell("mutation answered", _asked(review) | added | _took(review, seconds))

    def unavailable(self, review: Request, reason: str) -> None:
        """A review that was not judged, and why."""
        tell("review not judged", _asked(review) | {"reason": reason}, logging.WARNING)

    def refused(self, status: int, problem: str) -> None:
        """A request that was no review, and what was wrong with it."""
        tell("request refused", {"status": status, "problem": problem}, logging.WARNING)

    def failed(self, review: Request | None, error: Exception) -> None:
        """An error of ours: its type and the calls that led to it."""
        fields = {"uid": review.uid if review else "", **describe(error)}
        tell("internal error", fields, logging.ERROR)


def _asked(review: Request) -> dict[str, object]:
    """Which request it was."""
    ref = review.ref
    named = {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
    return {"uid": review.uid, "operation": review.operation, **named}


def _took(review: Request, seconds: float) -> dict[str, object]:
    """How long the answer took, and whether it was for a dry run."""
    return {"milliseconds": round(seconds * 1000, 3), "dryRun": review.dry_run}


def describe(error: BaseException) -> dict[str, object]:
    """Type and place of an error, innermost call last, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "where": " > ".join(where)}


class LineFormatter(logging.Formatter):
    """How a line is written."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        return self.line(record.created, record.levelname, _message(record), _fields(record))

    def line(self, seconds: float, level: str, message: str, fields: Mapping[str, object]) -> str:
        """One line. seconds: since 1970. fields: made safe already."""
        raise NotImplementedError


class JsonFormatter(LineFormatter):
    """`{"time": "2026-11-24T02:00:00.123Z", "level": "info", "message": "review answered", "uid": ...}`."""

    def line(self, seconds: float, level: str, message: str, fields: Mapping[str, object]) -> str:
        """One JSON object."""
        head = {"time": _time(seconds), "level": level.lower(), "message": message}
        return orjson.dumps({**head, **fields}, default=str).decode()


class TextFormatter(LineFormatter):
    """`2026-11-24T02:00:00.123Z info  review answered uid=705ab4f5 operation=CREATE kind=Deployment ...`."""

    def line(self, seconds: float, level: str, message: str, fields: Mapping[str, object]) -> str:
        """Words, then fields as `key=value`."""
        words = " ".join(f"{key}={_word(value)}" for key, value in fields.items())
        return f"{_time(seconds)} {level.lower():<7} {message} {words}".rstrip()


def _time(seconds: float) -> str:
    """When it was logged, in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    """The message; of a library's record it may hold foreign text."""
    return cut(record.getMessage(), _FIELD_CHARACTERS)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What varies, made safe; of a record with an exception also its type and place."""
    fields: dict[str, object] = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields |= describe(record.exc_info[1])
    return _made_safe(fields)


def _made_safe(fields: Mapping[str, object]) -> dict[str, object]:
    """The same fields, safe to show."""
    return {key: _safe(value) for key, value in fields.items()}


def _safe(value: object) -> object:
    """Text as one printable line of bounded length; numbers and truth values as they are."""
    if isinstance(value, str):
        return cut(value, _FIELD_CHARACTERS)
    return [_safe(item) for item in value] if isinstance(value, list | tuple) else value


def _word(value: object) -> str:
    """A value in a text line: bare when it is one plain word, else as JSON."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or '""'
    bare = isinstance(value, str) and value and not any(mark in value for mark in ' "=\\')
    return str(value) if bare else orjson.dumps(value, default=str).decode()
