"""Facts that can't be applied at once: they wait in the journal, and none is lost."""

from decimal import Decimal

import msgspec
import pytest
from listener_kit import (
    MAIN,
    OUTBOX,
    SECOND,
    START,
    Desk,
    an_id,
    answered,
    cancel_intended,
    intended,
    new_order,
    order_heard,
    seen,
    swept,
    trade_heard,
    traded,
)

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, Origin
from gateway.domain.identity import external_order_id

MOMENT = SECOND // 10


def close_orders(desk: Desk, *numbers: int) -> None:
    """Placed, filled with one trade and, with the store up, written and let go of."""
    for number in numbers:
        last = desk.ledger.outboxes[OUTBOX].number if desk.ledger.outboxes else 0
        desk.tell(last + 1, intended(number, desk.clock.now()))
        desk.tell(last + 2, answered(number))
        desk.event(trade_heard(number, 1, 10))
        desk.event(order_heard(number, OrderStatus.FILLED, 10))
        desk.pass_time(SECOND)


def fills(desk: Desk, number: int) -> int:
    updates = desk.heard(m.TransactionUpdate)
    return sum(1 for u in updates if u.transaction.order_id == an_id(number))


def desk_that_forgot_order_1(**settings: int) -> Desk:
    desk = Desk(kept_closed=1, **settings)
    close_orders(desk, 1, 2, 3)
    desk.event(order_heard(3))
    assert desk.ledger.book.get(an_id(1)) is None
    return desk


# ---- orders that are in the store only ---------------------------------------------------------


def test_an_old_trade_of_an_order_that_left_memory_is_recognised_case_30() -> None:
    desk = desk_that_forgot_order_1(kept_trades=0)
    desk.event(trade_heard(1, 1, 10))
    desk.pass_time(MOMENT)

    assert fills(desk, 1) == 1
    assert desk.ledger.book.get(an_id(1)) is not None


@pytest.mark.parametrize("named", [True, False])
def test_a_trade_that_left_memory_with_its_order_is_known_without_the_store(named: bool) -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    desk.event(trade_heard(1, 1, 10, named=named))

    assert len(desk.ledger.state.parking) == 0
    assert desk.listener.counters["trades_known"] == 1
    assert fills(desk, 1) == 1


def test_the_same_trade_with_other_figures_is_not_taken_for_known_case_31() -> None:
    desk = desk_that_forgot_order_1()
    desk.event(trade_heard(1, 1, 9))
    desk.pass_time(MOMENT)

    assert [one.alarm.kind for one in desk.heard(m.AlarmRaised)] == ["trade_conflict"]
    assert desk.order(an_id(1)).conflicts == 1


def test_a_trade_whose_figures_are_in_dispute_settles_it_also_when_its_order_left_memory() -> None:
    desk = desk_that_forgot_order_1()
    desk.event(trade_heard(1, 1, 9))
    desk.pass_time(MOMENT)
    close_orders(desk, 4, 5, 6)
    assert desk.ledger.book.get(an_id(1)) is None
    asked = desk.clock.now()
    desk.report(
        m.TradesFetched(
            report_id="s",
            account=MAIN,
            asked_at=asked,
            answered_at=asked,
            trades=(traded(1, 1, 10),),
        )
    )
    desk.pass_time(MOMENT)

    assert desk.order(an_id(1)).disputed == ()


def test_of_a_recalled_order_the_trades_are_those_in_memory() -> None:
    desk = desk_that_forgot_order_1()
    desk.event(trade_heard(1, 2, 1))
    desk.pass_time(MOMENT)
    desk.event(trade_heard(1, 1, 10))
    desk.event(trade_heard(1, 2, 1))

    assert desk.listener.counters["trades_known"] == 0
    assert fills(desk, 1) == 2


def test_a_trade_that_the_store_has_lost_since_is_counted_when_it_is_told_again() -> None:
    """As a database does that was put back from an older copy."""
    desk = desk_that_forgot_order_1()
    recalled = desk.ledger.draft()
    older = next(iter(desk.store.orders().values()))
    assert older.order_id == an_id(1)
    bare = msgspec.structs.replace(
        older, traded_quantity=Decimal(0), traded_cost=Decimal(0), changed_at=older.changed_at + 1
    )
    recalled.take_back(m.TrackedOrder(order=bare, digests={}))
    assert desk.ledger.commit(recalled)
    before = fills(desk, 1)
    desk.event(trade_heard(1, 1, 10))

    assert desk.listener.counters["trades_known"] == 0
    assert fills(desk, 1) == before + 1


