"""Connections of an address: read without waiting for any client, limited in number and time, none closed in use."""

import socket
import threading
import time
from contextlib import ExitStack
from functools import partial

import pytest

from rig.waiting import until
from tests.endpoint import WAIT_SECONDS, Served, ended, post, read, serving
from webhook.serving.connection import ConnectionState
from webhook.serving.limits import ConnectionLimits

OK = "HTTP/1.1 200 OK"


def test_a_connection_carries_one_request_after_the_other() -> None:
    with serving() as served, served.connect() as connection:
        for body in (b"one", b"two", b"x" * 100_000):
            connection.sendall(post(body))
            assert read(connection)[::2] == (OK, body)


def test_pipelined_requests_are_answered_in_turn() -> None:
    with serving() as served, served.connect() as connection:
        connection.sendall(post(b"one") + post(b"two") + post(b"three"))
        assert [read(connection)[2] for _ in range(3)] == [b"one", b"two", b"three"]


def test_pipelined_request_is_read_after_the_answer() -> None:
    with serving() as served, served.connect() as connection:
        connection.sendall(post(b"one", b"/wait"))
        assert served.app.entered.acquire(timeout=WAIT_SECONDS)
        connection.sendall(post(b"two"))
        until(lambda: any(found.paused for found in served.ask(lambda: list(served.endpoint.connections))), "paused")
        served.app.go.set()
        assert [read(connection)[2] for _ in range(2)] == [b"one", b"two"]


def test_a_request_that_arrives_byte_by_byte_is_read() -> None:
    with serving() as served, served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in post(b"{}"):
            connection.sendall(bytes([number]))
        assert read(connection)[::2] == (OK, b"{}")


