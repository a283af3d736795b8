"""The fast lane in front of a paper server: when it is taken, and what becomes of its commands."""

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract.venue_contract import ask, cancel_of, lookup_of, order_at, place
from contract.venue_paper_bench import PaperBench, Way
from integration.test_paper_tls import self_signed
from msgspec.structs import replace

from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.venue import (
    CancelOrder,
    Done,
    NotSent,
    OutcomeUnknown,
    PlaceOrder,
    VenueAnswer,
)
from gateway.paper import Fault, FaultKind
from gateway.paper.build import build_server, server_tls
from gateway.paper.settings import Settings
from gateway.venues.fast.frames import Opcode, encode
from gateway.venues.fast.lane import FastLane
from gateway.venues.fast.line import Clear, Line, dial

K = FaultKind
Make = Callable[..., PaperBench]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[PaperBench] = []

    def make_one(**settings: object) -> PaperBench:
        made.append(PaperBench(Way.FAST, **settings))
        return made[-1]

    yield make_one
    for bench in made:
        bench.close()


def lane(bench: PaperBench) -> FastLane:
    fast = bench.venue._fast
    assert fast is not None
    return fast


def fault(kind: FaultKind, operation: str = "order.place") -> Fault:
    return Fault(kind=kind, operation=operation, count=1)


def test_commands_go_by_it_and_have_left_when_start_returns(make: Make) -> None:
    bench = make()
    order = order_at(bench)
    answers: list[VenueAnswer] = []
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.venue.start(cancel_of(order), answers.append)
    assert (lane(bench).counters.sent, lane(bench).under_way) == (2, 2)
    assert bench.venue.under_way == 2
    bench.run_until(lambda: len(answers) == 2)
    assert all(isinstance(answer, Done) for answer in answers)
    assert lane(bench).under_way == 0
    assert not bench.venue._lanes._last