def test_a_known_trade_waits_behind_what_waits_for_its_order() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    desk.event(trade_heard(1, 1, 9))
    desk.event(trade_heard(1, 1, 10))

    assert len(desk.ledger.state.parking) == 2
    assert desk.listener.counters["trades_known"] == 0


def test_a_trade_is_known_with_its_fee_if_it_comes_without_but_not_the_other_way_round() -> None:
    desk = desk_that_forgot_order_1()
    bare = msgspec.structs.replace(traded(1, 1, 10), fee=None, fee_currency=None)
    desk.event(v.TradeHeard(account=MAIN, trade=bare))
    assert desk.listener.counters["trades_known"] == 1

    desk = Desk(kept_closed=1)
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    desk.event(v.TradeHeard(account=MAIN, trade=bare))
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    close_orders(desk, 2, 3)
    desk.event(order_heard(3))
    assert desk.ledger.book.get(an_id(1)) is None
    desk.event(trade_heard(1, 1, 10))
    desk.pass_time(MOMENT)
    assert desk.listener.counters["trades_known"] == 0
    assert desk.heard(m.TransactionUpdate)[-1].transaction.kind == "fee"


def test_no_more_trades_of_orders_that_left_memory_are_kept_than_may_be() -> None:
    desk = Desk(kept_closed=1, kept_trades=2)
    close_orders(desk, *range(1, 8))
    desk.event(order_heard(7))
    desk.event(trade_heard(1, 1, 10))
    assert len(desk.ledger.state.parking) == 1
    desk.pass_time(MOMENT)

    assert fills(desk, 1) == 1
    assert len(desk.ledger.book._counted) <= 2


def test_a_recalled_order_still_knows_its_trades_after_a_restart() -> None:
    desk = desk_that_forgot_order_1()
    desk.event(trade_heard(1, 2, 1))
    desk.pass_time(MOMENT)
    assert fills(desk, 1) == 2
    desk.crash()
    desk.boot()
    desk.event(trade_heard(1, 1, 10))
    desk.event(trade_heard(1, 2, 1))
    desk.pass_time(MOMENT)

    assert fills(desk, 1) == 2


def test_facts_wait_while_the_store_is_down_also_over_a_crash_case_67() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    desk.event(trade_heard(1, 2, 1))
    desk.pass_time(5 * SECOND)
    assert fills(desk, 1) == 1
    desk.crash()
    desk.boot()
    desk.pass_time(5 * SECOND)
    assert fills(desk, 1) == 1
    desk.store.down = False
    desk.pass_time(5 * SECOND)

    assert fills(desk, 1) == 2
    assert len(desk.ledger.state.parking) == 0


def test_a_dead_store_does_not_stop_the_outbox_behind_an_order_that_left_memory_case_67() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    last = desk.ledger.outboxes[OUTBOX].number
    desk.tell(last + 1, cancel_intended(1))
    desk.tell(last + 2, intended(9))
    desk.pass_time(MOMENT)

    assert desk.heard(m.Acknowledged)[-1].number == last + 2
    assert desk.order(an_id(9)).status is OrderStatus.PENDING_NEW


def test_the_executor_is_told_the_end_of_an_order_once_it_was_recalled() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    last = desk.ledger.outboxes[OUTBOX].number
    desk.tell(last + 1, cancel_intended(1))
    desk.pass_time(2 * SECOND)
    assert not any(a.ended for a in desk.heard(m.Acknowledged))
    desk.store.down = False
    desk.pass_time(2 * SECOND)

    (end,) = [a for a in desk.heard(m.Acknowledged) if a.ended]
    assert (end.number, end.ended) == (last + 1, (an_id(1),))


def test_an_intent_told_again_of_an_order_that_left_memory_does_not_begin_it_anew() -> None:
    desk = desk_that_forgot_order_1()
    updates = len(desk.heard(m.OrderUpdate))
    desk.tell(1, intended(1), outbox="0c" * 16)
    desk.pass_time(MOMENT)

    assert len(desk.heard(m.OrderUpdate)) == updates
    assert desk.order(an_id(1)).status is OrderStatus.FILLED


