"""JUnit XML, which every build server shows: a test case for each object, failed when it is denied.

Source: the schema of jenkinsci/xunit-plugin (junit-10.xsd), which others accept too. It gives a test case neither file
nor line, and Jenkins refuses a report that does; so both stand in the text.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from webhook.admission.denial import headline
from webhook.model.finding import Finding, Severity, Verdict
from webhook.model.printable import printable, sentence
from webhook.model.source_location import Unreadable
from webhook.report.check_result import CheckResult


def render(outcome: CheckResult) -> Iterator[str]:
    """One test suite; what could not be read is a test case with an error."""
    total = len(outcome.verdicts) + len(outcome.unreadable)
    denied = sum(verdict.severity is Severity.DENY for verdict in outcome.verdicts)
    counts = f'tests="{total}" failures="{denied}" errors="{len(outcome.unreadable)}"'
    stamp = outcome.at.strftime("%Y-%m-%dT%H:%M:%S")
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="mtls-guard" {counts}>'
    yield f'  <testsuite name="mtls-guard" {counts} skipped="0" time="0" timestamp="{stamp}">'
    for verdict in outcome.verdicts:
        yield from _case(outcome, verdict)
    for document in outcome.unreadable:
        yield from _error(document)
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(outcome: CheckResult, verdict: Verdict) -> Iterator[str]:
    """One object: a failure with all that denies, and its warnings as output."""
    name = f'name={_attribute(str(verdict.subject))} classname={_attribute(verdict.subject.kind)} time="0"'
    if not verdict.findings:
        yield f"    <testcase {name}/>"
        return
    yield f"    <testcase {name}>"
    faults = [finding for finding in verdict.findings if finding.severity is Severity.DENY]
    if faults:
        yield f"      <failure message={_attribute(headline(verdict, len(faults)))} type={_attribute(faults[0].rule)}>"
        yield from (_line(outcome, verdict, finding) for finding in faults)
        yield "      </failure>"
    warnings = [finding for finding in verdict.findings if finding.severity is Severity.WARN]
    if warnings:
        yield "      <system-out>"
        yield from (_line(outcome, verdict, finding) for finding in warnings)
        yield "      </system-out>"
    yield "    </testcase>"


def _error(document: Unreadable) -> Iterator[str]:
    """A document that could not be judged."""
    yield f'    <testcase name={_attribute(str(document))} classname="unreadable" time="0">'
    yield f'      <error message={_attribute(document.problem)} type="unreadable"/>'
    yield "    </testcase>"


def _line(outcome: CheckResult, verdict: Verdict, finding: Finding) -> str:
    """A finding as one line of text."""
    source = outcome.locate(finding.object, finding.path)
    place = f"{printable(str(source))}: " if source else ""
    return escape(f"{place}{sentence(finding, verdict.subject)}  [{finding.rule}]")


def _attribute(text: str) -> str:
    """The text as an attribute with its quotes; XML has no control characters, so none is left."""
    return quoteattr(printable(text))
