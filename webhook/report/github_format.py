"""Annotations of GitHub Actions: a line on standard output that the pull request shows at the file's line.

Source: docs.github.com, "Workflow commands for GitHub Actions"; escapes: actions/toolkit, packages/core/src/command.ts.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity
from webhook.model.printable import cut, printable, sentence
from webhook.model.source_location import SourceLocation
from webhook.report.check_result import CheckResult, from_here

_COMMANDS = {Severity.DENY: "error", Severity.WARN: "warning"}
_LONGEST = 4000


def render(outcome: CheckResult) -> Iterator[str]:
    """One annotation for each fault, and for each document that could not be read."""
    for verdict, finding in outcome.distinct():
        source = outcome.anchor(verdict, finding)
        message = cut(sentence(finding), _LONGEST)
        yield _annotation(_COMMANDS[finding.severity], source, f"mtls-guard {finding.rule}", message)
    for document in outcome.unreadable:
        source = SourceLocation(document.file, document.line)
        yield _annotation("error", source, "mtls-guard could not judge this", cut(document.problem, _LONGEST))


def _annotation(command: str, source: SourceLocation | None, title: str, message: str) -> str:
    """`::error file=a.yaml,line=3,title=...::message`."""
    properties = {"title": title}
    if source is not None:
        properties = {"file": from_here(source.file)} | ({"line": str(source.line)} if source.line else {}) | properties
    parameters = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{command} {parameters}::{_message(message)}"


def _message(text: str) -> str:
    """The text of an annotation: no line break, and no percent sign that begins an escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property's value: also without the signs that end it."""
    return _message(printable(text)).replace(":", "%3A").replace(",", "%2C")