def test_nothing_leaves_memory_before_the_store_has_it() -> None:
    desk = Desk(kept_closed=1)
    desk.store.down = True
    close_orders(desk, 1, 2, 3)
    assert desk.ledger.book.get(an_id(1)) is not None
    desk.crash()
    desk.boot()
    desk.tell(desk.ledger.outboxes[OUTBOX].number + 1, intended(8))
    assert desk.ledger.book.get(an_id(1)) is not None
    desk.event(trade_heard(1, 1, 10))

    assert fills(desk, 1) == 1


def test_what_closed_while_the_store_was_away_leaves_memory_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.listener.book.EVICTED_AT_ONCE", 2)
    desk = Desk(kept_closed=1)
    desk.store.down = True
    close_orders(desk, *range(1, 8))
    assert len(desk.ledger.book) == 7

    desk.store.down = False
    desk.pass_time(60 * SECOND)
    last = desk.ledger.outboxes[OUTBOX].number
    for number in range(1, 4):
        desk.tell(last + number, m.Alive(at=desk.clock.now()))
    assert len(desk.ledger.book) == 1


def test_an_order_that_was_new_once_is_asked_for_when_it_has_left_memory() -> None:
    desk = desk_that_forgot_order_1()
    young = an_id(1, at=START - 3600 * SECOND)
    last = desk.ledger.outboxes[OUTBOX].number
    desk.tell(last + 1, cancel_intended(order_id=young))
    desk.pass_time(SECOND)  # the store has no such order
    order = msgspec.structs.replace(new_order(1), order_id=young)
    desk.tell(last + 2, msgspec.structs.replace(intended(1), order=order))
    fill = msgspec.structs.replace(traded(77, 1, 10), order_id=young)
    desk.event(v.TradeHeard(account=MAIN, trade=fill))
    assert desk.order(young).is_closed
    close_orders(desk, 4, 5, 6)
    assert desk.ledger.book.get(young) is None
    desk.event(v.TradeHeard(account=MAIN, trade=fill))
    desk.pass_time(SECOND)

    updates = desk.heard(m.TransactionUpdate)
    assert len([u for u in updates if u.transaction.order_id == young]) == 1


def test_what_comes_behind_a_parked_fact_of_the_same_order_waits_behind_it() -> None:
    desk = desk_that_forgot_order_1(slice=1)
    young = an_id(1, at=START - 3600 * SECOND)  # so old that it may have been let go of
    order = msgspec.structs.replace(new_order(1), order_id=young)
    begun = msgspec.structs.replace(intended(1), order=order)
    accepted = msgspec.structs.replace(answered(77), order_id=young)
    last = desk.ledger.outboxes[OUTBOX].number
    desk.store.down = True
    cancel = cancel_intended(order_id=young)
    for number, event in enumerate((cancel, begun), start=last + 1):
        desk.tell(number, event)
    desk.store.down = False
    desk.store.run()  # the first of the two is applied: nothing is known of the order so far
    desk.tell(last + 3, accepted)
    desk.pass_time(SECOND)

    assert desk.order(young).venue_order_id == "v77"


def test_a_fill_by_the_venues_id_waits_while_the_word_that_names_it_is_parked() -> None:
    desk = desk_that_forgot_order_1()
    young = an_id(1, at=START - 3600 * SECOND)
    order = msgspec.structs.replace(new_order(1), order_id=young)
    desk.store.down = True
    last = desk.ledger.outboxes[OUTBOX].number
    desk.tell(last + 1, msgspec.structs.replace(intended(1), order=order))
    desk.tell(last + 2, msgspec.structs.replace(answered(77), order_id=young))
    desk.event(trade_heard(77, 1, 4, named=False))
    desk.tell(last + 3, m.Alive(at=desk.clock.now() + 60 * SECOND))
    desk.pass_time(30 * SECOND)
    desk.store.down = False
    desk.pass_time(30 * SECOND)

    assert desk.order(young).cum_quantity == 4
    assert desk.ledger.book.get(external(77)) is None


def test_a_full_journal_delays_a_recall_and_loses_nothing() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    desk.event(trade_heard(1, 2, 1))
    desk.fill_disk()
    desk.store.down = False
    desk.pass_time(3 * SECOND)
    assert fills(desk, 1) == 1
    desk.free_disk()
    desk.pass_time(3 * SECOND)

    assert fills(desk, 1) == 2


def test_many_facts_of_one_order_are_applied_a_part_at_a_time() -> None:
    desk = desk_that_forgot_order_1(slice=2)
    desk.store.down = True
    for trade in range(2, 9):
        desk.event(trade_heard(1, trade, 1))
    desk.store.down = False
    desk.pass_time(3 * SECOND)

    assert fills(desk, 1) == 8


