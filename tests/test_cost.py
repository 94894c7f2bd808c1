"""What a verdict costs, counted in calls of our functions: the same on any machine, however busy."""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

from benchmarks.cluster import deployment, destination_rule, service_entry
from tests.worked import Object, ask, cluster, of_kind
from tests.worked import deployment as worked_deployment
from webhook.model.finding import ObjectRef
from webhook.view import Snapshot

FEW, MANY = 10, 300


def calls(function: Callable[[], object]) -> Counter[str]:
    """How often each function of ours was called meanwhile."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/webhook/" in frame.f_code.co_filename:
            found[frame.f_code.co_qualname] += 1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return found


def crowd(count: int) -> Snapshot:
    """The worked example among so many partners whose rules reach every sidecar, and as many workloads."""
    numbers = range(count)
    rules = [without(destination_rule(number), "exportTo", "workloadSelector") for number in numbers]
    entries = [service_entry(number) for number in numbers]
    return cluster(*rules, *entries, *(deployment(number, count) for number in numbers))


def without(manifest: Object, *fields: str) -> Object:
    """The object without these fields of its spec."""
    return {**manifest, "spec": {key: value for key, value in manifest["spec"].items() if key not in fields}}


def verdict(view: Snapshot) -> Callable[[], object]:
    """Asks for the worked example's Deployment."""
    return lambda: ask(view, "CREATE", worked_deployment())


def settled(count: int) -> Snapshot:
    """A crowd that has been asked before."""
    view = crowd(count)
    verdict(view)()
    return view


def test_verdict_cost_does_not_grow_with_cluster_size() -> None:
    assert calls(verdict(settled(MANY))) == calls(verdict(settled(FEW)))


def test_change_recomputes_only_its_own_host() -> None:
    def after_a_change(count: int) -> Counter[str]:
        view = settled(count)
        view.put(without(service_entry(3), "ports"))
        return calls(verdict(view))

    few, many = after_a_change(FEW), after_a_change(MANY)
    for name in ("decide", "lookup", "share", "SidecarFiles.resolve", "directories", "lineage"):
        assert many[name] == few[name], name
    assert few["decide"] == 1


def test_workload_without_declarations_asks_few_rules() -> None:
    plain = {**deployment(1, FEW)}
    plain["spec"] = {
        **plain["spec"],
        "template": {"metadata": {"labels": {"app": "plain"}}, "spec": {"containers": []}},
    }
    view = settled(FEW)
    assert calls(lambda: ask(view, "CREATE", plain))["check"] < 20


def test_verdict_on_destinationrule_skips_unaffected_namespaces() -> None:
    def on_a_rule(count: int) -> Counter[str]:
        view, rule = settled(count), of_kind("DestinationRule")
        return calls(lambda: ask(view, "UPDATE", rule, rule))

    few, many = on_a_rule(FEW), on_a_rule(MANY)
    for name in ("reach", "share", "SidecarFiles.resolve"):
        assert many[name] == few[name], name


def test_caches_stay_bounded_while_destinationrules_change() -> None:
    view, sizes = settled(FEW), []
    for number in range(FEW, 800):
        passing = [without(destination_rule(number), "exportTo", "workloadSelector"), service_entry(number)]
        for one in passing:
            view.put(one)
        verdict(view)()
        sizes.append(sum(map(len, view.lasting.values())))
        for one in passing:
            metadata = one["metadata"]
            view.remove(ObjectRef(one["apiVersion"], one["kind"], metadata["namespace"], metadata["name"]))
    assert (max(sizes) > FEW, max(sizes) < 600) == (True, True)
