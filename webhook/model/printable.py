"""Turns findings into lines that are safe to show: the one place where foreign text becomes printable.

What a line stands in (a warning, a terminal, an XML file) and how it is escaped there is left to the callers.
"""

import re

from webhook.model.finding import Finding, ObjectRef, Violation

WARNING_CHARACTERS = 256
"""What the API server leaves of a warning (k8s.io/apiserver/pkg/endpoints/filters/warning.go, truncateItemRunes)."""
_SUSPECT = re.compile(r"[^\x20-\x7e]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MARK = "..."


def printable(text: str) -> str:
    r"""The text with every character that does not print written as an escape (`\n`, `\x07`, `\u202e`).

    That takes out control characters, line breaks, bidirectional overrides, invisible characters and halves of
    surrogate pairs, so the answer is one line of valid UTF-8. Its length is not limited: see `cut`.
    """
    if text.isprintable():
        return text
    return _SUSPECT.sub(_escape, text)


def cut(text: str, limit: int = WARNING_CHARACTERS) -> str:
    """The text made printable and no longer than `limit` characters; what was cut off shows as `...`."""
    if len(text) <= limit and text.isprintable():
        return text
    line = printable(text[: limit + 1])
    if len(text) <= limit and len(line) <= limit:
        return line
    return line[: max(limit - len(_MARK), 0)] + _MARK[:limit]


def sentence(found: Finding | Violation, subject: ObjectRef | None = None) -> str:
    """The finding as one printable line, `PATH: PROBLEM; FIX`, of any length.

    subject: the object that the reader already knows to be meant; any other is named first, as in
    `Secret devel/external key "cert": certificate expired; replace it`.
    """
    words = ("" if found.object == subject else str(found.object), found.path)
    place = " ".join(word for word in words if word)
    said = "; ".join(word for word in (found.problem, found.fix) if word)
    return printable(f"{place}: {said}" if place else said)


def _escape(match: re.Match[str]) -> str:
    """One character as it is when it prints, else as its escape."""
    letter = match.group()
    if letter.isprintable():
        return letter
    return _SHORT.get(letter) or letter.encode("unicode_escape", "backslashreplace").decode("ascii")
