"""Plays the cells of one mode at a time: creates, changes, restarts, switches the mode, reads what came of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from prove.injection.cells import CREATE, MODES, SWITCH, Cell, State
from prove.injection.client import Reply
from prove.injection.objects import Object, around, destination_rule, namespace, restarted, run_of, workload
from prove.injection.results import Result, answers
from prove.injection.stage import Stage

AT_ONCE = 4
POLL_SECONDS = 1.0
USUAL_PATIENCE, PATIENCE = 20.0, 75.0
"""How long nothing may come of what is awaited: where Events say why not, and else (`injection.waitSeconds` is 60)."""
PASSING = ("it waits for", "failed calling webhook")
"""What Events say of Pods that may still come."""
SAY = Callable[[str], None]
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(eq=False)
class Course:
    """How it goes with one cell.

    replies, of_rule: what was answered for the workload and for the DestinationRule since its change began. seen: uids
    of Pods that were there before. run: counts a workload that is made again.
    """

    cell: Cell
    state: State = field(init=False)
    replies: list[Reply] = field(default_factory=list)
    of_rule: list[Reply] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    began: datetime = EVER
    run: int = 1
    renews: bool = True
    """Whether a new Pod is to come."""
    pod: Any = None

    def __post_init__(self) -> None:
        """Begins with the state before the change."""
        self.state = self.cell.change.before

    @property
    def said(self) -> list[Reply]:
        """The replies that count: what is said of old Pods when the DestinationRule changes is none of a new one's."""
        return self.replies if self.renews else [*self.of_rule, *self.replies]

    def begin(self) -> None:
        """From here on the answers count, and Pods are older ones; why there is no Pod yet still counts."""
        if self.pod:
            self.replies.clear()
            self.of_rule.clear()
            self.began = datetime.now(UTC).replace(microsecond=0)
            self.seen.add(self.pod["metadata"]["uid"])


