"""JSON for programs: while `version` is 1, keys are added and none is removed."""

from collections.abc import Iterator
from typing import Any

import orjson

from webhook.model.finding import Finding, ObjectRef, Verdict
from webhook.model.printable import printable
from webhook.report.check_result import CheckResult, instant

VERSION = 1


def render(outcome: CheckResult) -> Iterator[str]:
    """One JSON object, indented; all texts are printable."""
    document = {
        "version": VERSION,
        "at": instant(outcome.at),
        "verdicts": [_verdict(outcome, verdict) for verdict in outcome.verdicts],
        "unreadable": [
            {"file": printable(unreadable.file), "line": unreadable.line, "problem": printable(unreadable.problem)}
            for unreadable in outcome.unreadable
        ],
    }
    yield orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _verdict(outcome: CheckResult, verdict: Verdict) -> dict[str, Any]:
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


def _finding(outcome: CheckResult, finding: Finding) -> dict[str, Any]:
    """One finding; `source` is there when its object is in the input."""
    fields: dict[str, Any] = {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "object": _object(finding.object),
        "path": printable(finding.path),
        "problem": printable(finding.problem),
        "fix": printable(finding.fix),
    }
    source = outcome.locate(finding.object, finding.path)
    if source is not None:
        fields["source"] = {"file": printable(source.file), "line": source.line}
    return fields
