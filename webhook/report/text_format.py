"""Text for a person at a terminal or in a build log: grouped by object, worst first, summed up in the last line."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from webhook.admission.denial import apart, counted, headline
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.printable import cut, printable
from webhook.report.check_result import CheckResult

WIDEST = 2000
"""Characters of one line; a longer problem quotes somebody's whole annotation."""
_INDENT = " " * 8
_NARROWEST = 30
_COLORS = {Severity.DENY: "red", Severity.WARN: "yellow"}
_ROLES = {"bold": {"bold": True}, "dim": {"dim": True}, "fix": {"fg": "green"}, "good": {"fg": "green"}}


def render(outcome: CheckResult) -> Iterator[str]:
    """A paragraph for each object with findings, and the sum, which counts what could not be judged, too."""
    printed: set[tuple[str, ObjectRef, str]] = set()
    reported = [verdict for verdict in outcome.verdicts if verdict.findings or verdict.notes]
    for verdict in sorted(reported, key=lambda verdict: -verdict.severity):
        yield from _paragraph(outcome, verdict, printed)
        yield ""
    yield _sum(outcome)


def _paragraph(outcome: CheckResult, verdict: Verdict, printed: set[tuple[str, ObjectRef, str]]) -> Iterator[str]:
    """One object: its headline, its findings, its notes. told: the faults that an earlier paragraph has in full."""
    yield _paint(outcome, _headline(verdict), "bold")
    for finding in verdict.findings:
        again = finding.identity in printed
        printed.add(finding.identity)
        yield from _again(outcome, finding) if again else _full(outcome, verdict, finding)
    for note in verdict.notes:
        yield f"  note  {cut(note, WIDEST)}"


def _headline(verdict: Verdict) -> str:
    """Who cannot do what; of an object that is let through, how many warnings it has."""
    faults = sum(finding.severity is Severity.DENY for finding in verdict.findings)
    if faults:
        return headline(verdict, faults)
    goal = f" to {verdict.goal}" if verdict.goal else ""
    return printable(f"{verdict.subject}{goal}, {counted(len(verdict.findings), 'warning')}")


def _full(outcome: CheckResult, verdict: Verdict, finding: Finding) -> Iterator[str]:
    """A finding with its place, its problem, its fix and its rule."""
    source = outcome.locate(finding.object, finding.path)
    whose = "" if finding.object == verdict.subject else str(finding.object)
    place = "  ".join(part for part in (str(source or ""), " ".join(filter(None, (whose, finding.path)))) if part)
    yield f"  {_word(outcome, finding)}  {_paint(outcome, cut(place or str(finding.object), WIDEST), 'dim')}"
    yield from _wrapped(outcome, cut(finding.problem, WIDEST))
    yield from _fix(outcome, finding)


def _fix(outcome: CheckResult, finding: Finding) -> Iterator[str]:
    """What to do and the rule behind it; a command stands alone, to be copied."""
    instruction, command = apart(cut(finding.fix, WIDEST))
    rule = f"[{finding.rule}]"
    *lines, last_line = _wrapped(outcome, f"fix: {instruction}  {rule}" if instruction else rule)
    lines.append(last_line.removesuffix(rule) + _paint(outcome, rule, "dim"))
    if instruction:
        lines[0] = lines[0].replace("fix:", _paint(outcome, "fix:", "fix"), 1)
    yield from lines
    if command:
        yield f"{_INDENT}  {command}"


def _wrapped(outcome: CheckResult, text: str) -> list[str]:
    """The text below its place, broken at spaces where the terminal ends; longer words stand unbroken."""
    if outcome.width is None:
        return [f"{_INDENT}{text}"]
    lines = wrap(text, max(outcome.width - len(_INDENT), _NARROWEST), break_long_words=False, break_on_hyphens=False)
    return [f"{_INDENT}{line}" for line in lines or [""]]


def _again(outcome: CheckResult, finding: Finding) -> Iterator[str]:
    """A finding that stands above already, with another object."""
    place = printable(" ".join(filter(None, (str(finding.object), finding.path))))
    yield f"  {_word(outcome, finding)}  {cut(place, WIDEST)}: as above  {_paint(outcome, f'[{finding.rule}]', 'dim')}"


def _sum(outcome: CheckResult) -> str:
    """The last line: what came out, what was looked at, where to read on."""
    rules = sum(verdict.subject.kind == "DestinationRule" for verdict in outcome.verdicts)
    seen = f"{counted(len(outcome.verdicts) - rules, 'workload')} and {counted(rules, 'DestinationRule')} looked at"
    parts = [part for part in (_results(outcome), seen) if part]
    line = _paint(
        outcome, "; ".join(parts), "bold" if outcome.severity or outcome.unreadable or outcome.partial else "good"
    )
    rule = _first_rule(outcome.verdicts)
    return f"{line}; explain: mtls-guard explain {rule}" if rule else line


def _results(outcome: CheckResult) -> str:
    """`2 denied, 1 with warnings, 1 not judged`."""
    denied = sum(verdict.severity is Severity.DENY for verdict in outcome.verdicts)
    warned = sum(verdict.severity is Severity.WARN for verdict in outcome.verdicts)
    parts = [
        f"{denied} denied" if denied else "",
        f"{warned} with warnings" if warned else "",
        f"{len(outcome.unreadable)} not judged" if outcome.unreadable else "",
    ]
    nothing = "nothing found in what was read, which is not all" if outcome.partial else "nothing found"
    return ", ".join(part for part in parts if part) or nothing


def _first_rule(verdicts: Sequence[Verdict]) -> str:
    """The rule of the first finding as printed."""
    worst = max(verdicts, key=lambda verdict: verdict.severity, default=None)
    return worst.findings[0].rule if worst is not None and worst.findings else ""


def _word(outcome: CheckResult, finding: Finding) -> str:
    """The severity, in its colour."""
    word = str(finding.severity)
    if not outcome.color:
        return word
    import click

    return click.style(word, fg=_COLORS[finding.severity], bold=True)


def _paint(outcome: CheckResult, text: str, role: str) -> str:
    """The text as its role looks on a terminal; elsewhere the text."""
    if not outcome.color:
        return text
    import click

    return click.style(text, **_ROLES[role])  # type: ignore[arg-type]  # each role is a set of style's own keywords
