"""Every misfortune that a paper server can do to a command: what we call its outcome must agree
with the venue's own record. Executed is never called refused or not sent."""

import logging
from collections.abc import Callable, Iterator

import pytest
from contract.venue_contract import ask, cancel_of, lookup_of, order_at, place
from contract.venue_paper_bench import PaperBench, Way

from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.venue import (
    Done,
    FetchBalances,
    NotSent,
    OrderFound,
    OutcomeUnknown,
    PlaceOrder,
    QueryFailed,
    Refused,
)
from gateway.paper import Fault, FaultKind
from gateway.paper.faults import PHASES, Phase

K = FaultKind
NEVER_ANSWERED = {
    *(K.HANG_REQUEST, K.HANG_ANSWER),
    *(K.CDN_PAGE, K.EMPTY_BODY, K.BAD_BODY, K.TRUNCATED_BODY),  # over a websocket
}
ORDERLY = {K.DELAY_REQUEST, K.DELAY_ANSWER, K.DUPLICATE_ANSWER}
"""The venue carries it out and answers in time."""

Bench = Callable[..., PaperBench]


@pytest.fixture
def benches() -> Iterator[Bench]:
    made: list[PaperBench] = []

    def make(over: Way, **settings: object) -> PaperBench:
        made.append(PaperBench(over, **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def fault(kind: FaultKind, operation: str = "order.place", **more: object) -> Fault:
    return Fault(kind=kind, operation=operation, count=1, **more)  # type: ignore[arg-type]


def on(phase: Phase) -> list[FaultKind]:
    return [kind for kind, its in PHASES.items() if its is phase]


@pytest.mark.parametrize("over", list(Way))
@pytest.mark.parametrize("kind", [*on(Phase.BEFORE), *on(Phase.AFTER)])
def test_what_a_place_is_called_agrees_with_the_venues_record(
    benches: Bench, kind: FaultKind, over: Way
) -> None:
    """Cases 1, 11 and 12."""
    timeout = 1.5 if kind in NEVER_ANSWERED else 20.0
    bench = benches(over, request_timeout=timeout)
    skew = {"skew_ms": 60_000} if kind is K.CLOCK_SKEW else {}
    bench.faults(fault(kind, code=-1008 if kind is K.REFUSE else -1000, **skew))
    order = order_at(bench)
    answer = place(bench, order)
    executed = order.order_id in bench.record()
    if isinstance(answer, Refused | NotSent):
        assert not executed
    if isinstance(answer, Done):
        assert executed
    if kind in on(Phase.AFTER) or kind in ORDERLY:
        assert executed
        assert isinstance(answer, Done if kind in ORDERLY else OutcomeUnknown)


REFUSALS = {
    (-2010, "Account has insufficient balance for requested action."): Code.VENUE_FUNDS,
    (-2010, "Order would immediately match and take."): Code.VENUE_WOULD_MATCH,
    (-2010, "Market is closed."): Code.VENUE_REFUSED,
    (-1013, "Filter failure: PRICE_FILTER"): Code.VENUE_FILTER,
    (-1013, "Filter failure: LOT_SIZE"): Code.VENUE_FILTER,
    (-1111, "Precision is over the maximum defined for this asset."): Code.VENUE_FILTER,
    (-1021, "Timestamp for this request is outside of the recvWindow."): Code.VENUE_CLOCK,
    (-1022, "Signature for this request is not valid."): Code.VENUE_AUTH,
    (-2014, "API-key format invalid."): Code.VENUE_AUTH,
    (-2015, "Invalid API-key, IP, or permissions for action."): Code.VENUE_AUTH,
    (-1003, "Too many requests."): Code.VENUE_RATE_LIMIT,
    (-1015, "Too many new orders."): Code.VENUE_RATE_LIMIT,
    (-1121, "Invalid symbol."): Code.UNKNOWN_SYMBOL,
}
UNCLEAR = {
    (-1000, "An unknown error occurred while processing the request."),
    (-1001, "Internal error; unable to process your request. Please try again."),
    (-1006, "An unexpected response was received from the message bus."),
    (-1007, "Timeout waiting for response from backend server."),
    (-1008, "Server is currently overloaded with other requests."),
    (-2010, "Duplicate order sent."),
    (-9999, "A code that nobody has heard of."),
}


@pytest.mark.parametrize("over", list(Way))
def test_a_known_refusal_has_its_code_and_an_unknown_one_is_unclear(
    benches: Bench, over: Way
) -> None:
    """Cases 4, 6 and 14."""
    bench = benches(over)
    place(bench, order_at(bench))  # ccxt reads -2015 in another way after a first success
    for (code, msg), reason in REFUSALS.items():
        bench.faults(fault(K.REFUSE, code=code, msg=msg))
        answer = place(bench, order_at(bench))
        assert isinstance(answer, Refused), (code, answer)
        assert (answer.code, answer.venue_code) == (reason, str(code))
    for code, msg in UNCLEAR:
        bench.faults(fault(K.REFUSE, code=code, msg=msg))
        assert isinstance(place(bench, order_at(bench)), OutcomeUnknown), code


@pytest.mark.parametrize("over", list(Way))
@pytest.mark.parametrize("kind", [K.DROP_ANSWER, K.ERROR_AFTER, K.BAD_BODY, K.HANG_ANSWER])
def test_a_cancel_whose_answer_is_lost_is_unknown_and_not_repeated_behind_our_back(
    benches: Bench, kind: FaultKind, over: Way
) -> None:
    bench = benches(over, request_timeout=1.5)
    order = order_at(bench)
    place(bench, order)
    bench.faults(fault(kind, "order.cancel"))
    [answer] = ask(bench, cancel_of(order))
    asked = [
        entry
        for entry in bench.server.service.venue.record.entries()
        if getattr(entry, "operation", "") == "order.cancel" and hasattr(entry, "params")
    ]
    assert isinstance(answer, OutcomeUnknown)
    assert len(asked) == 1
    assert [held.status for held in bench.record()[order.order_id]] == [OrderStatus.CANCELED]


@pytest.mark.parametrize("over", list(Way))
def test_without_a_venue_nothing_is_sent(benches: Bench, over: Way) -> None:  # case 11
    bench = benches(over)
    bench.loop.run_until_complete(bench.server.stop())
    answer = place(bench, order_at(bench))
    assert isinstance(answer, NotSent | OutcomeUnknown)
    again = place(bench, order_at(bench))
    assert isinstance(again, NotSent)
    assert again.code is Code.VENUE_UNREACHABLE


def test_a_cancel_is_not_held_back_by_a_place_that_hangs(benches: Bench) -> None:
    bench = benches(Way.REST, request_timeout=1.0, same_order_wait=0.1)
    order = order_at(bench)
    bench.faults(fault(K.HANG_ANSWER))
    answers: list[object] = []
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.venue.start(cancel_of(order), answers.append)
    bench.run_until(lambda: len(answers) == 1)
    assert isinstance(answers[0], Done)
    assert [held.status for held in bench.record()[order.order_id]] == [OrderStatus.CANCELED]
    bench.run_until(lambda: len(answers) == 2)
    assert isinstance(answers[1], OutcomeUnknown)


def test_too_many_requests_at_once_are_turned_away(benches: Bench) -> None:
    bench = benches(Way.REST, max_in_flight=3)
    orders = [order_at(bench) for _ in range(5)]
    answers = ask(bench, *(PlaceOrder(order=order) for order in orders))
    turned_away = [answer for answer in answers if isinstance(answer, NotSent)]
    assert [answer.code for answer in turned_away] == [Code.BUSY] * 2
    assert len(bench.record()) == 3


def test_cancels_find_room_where_places_find_none(benches: Bench) -> None:
    bench = benches(Way.REST, max_in_flight=3)
    resting = [order_at(bench) for _ in range(4)]
    for order in resting:
        ask(bench, PlaceOrder(order=order))
    places = [PlaceOrder(order=order_at(bench)) for _ in range(4)]
    answers = ask(bench, *places, *map(cancel_of, resting))
    done = [isinstance(answer, Done) for answer in answers]
    assert done == [True, True, True, False, True, True, True, False]
    turned_away = [answer.code for answer in answers if isinstance(answer, NotSent)]
    assert turned_away == [Code.BUSY] * 2


def test_closing_answers_what_is_open(benches: Bench) -> None:
    bench = benches(Way.REST)
    answers: list[object] = []
    bench.faults(fault(K.HANG_ANSWER))
    order = order_at(bench)
    bench.venue.start(PlaceOrder(order=order), answers.append)
    bench.run_until(lambda: order.order_id in bench.record())
    bench.venue.start(PlaceOrder(order=order_at(bench)), answers.append)
    bench.loop.run_until_complete(bench.venue.close())
    bench.run_until(lambda: len(answers) == 2)
    assert {type(answer) for answer in answers} == {OutcomeUnknown, NotSent}
    assert list(bench.record()) == [order.order_id]


def test_before_opening_nothing_is_sent(benches: Bench) -> None:
    bench = benches(Way.REST)
    bench.loop.run_until_complete(bench.venue.close())
    answer, question = ask(bench, PlaceOrder(order=order_at(bench)), FetchBalances())
    assert isinstance(answer, NotSent)
    assert answer.code is Code.NOT_READY
    assert isinstance(question, QueryFailed)


def test_websocket_calls_leave_nothing_behind(benches: Bench) -> None:
    bench = benches(Way.WS, request_timeout=0.5)
    bench.faults(fault(K.HANG_ANSWER), fault(K.REFUSE, code=-2010, msg="Market is closed."))
    orders = [order_at(bench) for _ in range(10)]
    ask(bench, *(PlaceOrder(order=order) for order in orders))
    [client] = bench.venue._session.exchange.clients.values()
    assert not client.subscriptions
    assert not client.futures
    assert not client.rejections


@pytest.mark.parametrize("over", list(Way))
def test_no_secret_is_logged_or_told(
    benches: Bench, over: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = benches(over, request_timeout=0.5)
    told = []
    for kind in (K.HANG_ANSWER, K.DROP_ANSWER, K.CDN_PAGE, K.REFUSE, K.BAD_BODY):
        bench.faults(fault(kind), fault(kind, "order.status"))
        order = order_at(bench)
        told.append(place(bench, order))
        told += ask(bench, lookup_of(order))
    text = caplog.text + repr(told) + repr(bench.venue._settings)
    for secret in ("paper-main", "signature="):
        assert secret not in text


def test_an_order_too_young_to_be_seen_is_found_later(benches: Bench) -> None:  # case 56
    bench = benches(Way.REST)
    order = order_at(bench)
    place(bench, order)
    bench.faults(fault(K.INVISIBLE, "order.status", lag_ms=60_000))
    missing, found = [ask(bench, lookup_of(order))[0] for _ in range(2)]
    assert not isinstance(missing, OrderFound)
    assert isinstance(found, OrderFound)


def test_it_opens_when_the_venue_comes_up_later(benches: Bench) -> None:
    bench = benches(Way.REST, open_retry=0.01)
    bench.loop.run_until_complete(bench.venue.close())

    async def open_while_it_is_down() -> None:
        bench.server.crash(200)
        await bench.venue.open()

    bench.loop.run_until_complete(open_while_it_is_down())
    assert bench.venue.ready
    assert isinstance(place(bench, order_at(bench)), Done)


def test_a_lost_socket_for_orders_is_dialled_again_before_the_next_order(benches: Bench) -> None:
    bench = benches(Way.WS)
    exchange = bench.venue._session.exchange
    [lost] = exchange.clients.values()
    bench.server._sockets.cut(None)
    bench.run_until(
        lambda: any(each is not lost and each.isConnected for each in exchange.clients.values())
    )
    assert isinstance(place(bench, order_at(bench)), Done)
