"""The worked example as objects, and the running of rule examples on it; shared by several tests."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from certs.vocabulary import WORKED_SECRET, fill
from webhook.engine import judge, judge_rule, judge_workload
from webhook.examples import AT, instant
from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.workload import read_workload
from webhook.model.finding import ObjectRef, Verdict
from webhook.model.printable import sentence
from webhook.model.request import Request
from webhook.model.rule import Example
from webhook.policy import Policy
from webhook.view import Snapshot

FOLDER = Path(__file__).parent.parent / "examples" / "worked"
Object = Mapping[str, Any]


def objects(text: str) -> Iterator[Object]:
    """The objects of a YAML text, with the placeholders for certificates filled in; the caller's own to change."""
    return (deepcopy(one) for one in _parsed(text))


@cache
def _parsed(text: str) -> tuple[Object, ...]:
    """What the text holds: examples are asked for thousands of times, and reading YAML takes milliseconds."""
    return tuple(fill(one) for one in yaml.safe_load_all(text) if isinstance(one, dict))


@cache
def worked() -> tuple[Object, ...]:
    """The worked example's objects: everything but the Deployment."""
    texts = [file.read_text() for file in sorted(FOLDER.glob("*.yaml")) if file.name != "deployment.yaml"]
    texts.append(WORKED_SECRET)
    return tuple(one for text in texts for one in objects(text))


def deployment() -> Object:
    """The worked example's Deployment."""
    return next(objects((FOLDER / "deployment.yaml").read_text()))


def of_kind(kind: str) -> Object:
    """The worked example's object of that kind."""
    return next(one for one in (*worked(), deployment()) if one["kind"] == kind)


def cluster(*extra: Object, without: tuple[str, ...] = ()) -> Snapshot:
    """The worked example, in whole but for some kinds, and further objects."""
    view = Snapshot()
    for one in (*worked(), deployment(), *extra):
        if one["kind"] not in without or one in extra:
            view.put(one)
    return view


def ask(view: Snapshot, operation: str, manifest: Object, old: Object | None = None, **changes: Any) -> Verdict:
    """The verdict about one request."""
    meta = manifest["metadata"]
    ref = ObjectRef(manifest["apiVersion"], manifest["kind"], meta.get("namespace", ""), meta["name"])
    new = {} if operation == "DELETE" else manifest
    before = manifest if operation == "DELETE" else old or {}
    return judge(Request("uid", operation, ref, new=new, old=before, **changes), view, Policy(), AT)


def surroundings(example: Example, snapshot: Snapshot) -> Snapshot:
    """The snapshot, filled with what exists in the example besides its object."""
    around = [one for one in worked() if one["kind"] not in example.without] if example.worked else []
    for one in (*around, *objects(example.cluster)):
        snapshot.put(one)
    return snapshot


def run(example: Example, snapshot: Snapshot, policy: Policy = Policy()) -> Verdict:  # noqa: B008 - it is frozen
    """The whole engine's verdict about the example's object."""
    surroundings(example, snapshot)
    subject = next(objects(example.object))
    if example.old or example.deleted:
        return judge(request(example, subject), snapshot, policy, instant(example))
    snapshot.put(subject)
    workload = read_workload(subject)
    if workload is not None:
        return judge_workload(workload, snapshot, policy, instant(example))
    if subject["kind"] == "DestinationRule":
        return judge_rule(read_destination_rule(subject), snapshot, policy, instant(example))
    raise AssertionError(f"{subject['kind']} is judged as a change: give the example `old` or `deleted`")


def request(example: Example, subject: Object) -> Request:
    """The admission request that the example describes."""
    metadata = subject["metadata"]
    ref = ObjectRef(subject["apiVersion"], subject["kind"], metadata.get("namespace", "default"), metadata["name"])
    if example.deleted:
        return Request("uid", "DELETE", ref, old=subject)
    return Request("uid", "UPDATE", ref, new=subject, old=next(objects(example.old)))


def lines(verdict: Verdict, rule: str) -> list[str]:
    """The lines of the verdict that come from this rule, as examples state them."""
    found = (one for one in verdict.findings if one.rule == rule)
    return [f"{one.severity} {sentence(one, verdict.subject)}" for one in found]
