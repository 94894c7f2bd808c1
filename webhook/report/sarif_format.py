"""SARIF 2.1.0, which code scanning of GitHub, GitLab and editors read.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.14 to 3.52.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from webhook import __version__
from webhook.model.finding import Finding, Severity
from webhook.model.printable import cut, printable, sentence
from webhook.model.rule import Rule
from webhook.model.source_location import SourceLocation
from webhook.report.check_result import CheckResult, from_here

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.DENY: "error", Severity.WARN: "warning", Severity.OFF: "none"}
_LONGEST = 4000


def render(outcome: CheckResult) -> Iterator[str]:
    """One run with each fault once; what could not be read are notifications of a run that did not succeed."""
    results = list(outcome.distinct())
    ids = sorted({finding.rule for _, finding in results})
    driver = {
        "name": "mtls-guard",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(name, outcome.rules.get(name)) for name in ids],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(outcome)],
        "results": [_result(outcome.anchor(verdict, finding), finding, ids) for verdict, finding in results],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    yield orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _rule(name: str, rule: Rule | None) -> dict[str, Any]:
    """What a viewer shows of a rule: its docstring is its help."""
    title = rule.title if rule else name
    descriptor: dict[str, Any] = {"id": name, "shortDescription": {"text": title}}
    if rule:
        descriptor["help"] = {"text": rule.docs, "markdown": rule.docs}
        descriptor["defaultConfiguration"] = {"enabled": rule.severity > 0, "level": _LEVELS[rule.severity]}
    return descriptor


def _invocation(outcome: CheckResult) -> dict[str, Any]:
    """Whether everything could be judged, and what could not."""
    notices = [
        {
            "level": "error",
            "message": {"text": cut(document.problem, _LONGEST)},
            "locations": [{"physicalLocation": _place(SourceLocation(document.file, document.line))}],
        }
        for document in outcome.unreadable
    ]
    return {"executionSuccessful": not notices, "toolExecutionNotifications": notices}


def _result(source: SourceLocation | None, finding: Finding, ids: Sequence[str]) -> dict[str, Any]:
    """One fault at its place; GitHub takes no result without a file, so that one is named wherever it can be."""
    name = printable(" ".join(part for part in (str(finding.object), finding.path) if part))
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": name, "kind": "object"}]}
    if source is not None:
        location["physicalLocation"] = _place(source)
    return {
        "ruleId": finding.rule,
        "ruleIndex": ids.index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": cut(sentence(finding), _LONGEST)},
        "locations": [location],
        "partialFingerprints": {"mtlsGuardFault/v1": printable(f"{finding.rule} {name}")},
    }


def _place(source: SourceLocation) -> dict[str, Any]:
    """A file, and its line when that is known."""
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(source.file)}}
    if source.line:
        place["region"] = {"startLine": source.line}
    return place


def _uri(file: str) -> str:
    """The file as viewers find it: relative to the working folder where it lies below that."""
    if file == "-":
        return "stdin"
    near = from_here(file)
    return Path(near).as_uri() if near.startswith("/") else quote(near)
