"""A review asks the API server for as long as its own answer is waited for, and not at all while nobody answers."""

import pytest

from tests.clock import Clock, clock
from webhook.kubeapi.circuit_breaker import CircuitBreaker
from webhook.kubeapi.errors import ClusterUnavailable, Forbidden

__all__ = ["clock"]
SILENT = ClusterUnavailable("GET /api: no answer in time")


@pytest.fixture
def patience(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def test_a_question_has_what_is_left_and_no_more_than_its_most(patience: CircuitBreaker) -> None:
    assert patience.seconds(1001.5, 2.0) == 1.5
    assert patience.seconds(1009.0, 2.0) == 2.0


def test_when_no_time_is_left_nothing_is_asked(patience: CircuitBreaker) -> None:
    with pytest.raises(ClusterUnavailable, match="no time was left"):
        patience.seconds(1000.0, 2.0)


def test_silent_api_server_gets_one_request_per_second(patience: CircuitBreaker, clock: Clock) -> None:
    clock.now += 2
    patience.failed(SILENT, 1000.0)
    for _ in range(3):
        clock.now += 0.5
        with pytest.raises(ClusterUnavailable, match="the API server does not answer mtls-guard"):
            patience.seconds(1010.0, 2.0)
        clock.now += 0.5
        assert patience.seconds(1010.0, 2.0) == 2.0


def test_suspended_process_does_not_blame_the_api_server(patience: CircuitBreaker, clock: Clock) -> None:
    """After SIGSTOP or a paused virtual machine, the next review is judged."""
    clock.now += 10
    patience.failed(SILENT, 1000.0)
    assert patience.seconds(1020.0, 2.0) == 2.0


def test_the_first_answer_ends_the_silence(patience: CircuitBreaker, clock: Clock) -> None:
    clock.now += 2
    patience.failed(SILENT, 1000.0)
    patience.answered()
    assert patience.seconds(1010.0, 2.0) == 2.0
    patience.failed(SILENT, 1000.0)
    patience.failed(ClusterUnavailable("GET /api: 500 etcd", 500), 1002.0)
    assert patience.seconds(1010.0, 2.0) == 2.0


def test_skipped_request_names_no_other_object(patience: CircuitBreaker, clock: Clock) -> None:
    clock.now += 2
    patience.failed(ClusterUnavailable("GET /api/v1/namespaces/other/configmaps/istio-ca-crl: no answer"), 1000.0)
    with pytest.raises(ClusterUnavailable) as caught:
        patience.seconds(1010.0, 2.0)
    assert str(caught.value) == "the API server does not answer mtls-guard"


@pytest.mark.parametrize(
    ("error", "lasted"),
    [(SILENT, 0.1), (ClusterUnavailable("GET /api: 500 etcd", 500), 2.0), (Forbidden("GET /api: 403", 403), 2.0)],
    ids=["cut at once", "an answer", "a refusal"],
)
def test_what_is_no_silence_keeps_nobody_from_asking(
    patience: CircuitBreaker, clock: Clock, error: ClusterUnavailable, lasted: float
) -> None:
    clock.now += lasted
    patience.failed(error, 1000.0)
    assert patience.seconds(1010.0, 2.0) == 2.0
