"""A part of the matrix of injection comes out as its page says; `python -m prove.injection` plays all of it.

Real controllers, Istio's own injector, the chart by Helm, another mutating webhook; the cells share one cluster.
"""

from collections.abc import Iterator, Mapping

import pytest

from prove.injection.cells import CHANGES, Cell
from prove.injection.page import read
from prove.injection.play import played
from prove.injection.results import Result
from prove.injection.stage import stage

pytestmark = pytest.mark.slow

CREATED, OTHER_SECRET, OPTED_OUT, REMOVED, MOVED, RENAMED, SWITCHED = CHANGES
CELLS = (
    Cell("Pods", "none", CREATED, "StatefulSet"),
    Cell("Pods", "none", CREATED, "gateway"),
    Cell("Pods", "none", OTHER_SECRET, "Deployment"),
    Cell("Pods", "none", OTHER_SECRET, "Pod"),
    Cell("Pods", "none", OPTED_OUT, "DaemonSet"),
    Cell("Pods", "none", REMOVED, "Pod"),
    Cell("Pods", "none", MOVED, "Deployment"),
    Cell("Pods", "none", MOVED, "Pod"),
    Cell("Pods", "none", RENAMED, "Job"),
    Cell("Pods", "none", SWITCHED, "Deployment"),
    Cell("Pods", "none", SWITCHED, "Pod"),
    Cell("Pods", "before, opts in", CREATED, "CronJob"),
    Cell("Pods", "between, drops", CREATED, "Deployment"),
    Cell("Pods", "between, overwrites", CREATED, "gateway"),
    Cell("Pods", "after, opts in", CREATED, "Deployment"),
    Cell("Pods", "after, adds a volume", CREATED, "Job"),
    Cell("Templates", "none", OTHER_SECRET, "Deployment"),
    Cell("Templates", "none", OPTED_OUT, "Deployment"),
    Cell("Templates", "none", REMOVED, "StatefulSet"),
    Cell("Templates", "between, drops", CREATED, "Deployment"),
    Cell("Templates", "before, adds a volume", OTHER_SECRET, "CronJob"),
    Cell("Templates", "after, opts in", CREATED, "Deployment"),
)


@pytest.fixture(scope="module")
def results() -> Iterator[Mapping[Cell, Result]]:
    """What came of them; the mode is switched once for those of which that is the change, and once for the others."""
    with stage() as on:
        yield {one.cell: one for one in played(on, CELLS, print)}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_comes_out_as_the_page_says(results: Mapping[Cell, Result], cell: Cell) -> None:
    """It has its files, or somebody says why not."""
    result = results[cell]
    assert not result.silent, result.wrong
    assert str(result) == read()[cell.kind, cell.mode, cell.other, cell.change.name]
