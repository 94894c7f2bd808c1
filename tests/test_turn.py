"""The turn of a review on the view: how it ends in time, and how others come first when it takes long."""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from time import sleep

import pytest

from tests.clock import Clock, clock
from tests.worked import ask, cluster, deployment, of_kind
from webhook.informer.review_lock import STRETCH_SECONDS, ReviewTurn
from webhook.informer.store import Store
from webhook.model.deadline import Changed, NotJudged, over

__all__ = ["clock"]


@pytest.fixture
def store() -> Store:
    return Store({})


def begin(store: Store, other: Callable[[], object]) -> Thread:
    """A thread that waits for the lock, which is held here, to do something."""

    def wait() -> None:
        with store.lock:
            other()

    thread = Thread(target=wait)
    thread.start()
    while not store.lock.waiting:
        sleep(0.001)
    return thread


def test_a_review_ends_at_the_first_question_after_its_time(store: Store, clock: Clock) -> None:
    with ReviewTurn(store, clock, 1002.0, 3) as turn:
        turn.check()
        clock.now = 1002.0
        with pytest.raises(NotJudged, match=r"the time for this review \(3 s\) was over"):
            turn.check()


def test_a_short_review_keeps_the_view_while_others_wait(store: Store, clock: Clock) -> None:
    had = Event()
    with ReviewTurn(store, clock, 1002.0, 3) as turn:
        thread = begin(store, had.set)
        clock.now += STRETCH_SECONDS / 2
        turn.check()
        assert not had.is_set()
    thread.join(10)


def test_a_long_review_lets_others_go_first(store: Store, clock: Clock) -> None:
    had = Event()
    with ReviewTurn(store, clock, 9000.0, 3) as turn:
        thread = begin(store, had.set)
        while not had.is_set() and clock.now < 8999:
            clock.now += STRETCH_SECONDS
            turn.check()
        assert had.is_set()
    thread.join(10)


def test_review_restarts_after_view_change(store: Store, clock: Clock) -> None:
    def judge(turn: ReviewTurn) -> None:
        with turn:
            begin(store, store.view.changed)
            while clock.now < 8999:
                clock.now += STRETCH_SECONDS
                turn.check()

    turn = ReviewTurn(store, clock, 9000.0, 3)
    with pytest.raises(Changed):
        judge(turn)
    assert turn.stretch == 2 * STRETCH_SECONDS


class After:
    """A Deadline that is over after so many questions, and counts those that are put later."""

    def __init__(self, questions: int) -> None:
        self.left, self.late = questions, 0

    def check(self) -> None:
        if self.left <= 0:
            self.late += 1
            raise over(3)
        self.left -= 1


@pytest.mark.parametrize("questions", [0, 1, 5, 20])
def test_no_rule_is_asked_once_the_time_is_over(questions: int) -> None:
    view, deadline = cluster(without=("Deployment",)), After(questions)
    with pytest.raises(NotJudged):
        ask(view.within(deadline), "CREATE", deployment())
    assert deadline.late == 1


def test_what_was_cut_off_is_worked_out_whole_by_the_next_review() -> None:
    view = cluster(without=("Deployment",))
    whole = ask(cluster(without=("Deployment",)), "CREATE", deployment())
    for questions in range(40):
        with suppress(NotJudged):
            ask(view.within(After(questions)), "CREATE", deployment())
    assert ask(view, "CREATE", deployment()) == whole


class Changing:
    """A Deadline for a view that is found changed at one of the questions."""

    def __init__(self, at: int) -> None:
        self.at, self.questions = at, 0

    def check(self) -> None:
        self.questions += 1
        if self.questions == self.at:
            raise Changed


@pytest.mark.parametrize("kind", ["Deployment", "DestinationRule"])
def test_view_change_inside_a_rule_is_no_internal_error(kind: str) -> None:
    """A rule that was skipped for it would have hidden its findings behind a warning of an internal error."""
    view, count = cluster(), Changing(0)
    ask(view, "UPDATE", of_kind(kind), of_kind(kind))  # which leaves what it has looked up in the view
    ask(view.within(count), "UPDATE", of_kind(kind), of_kind(kind))
    for at in range(1, count.questions + 1):
        with pytest.raises(Changed):
            ask(view.within(Changing(at)), "UPDATE", of_kind(kind), of_kind(kind))
