"""Fills that the venue names by its own order id only, of orders that nothing here knows."""

from listener_kit import (
    BTC,
    ETH,
    MAIN,
    OUTBOX,
    SECOND,
    Desk,
    an_id,
    answered,
    intended,
    order_heard,
    seen,
    trade_heard,
    traded,
    venue_id,
)
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, Origin
from gateway.domain.identity import OrderId, external_order_id


def external(number: int) -> OrderId:
    return external_order_id(MAIN, BTC, venue_id(number))


def desk_that_heard_a_fill(number: int = 7, **settings: int) -> Desk:
    """The executor lives, and its outbox knows nothing of the order."""
    desk = Desk(**settings)
    desk.event(trade_heard(number, 1, 4, named=False))
    return live(desk, 6)


def live(desk: Desk, seconds: int) -> Desk:
    last = desk.ledger.outboxes[OUTBOX].number if desk.ledger.outboxes else 0
    for number in range(last + 1, last + 1 + seconds):
        desk.tell(number, m.Alive(at=desk.clock.now()))
        desk.pass_time(SECOND)
    return desk


def look_up(desk: Desk, number: int, answer: v.OrderFound | v.OrderNotFound) -> None:
    now = desk.clock.now()
    report = m.OrderChecked(
        report_id="r",
        account=MAIN,
        order_id=external(number),
        symbol=BTC,
        asked_at=now,
        answered_at=now,
        answer=answer,
    )
    desk.report(report)


def unknown(desk: Desk) -> set[OrderId]:
    """As said since the last call."""
    said = {one.order_id for message in desk.heard(m.UnknownOrders) for one in message.orders}
    desk.said.clear()
    return said


def test_such_a_fill_counts_for_nobody_until_the_venue_was_asked_whose_it_is() -> None:
    desk = desk_that_heard_a_fill()

    assert desk.items() == []
    (one,) = desk.heard(m.UnknownOrders)[-1].orders
    assert (one.order_id, one.symbol, one.venue_order_id) == (external(7), BTC, venue_id(7))


def test_a_fill_of_our_order_whose_intent_was_lost_counts_once_and_as_ours() -> None:
    desk = desk_that_heard_a_fill()
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.PARTIALLY_FILLED, 4)))
    live(desk, 3)
    desk.event(trade_heard(7, 1, 4))
    desk.event(trade_heard(7, 1, 4, named=False))

    (fill,) = desk.heard(m.TransactionUpdate)
    assert fill.transaction.order_id == an_id(7)
    assert desk.order(an_id(7)).origin is Origin.RECOVERED
    assert desk.order(an_id(7)).traded_quantity == 4
    assert desk.ledger.book.get(external(7)) is None


def test_a_fill_of_an_order_by_hand_is_an_external_orders_once_the_venue_shows_it() -> None:
    desk = desk_that_heard_a_fill()
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.FILLED, 4, named=False)))
    live(desk, 6)

    assert desk.order(external(7)).origin is Origin.EXTERNAL
    assert desk.order(external(7)).traded_quantity == 4
    unknown(desk)
    live(desk, 2)
    assert unknown(desk) == set()


def test_the_stream_that_shows_the_order_by_hand_saves_the_look_up() -> None:
    desk = Desk()
    desk.event(trade_heard(7, 1, 4, named=False))
    desk.event(order_heard(7, OrderStatus.PARTIALLY_FILLED, 4, named=False))
    live(desk, 8)

    assert desk.order(external(7)).traded_quantity == 4
    assert unknown(desk) == set()


def test_an_order_that_the_venue_does_not_have_is_no_order_of_ours() -> None:
    desk = desk_that_heard_a_fill()
    look_up(desk, 7, v.OrderNotFound(searched=("by_id",)))
    live(desk, 2)

    assert desk.order(external(7)).origin is Origin.EXTERNAL
    assert desk.order(external(7)).traded_quantity == 4


def test_a_no_that_may_be_older_than_the_fill_says_nothing() -> None:
    desk = Desk()
    now = desk.clock.now()
    live(desk, 2)
    desk.event(trade_heard(7, 1, 4, named=False))
    late = v.OrderNotFound(searched=("by_id",))
    look_up(desk, 7, late)
    live(desk, 6)

    assert desk.clock.now() > now
    assert desk.items() == []
    assert unknown(desk) == {external(7)}


def test_it_waits_over_a_crash_and_is_looked_up_after_it() -> None:
    desk = desk_that_heard_a_fill()
    desk.crash()
    desk.boot()
    unknown(desk)
    live(desk, 6)
    assert unknown(desk) == {external(7)}
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.PARTIALLY_FILLED, 4)))
    live(desk, 2)

    assert desk.order(an_id(7)).traded_quantity == 4


