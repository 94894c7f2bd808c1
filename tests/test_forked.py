"""Work that forked processes share comes out as if one process had done it, and nothing hangs when one of them ends."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests import worked
from webhook.cli import group
from webhook.input import parallel
from webhook.input.parallel import ENOUGH, WorkerLost, ahead, shared

MANY = ENOUGH * 2 + 37
PARENT = os.getpid()


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def made_in(number: int) -> tuple[int, int]:
    """The number, and the process that looked at it."""
    return number, os.getpid()


def failing(number: int) -> int:
    """The number, but for one late one."""
    if number == MANY - 1:
        raise ValueError("the last one")
    return number


def deadly(number: int) -> int:
    """The number, unless a forked process asks."""
    if os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("many", [0, 1, ENOUGH, ENOUGH + 1, MANY])
def test_items_made_ahead_keep_their_order(many: int) -> None:
    assert list(ahead(range(many))) == list(range(many))


@pytest.mark.parametrize("many", [0, 1, ENOUGH, 2 * ENOUGH, MANY])
def test_results_of_shared_jobs_keep_their_order(many: int) -> None:
    assert shared([partial(int, number) for number in range(many)]) == list(range(many))


def test_many_items_use_other_processes() -> None:
    assert len({process for _, process in ahead(made_in(number) for number in range(MANY))}) == 2
    assert len({process for _, process in shared([partial(made_in, number) for number in range(MANY)])}) == 2


def test_one_processor_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert {process for _, process in ahead(made_in(number) for number in range(MANY))} == {os.getpid()}
    assert {process for _, process in shared([partial(made_in, number) for number in range(MANY)])} == {os.getpid()}


def test_what_an_item_or_a_job_raises_is_raised_here() -> None:
    with pytest.raises(ValueError, match="the last one"):
        list(ahead(failing(number) for number in range(MANY)))
    with pytest.raises(ValueError, match="the last one"):
        shared([partial(failing, number) for number in range(MANY)])


def test_killed_process_is_reported_without_waiting() -> None:
    with pytest.raises(WorkerLost, match="too little memory"):
        list(ahead(deadly(number) for number in range(MANY)))
    with pytest.raises(WorkerLost):
        shared([partial(deadly, number) for number in range(MANY)])


def test_whoever_stops_early_leaves_no_process_behind() -> None:
    import multiprocessing

    items: Iterator[int] = ahead(range(100 * MANY))
    assert next(items) == 0
    for _ in range(ENOUGH + 5):
        next(items)
    assert len(multiprocessing.active_children()) == 1
    items.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_check_says_the_same_with_and_without_further_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n---\n".join(path.read_text(encoding="utf-8") for path in sorted(worked.FOLDER.glob("*.yaml")))
    broken = text.replace("/etc/mtlsfiles/cert", "/etc/mtlsfiles/other")
    for number in range(ENOUGH // 2):
        told = (broken if number % 3 else text).replace("devel", f"devel-{number}")
        (tmp_path / f"{number:03}.yaml").write_text(told, encoding="utf-8")
    (tmp_path / "999.yaml").write_text("kind: [", encoding="utf-8")
    arguments = ["check", "--complete", str(tmp_path), "-o", "json", "--at", "2026-11-26"]
    together = CliRunner().invoke(group, arguments)
    monkeypatch.setattr(parallel, "_MOST", 1)
    alone = CliRunner().invoke(group, arguments)
    assert together.stdout == alone.stdout
    assert '"deny"' in together.stdout
    assert (together.exit_code, together.stderr) == (alone.exit_code, alone.stderr)