@dataclass(eq=False)
class Play:
    """The cells of one mode on a stage. say: tells how far it is."""

    stage: Stage
    courses: Sequence[Course]
    say: SAY

    def results(self) -> Iterator[Result]:
        """What came of each cell."""
        self._all(self._prepare, self.courses, "namespaces and DestinationRules")
        self._serve_accounts()
        self._all(self._create, self.courses, "workloads")
        self._await(self.courses)
        changed = [one for one in self.courses if one.cell.change not in (CREATE, SWITCH)]
        self._all(self._change, changed, "changes")
        self._await([one for one in changed if one.renews])
        kept = [one for one in self.courses if one.cell.change is not SWITCH]
        yield from self._read(kept)
        switched = [one for one in self.courses if one.cell.change is SWITCH]
        if switched:
            yield from self._switched(switched)

    def _switched(self, switched: Sequence[Course]) -> Iterator[Result]:
        """What came of those whose mode is switched."""
        for one in switched:
            one.begin()
        self.say("helm upgrade to the other mode")
        self.stage.switch(next(mode for mode in MODES if mode != self.stage.mode))
        self._all(self._restart, switched, "restarts")
        self._await(switched)
        yield from self._read(switched)

    # ------------------------------------------------------------ steps

    def _prepare(self, course: Course) -> None:
        for manifest in (namespace(course.cell), *around(course.cell, course.state)):
            reply = self.stage.client.apply(manifest)
            if reply.refused:
                raise AssertionError(f"{course.cell}: {reply.message}")

    def _serve_accounts(self) -> None:
        """Waits until Pods can be created everywhere."""
        wanted = {one.cell.team for one in self.courses}
        end = monotonic() + PATIENCE * 4
        while wanted - {one["metadata"]["namespace"] for one in self.stage.client.items("/api/v1/serviceaccounts")}:
            if monotonic() > end:
                raise AssertionError("the namespaces have no service accounts")
            sleep(POLL_SECONDS)

    def _create(self, course: Course) -> None:
        course.began = datetime.now(UTC).replace(microsecond=0)
        course.replies.append(self.stage.client.apply(workload(course.cell, course.state)))
        course.renews = not course.replies[-1].refused
        if course.cell.kind == "CronJob" and course.renews:
            self._run_cron_job(course)

    def _change(self, course: Course) -> None:
        """Applies the change. The opt-in that another webhook gave a Pod stays: no update of a Pod is sent to it."""
        course.begin()
        cell, after = course.cell, course.cell.change.after
        if cell.change.target == "DestinationRule":
            self._change_rule(course, after)
        elif cell.kind == "Job":
            old = workload(cell, course.state, course.run)
            course.state = after
            self._renew(course, old)
        else:
            course.replies.append(self.stage.client.apply(workload(cell, after)))
            keeps = course.pod and cell.kind == "Pod" and cell.variant == "opts in"
            course.state = replace(after, secret=course.state.secret) if keeps else after
            course.renews = (cell.kind != "Pod" or not course.pod) and not course.replies[-1].refused
            if cell.kind == "CronJob" and course.renews:
                self._run_cron_job(course)

    def _change_rule(self, course: Course, after: State) -> None:
        """Changes the DestinationRule; where it is denied, with the annotation that accepts an interruption."""
        course.state = after
        for state in (after, replace(after, interruption=True)):
            course.of_rule.append(self.stage.client.apply(destination_rule(course.cell, state)))
            if not course.of_rule[-1].refused:
                break
        course.renews = not course.of_rule[-1].refused and course.cell.kind != "Pod"
        if course.renews:
            self._restart(course)

    def _restart(self, course: Course) -> None:
        """A new Pod: by `rollout restart`, by another Job, or, of a bare Pod, by a person."""
        cell, client = course.cell, self.stage.client
        if cell.kind == "CronJob":
            self._run_cron_job(course)
        elif cell.kind in ("Job", "Pod"):
            self._renew(course, workload(cell, course.state, course.run))
        else:
            course.run += 1
            course.replies.append(client.apply(restarted(workload(cell, course.state), course.run)))
        course.renews = not course.replies[-1].refused

    def _renew(self, course: Course, old: Object) -> None:
        """Deletes the workload, and makes it again."""
        self.stage.client.delete(old)
        course.run += 1
        course.replies.append(self.stage.client.apply(workload(course.cell, course.state, course.run)))
        course.renews = not course.replies[-1].refused

    def _run_cron_job(self, course: Course) -> None:
        """`kubectl create job --from`: what the controller would create at the next instant of the schedule."""
        client, cell = self.stage.client, course.cell
        path = f"/apis/batch/v1/namespaces/{cell.team}/cronjobs/app"
        stored = client.ask("GET", path).body
        if stored["kind"] != "CronJob":
            course.renews = False
            return
        course.run += 1
        job = run_of(stored, course.run)
        course.replies.append(client.create(job))

    # ------------------------------------------------------------ waiting and reading

    def _all(self, step: Callable[[Course], None], courses: Iterable[Course], what: str) -> None:
        """One step of many cells."""
        begun = monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            count = len(list(pool.map(step, courses)))
        self.say(f"{what} of {count} cells in {monotonic() - begun:.0f} s")

    def _await(self, courses: Sequence[Course]) -> None:
        """Waits for the new Pod of each, as long as some come."""
        begun = last = monotonic()
        missing = {one.cell.team: one for one in courses if one.renews}
        while missing and monotonic() - last < self._patience(set(missing)):
            sleep(POLL_SECONDS)
            came = [pod for pod in self._pods() if _is_new(pod, missing)]
            for pod in came:
                missing[pod["metadata"]["namespace"]].pod = pod
            last = monotonic() if came else last
            missing = {team: one for team, one in missing.items() if one.pod is None or _uid(one.pod) in one.seen}
        self.say(f"{len(courses) - len(missing)} of {len(courses)} have a new Pod after {monotonic() - begun:.0f} s")

    def _patience(self, missing: set[str]) -> float:
        said = {one["metadata"]["namespace"]: one["message"] for one in self._events()}
        lasting = [team in said and not any(sign in said[team] for sign in PASSING) for team in missing]
        return USUAL_PATIENCE if all(lasting) else PATIENCE

    def _pods(self) -> list[Any]:
        return [one for one in self.stage.client.items("/api/v1/pods") if not one["metadata"].get("deletionTimestamp")]

    def _events(self) -> list[Any]:
        return self.stage.client.items("/api/v1/events?fieldSelector=reason=FailedCreate")

    def _read(self, courses: Sequence[Course]) -> Iterator[Result]:
        """The results, with what `check --live` and the Events say."""
        begun = monotonic()
        findings, events = self.stage.findings(), self._events()
        self.say(f"check --live in {monotonic() - begun:.0f} s")
        alive = {one["metadata"]["uid"]: one for one in self._pods()}
        for one in courses:
            pod = alive.get(_uid(one.pod)) if one.pod else None
            fresh = pod is not None and (_uid(pod) not in one.seen or not one.renews)
            said = answers(one.cell, one.said, events, findings, one.began)
            yield Result(one.cell, one.state, pod if fresh else None, said)


def played(stage: Stage, cells: Sequence[Cell], say: SAY) -> Iterator[Result]:
    """The results of cells of all modes, one mode after the other."""
    for mode in MODES:
        courses = [Course(one) for one in cells if one.mode == mode]
        if courses:
            stage.switch(mode)
            yield from Play(stage, courses, say).results()


def _uid(pod: Any) -> str:
    return str(pod["metadata"]["uid"])


def _is_new(pod: Any, missing: dict[str, Course]) -> bool:
    course = missing.get(pod["metadata"]["namespace"])
    return course is not None and _uid(pod) not in course.seen
