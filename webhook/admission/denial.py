"""The text of a denial: what a developer reads after `kubectl apply`, line by line.

Which findings there are, and how heavy, is left to `engine`; one finding as one line to `model.printable`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from webhook.kinds.registry import SHARED_KINDS
from webhook.model.finding import Finding, Severity, Verdict
from webhook.model.printable import cut, sentence

SHOWN = 12
"""Findings in one text; more would scroll the first ones out of sight."""
WIDTH = 100
"""Columns of a finding; a longer word stands unbroken, and so does a command."""
_FINDING_CHARACTERS = 1000
_COMMAND = re.compile(r": (?=(?:kubectl|openssl|keytool|istioctl|mtls-guard) )")


@dataclass(frozen=True, slots=True)
class _FindingLines:
    """The lines of one finding. text: at least one; command: none, or the one that mends it."""

    text: list[str]
    command: list[str]


def text(verdict: Verdict) -> str:
    """The whole message of a denial; its first line stands alone, its last line says where to read on.

    Deployment devel/sample-app cannot reach external.system.com:443 over mTLS, 1 fault
      spec.template...: "/etc/mtls" holds no file that DestinationRule project/external reads; mount
        the Secret at "/etc/mtlsfiles"  [file-not-mounted]
    and 1 warning:
      Secret devel/external-system-mtls-data key "cert": ...  [certificate-expiring]
    explain: mtls-guard explain file-not-mounted
    """
    faults = [finding for finding in verdict.findings if finding.severity is Severity.DENY]
    warnings = [finding for finding in verdict.findings if finding.severity is Severity.WARN]
    listed = warnings[: max(SHOWN - len(faults), 0)]
    lines = [headline(verdict, len(faults)), *_listed(verdict, faults[:SHOWN], len(faults))]
    if warnings:
        lines.append(f"and {counted(len(warnings), 'warning')}{':' if listed else ''}")
        lines += _listed(verdict, listed, len(warnings)) if listed else []
    lines += [f"note: {cut(note, _FINDING_CHARACTERS)}" for note in verdict.notes[:SHOWN]]
    return "\n".join([*lines, f"explain: mtls-guard explain {faults[0].rule}"])


def headline(verdict: Verdict, faults: int) -> str:
    """The first line: who cannot do what, and how many faults there are."""
    if not verdict.goal:
        cause = "has"
    elif verdict.subject.kind in SHARED_KINDS:
        cause = f"breaks mTLS to {verdict.goal},"
    else:
        cause = f"cannot reach {verdict.goal} over mTLS,"
    return cut(f"{verdict.subject} {cause} {counted(faults, 'fault')}", _FINDING_CHARACTERS)


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 fault`, `2 faults`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(verdict: Verdict, findings: Sequence[Finding], total: int) -> list[str]:
    """The findings as indented lines, rule ids in one column, and how many are left out."""
    blocks = [_block(cut(sentence(finding, verdict.subject), _FINDING_CHARACTERS)) for finding in findings]
    column = max((len(block.text[-1]) for block in blocks if len(block.text[-1]) <= WIDTH), default=0)
    lines = []
    for block, finding in zip(blocks, findings, strict=True):
        lines += [*block.text[:-1], f"{block.text[-1]:<{column}}  [{finding.rule}]", *block.command]
    return [*lines, f"  and {total - len(findings)} more"] if total > len(findings) else lines


def apart(line: str) -> tuple[str, str]:
    """What is said, and the command that it ends with, '' without one: `replace it:` and `kubectl ...`."""
    sentence_text, _, command = _COMMAND.sub("\n", line, count=1).partition("\n")
    return (f"{sentence_text}:" if command else sentence_text), command


def _block(line: str) -> _FindingLines:
    """The line broken at spaces, indented by two, continued by four; a command stands alone, to be copied."""
    sentence_text, command = apart(line)
    words = sentence_text.split(" ")
    lines = [f"  {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return _FindingLines(lines, [f"    {command}"] if command else [])