def test_a_rehearsed_command_is_signed_and_never_leaves(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    texts: list[bytes] = []
    monkeypatch.setattr(lane(bench)._socket, "rehearse", texts.append)
    rehearsed, placed = order_at(bench), order_at(bench)
    bench.venue.rehearse(PlaceOrder(order=rehearsed))
    (asked,) = map(json.loads, texts)
    assert asked["method"] == "order.place"
    assert asked["params"]["newClientOrderId"] == rehearsed.order_id
    assert asked["params"]["signature"]

    monkeypatch.undo()
    bench.venue.rehearse(PlaceOrder(order=rehearsed))
    bench.venue.rehearse(PlaceOrder(order=replace(rehearsed, expires_at=1)))  # too late
    assert (lane(bench).counters.sent, bench.venue.under_way) == (0, 0)

    assert isinstance(place(bench, placed), Done)  # on the same socket, which keeps its order
    assert list(bench.record()) == [placed.order_id]
    assert not bench.venue._lanes._last


def test_a_question_about_an_order_waits_for_its_command(make: Make) -> None:
    bench = make()
    order = order_at(bench)
    bench.faults(Fault(K.DELAY_REQUEST, operation="order.place", count=1, delay_ms=100))
    placed, found = ask(bench, PlaceOrder(order=order), lookup_of(order))
    assert isinstance(placed, Done)
    assert found.order.order_id == order.order_id  # type: ignore[union-attr]


def test_when_its_socket_is_lost_what_is_under_way_is_unknown_and_ccxts_way_is_taken(
    make: Make,
) -> None:
    bench = make(request_timeout=10.0)
    bench.faults(fault(K.HANG_ANSWER))
    order, after = order_at(bench), order_at(bench)
    answers: list[VenueAnswer] = []
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.run_until(lambda: order.order_id in bench.record())
    lane(bench)._socket._give_up("for this test")
    assert isinstance(answers[0], OutcomeUnknown)
    assert isinstance(place(bench, after), Done)
    assert lane(bench).counters.sent == 1
    assert [held.status for held in bench.record()[order.order_id]] == [OrderStatus.NEW]
    bench.run_until(lambda: lane(bench).is_clear)
    assert isinstance(place(bench, order_at(bench)), Done)
    assert lane(bench).counters.sent == 2


def test_a_command_behind_one_that_took_ccxts_way_takes_it_too(make: Make) -> None:
    bench = make(request_timeout=1.0)
    order = order_at(bench)
    answers: list[VenueAnswer] = []
    bench.faults(fault(K.HANG_ANSWER))
    lane(bench)._socket._give_up("for this test")
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.run_until(lambda: lane(bench).is_clear and order.order_id in bench.record())
    bench.venue.start(cancel_of(order), answers.append)
    assert lane(bench).counters.sent == 0
    bench.run_until(lambda: len(answers) == 2)
    assert [held.status for held in bench.record()[order.order_id]] == [OrderStatus.CANCELED]


def test_a_late_answer_is_dropped_and_counted(make: Make) -> None:
    bench = make(request_timeout=0.05)
    bench.run_until(lambda: lane(bench).is_clear)  # so soon a dial may be given up, too
    bench.faults(Fault(K.DELAY_ANSWER, operation="order.place", count=1, delay_ms=200))
    answers: list[VenueAnswer] = []
    bench.venue.start(PlaceOrder(order=order_at(bench)), answers.append)
    bench.run_until(lambda: lane(bench).counters.late == 1)
    assert [type(answer) for answer in answers] == [OutcomeUnknown]
    assert lane(bench).counters.timed_out == 1


@pytest.mark.parametrize("kind", [K.BAD_BODY, K.TRUNCATED_BODY, K.EMPTY_BODY])
def test_an_answer_that_can_not_be_read_ends_in_an_unknown_outcome(
    make: Make, kind: FaultKind
) -> None:
    bench = make(request_timeout=1.0)
    bench.faults(fault(kind))
    assert isinstance(place(bench, order_at(bench)), OutcomeUnknown)
    assert lane(bench).counters.unreadable == 1
    assert isinstance(place(bench, order_at(bench)), Done)


def test_a_place_that_expired_on_its_way_is_not_sent_in_either_way(make: Make) -> None:
    bench = make()
    order = order_at(bench, expires_at=bench.now() - 1)
    answer = place(bench, order)
    assert isinstance(answer, NotSent)
    assert answer.code is Code.EXPIRED
    assert lane(bench).counters.sent == 0


def test_closing_answers_what_is_under_way(make: Make) -> None:
    bench = make()
    bench.faults(fault(K.HANG_ANSWER))
    answers: list[VenueAnswer] = []
    order = order_at(bench)
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.loop.run_until_complete(bench.venue.close())
    assert [type(answer) for answer in answers] == [OutcomeUnknown]


def test_a_socket_without_a_sign_of_life_is_given_up_and_dialled_again(make: Make) -> None:
    bench = make(keep_alive=0.5)
    name = lane(bench).name
    for session in bench.server._sockets.sessions:
        session.connection._transport.pause_reading()
    bench.run_until(lambda: lane(bench).name != name)
    assert isinstance(place(bench, order_at(bench)), Done)


def test_a_venue_that_breaks_the_websocket_protocol_is_dialled_again(make: Make) -> None:
    bench = make()
    name = lane(bench).name
    line = lane(bench)._socket._line
    assert line is not None
    line._on_bytes(encode(Opcode.TEXT, b"masked", b"1234"))  # type: ignore[misc]
    bench.run_until(lambda: lane(bench).name != name)


def test_what_the_kernel_takes_in_part_follows_and_nothing_passes_it() -> None:
    size = 8 * 1024 * 1024

    async def run() -> tuple[bool, bool, int, bool]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        line = Line(loop, ours, Clear())
        line.listen(lambda _: None, lambda _: None)
        taken, passed = line.send(bytes(size)), line.send(b"another")
        heard = 0
        while heard < size:
            heard += len(await loop.sock_recv(theirs, 1 << 20))
        clear_again = line.is_clear
        line.close()
        theirs.close()
        return taken, passed, heard, clear_again

    assert asyncio.run(run()) == (True, False, size, True)


def test_over_tls_it_is_greeted_heard_and_seen_to_end(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False

    async def run() -> tuple[bytes, list[str]]:
        server = build_server(Settings(), tls=server_tls(certificate, key))
        await server.start(liquidity=False)
        line = await dial(asyncio.get_running_loop(), "127.0.0.1", server.port, trusting)
        head, _ = await line.ask(b"GET /api/v3/ping HTTP/1.1\r\nHost: venue\r\n\r\n", b"\r\n\r\n")
        heard, lost = await _exchange(line, server.stop)
        assert b"200 OK" in head
        return heard, lost

    heard, lost = asyncio.run(run())
    assert b"serverTime" in heard
    assert len(lost) == 1


async def _exchange(line: Line, stop: Callable[[], object]) -> tuple[bytes, list[str]]:
    heard, lost = bytearray(), []
    line.listen(heard.extend, lost.append)
    assert line.send(b"GET /api/v3/time HTTP/1.1\r\nHost: venue\r\n\r\n")
    async with asyncio.timeout(10):
        while b"serverTime" not in heard:
            await asyncio.sleep(0.005)
        await stop()  # type: ignore[misc]
        while not lost:
            await asyncio.sleep(0.005)
    assert not line.send(b"too late")
    return bytes(heard), lost


def test_a_certificate_that_is_not_trusted_is_no_line(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    async def run() -> None:
        server = build_server(Settings(), tls=server_tls(certificate, key))
        await server.start(liquidity=False)
        try:
            await dial(
                asyncio.get_running_loop(), "127.0.0.1", server.port, ssl.create_default_context()
            )
        finally:
            await server.stop()

    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(run())


def test_a_cancel_by_a_strange_name_is_left_to_ccxt(make: Make) -> None:
    bench = make()
    order = order_at(bench)
    strange = CancelOrder(
        order_id=order.order_id,
        symbol=order.symbol,
        venue_order_id='7","x":"',  # type: ignore[arg-type]
    )
    [answer] = ask(bench, strange)
    assert not isinstance(answer, Done)
    assert lane(bench).counters.sent == 0
