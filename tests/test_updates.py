"""An update is judged against what was there before: the law, on any pair of objects that the rules' examples hold."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worked import objects, surroundings
from webhook.engine import judge, judge_rule, judge_workload
from webhook.examples import instant, load
from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.workload import TEMPLATE_PATHS, read_workload
from webhook.model.finding import ObjectRef, Severity
from webhook.model.raw_object import dig
from webhook.model.request import Request
from webhook.model.rule import Example
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.view import Snapshot

Object = dict[str, Any]
EXAMPLES = [example for rule in catalogue().values() for example in load(rule.id)]
STRICT = Policy(dict.fromkeys(catalogue(), Severity.DENY))
POLICIES = st.sampled_from([Policy(), STRICT])


def subject(example: Example) -> Object:
    """The object of an example."""
    return dict(next(iter(objects(example.object))))


def kind(example: Example) -> str:
    """The kind of its object."""
    return str(subject(example)["kind"])


BY_KIND = {name: [one for one in EXAMPLES if kind(one) == name] for name in {kind(one) for one in EXAMPLES}}


def ref_of(manifest: Object) -> ObjectRef:
    """The object as the API server names it."""
    meta = manifest["metadata"]
    return ObjectRef(manifest["apiVersion"], manifest["kind"], meta.get("namespace", "default"), meta["name"])


def view_of(example: Example, held: Object | None) -> Snapshot:
    """What exists in the example, with the object as it is before the update where the view knows it already."""
    view = surroundings(example, Snapshot(complete=example.complete))
    if held is not None:
        view.put(held)
    return view


def denied(old: Object, new: Object, example: Example, policy: Policy, *, known: bool = True) -> set[Any]:
    """Rule, object and path of everything that the update is refused for. known: the view holds the old object."""
    view = view_of(example, old if known else None)
    verdict = judge(Request("uid", "UPDATE", ref_of(old), new=new, old=old), view, policy, instant(example))
    return {found.identity for found in verdict.findings if found.severity is Severity.DENY}


def faults(manifest: Object, example: Example, policy: Policy) -> set[Any]:
    """Rule, object and path of what is wrong with the object as it stands."""
    view, at = view_of(example, manifest), instant(example)
    workload = read_workload(manifest)
    if workload is not None:
        return {found.identity for found in judge_workload(workload, view, policy, at).findings}
    if manifest["kind"] == "DestinationRule":
        return {found.identity for found in judge_rule(read_destination_rule(manifest), view, policy, at).findings}
    return set()


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Object, Object, Example]:
    """An object of an example, another of that kind under its name, and the example whose cluster they are in."""
    alike = BY_KIND[draw(st.sampled_from(sorted(BY_KIND)))]
    first, second = draw(st.sampled_from(alike)), draw(st.sampled_from(alike))
    old, new = subject(first), subject(second)
    ref = ref_of(old)
    new["metadata"] = {**new["metadata"], "namespace": ref.namespace, "name": ref.name}
    return old, {**new, "apiVersion": ref.api_version}, draw(st.sampled_from([first, second]))


@given(pairs(), POLICIES, st.booleans())
@settings(max_examples=max(300, settings().max_examples))
def test_what_the_old_object_had_never_denies_the_new_one(
    pair: tuple[Object, Object, Example], policy: Policy, known: bool
) -> None:
    old, new, example = pair
    assert denied(old, new, example, policy, known=known) & faults(old, example, policy) == set()


def scaled(manifest: Object) -> None:
    """Another number of replicas."""
    manifest.setdefault("spec", {})["replicas"] = 7


def labelled(manifest: Object) -> None:
    """A label that nobody selects."""
    manifest["metadata"].setdefault("labels", {})["example.com/build"] = "42"


def annotated(manifest: Object) -> None:
    """An annotation that is neither ours nor Istio's."""
    manifest["metadata"].setdefault("annotations", {})["example.com/note"] = "x"


def restarted(manifest: Object) -> None:
    """What `kubectl rollout restart` writes; for what has a template of its own."""
    template = dig(manifest, *TEMPLATE_PATHS.get(manifest["kind"], ("spec", "template")))
    if isinstance(template, dict):
        metadata = template.setdefault("metadata", {})
        metadata.setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = "2026-11-24T12:00:00Z"
        metadata.setdefault("labels", {})["example.com/build"] = "42"


def updated(manifest: Object) -> None:
    """Another image of the application, and a further variable."""
    template = dig(manifest, *TEMPLATE_PATHS.get(manifest["kind"], ("spec", "template")))
    containers = dig(template, "spec", "containers")
    for container in containers if isinstance(containers, list) else ():
        if container.get("name") != "istio-proxy":
            container.update(image="app:2", env=[{"name": "A", "value": "b"}])


def untouched(_manifest: Object) -> None:
    """An apply that changes nothing."""


@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from([scaled, labelled, annotated, restarted, updated, untouched]), min_size=1, unique=True),
    POLICIES,
    st.booleans(),
)
@settings(max_examples=max(300, settings().max_examples))
def test_an_unrelated_change_never_denies(example: Example, changes: list[Any], policy: Policy, known: bool) -> None:
    """Whatever is wrong with the object already."""
    old = subject(example)
    new = copy.deepcopy(old)
    for change in changes:
        change(new)
    assert denied(old, new, example, policy, known=known) == set()