def test_the_store_is_asked_for_a_few_orders_at_a_time() -> None:
    desk = Desk(kept_closed=1, recalls_at_once=2)
    close_orders(desk, 1, 2, 3, 4, 5, 6)
    desk.event(order_heard(6))
    asked: list[str] = []
    ask = desk.store.ask
    desk.store.ask = lambda query, done: (asked.append(query.order_id), ask(query, done))[1]  # type: ignore[method-assign]
    desk.store.down = True
    for number in (1, 2, 3, 4, 5):
        desk.event(trade_heard(number, 2, 1))
    assert len(asked) == 2
    desk.store.down = False
    desk.pass_time(3 * SECOND)

    assert [fills(desk, number) for number in (1, 2, 3, 4, 5)] == [2, 2, 2, 2, 2]


def test_over_the_bound_an_outbox_record_is_not_taken_and_a_venues_word_calls_for_a_sweep() -> None:
    desk = desk_that_forgot_order_1(held_facts=1)
    desk.event(v.StreamUp(account=MAIN))
    desk.store.down = True
    last = desk.ledger.outboxes[OUTBOX].number
    desk.event(trade_heard(1, 2, 1))
    desk.tell(last + 1, cancel_intended(1))
    desk.pass_time(MOMENT)
    assert desk.ledger.outboxes[OUTBOX].number == last

    desk.event(trade_heard(1, 3, 1))
    states = desk.heard(m.StreamState)
    assert not states[-1].up
    desk.pass_time(3 * SECOND)
    assert desk.heard(m.StreamState)[-1].up
    desk.store.down = False
    desk.pass_time(3 * SECOND)
    desk.tell(last + 1, cancel_intended(1))
    assert desk.ledger.outboxes[OUTBOX].number == last + 1


# ---- orders that are named by the venue's id only ----------------------------------------------


def external(number: int) -> str:
    seen_ = seen(number)
    return external_order_id(MAIN, seen_.symbol, seen_.venue_order_id)


def test_a_fill_by_the_venues_id_waits_for_the_acknowledgement_of_our_order_case_5() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.event(trade_heard(1, 1, 4, named=False))
    desk.pass_time(10 * SECOND)
    assert desk.heard(m.TransactionUpdate) == []
    desk.tell(2, answered())
    desk.pass_time(3 * SECOND)

    assert desk.order(an_id(1)).cum_quantity == 4
    assert desk.ledger.book.get(external(1)) is None


def test_such_a_fill_survives_a_crash_while_it_waits() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.event(trade_heard(1, 1, 4, named=False))
    desk.crash()
    desk.boot()
    desk.tell(2, answered())
    desk.pass_time(3 * SECOND)

    assert desk.order(an_id(1)).cum_quantity == 4


def test_it_waits_for_an_outbox_that_is_behind() -> None:
    desk = Desk()
    desk.tell(1, m.Alive(at=desk.clock.now()))
    desk.event(trade_heard(1, 1, 4, named=False))
    desk.pass_time(20 * SECOND)
    assert desk.items() == []
    desk.tell(2, intended())
    desk.tell(3, answered())
    desk.tell(4, m.Alive(at=desk.clock.now()))
    desk.pass_time(3 * SECOND)

    assert desk.order(an_id(1)).cum_quantity == 4
    assert len(desk.heard(m.TransactionUpdate)) == 1


def test_an_order_placed_by_hand_is_external_once_it_can_not_be_ours_case_64() -> None:
    desk = Desk()
    desk.tell(1, m.Alive(at=desk.clock.now()))
    desk.event(order_heard(7, named=False))
    desk.tell(2, m.Alive(at=desk.clock.now() + 5 * SECOND))
    desk.pass_time(5 * SECOND)

    assert desk.order(external(7)).origin is Origin.EXTERNAL
    assert desk.order(external(7)).client_id == ""


def test_without_a_word_from_the_executor_nothing_is_called_external() -> None:
    desk = Desk()
    desk.event(order_heard(7, named=False))
    desk.pass_time(60 * SECOND)
    assert desk.items() == []
    desk.tell(1, m.Alive(at=desk.clock.now()))
    desk.pass_time(SECOND)

    assert desk.order(external(7)).origin is Origin.EXTERNAL


