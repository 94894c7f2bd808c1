"""What a verdict costs and says as an object grows: in proportion to its entries, up to a limit that is told."""

import json
import sys
from collections.abc import Callable
from types import FrameType

import orjson
import pytest

from tests.worked import ask, cluster
from tests.worked import deployment as worked_deployment
from tests.worst_config import Grown
from tests.worst_objects import ANNOTATION, GROWN
from webhook.admission import answer
from webhook.engine.partial_verdict import TOO_MANY_ENTRIES
from webhook.kinds.list_limits import ENTRIES
from webhook.model.finding import Severity, Verdict
from webhook.trace.annotation_names import _meant_by

FEW = 30
LARGEST = 3_000_000
"""Bytes of an object that the API server takes."""


def steps(function: Callable[[], object]) -> int:
    """Calls of our functions and of those that they call, built-in ones too."""
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def judged(manifest: Grown) -> Verdict:
    """The verdict on the object as it arrives in the worked example."""
    view = cluster(without=("Deployment",) if manifest["kind"] == "Deployment" else ())
    ask(view, "CREATE", worked_deployment())
    return ask(view, "CREATE", orjson.loads(orjson.dumps(manifest)))


def cost(manifest: Grown) -> int:
    """Steps of the verdict."""
    _meant_by.cache_clear()
    view = cluster(without=("Deployment",) if manifest["kind"] == "Deployment" else ())
    ask(view, "CREATE", worked_deployment())
    return steps(lambda: ask(view, "CREATE", manifest))


@pytest.mark.parametrize("name", GROWN)
def test_twice_the_entries_cost_twice_the_steps_at_most(name: str) -> None:
    cost(GROWN[name](1))  # what is imported and kept on the way does not count
    few, some, many = (cost(GROWN[name](count)) for count in (FEW, 2 * FEW, 4 * FEW))
    assert many - some <= 3 * max(some - few, 100)


@pytest.mark.parametrize("name", GROWN)
def test_largest_object_costs_in_proportion(name: str) -> None:
    at_limit, large = GROWN[name](ENTRIES), GROWN[name](8 * ENTRIES)
    assert len(json.dumps(large)) < LARGEST
    assert cost(large) < 16 * cost(at_limit)


@pytest.mark.parametrize("name", ["depth of paths", "length of paths"])
def test_path_costs_are_bounded_by_path_max(name: str) -> None:
    """Each step may go over the whole path: without a limit, a DestinationRule of 80 KB took 23 seconds."""
    assert cost(GROWN[name](8 * ENTRIES)) <= 1.1 * cost(GROWN[name](ENTRIES))


@pytest.mark.parametrize("name", ANNOTATION)
def test_annotation_entries_beyond_limit_only_warn(name: str) -> None:
    verdict = judged(ANNOTATION[name](ENTRIES + 1))
    if name != "deep mount paths":
        assert (verdict.findings[0].rule, verdict.severity) == (TOO_MANY_ENTRIES, Severity.WARN)


@pytest.mark.parametrize("name", GROWN)
def test_an_answer_has_64_kib_at_most(name: str) -> None:
    verdict = judged(GROWN[name](ENTRIES))
    assert len(orjson.dumps(answer(verdict, "uid"))) <= 64 * 1024


def test_unknown_fields_beyond_the_limit_are_told() -> None:
    told = [one.problem for one in judged(GROWN["unknown fields"](12_000)).findings if one.rule == TOO_MANY_ENTRIES]
    assert told == ["not judged because it has 250 unknown fields or more, of which these are told"]
