"""Every shape of release by every tool: a first install, and an upgrade that adds it to a release that works."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from prove.releases.answers import Answer, answer
from prove.releases.shapes import (
    EARLIER,
    SHAPES,
    Object,
    Part,
    Worked,
    in_team,
    namespace,
    objects_of,
    written_by_controllers,
)
from prove.releases.tools import TOOLS, Place, Tool, ran, written
from rig.control_plane import ControlPlane
from rig.waiting import until

STEPS = ("install", "upgrade")
ATTEMPTS = 2
AT_A_TIME = 3
ISSUED_SECONDS = 60
KINDS = "deployments,secrets,destinationrules,serviceentries,virtualservices"
OF_OTHERS = frozenset(("sidecar-unprepared",))
"""A further workload of the namespace is warned of DestinationRules that are not its own."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One cell. rehearsed: a dry run of all by kubectl. attempts: as many as it took. wrong: other faults."""

    shape: str
    tool: Tool
    step: str
    attempts: tuple[Answer, ...]
    rehearsed: Answer | None = None
    wrong: tuple[str, ...] = ()

    def faults(self) -> Iterator[str]:
        """What must not be: a tool that is stopped, or one other than kubectl that needs a second attempt."""
        yield from self.wrong
        if self.attempts and not self.attempts[-1].good:
            yield f"stopped: {self.attempts[-1].said}"
        if len(self.attempts) > 1 and not self.tool.sends_in_any_order:
            yield f"needed a second attempt: {self.attempts[0].said}"
        if self.rehearsed and not self.rehearsed.good:
            yield f"the dry run was denied: {self.rehearsed.said}"


def matrix(plane: ControlPlane, shapes: Sequence[str], tools: Sequence[Tool]) -> Iterator[Tried]:
    """All of it, several at a time; the worked example first, whose DestinationRule applies to every namespace."""
    cells = list(product(shapes, tools, STEPS))
    for cell in (cell for cell in cells if _is_worked(cell[0])):
        yield _worked(plane, *cell)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from pool.map(lambda cell: _in_team(plane, *cell), [cell for cell in cells if not _is_worked(cell[0])])


def _is_worked(shape: str) -> bool:
    return isinstance(SHAPES[shape][0], Worked)


def _worked(plane: ControlPlane, shape: str, tool: Tool, step: str) -> Tried:
    """One cell in the namespaces of the worked example, which are empty before and after."""
    with TemporaryDirectory() as folder:
        found = tried(Place(plane, Path(folder), Worked().team, issues=True), shape, tool, step)
    for one in Worked().namespaces():
        plane.kubectl("delete", KINDS, "--all", "-n", one["metadata"]["name"])
    return found


def _in_team(plane: ControlPlane, shape: str, tool: Tool, step: str) -> Tried:
    """One cell in a namespace of its own."""
    team = f"team-{TOOLS.index(tool)}-{list(SHAPES).index(shape)}-{step}"
    plane.apply(namespace(team))
    with TemporaryDirectory() as folder:
        return tried(Place(plane, Path(folder), team, issues=True), shape, tool, step)


def tried(to: Place, shape: str, tool: Tool, step: str) -> Tried:
    """Brings the shape, again if it was denied, and looks at what there is in the end."""
    earlier = in_team([EARLIER], to.team) if step == "upgrade" else []
    if earlier and not attempts(to, tool, objects_of(earlier))[-1].good:
        return Tried(shape, tool, step, (), wrong=("the earlier release failed",))
    parts = [*earlier, *in_team(SHAPES[shape], to.team)]
    objects = objects_of(parts)
    rehearsed = rehearsal(to, objects) if tool.sends_in_any_order else None
    made = attempts(to, tool, objects)
    wrong = tuple(_wrong(to, parts)) if made[-1].good else ()
    return Tried(shape, tool, step, made, rehearsed, wrong)


def rehearsal(to: Place, objects: Sequence[Object]) -> Answer:
    """A dry run of everything on the server."""
    file = written(to.folder, objects)
    return answer(ran(to.plane.kubectl("apply", "--dry-run=server", "-f", str(file), check=False)))


def attempts(to: Place, tool: Tool, objects: Sequence[Object]) -> tuple[Answer, ...]:
    """Until it goes through, as often as somebody would try it."""
    made: list[Answer] = []
    while len(made) < ATTEMPTS and not (made and made[-1].good):
        made.append(answer(tool.bring(to, objects)))
    return tuple(made)


def _wrong(to: Place, parts: Sequence[Part]) -> Iterator[str]:
    """What is not as it has to be, once every controller has made its Secrets."""
    there = to.plane.kubectl("get", "-f", str(written(to.folder, objects_of(parts))), check=False)
    if there.returncode:
        yield f"not everything is there: {there.stderr}"
    _complete(to, parts)
    found = _asked(to.plane, [_again(part.workload()) for part in parts])
    if not found.good or found.warned - OF_OTHERS:
        yield f"of other workloads like these, in the end: {found.said}"


def _again(one: Object) -> Object:
    """The same workload under another name."""
    return {**one, "metadata": {**one["metadata"], "name": f"{one['metadata']['name']}-again"}}


def _complete(to: Place, parts: Sequence[Part]) -> None:
    """Waits for cert-manager, if it is there; writes what the controllers of the other kinds would write."""
    issued = [part for part in parts if part.producer == "Certificate" and to.issues]
    for part in issued:
        ready = partial(to.plane.is_ready, "certificate", part.name, part.team)
        until(ready, "it is issued", ISSUED_SECONDS)
    others = [part for part in parts if part not in issued]
    secrets = list(written_by_controllers(others, objects_of(others)))
    if secrets:
        to.plane.apply(*secrets)


def _asked(plane: ControlPlane, objects: Sequence[Object]) -> Answer:
    """What is said of further objects."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return answer(ran(plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=text, check=False)))