def test_a_chunked_body_is_read_to_its_end() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving() as served, served.connect() as connection:
        connection.sendall(head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: SCRIPT\r\n\r\n" + post(b"next"))
        assert [read(connection)[2] for _ in range(2)] == [b"abcde", b"next"]
    assert "CONTENT_LENGTH" not in served.app.environs[0]
    assert "HTTP_X_TRAILER" not in served.app.environs[0]


def test_a_client_that_asks_whether_to_go_on_is_told() -> None:
    with serving() as served, served.connect() as connection:
        head, _, body = post(b"abc", b"/", b"Expect: 100-continue").partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert read(connection)[0] == "HTTP/1.1 100 Continue"
        connection.sendall(body)
        assert read(connection)[::2] == (OK, b"abc")


def test_a_head_request_is_answered_without_a_body() -> None:
    with serving() as served, served.connect() as connection:
        connection.sendall(b"HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.sendall(b"GET /abc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.count(b"Content-Length: 4") == 2
    assert answer.count(b"/abc") == 1


def test_large_answer_is_sent_as_its_client_reads() -> None:
    with serving(threads=1) as served, served.connect() as slow, served.connect() as other:
        slow.sendall(post(b"", b"/large") + post(b"next"))
        until(lambda: any(found.rest for found in served.ask(lambda: list(served.endpoint.connections))), "a rest")
        other.sendall(post(b"other"))
        assert read(other)[2] == b"other"
        assert len(read(slow)[2]) == 8_000_000
        assert read(slow)[2] == b"next"


TWO_WAYS = {
    "length and coding": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "the same length twice": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a coding besides chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding before which is a tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Content-Length : 2\r\n\r\n{}",
    "a line that goes on": b"Content-Length: 2\r\nX-A: b\r\n c\r\n\r\n{}",
    "a line that ends with LF": b"Content-Length: 2\n\n{}",
    "a zero byte": b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "two hosts": b"Host: b\r\nContent-Length: 2\r\n\r\n{}",
    "another protocol": b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("case", TWO_WAYS)
def test_what_could_be_read_in_two_ways_is_refused(case: str) -> None:
    """Whatever stands before us must not see another request than we do."""
    with serving() as served, served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + TWO_WAYS[case])
        status, headers, _ = read(connection)
        assert (status, headers["connection"]) == ("HTTP/1.1 400 Bad Request", "close")
        assert ended(connection)
    assert served.app.environs == []


VERSIONS = {
    b"GET / HTTP/1.0\r\n\r\n": (OK, "close"),
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n": (OK, "keep-alive"),
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n": (OK, "close"),
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": ("HTTP/1.1 400 Bad Request", "close"),
    b"GET / HTTP/2.0\r\n\r\n": ("HTTP/1.1 400 Bad Request", "close"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": ("HTTP/1.1 400 Bad Request", "close"),
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n": ("HTTP/1.1 400 Bad Request", "close"),
    b"POST / HTTP/1.1\r\nExpect: wonders\r\n\r\n": ("HTTP/1.1 417 Expectation Failed", "close"),
    b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 65 + b"\r\n": ("HTTP/1.1 431 Request Header Fields Too Large", "close"),
    b"GET / HTTP/1.1\r\nX: " + b"x" * 8200 + b"\r\n\r\n": ("HTTP/1.1 431 Request Header Fields Too Large", "close"),
    b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000: ("HTTP/1.1 431 Request Header Fields Too Large", "close"),
    b"GET /" + b"x" * 60_000: ("HTTP/1.1 414 URI Too Long", "close"),
    b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n": ("HTTP/1.1 413 Request Entity Too Large", "close"),
}


@pytest.mark.parametrize("sent", VERSIONS)
def test_each_request_gets_status_and_connection_header(sent: bytes) -> None:
    with serving() as served, served.connect() as connection:
        connection.sendall(sent)
        status, headers, _ = read(connection)
        assert (status, headers["connection"]) == VERSIONS[sent]


LATE = {
    "half a line": (b"POST / HT", "header deadline"),
    "half a header": (b"POST / HTTP/1.1\r\nHost: a\r\nConte", "header deadline"),
    "half a body": (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", "body deadline"),
}


@pytest.mark.parametrize("case", LATE)
def test_a_request_that_stops_is_told_so_and_its_connection_ends(case: str) -> None:
    sent, reason = LATE[case]
    with serving(ConnectionLimits(head_seconds=0.2, body_seconds=0.2)) as served, served.connect() as connection:
        connection.sendall(sent)
        assert read(connection)[0] == "HTTP/1.1 408 Request Timeout"
        assert ended(connection)
        connection.close()
        until(lambda: served.counts.closings == {reason: 1}, "it is counted")


@pytest.mark.parametrize("start", [b"POST / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 90000\r\n\r\n"])
def test_a_trickle_does_not_move_a_deadline(start: bytes) -> None:
    limits = ConnectionLimits(head_seconds=0.5, body_seconds=30, request_seconds=0.5)
    with serving(limits) as served, served.connect() as connection:
        connection.sendall(start)
        connection.settimeout(0.02)
        end = time.monotonic() + WAIT_SECONDS
        answer = b""
        while not answer and time.monotonic() < end:
            connection.sendall(b"x")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_ends_unless_a_request_has_arrived() -> None:
    with serving(ConnectionLimits(idle_seconds=0.3)) as served, served.connect() as never, served.connect() as used:
        used.sendall(post())
        read(used)
        assert ended(never)
        assert ended(used)
        never.close()
        used.close()
        until(lambda: served.counts.closings["idle"] == 2, "both are counted")


def test_a_client_that_does_not_take_its_answer_is_let_go() -> None:
    with serving(ConnectionLimits(answer_seconds=0.3)) as served, served.connect() as connection:
        connection.sendall(post(b"", b"/large"))
        until(lambda: served.counts.closings == {"answer deadline": 1}, "it is closed")


# ---------------------------------------------------------------- limits of connections


def test_idle_connection_makes_room_at_the_limit() -> None:
    with serving(ConnectionLimits(connections=10)) as served:
        used = [served.connect() for _ in range(3)]
        for connection in used:
            connection.sendall(post())
            assert read(connection)[0] == OK
        idle = [served.connect() for _ in range(7)]
        until(lambda: served.count(ConnectionState.IDLE) == 7, "all are open")
        fresh = served.connect()
        fresh.sendall(post(b"fresh"))
        assert read(fresh)[2] == b"fresh"
        assert ended(idle[0])
        for connection in used:
            connection.sendall(post(b"again"))
            assert read(connection)[2] == b"again"
        for connection in (*used, *idle, fresh):
            connection.close()


def test_little_room_retires_connections_with_their_answers() -> None:
    with serving(ConnectionLimits(connections=10)) as served:
        opened = [served.connect() for _ in range(10)]
        told = []
        for connection in opened:
            connection.sendall(post())
            told.append(read(connection)[1].get("connection"))
        assert told[-1] == "close"
        assert ended(opened[-1])
        for connection in opened:
            connection.close()


def test_full_address_accepts_again_after_a_close() -> None:
    with serving(ConnectionLimits(connections=2), threads=4) as served:
        busy = [served.connect() for _ in range(2)]
        for connection in busy:
            connection.sendall(post(b"", b"/wait"))
            assert served.app.entered.acquire(timeout=WAIT_SECONDS)
        fresh = served.connect()
        fresh.sendall(post(b"fresh"))
        assert served.count(ConnectionState.ANSWERING) == 2
        served.app.go.set()
        assert [read(connection)[0] for connection in busy] == [OK] * 2
        assert read(fresh)[2] == b"fresh"
        for connection in (*busy, fresh):
            connection.close()


def test_connections_of_one_address_do_not_starve_another() -> None:
    with serving(ConnectionLimits(connections=100, per_peer=5)) as served:
        crowd = [served.connect("127.0.0.7") for _ in range(20)]
        until(lambda: served.counts.closings["peer limit"] == 15, "all but five are closed")
        assert served.count(ConnectionState.IDLE) == 5
        with served.connect("127.0.0.8") as other:
            other.sendall(post())
            assert read(other)[0] == OK
        for connection in crowd:
            connection.close()


def test_half_read_request_is_not_closed_for_another() -> None:
    with serving(ConnectionLimits(connections=3)) as served:
        half = [served.connect() for _ in range(2)]
        for connection in half:
            connection.sendall(post()[:-1])
        until(lambda: served.count(ConnectionState.READING) == 2, "both are read")
        idle = [served.connect() for _ in range(5)]
        until(lambda: served.counts.closings["connection limit"] == 4, "idle ones make room")
        for connection in half:
            connection.sendall(post()[-1:])
            assert read(connection)[0] == OK
        for connection in (*half, *idle):
            connection.close()


# ---------------------------------------------------------------- limits of requests


def _refused_or_answering(served: Served, number: int) -> bool:
    """Whether a request was refused, or more than this number are being answered."""
    return bool(served.counts.refusals) or served.count(ConnectionState.ANSWERING) > number


def test_review_without_a_free_thread_is_refused_at_once() -> None:
    with serving(ConnectionLimits(queue=2), threads=1) as served:
        opened = [served.connect() for _ in range(4)]
        opened[0].sendall(post(b"0", b"/wait"))
        assert served.app.entered.acquire(timeout=WAIT_SECONDS)
        for number, connection in enumerate(opened[1:], 1):
            connection.sendall(post(b"%d" % number))
            until(partial(_refused_or_answering, served, number), "queued")
        status, headers, _ = read(opened[3])
        assert (status, headers["retry-after"], headers["connection"]) == (
            "HTTP/1.1 429 Too Many Requests",
            "1",
            "close",
        )
        served.app.go.set()
        assert [read(connection)[2] for connection in opened[:3]] == [b"0", b"1", b"2"]
        for connection in opened:
            connection.close()


def test_bodies_together_respect_the_memory_limit() -> None:
    limits = ConnectionLimits(bodies_bytes=1_000_000)
    with serving(limits) as served:
        opened = [served.connect() for _ in range(4)]
        for number, connection in enumerate(opened):
            connection.sendall(post(b"x" * 400_000)[:-1])
            until(partial(arrived, served, number + 1), "it has arrived")
        assert read(opened[0])[0] == "HTTP/1.1 503 Service Unavailable"
        assert read(opened[1])[0] == "HTTP/1.1 503 Service Unavailable"
        for connection in opened[2:]:
            connection.sendall(b"x")
            assert len(read(connection)[2]) == 400_000
        for connection in opened:
            connection.close()


def arrived(served: Served, count: int) -> bool:
    """Whether the bodies of so many connections have arrived, or were refused."""
    found = served.ask(lambda: [one.reader.kept for one in served.endpoint.connections if one.reader])
    return bool(sum(kept >= 399_999 for kept in found) + len(served.counts.refusals) == count)


def test_review_waits_briefly_for_readiness() -> None:
    waits = ["the first list of pods"]
    with serving(waits=lambda: waits[0]) as served, served.connect() as early, served.connect() as later:
        early.sendall(post(b"early"))
        assert read(early)[2] == b"early"
        assert served.counts.waits[0] >= 0.25
        later.sendall(post(b"later"))
        until(lambda: served.endpoint.answering.waiting, "it is put off")
        waits[0] = ""
        assert read(later)[2] == b"later"


def test_a_request_whose_client_has_gone_is_not_worked_on() -> None:
    with serving(threads=1) as served:
        first, gone = served.connect(), served.connect()
        first.sendall(post(b"first", b"/wait"))
        assert served.app.entered.acquire(timeout=WAIT_SECONDS)
        gone.sendall(post(b"gone"))
        until(lambda: served.count(ConnectionState.ANSWERING) == 2, "both wait")
        gone.close()
        time.sleep(0.6)  # from then on a request counts as one that waits for long
        served.app.go.set()
        assert read(first)[2] == b"first"
        until(lambda: served.counts.closings["abandoned"] == 1, "it is counted")
        first.close()
    assert [environ["PATH_INFO"] for environ in served.app.environs] == ["/wait"]
    ((text, fields),) = served.told
    assert text == "the client closed the connection before its answer"
    assert isinstance(fields, dict)
    assert (fields["client"], fields["consequence"]) == ("127.0.0.1", "for the client this request has failed")


# ---------------------------------------------------------------- the end


def test_leaving_server_says_so_in_each_answer() -> None:
    with serving() as served:
        kept, idle, half = (served.connect() for _ in range(3))
        kept.sendall(post())
        assert "connection" not in read(kept)[1]
        half.sendall(post()[:-1])
        until(
            lambda: served.count(ConnectionState.READING) == 1 and served.count(ConnectionState.IDLE) == 1,
            "all are open",
        )
        served.endpoint.answering.leaving = True
        assert served.ask(lambda: served.deadlines.leave(3600)) is False
        for connection, sent in ((kept, post()), (idle, post()), (half, post()[-1:])):
            connection.sendall(sent)
            assert read(connection)[1]["connection"] == "close"
            connection.close()
        until(lambda: served.ask(lambda: served.deadlines.leave(3600)), "nothing is left")


def test_unread_request_is_answered_before_idle_timeout() -> None:
    """The loop is held up, as on a busy machine: the request lies in the kernel when the connection is about to end."""
    with serving() as served, served.connect() as connection:
        connection.sendall(post())
        read(connection)

        def late() -> None:
            connection.sendall(post(b"late"))
            time.sleep(0.1)
            served.deadlines.leave(0)

        served.ask(late)
        assert read(connection)[2] == b"late"


def test_no_request_is_lost_while_connections_retire() -> None:
    """Whether an answer is the last one is decided once: after one that keeps its connection no end follows."""
    failures: list[str] = []

    def client() -> None:
        connection = served.connect()
        try:
            for _ in range(200):
                connection.sendall(post())
                if read(connection)[1].get("connection") == "close":
                    connection.close()
                    connection = served.connect()
        except (OSError, AssertionError) as error:
            failures.append(repr(error))
        finally:
            connection.close()

    with serving(threads=4) as served:
        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        while any(thread.is_alive() for thread in clients):
            served.endpoint.answering.leaving = not served.endpoint.answering.leaving
            time.sleep(0.001)
    assert failures == []


def test_no_thread_of_a_served_endpoint_outlives_it() -> None:
    """Of these tests' own harness: each answer that ends its connection calls the event loop, until the last one."""
    with serving(threads=1) as served, ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(served.connect())
            connection.sendall(post(b"", b"/wait", b"Connection: close"))
        until(lambda: served.endpoint.lanes[""].waiting() == 19, "nineteen wait for the thread")
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("test-")] == []
    assert len(served.app.environs) == 20
