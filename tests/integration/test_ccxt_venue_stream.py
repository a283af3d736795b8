"""The private stream under a paper server's faults: whatever may have been missed shows."""

from collections.abc import Iterator

import pytest
from contract.venue_contract import listen, order_at, place, statuses
from contract.venue_paper_bench import PaperBench, Way

from gateway.domain.enums import OrderStatus
from gateway.domain.venue import BalancesHeard, OrderHeard, StreamDown, StreamEvent, StreamUp
from gateway.paper import Fault, FaultKind

K = FaultKind


@pytest.fixture
def bench() -> Iterator[PaperBench]:
    """A sign of life is long in coming on a busy machine: a stream is seldom taken for dead."""
    bench = PaperBench(Way.REST, keep_alive=20.0)
    yield bench
    bench.close()


@pytest.fixture
def impatient_bench() -> Iterator[PaperBench]:
    bench = PaperBench(Way.REST, keep_alive=0.3)
    yield bench
    bench.close()


def changes(heard: list[StreamEvent]) -> list[type]:
    return [type(event) for event in heard if isinstance(event, StreamUp | StreamDown)]


@pytest.mark.parametrize(
    "kind", [K.CORRUPT_FRAME, K.LIST_FRAME, K.BAD_QUANTITY, K.CUT_BEFORE_EVENT, K.TERMINATE_STREAM]
)
def test_an_event_that_can_not_be_had_takes_the_stream_down_and_up(
    bench: PaperBench, kind: FaultKind
) -> None:
    heard = listen(bench)
    bench.faults(Fault(kind=kind, operation="stream.executionReport", count=1))
    place(bench, order_at(bench))
    bench.run_until(lambda: changes(heard) == [StreamUp, StreamDown, StreamUp])
    after = order_at(bench)
    place(bench, after)
    bench.run_until(lambda: OrderStatus.NEW in statuses(heard, after))


def test_a_socket_without_a_sign_of_life_is_given_up(  # case 46
    impatient_bench: PaperBench,
) -> None:
    bench = impatient_bench
    heard = listen(bench)
    for session in bench.server._sockets.sessions:
        session.connection._transport.pause_reading()
    bench.run_until(lambda: changes(heard) == [StreamUp, StreamDown, StreamUp])


def test_a_silent_stream_is_dialled_anew_when_it_is_told_to_case_46(bench: PaperBench) -> None:
    heard = listen(bench)
    bench.faults(Fault(kind=K.SILENCE, operation="stream.*", duration_ms=600_000, count=1))
    lost = order_at(bench)
    place(bench, lost)
    bench.venue.redial("it says nothing")
    bench.run_until(lambda: changes(heard) == [StreamUp, StreamDown, StreamUp])
    (down,) = [event for event in heard if isinstance(event, StreamDown)]
    assert "it says nothing" in down.text
    after = order_at(bench)
    place(bench, after)
    bench.run_until(lambda: OrderStatus.NEW in statuses(heard, after))
    assert statuses(heard, lost) == []


def test_a_half_open_socket_does_not_hold_up_the_next_dial(bench: PaperBench) -> None:
    """Nothing of a closing handshake comes back from it."""
    heard = listen(bench)
    for session in bench.server._sockets.sessions:
        session.connection._transport.pause_reading()
    bench.venue.redial("it says nothing")
    bench.run_until(lambda: changes(heard) == [StreamUp, StreamDown, StreamUp])


def test_a_stream_that_can_not_be_dialled_is_down_once_and_comes_up_in_the_end(
    bench: PaperBench,
) -> None:
    bench.faults(Fault(kind=K.REFUSE_CONNECTION, operation="stream.connect", count=3))
    heard: list[StreamEvent] = []
    bench.venue.listen(heard.append)
    bench.run_until(lambda: StreamUp in changes(heard))
    assert changes(heard) == [StreamDown, StreamUp]


def test_a_duplicate_event_is_heard_twice_and_harms_nothing(bench: PaperBench) -> None:
    heard = listen(bench)
    bench.faults(Fault(kind=K.DUPLICATE_EVENT, operation="stream.executionReport", count=1))
    order = order_at(bench)
    place(bench, order)
    bench.run_until(lambda: len(statuses(heard, order)) == 2)
    assert changes(heard) == [StreamUp]


def test_a_receiver_that_raises_loses_no_later_event(bench: PaperBench) -> None:
    heard: list[StreamEvent] = []
    failures = [ValueError("the receiver is broken")]

    def receive(event: StreamEvent) -> None:
        heard.append(event)
        if isinstance(event, OrderHeard) and failures:
            raise failures.pop()

    bench.venue.listen(receive)
    bench.run_until(lambda: bool(heard))
    place(bench, order_at(bench))
    bench.run_until(lambda: changes(heard) == [StreamUp, StreamDown, StreamUp])
    later = order_at(bench)
    place(bench, later)
    bench.run_until(lambda: OrderStatus.NEW in statuses(heard, later))


def test_balances_are_heard_as_they_change(bench: PaperBench) -> None:
    heard = listen(bench)
    place(bench, order_at(bench, price="50000", quantity="0.01"))

    def locked() -> list[str]:
        return [
            str(balance.locked.normalize())
            for event in heard
            if isinstance(event, BalancesHeard)
            for balance in event.balances
            if balance.currency == "USDT"
        ]

    bench.run_until(lambda: "5E+2" in locked())
