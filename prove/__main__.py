"""`make prove`: plays every example of every rule that denies, tells the stories, writes `docs/proof.md`.

`python -m prove RULE ...` plays these rules only, and prints. Exit code 1: reality and we disagree, unexplained.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Thread

from prove.aside import ours
from prove.asking import Answer
from prove.cases import Case, cases
from prove.machine import demand_sidecars
from prove.mesh import mesh
from prove.outcome import Kind, Outcome
from prove.over_time import Story, stories
from prove.page import page
from prove.play import Played, play
from prove.record import Record, read, record, write
from prove.stage import Stage
from rig.control_plane import control_plane
from rig.parts import MANIFESTS, MESH_PARTS, PARTS, PartMissing, have
from webhook.model.finding import Severity
from webhook.rules import catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "proof.md"
STARTED = datetime.now(UTC)
"""The instant around which certificates are made: what an example calls expired is expired today."""
PROGRESS_SECONDS = 60
SHARES = 4
"""Processes with a mesh each: much of the time an Envoy waits for files that never come."""


def main() -> int:
    """Reads the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("rules", nargs="*", help="ids of rules; none: all that deny")
    parser.add_argument("--share", nargs=3, metavar=("NUMBER", "OF", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    try:
        demand_sidecars()
        if asked.share:
            return _share(int(asked.share[0]), int(asked.share[1]), Path(asked.share[2]))
        print("Having Kubernetes, Helm and Istio; what is not here yet is built, once, in some minutes ...", flush=True)
        for part in (*PARTS, *MESH_PARTS, MANIFESTS):
            have(part)
    except PartMissing as error:
        print(f"make prove: {error}", file=sys.stderr)
        return 1
    return _only(asked.rules) if asked.rules else _all()


def _only(rules: Sequence[str]) -> int:
    """Plays some rules and prints what happens."""
    held = []
    for one in _play(case for rule in rules for case in _cases(rule)):
        print(f"{'DISAGREES' if one.unexplained else 'as we say':<10} {_told(one)}", flush=True)
        held.append(one)
    return int(any(one.unexplained for one in held))


def _all() -> int:
    """Plays everything in several processes, writes the page."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.jsonl") for number in range(SHARES)]
        command = [sys.executable, "-m", "prove", "--share"]
        started = [subprocess.Popen([*command, str(n), str(SHARES), str(file)]) for n, file in enumerate(files)]
        Thread(target=_progress, args=(files, started), daemon=True).start()
        told = tuple(_stories())
        codes = [one.wait() for one in started]
        if any(codes):
            return 1
        records = [one for file in files for one in read(file)]
    PAGE.write_text(page(records, told), encoding="utf-8")
    return _judge(records, told)


def _progress(files: Sequence[Path], playing: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Says now and then how far the processes are."""
    examples = sum(1 for rule in _denying() for _ in _cases(rule))
    while True:
        time.sleep(PROGRESS_SECONDS)
        if all(one.poll() is not None for one in playing):
            return
        played = sum(file.read_text(encoding="utf-8").count("\n") for file in files if file.exists())
        print(f"{played} of {examples} examples played ...", flush=True)


def _judge(records: Sequence[Record], told: Sequence[Story]) -> int:
    """Says what nobody has explained; the exit code."""
    wrong = [f"in {', '.join(sorted(one.unexplained))}: {_told(one)}" for one in records if one.unexplained]
    wrong += [f"{story.title}: {', then '.join(map(str, story.seen))}" for story in told if not story.true]
    stale = [f"no more in {', '.join(sorted(one.stale))}: {_told(one)}" for one in records if one.stale]
    for line in (*wrong, *stale):
        print(f"DISAGREES {line}", file=sys.stderr)
    print(f"{len(records)} examples and {len(told)} stories played, {len(wrong)} unexplained; wrote {PAGE.name}")
    return int(bool(wrong or stale))


def _share(number: int, shares: int, file: Path) -> int:
    """Plays every so-manieth case, and writes what comes of them."""
    write(_play(islice((case for rule in _denying() for case in _cases(rule)), number, None, shares)), file)
    return 0


def _denying() -> list[str]:
    """The ids of the rules that deny."""
    return [rule.id for rule in catalogue().values() if rule.severity is Severity.DENY]


def _cases(rule: str) -> Iterator[Case]:
    """The cases of a rule as they are today; examples that only warn prove nothing: they may work or not."""
    return (case for case in cases(rule, STARTED) if case.bad or case.good)


def _play(chosen: Iterable[Case]) -> Iterator[Record]:
    """Plays cases on a mesh of their own; one that comes out against us is played a second time."""
    with control_plane() as cluster, mesh(cluster) as istio, ours(cluster):
        stage = Stage(istio)
        for case in chosen:
            first = record(case, _once(stage, case))
            yield record(case, _once(stage, case)) if first.unexplained else first


def _told(one: Record) -> str:
    """A record as one line."""
    injected = f"; injected: {one.injected}" if one.injected else ""
    return f"{one.rule}: {one.title}: {one.said}; {one.text}{injected}"


def _once(stage: Stage, case: Case) -> Played:
    """What a case comes to; what the rig could not do is no outcome of Istio's, and fails the run."""
    try:
        return play(stage, case)
    except (AssertionError, OSError) as error:
        return Played(Answer("not asked"), Outcome(Kind.BROKEN, f"{type(error).__name__}: {error}"))


def _stories() -> Iterator[Story]:
    """The stories, on a mesh of their own."""
    with control_plane() as cluster, mesh(cluster) as istio:
        yield from stories(Stage(istio))


if __name__ == "__main__":
    sys.exit(main())
