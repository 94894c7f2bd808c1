"""Draws the chain of one workload, or those of the workloads that a DestinationRule, Secret or service belongs to."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from webhook.cli.object_argument import choose, typed
from webhook.cli.output import columns, emit, tell, wants_color
from webhook.engine import judge_rule
from webhook.engine.objects import judge_picture, picture_of
from webhook.input.manifest_input import read_input
from webhook.model.finding import Finding, ObjectRef
from webhook.policy import Policy
from webhook.report.tree import Paper, draw, paint
from webhook.report.tree_node import Link, LinkState
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

if TYPE_CHECKING:
    from webhook.input.manifest_input import ManifestInput

DRAWN, NAMED = 5, 10
"""Workloads of one object whose chains are drawn, and of the others those that are named."""


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """What shall be drawn, from which paths, by which policy and as of when."""

    what: str
    namespace: str | None
    paths: Sequence[str]
    policy: Policy
    at: datetime
    complete: bool


def explain(asked: ExplainRequest) -> "ManifestInput":
    """Draws it on standard output; what was read, with what could not be.

    Raises:
        Unclear: there is no such object, or more than one.
    """
    held = read_input(asked.paths, asked.policy, complete=asked.complete, namespace=asked.namespace or "")
    tell(held.unreadable, held.notes)
    found = choose(held.view, asked.what, asked.namespace)
    if isinstance(found, ObjectRef):
        emit(_related(found, held.view, asked))
    else:
        emit(_tree(picture_of(found, held.view, asked.policy, asked.at), asked.policy))
    return held


def _tree(picture: WorkloadPicture, policy: Policy) -> Iterator[str]:
    return draw(picture, judge_picture(picture, policy), _paper())


def _related(ref: ObjectRef, view: Snapshot, asked: ExplainRequest) -> Iterator[str]:
    """The object with what is wrong in itself, then the chains of its workloads."""
    everyone = (picture_of(one, view, asked.policy, asked.at) for one in view.workloads.all())
    users = sorted((one for one in everyone if _uses(one, ref)), key=lambda picture: picture.ref)
    verdicts = [judge_picture(picture, asked.policy) for picture in users[:DRAWN]]
    told = {finding.identity for verdict in verdicts for finding in verdict.findings}
    own = [one for one in _own(ref, view, asked) if one.identity not in told]
    yield from paint(Link(LinkState.PLAIN, f"{ref}: {_count(ref, len(users))}", findings=own), _paper(), ref)
    for picture, verdict in zip(users, verdicts, strict=False):
        yield ""
        yield from draw(picture, verdict, _paper())
    rest = [typed(picture.ref) for picture in users[DRAWN:]]
    if rest:
        yield ""
        more = f" and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
        yield f"further workloads, to be explained one by one: {', '.join(rest[:NAMED])}{more}"


def _uses(picture: WorkloadPicture, ref: ObjectRef) -> bool:
    """Whether the workload's chains lead through the object, or would if nothing stood in the way."""
    if ref.kind == "Secret":
        mounting = picture.view.workloads.using_secret(ref.namespace, ref.name)
        files = (chain.file.object for chain in picture.chains)
        named = any(one.ref == picture.ref for one in mounting)
        return named or any(one is not None and (one.namespace, one.name) == (ref.namespace, ref.name) for one in files)
    meant = {*picture.intents, *(files for slip in picture.near_misses for files in slip.files)}
    users = [user for files in meant for user in picture.groups.get(files, ())]
    missed = any(ref == miss.rule.ref for miss in picture.misses)
    return missed or any(ref in (user.rule.ref, user.service.ref) for user in users)


def _own(ref: ObjectRef, view: Snapshot, asked: ExplainRequest) -> Sequence[Finding]:
    """What is wrong in the object itself; only a DestinationRule is judged by itself."""
    rules = (rule for rule in view.config.rules if rule.ref == ref)
    return [one for rule in rules for one in judge_rule(rule, view, asked.policy, asked.at).findings]


def _count(ref: ObjectRef, users: int) -> str:
    """`2 workloads mount it`, `no workload in the input means it`."""
    singular, plural = ("mounts", "mount") if ref.kind == "Secret" else ("means", "mean")
    if not users:
        return f"no workload in the input {singular} it"
    return f"1 workload {singular} it" if users == 1 else f"{users} workloads {plural} it"


def _paper() -> Paper:
    """What standard output can show."""
    try:
        "\u2713\u2514".encode(sys.stdout.encoding or "ascii")
        ascii_only = False
    except UnicodeError:
        ascii_only = True
    return Paper(wants_color(), ascii_only, columns())