def test_the_same_number_on_two_symbols_is_two_orders() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.event(trade_heard(1, 1, 4, named=False, symbol="ETH/USDT"))
    desk.tell(3, m.Alive(at=desk.clock.now() + 3 * SECOND))
    desk.pass_time(5 * SECOND)

    assert desk.order(an_id(1)).cum_quantity == 0
    assert len(desk.ledger.state.parking) == 1


def test_a_second_order_under_our_id_is_ours_by_its_venue_id_too() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    double = v.VenueTrade(
        symbol="BTC/USDT",
        venue_order_id="v1b",
        side="buy",
        price=traded().price,
        quantity=traded().quantity,
        trade_id="x",
        order_id=an_id(1),
    )
    desk.event(v.TradeHeard(account=MAIN, trade=double))
    nameless = v.VenueTrade(
        symbol="BTC/USDT",
        venue_order_id="v1b",
        side="buy",
        price=traded().price,
        quantity=traded().quantity,
        trade_id="y",
    )
    desk.event(v.TradeHeard(account=MAIN, trade=nameless))

    assert desk.order(an_id(1)).traded_quantity == 2


def test_what_a_sweep_lists_by_the_venues_id_waits_as_well() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.report(swept(desk.clock.now(), seen(1, named=False)))
    desk.tell(2, answered())
    desk.pass_time(3 * SECOND)

    assert len(desk.ledger.book) == 1


def parked(desk: Desk) -> int:
    return len(desk.ledger.state.parking)


def test_each_sweep_lists_the_same_order_again_and_it_waits_once() -> None:
    desk = Desk()
    desk.tell(1, intended())
    for cum in (0, 0, 1, 1, 0):
        desk.report(swept(desk.clock.now(), seen(1, cum=cum, named=False)))
    assert parked(desk) == 3, "the picture came back: what is told last must be applied last"

    desk.crash()
    desk.boot()
    desk.report(swept(desk.clock.now(), seen(1, named=False)))
    assert parked(desk) == 3
    desk.tell(2, answered())
    desk.pass_time(3 * SECOND)
    assert parked(desk) == 0


def test_each_sweep_tells_the_same_of_an_order_that_left_memory_and_it_waits_once() -> None:
    desk = desk_that_forgot_order_1()
    desk.store.down = True
    late = seen(1, OrderStatus.FILLED, 11)
    for _ in range(3):
        desk.event(trade_heard(1, 2, 1))
        desk.event(v.OrderHeard(account=MAIN, order=late))
    assert parked(desk) == 2

    desk.store.down = False
    desk.pass_time(3 * SECOND)
    assert parked(desk) == 0
    assert fills(desk, 1) == 2


# ---- a journal that takes nothing --------------------------------------------------------------


def test_the_streams_events_wait_in_order_while_the_journal_is_full() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.fill_disk()
    desk.event(trade_heard(1, 1, 4))
    desk.event(order_heard(1, OrderStatus.PARTIALLY_FILLED, 4))
    desk.pass_time(3 * SECOND)
    assert desk.order(an_id(1)).cum_quantity == 0
    desk.free_disk()
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    desk.pass_time(3 * SECOND)

    assert desk.order(an_id(1)).status is OrderStatus.FILLED
    assert fills(desk, 1) == 1


def test_more_events_than_can_wait_call_for_a_sweep() -> None:
    desk = Desk(backlog=2)
    desk.event(v.StreamUp(account=MAIN))
    desk.tell(1, intended())
    desk.fill_disk()
    for trade in range(4):
        desk.event(trade_heard(1, trade, 1))
    assert desk.listener.counters["facts_dropped"] == 2
    assert any(p.startswith("events_lost") for p in desk.listener.problems())
    desk.pass_time(3 * SECOND)
    assert not desk.heard(m.StreamState)[-1].up
    desk.free_disk()
    desk.pass_time(5 * SECOND)

    assert desk.heard(m.StreamState)[-1].up
    assert fills(desk, 1) == 2


def test_a_checkpoint_that_can_not_be_written_undoes_nothing() -> None:
    desk = Desk(segment_records=2)
    desk.tell(1, intended())
    room = sum(desk.files.size(name) for name in desk.files.names())
    desk.files.capacity = room + 2_500
    desk.tell(2, answered())
    desk.pass_time(MOMENT)

    assert desk.order(an_id(1)).status is OrderStatus.NEW
    assert desk.heard(m.Acknowledged)[-1].number == 2
    assert [u.seq for u in desk.heard(m.OrderUpdate)] == [1, 2]
