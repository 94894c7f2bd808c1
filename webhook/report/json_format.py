"""JSON, the contract of `design.md` section 6: further keys may come, none goes while `version` is 1."""

from collections.abc import Iterator
from typing import Any

import orjson

from webhook.model.finding import Finding, ObjectRef, Verdict
from webhook.model.printable import printable
from webhook.report.check_result import Outcome, instant

VERSION = 1


def render(outcome: Outcome) -> Iterator[str]:
    """One JSON object, indented; all texts are printable."""
    document = {
        "version": VERSION,
        "at": instant(outcome.at),
        "verdicts": [_verdict(outcome, verdict) for verdict in outcome.verdicts],
        "unreadable": [
            {"file": printable(one.file), "line": one.line, "problem": printable(one.problem)}
            for one in outcome.unreadable
        ],
    }
    yield orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _verdict(outcome: Outcome, verdict: Verdict) -> dict[str, Any]:
    return {
        "object": _object(verdict.subject),
        "verdict": verdict.word,
        "findings": [_finding(outcome, finding) for finding in verdict.findings],
    }


def _object(ref: ObjectRef) -> dict[str, str]:
    return {
        "apiVersion": printable(ref.api_version),
        "kind": printable(ref.kind),
        "namespace": printable(ref.namespace),
        "name": printable(ref.name),
    }


def _finding(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    """One finding; `source` is there when its object is in the input."""
    told: dict[str, Any] = {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "object": _object(finding.object),
        "path": printable(finding.path),
        "problem": printable(finding.problem),
        "fix": printable(finding.fix),
    }
    source = outcome.locate(finding.object, finding.path)
    if source is not None:
        told["source"] = {"file": printable(source.file), "line": source.line}
    return told
