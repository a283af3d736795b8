"""Cancels are sticky: repeated until the order's end is evidenced, whatever comes between."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from executor_world import ACCOUNT, SECOND, SETTINGS, SYMBOL, TAG, World, done, started
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, VenueOrderId
from gateway.domain.order import Order
from gateway.executor.outbox import Outbox

NOT_FOUND = v.Refused(code=Code.VENUE_ORDER_NOT_FOUND, text="no such order")
UNKNOWN = v.OutcomeUnknown(text="time-out")


def seen(order_id: str, status: OrderStatus, **more: object) -> Order:
    """The order as the listener publishes it."""
    order = Order(
        order_id=OrderId(order_id),
        account=ACCOUNT,
        symbol=SYMBOL,
        client_id=ClientId("desk"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.5"),
        status=status,
        closed_by=ClosedBy.VENUE if status.is_closed else None,
    )
    return replace(order, **more)


def times_sent(world: World, seconds: int) -> int:
    """How often a cancel is sent in so many seconds, each answered by a time-out."""
    before = len(world.venue.cancels())
    for _ in range(seconds):
        world.advance(SECOND)
        while world.venue.open:
            world.venue.answer(UNKNOWN)
    return len(world.venue.cancels()) - before


@contextmanager
def telling_fails() -> Iterator[None]:
    def fails(_outbox: Outbox) -> None:
        raise OSError(errno.EIO, "input/output error")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Outbox, "tell", fails)
        yield


def test_a_cancel_is_recorded_then_sent_with_the_venues_id_then_told() -> None:
    world = started()
    order_id = world.placed("v5")
    world.urgent(world.cancel(order_id))
    world.deliver()

    assert world.venue.cancels() == [
        v.CancelOrder(order_id=order_id, symbol=SYMBOL, venue_order_id=VenueOrderId("v5"))
    ]
    assert [c.order_id for c in world.listener.of(m.CancelIntended)] == [order_id]


def test_case_18_a_cancel_that_times_out_is_repeated_with_growing_pauses() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(UNKNOWN)

    assert times_sent(world, 8) == 3  # after about 1, 3 and 7 s
    assert 5 <= times_sent(world, 60) <= 6  # then every 10 to 11 s
    assert len(world.recorded(m.CancelAnswered)) == 1  # the same answer is recorded once


def test_a_cancel_of_an_order_in_doubt_is_repeated_up_to_once_a_minute() -> None:
    world = started()
    order_id = world.placed(None)
    world.venue.answer(UNKNOWN)
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND)

    times_sent(world, 70)
    assert 9 <= times_sent(world, 600) <= 10


def test_a_doubt_that_ends_sends_the_cancel_at_once() -> None:
    """Case 81: what is in flight is canceled when it is found."""
    world = started()
    order_id = world.placed(None)
    world.venue.answer(UNKNOWN)
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND)
    world.update(seen(order_id, OrderStatus.NEW, venue_order_id=VenueOrderId("v3")))

    assert [c.venue_order_id for c in world.venue.cancels()] == [None, "v3"]


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.FILLED, OrderStatus.EXPIRED])
def test_an_order_update_that_shows_the_end_stops_the_repeats(status: OrderStatus) -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(done())
    world.update(seen(order_id, status))

    assert times_sent(world, 100) == 0
    assert world.executor.counters.cancels_ended == 1


def test_case_15_a_fill_that_was_faster_is_told_as_a_refused_cancel() -> None:
    world = started()
    order_id = world.placed()
    cancel = world.cancel(order_id)
    world.urgent(cancel)
    world.venue.answer(NOT_FOUND)
    assert world.refusals() == []  # not found decides nothing

    world.update(seen(order_id, OrderStatus.FILLED))
    assert world.refusals() == [(cancel.command_id, Code.ALREADY_CLOSED)]


def test_the_venues_closed_order_in_the_answer_stops_the_repeats() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(done("v1", OrderStatus.CANCELED))

    assert times_sent(world, 100) == 0


def test_what_the_listener_says_has_ended_stops_the_repeats_though_the_update_was_lost() -> None:
    world = started()
    order_id = world.placed()
    world.listener.ended.add(order_id)
    world.urgent(world.cancel(order_id))
    world.deliver()
    world.venue.answer(UNKNOWN)

    assert times_sent(world, 100) == 0


def test_a_lost_word_of_the_listener_is_asked_for_again() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND)
    world.deliver()
    world.listener.ended.add(order_id)
    times_sent(world, 60)
    world.deliver()

    assert times_sent(world, 100) == 0


def test_case_19_a_cancel_before_the_venues_id_is_known_fires_again_on_acknowledgement() -> None:
    world = started()
    order_id = world.placed(None)
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND, at=1)
    world.venue.answer(done("v8"))

    assert [c.venue_order_id for c in world.venue.cancels()] == [None, "v8"]


@pytest.mark.parametrize("twice", [False, True])
def test_case_20_an_order_known_to_be_closed_is_answered_here(twice: bool) -> None:
    world = started()
    order_id = world.placed()
    world.update(seen(order_id, OrderStatus.CANCELED))
    if twice:
        world.urgent(world.cancel(order_id))
    world.urgent(world.cancel(order_id))

    assert {code for _, code in world.refusals()} == {Code.ALREADY_CLOSED}
    assert world.venue.cancels() == []


def test_an_end_that_later_evidence_could_revoke_is_no_reason_to_keep_a_cancel_back() -> None:
    world = started()
    order_id = world.placed(None)
    world.venue.answer(v.Refused(code=Code.VENUE_FUNDS, text="no money"))
    world.update(seen(order_id, OrderStatus.REJECTED, closed_by=ClosedBy.REFUSAL))
    world.urgent(world.cancel(order_id))

    assert len(world.venue.cancels()) == 1


def test_an_order_that_opens_again_after_a_revoked_end_is_still_wanted_canceled() -> None:
    world = started()
    order_id = world.placed(None)
    world.venue.answer(UNKNOWN)
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND)
    world.update(seen(order_id, OrderStatus.REJECTED, closed_by=ClosedBy.VERDICT))
    assert times_sent(world, 100) == 0

    world.update(seen(order_id, OrderStatus.NEW))
    assert len(world.venue.cancels()) == 2


def test_an_old_picture_of_an_order_does_not_end_its_cancel_unless_nothing_revokes_it() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(UNKNOWN)
    world.seq = 50
    world.update(seen(order_id, OrderStatus.NEW))
    world.seq = 10
    world.update(seen(order_id, OrderStatus.REJECTED, closed_by=ClosedBy.VERDICT))
    assert times_sent(world, 5) > 0

    world.seq = 11
    world.update(seen(order_id, OrderStatus.CANCELED))
    assert times_sent(world, 100) == 0


@pytest.mark.parametrize("code", [Code.VENUE_REFUSED, Code.VENUE_FILTER])
def test_case_21_the_venues_final_no_ends_the_cancel_and_is_told(code: Code) -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(v.Refused(code=code, text="not now, not ever"))
    world.deliver()

    (answered,) = world.listener.of(m.CancelAnswered)
    assert answered.answer.code is code
    assert times_sent(world, 100) == 0
    world.urgent(world.cancel(order_id))  # somebody may want it again
    assert len(world.venue.cancels()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        v.Refused(code=Code.VENUE_RATE_LIMIT, text="slower"),
        v.Refused(code=Code.VENUE_AUTH, text="who?"),
        v.Refused(code=Code.VENUE_CLOCK, text="when?"),
        v.NotSent(code=Code.VENUE_UNREACHABLE, text="no line"),
    ],
)
def test_a_no_of_the_moment_is_repeated_and_recorded_as_undecided(answer: v.CommandAnswer) -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(answer)

    (answered,) = world.recorded(m.CancelAnswered)
    assert isinstance(answered.answer, v.OutcomeUnknown)
    assert times_sent(world, 5) > 0


def test_case_22_a_second_cancel_is_collapsed_into_the_first() -> None:
    world = started()
    order_id = world.placed()
    for _ in range(5):
        world.urgent(world.cancel(order_id))

    assert len(world.venue.cancels()) == 1
    assert len(world.recorded(m.CancelIntended)) == 1
    assert world.executor.counters.collapsed == 4


def test_a_cancel_that_overtakes_its_place_kills_it() -> None:
    world = started()
    place = world.place()
    world.urgent(world.cancel(place.order_id))
    world.order(place)
    world.order(place)

    assert world.venue.sent == []
    assert world.refusals() == [(place.command_id, Code.CANCELED_BEFORE_SENT)]


def test_a_cancel_that_overtook_its_place_is_remembered_over_a_restart() -> None:
    world = started()
    place = world.place()
    world.urgent(world.cancel(place.order_id))
    world.restart()
    world.order(place)

    assert world.venue.sent == []
    assert world.refusals() == [(place.command_id, Code.CANCELED_BEFORE_SENT)]


def test_case_28_an_id_that_was_never_placed_and_cannot_come_is_refused_and_nothing_sent() -> None:
    world = started()
    order_id = world.new_id()
    world.advance(100 * SECOND)
    cancel = world.cancel(order_id)
    world.urgent(cancel)
    late = world.place(order_id)
    world.order(late)

    assert world.refusals() == [
        (cancel.command_id, Code.UNKNOWN_ORDER),
        (late.command_id, Code.CANCELED_BEFORE_SENT),
    ]
    assert world.venue.sent == []


def test_a_cancel_of_an_id_that_never_came_is_answered_once_it_can_not_come_any_more() -> None:
    world = started()
    order_id = world.new_id()
    world.urgent(world.cancel(order_id))
    world.urgent(world.cancel(order_id))
    assert world.refusals() == []

    world.advance(100 * SECOND)
    world.urgent(world.cancel(order_id))
    assert [code for _, code in world.refusals()] == [Code.UNKNOWN_ORDER]


@pytest.mark.parametrize("answer", [done("v", OrderStatus.CANCELED), NOT_FOUND])
def test_an_id_older_than_the_memory_is_sent_to_the_venue(answer: v.CommandAnswer) -> None:
    world = started()
    cancel = world.cancel(world.new_id(age=30 * 24 * 3600 * SECOND))
    world.urgent(cancel)
    world.venue.answer(answer)

    refused = [(cancel.command_id, Code.UNKNOWN_ORDER)] if answer is NOT_FOUND else []
    assert world.refusals() == refused
    assert times_sent(world, 100) == 0


def test_an_external_order_is_canceled_by_the_venues_id() -> None:
    world = started()
    order_id = world.new_id(tag=0)
    world.urgent(world.cancel(order_id))
    world.urgent(world.cancel(order_id, venue_order_id="hand-made"))

    assert [c.venue_order_id for c in world.venue.cancels()] == ["hand-made"]
    assert [code for _, code in world.refusals()] == [Code.BAD_COMBINATION]


def test_an_order_of_another_gateway_is_canceled_by_its_id() -> None:
    world = started()
    order_id = world.new_id(tag=TAG + 1)
    world.urgent(world.cancel(order_id))

    assert [c.order_id for c in world.venue.cancels()] == [order_id]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "acc9"}, Code.UNKNOWN_ACCOUNT),
        ({"account": "acc2"}, Code.WRONG_ACCOUNT),
        ({"symbol": "NO/NE"}, Code.UNKNOWN_SYMBOL),
        ({"order_id": "x"}, Code.BAD_ORDER_ID),
    ],
)
def test_a_wrong_cancel_is_refused_with_its_code(change: dict[str, object], code: Code) -> None:
    world = started(accounts=(ACCOUNT, AccountId("acc2")))
    cancel = replace(world.cancel(world.placed()), **change)
    world.urgent(cancel)

    assert world.refusals() == [(cancel.command_id, code)]
    assert world.venue.cancels() == []


def test_a_cancel_waits_for_a_venue_that_is_not_ready_after_a_restart() -> None:
    world = started()
    order_id = world.placed()
    world.venue.ready = False
    world.venue.markets = {}
    world.restart()
    world.urgent(world.cancel(order_id))
    assert world.venue.cancels() == []

    world.venue.ready = True
    world.venue.markets = started().venue.markets
    world.advance(20 * SECOND)
    assert len(world.venue.cancels()) == 1


def test_outstanding_cancels_are_sent_again_after_a_restart_and_the_listener_is_asked() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(UNKNOWN)
    world.deliver()
    world.listener.ended.add(order_id)
    world.restart()
    assert len(world.venue.cancels()) == 2

    world.deliver()
    world.venue.answer(UNKNOWN)
    assert times_sent(world, 100) == 0


def test_a_cancel_that_has_ended_is_not_sent_again_after_a_restart() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(done("v1", OrderStatus.CANCELED))
    other = world.placed()
    world.urgent(world.cancel(other))
    world.venue.answer(v.Refused(code=Code.VENUE_REFUSED, text="no"))
    before = len(world.venue.cancels())
    world.restart()

    assert len(world.venue.cancels()) == before


def test_a_place_that_was_not_sent_ends_its_cancel() -> None:
    world = started()
    order_id = world.placed(None)
    world.urgent(world.cancel(order_id))
    world.venue.answer(v.NotSent(code=Code.EXPIRED, text="too late"))
    world.venue.answer(NOT_FOUND)

    assert times_sent(world, 100) == 0


def test_a_cancel_of_a_refused_order_is_refused_here() -> None:
    world = started()
    place = world.place(quantity="0")
    world.order(place)
    world.urgent(world.cancel(place.order_id))

    assert [code for _, code in world.refusals()] == [Code.BAD_QUANTITY, Code.ALREADY_CLOSED]
    assert world.venue.sent == []


def test_a_cancel_is_repeated_though_the_journal_can_not_be_read() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.listener.inbox.clear()  # so that it has to be read to be told again
    world.files.opens_left = 0
    assert times_sent(world, 100) > 5
    words = [problem.partition(":")[0] for problem in world.executor.problems()]
    assert words == ["journal_unread"]

    world.files.opens_left = None
    world.listener.ended.add(order_id)
    world.advance(2 * SECOND)
    world.deliver()
    assert order_id in [intended.order_id for intended in world.listener.of(m.CancelIntended)]
    assert times_sent(world, 100) == 0
    assert world.executor.problems() == ()


def test_a_cancel_whose_telling_fails_is_repeated_all_the_same() -> None:
    world = started(replace(SETTINGS, ask_again=0))
    world.urgent(world.cancel(world.placed()))
    world.venue.answer(UNKNOWN)
    with telling_fails():
        for _ in range(4):
            with suppress(OSError):
                world.advance(SECOND)

    assert times_sent(world, 20) > 0


def test_a_cancel_whose_refusal_can_not_be_told_is_laid_by_all_the_same() -> None:
    world = started()
    order_id = world.placed(None)
    world.venue.answer(UNKNOWN)
    world.urgent(world.cancel(order_id))
    world.venue.answer(NOT_FOUND)
    with telling_fails(), pytest.raises(OSError, match="input/output"):
        world.update(seen(order_id, OrderStatus.REJECTED, closed_by=ClosedBy.VERDICT))
    with telling_fails(), pytest.raises(OSError, match="input/output"):
        world.update(seen(order_id, OrderStatus.NEW))

    assert len(world.venue.cancels()) == 2
    assert times_sent(world, 20) > 0


def test_cancels_are_bounded() -> None:
    world = started(replace(SETTINGS, max_cancels=2))
    for _ in range(3):
        world.urgent(world.cancel(world.placed()))

    assert [code for _, code in world.refusals()] == [Code.TOO_MANY]
    assert len(world.venue.cancels()) == 2


def test_a_cancel_with_a_wrong_symbol_goes_out_with_the_orders_own() -> None:
    other = Symbol("ETH/USDT")
    world = started()
    world.venue.markets = {**world.venue.markets, other: world.venue.markets[SYMBOL]}
    order_id = world.placed()
    world.urgent(world.cancel(order_id, symbol=other))

    assert [c.symbol for c in world.venue.cancels()] == [SYMBOL]
