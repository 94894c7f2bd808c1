"""Writes a Verdict as the AdmissionReview that goes back to the API server.

The text of a denial is left to `denial`, what a finding says to the rules.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import orjson

from webhook.admission import denial
from webhook.admission.request import settle
from webhook.admission.wire import Cause, Details, Review, Status, enveloped
from webhook.model.deadline import NotJudged
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.printable import WARNING_CHARACTERS, cut, sentence
from webhook.model.raw_object import group_of
from webhook.model.request import Request

Reply = tuple[Verdict, Review]

NOT_JUDGED = "not-judged"
CAUSES = 25
"""Findings for machines in one denial."""
_CAUSE_CHARACTERS = 400
_MOST_BYTES = 64 * 1024
_LONG_WORD = re.compile(r"\S{61,}")
_READABLE_PROBLEM = 60


def answer(verdict: Verdict, uid: str) -> Review:
    """The answer to the review of that uid: allowed, with one warning per finding, or denied with every finding.

    A denial is 403 `Forbidden`: under 422 kubectl would drop the webhook's name, without the reason it would print
    no `(Forbidden)`. It carries no warnings beside: kubectl would print the findings twice.
    """
    if verdict.severity is Severity.DENY:
        return enveloped({"uid": uid, "allowed": False, "status": _bounded(_status(verdict))})
    warnings = _warnings(verdict)
    return enveloped({"uid": uid, "allowed": True, "warnings": warnings} if warnings else {"uid": uid, "allowed": True})


def respond(request: Request, judge: Callable[[Request], Verdict], failed: Callable[[Exception], None]) -> Reply:
    """The verdict on a review and its answer, whatever happens.

    failed: told when judging or answering raises, which is a fault of ours and then admits with a warning.

    Raises:
        NotJudged: there is to be no answer, for the API server to do what its failurePolicy says.
    """
    try:
        verdict = settle(request) or judge(request)
        return verdict, answer(verdict, request.uid)
    except NotJudged as error:
        if not error.admits:
            raise
        verdict = _not_judged(request.ref, error)
        return verdict, answer(verdict, request.uid)
    except Exception as error:  # noqa: BLE001  # whatever it is, the API server gets an answer with the uid
        failed(error)
        verdict = _unjudged(request.ref)
        return verdict, answer(verdict, request.uid)


def _not_judged(subject: ObjectRef, error: NotJudged) -> Verdict:
    """The verdict when the time was over: allowed, with a warning."""
    problem = f"not judged because {error}"
    finding = Finding(NOT_JUDGED, Severity.WARN, subject, "", problem, "apply it again; mtls-guard doctor says more")
    return Verdict(subject, (finding,))


def _unjudged(subject: ObjectRef) -> Verdict:
    """The verdict when we failed: allowed, with a warning `internal-error`."""
    problem = "this webhook failed while judging the object, which is therefore admitted unjudged"
    fix = "see the webhook's log under this request's uid"
    return Verdict(subject, (Finding("internal-error", Severity.WARN, subject, "", problem, fix),))


def _status(verdict: Verdict) -> Status:
    """Why it was denied, for people in `message`, for machines in `details.causes`."""
    return {
        "status": "Failure",
        "message": denial.text(verdict),
        "reason": "Forbidden",
        "details": _details(verdict),
        "code": 403,
    }


def _bounded(status: Status) -> Status:
    """The refusal in at most 64 KiB of JSON: letters outside ASCII count more than once."""
    if len(orjson.dumps(status)) > _MOST_BYTES:
        return {**status, "details": {**status["details"], "causes": []}}
    return status


def _details(verdict: Verdict) -> Details:
    """The object and every finding, the denying ones first."""
    subject = verdict.subject
    group = group_of(subject.api_version)
    ordered = sorted(verdict.findings, key=lambda finding: -finding.severity)
    causes = [_cause(finding, subject) for finding in ordered[:CAUSES]]
    hidden = len(ordered) - len(causes)
    if hidden:
        causes.append({"reason": "more", "message": f"and {hidden} more", "field": ""})
    return {"name": cut(subject.name), "group": cut(group), "kind": cut(subject.kind), "causes": causes}


def _cause(finding: Finding, subject: ObjectRef) -> Cause:
    """One finding for machines; what only warns says so."""
    weight = "warning: " if finding.severity is Severity.WARN else ""
    description = sentence(replace(finding, path=""), subject)
    message = cut(weight + description, _CAUSE_CHARACTERS)
    return {"reason": finding.rule, "message": message, "field": cut(finding.path, _CAUSE_CHARACTERS)}


def _warnings(verdict: Verdict) -> list[str]:
    """One line per finding and note, at most `denial.SHOWN`, then how many are left out; under 4,096 characters."""
    lines = [_warning(finding) for finding in verdict.findings[: denial.SHOWN]]
    lines += [cut(note) for note in verdict.notes[: denial.SHOWN - len(lines)]]
    hidden = len(verdict.findings) + len(verdict.notes) - len(lines)
    return [*lines, f"{verdict.subject.kind}: and {hidden} more"] if hidden else lines


def _warning(finding: Finding) -> str:
    """The finding as one warning that the API server leaves whole.

    One that is too long loses the middle of long words (names, paths), then the end of its problem, then of its fix.
    """
    tag = f" [{finding.rule}]"
    room = WARNING_CHARACTERS - len(tag)
    line = sentence(finding)
    if len(line) > room:
        line = _LONG_WORD.sub(_shortened, line)
        problem = _LONG_WORD.sub(_shortened, finding.problem)
        spare = len(problem) - (len(line) - room)
        if _READABLE_PROBLEM <= spare < len(problem):
            line = _LONG_WORD.sub(_shortened, sentence(replace(finding, problem=cut(problem, spare))))
    return cut(line, room) + tag


def _shortened(word: re.Match[str]) -> str:
    """A long word without its middle."""
    return f"{word.group()[:28]}...{word.group()[-28:]}"
