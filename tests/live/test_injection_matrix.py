"""A part of the matrix of injection comes out as its page says; `python -m prove.injection` plays all of it.

Real controllers, Istio's own injector, the chart by Helm, another mutating webhook; the cells share one cluster.
"""

from collections.abc import Iterator, Mapping

import pytest

from prove.injection.cells import Cell
from prove.injection.page import read
from prove.injection.play import played
from prove.injection.results import Result
from prove.injection.selection import SELECTED
from prove.injection.stage import stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results() -> Iterator[Mapping[Cell, Result]]:
    """What came of them; the mode is switched once for those of which that is the change, and once for the others."""
    with stage() as on:
        yield {one.cell: one for one in played(on, SELECTED, print)}


@pytest.mark.parametrize("cell", SELECTED, ids=str)
def test_it_comes_out_as_the_page_says(results: Mapping[Cell, Result], cell: Cell) -> None:
    """It has its files, or somebody says why not."""
    result = results[cell]
    assert not result.silent, result.wrong
    assert str(result) == read()[cell.kind, cell.mode, cell.other, cell.change.name]