def test_the_store_is_asked_before_the_venue() -> None:
    desk = Desk(kept_closed=1)
    for number in (1, 2, 3):
        last = desk.ledger.outboxes[OUTBOX].number if desk.ledger.outboxes else 0
        desk.tell(last + 1, intended(number, desk.clock.now()))
        desk.tell(last + 2, answered(number))
        desk.event(trade_heard(number, 1, 10))
        desk.event(order_heard(number, OrderStatus.FILLED, 10))
        desk.pass_time(SECOND)
    desk.event(order_heard(3))
    assert desk.ledger.book.get(an_id(1)) is None
    desk.event(trade_heard(1, 2, 1, named=False))  # of the order that the store has
    desk.event(trade_heard(9, 1, 1, named=False))  # of one that nobody has
    live(desk, 12)

    assert desk.order(an_id(1)).traded_quantity == 11
    assert desk.ledger.book.get(external(9)) is None
    assert unknown(desk) == {external(9)}


def test_what_each_sweep_tells_again_waits_once() -> None:
    desk = desk_that_heard_a_fill()
    for asked_at in range(5):
        report = m.TradesFetched(
            report_id="t",
            account=MAIN,
            asked_at=desk.clock.now() + asked_at,
            answered_at=desk.clock.now() + asked_at,
            trades=(traded(7, 1, 4, named=False),),
        )
        desk.report(report)

    assert len(desk.ledger.state.parking) == 1
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.PARTIALLY_FILLED, 4)))
    live(desk, 2)
    assert len(desk.ledger.state.parking) == 0
    desk.event(trade_heard(8, 1, 4, named=False))
    assert len(desk.ledger.state.parking) == 1


def test_only_so_many_are_named_at_a_time_the_oldest_first() -> None:
    desk = Desk(unknown_said=2)
    for number in (7, 8, 9):
        desk.event(trade_heard(number, 1, 4, named=False))
    live(desk, 6)
    assert unknown(desk) == {external(7), external(8)}
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.PARTIALLY_FILLED, 4)))
    live(desk, 1)
    unknown(desk)
    live(desk, 2)

    assert unknown(desk) == {external(8), external(9)}


def test_orders_that_the_venue_can_not_tell_of_make_way_for_others() -> None:
    desk = Desk(unknown_said=2)
    for number in (7, 8, 9):
        desk.event(trade_heard(number, 1, 4, named=False))
    live(desk, 6)
    assert unknown(desk) == {external(7), external(8)}
    live(desk, 35)

    assert external(9) in unknown(desk)


def test_each_of_many_nameless_fills_is_looked_at_in_its_turn() -> None:
    desk = Desk(looked_at_once=2)
    for number in (7, 8, 9, 10, 11):
        desk.event(trade_heard(number, 1, 4, named=False))
    live(desk, 6)
    for number in (11, 9, 7):
        desk.event(order_heard(number, OrderStatus.PARTIALLY_FILLED, 4, named=False))
    live(desk, 12)

    assert [desk.order(external(n)).traded_quantity for n in (7, 9, 11)] == [4, 4, 4]
    assert unknown(desk) >= {external(8), external(10)}


def test_many_fills_of_one_order_that_the_venue_can_not_place_are_one_alarm() -> None:
    desk = Desk(name_patience=30 * SECOND)
    for trade in range(1, 6):
        desk.event(trade_heard(7, trade, 1, named=False))
    live(desk, 40)

    assert len(desk.heard(m.AlarmRaised)) == 1
    assert desk.order(external(7)).traded_quantity == 5


def test_a_fill_that_the_venue_can_not_place_counts_in_the_end_with_an_alarm() -> None:
    desk = desk_that_heard_a_fill(name_patience=30 * SECOND)
    assert desk.items() == []
    live(desk, 30)

    (alarm,) = desk.heard(m.AlarmRaised)
    assert (alarm.alarm.kind, alarm.alarm.order_id) == ("unattributed_fill", external(7))
    assert desk.order(external(7)).traded_quantity == 4


def test_an_amendment_of_a_fill_waits_in_the_same_way() -> None:
    desk = Desk()
    amendment = v.TradeAmendment(trade=traded(7, 1, 4, named=False), busted=True, amendment_id="b")
    desk.event(v.AmendmentHeard(account=MAIN, amendment=amendment))
    live(desk, 6)
    assert unknown(desk) == {external(7)}
    look_up(desk, 7, v.OrderFound(order=seen(7, OrderStatus.PARTIALLY_FILLED, 4)))
    live(desk, 2)

    assert [u.transaction.kind for u in desk.heard(m.TransactionUpdate)] == ["bust"]


def test_the_order_of_another_symbol_with_that_number_is_another_order() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.event(trade_heard(1, 1, 4, named=False, symbol=ETH))
    live(desk, 6)
    assert desk.order(an_id(1)).cum_quantity == 0
    (one,) = desk.heard(m.UnknownOrders)[-1].orders
    other = replace(seen(1, OrderStatus.FILLED, 4, named=False), symbol=ETH)
    desk.event(v.OrderHeard(account=MAIN, order=other))
    live(desk, 6)

    assert desk.order(one.order_id).traded_quantity == 4
