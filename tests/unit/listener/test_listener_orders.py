"""Facts about orders: from the outbox, the stream and the actioner's checks."""

from decimal import Decimal

import pytest
from listener_kit import (
    LAG,
    MAIN,
    OTHER,
    OUTBOX,
    SECOND,
    START,
    Desk,
    an_id,
    answered,
    cancel_intended,
    checked,
    intended,
    order_heard,
    seen,
    swept,
    trade_heard,
    traded,
)
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, Origin, Pending, TransactionKind
from gateway.domain.identity import AccountId


def placed(desk: Desk, number: int = 1) -> int:
    """An order that the venue has; the number of its last outbox record."""
    last = desk.ledger.outboxes[OUTBOX].number if desk.ledger.outboxes else 0
    desk.tell(last + 1, intended(number, desk.clock.now()))
    desk.tell(last + 2, answered(number, at=desk.clock.now()))
    return int(last + 2)


def test_an_order_is_published_from_its_intent_to_its_end_with_dense_numbers() -> None:
    desk = Desk()
    placed(desk)
    desk.event(trade_heard(1, 1, 10))
    desk.event(order_heard(1, OrderStatus.FILLED, 10))

    items = desk.items()
    assert [item.seq for item in items] == list(range(1, len(items) + 1))
    updates = desk.heard(m.OrderUpdate)
    assert [u.order.status for u in updates][:3] == ["pending_new", "new", "filled"]
    assert updates[-1].order.cum_quantity == 10
    (fill,) = desk.heard(m.TransactionUpdate)
    assert fill.transaction.kind is TransactionKind.FILL


def test_the_same_fill_by_stream_and_by_query_is_one_transaction_case_30() -> None:
    desk = Desk()
    placed(desk)
    desk.event(trade_heard(1, 1, 3))
    found = v.OrderFound(
        order=seen(1, OrderStatus.PARTIALLY_FILLED, 3), trades=(traded(1, 1, 3),), trades_asked=True
    )
    desk.report(checked(1, found, desk.clock.now()))
    desk.event(trade_heard(1, 1, 3))

    assert len(desk.heard(m.TransactionUpdate)) == 1
    assert desk.order(an_id(1)).traded_quantity == 3


def test_two_fills_at_one_moment_are_both_delivered_case_38() -> None:
    desk = Desk()
    placed(desk)
    desk.event(trade_heard(1, 1, 2))
    desk.event(trade_heard(1, 2, 2))

    assert len(desk.heard(m.TransactionUpdate)) == 2
    assert desk.order(an_id(1)).cum_quantity == 4


def test_a_late_intent_takes_over_what_the_stream_said_first() -> None:
    desk = Desk()
    desk.event(trade_heard(1, 1, 4))
    assert desk.order(an_id(1)).origin is Origin.RECOVERED

    desk.tell(1, intended())

    order = desk.order(an_id(1))
    assert (order.origin, order.client_id) == (Origin.OWN, "desk")
    assert (order.quantity, order.cum_quantity) == (Decimal(10), Decimal(4))


def test_what_changes_nothing_is_not_journaled() -> None:
    desk = Desk()
    placed(desk)
    desk.event(order_heard(1))
    appends = desk.appends
    desk.event(order_heard(1))

    assert desk.appends == appends


def test_a_canceled_order_that_was_filled_first_stays_filled_case_15() -> None:
    desk = Desk()
    last = placed(desk)
    desk.tell(last + 1, cancel_intended())
    assert desk.order(an_id(1)).pending is Pending.CANCEL
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    desk.event(order_heard(1, OrderStatus.CANCELED, 10))

    assert desk.order(an_id(1)).status is OrderStatus.FILLED


def test_a_fill_after_a_rejection_reopens_the_order_with_an_alarm_case_40() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered(answer=v.NotSent(code="venue_unreachable", text="no")))
    assert desk.order(an_id(1)).status is OrderStatus.REJECTED
    desk.event(trade_heard(1, 1, 1))

    assert desk.order(an_id(1)).status is OrderStatus.PARTIALLY_FILLED
    assert [a.alarm.kind for a in desk.heard(m.AlarmRaised)] == ["revived"]


def test_an_id_of_ours_on_another_account_is_another_order() -> None:
    desk = Desk()
    placed(desk)
    desk.event(v.OrderHeard(account=OTHER, order=seen(1, OrderStatus.CANCELED)))

    assert desk.order(an_id(1)).status is OrderStatus.NEW
    (update,) = [u for u in desk.heard(m.OrderUpdate) if u.account == OTHER]
    assert update.order.origin is Origin.EXTERNAL


def test_a_cancel_that_names_another_account_does_not_touch_the_order() -> None:
    desk = Desk()
    last = placed(desk)
    wrong = m.CancelIntended(
        at=START, command_id="c", client_id="x", order_id=an_id(1), account=OTHER, symbol="BTC/USDT"
    )
    desk.tell(last + 1, wrong)

    assert desk.order(an_id(1)).pending is Pending.NONE
    assert desk.listener.counters["wrong_account"] == 1


def test_the_executor_may_have_orders_of_an_account_that_was_taken_out() -> None:
    desk = Desk()
    gone = AccountId("gone")
    desk.tell(1, intended(account=gone))

    assert desk.order(an_id(1)).account == gone
    desk.pass_time(SECOND)
    assert any(head.account == gone for head in desk.heard(m.Head))


def test_an_unreadable_report_is_counted_and_nothing_else_case_77() -> None:
    desk = Desk()
    desk.listener.on_report(b"\xc1 not a message")

    assert desk.listener.counters["undecodable"] == 1
    assert desk.items() == []


def test_a_stranger_who_repeats_nonsense_does_not_fill_the_log_case_77(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    for _ in range(1_000):
        desk.listener.on_report(b"\xc1 not a message")

    lines = [record for record in caplog.records if record.message.startswith("bad_report ")]
    assert desk.listener.counters["undecodable"] == 1_000
    assert 1 <= len(lines) <= 10
    assert "count=512" in lines[-1].message


# ---- checks ------------------------------------------------------------------------------------


def absent(desk: Desk, asked_at: int) -> None:
    desk.report(checked(1, v.OrderNotFound(searched=("by_id",)), asked_at))


def test_a_place_that_never_arrived_is_rejected_after_two_late_absences_case_3() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered(answer=v.OutcomeUnknown(text="time-out")))
    desk.pass_time(5 * SECOND + LAG + 1)
    absent(desk, desk.clock.now())
    assert desk.order(an_id(1)).status is OrderStatus.IN_DOUBT
    desk.pass_time(SECOND)
    absent(desk, desk.clock.now())

    order = desk.order(an_id(1))
    assert (order.status, order.reason_code) == (OrderStatus.REJECTED, "not_received")


def test_an_absence_counts_by_the_monotonic_clock_too_when_the_wall_clock_leaps_case_56() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered(answer=v.OutcomeUnknown(text="time-out")))
    desk.clock.wall += 3600 * SECOND
    absent(desk, desk.clock.now())
    desk.pass_time(SECOND)
    absent(desk, desk.clock.now())

    assert desk.order(an_id(1)).status is OrderStatus.IN_DOUBT


def test_an_absence_asked_too_early_and_reported_late_does_not_count() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered(answer=v.OutcomeUnknown(text="time-out")))
    early = desk.clock.now() + SECOND
    desk.pass_time(60 * SECOND)
    absent(desk, early)
    absent(desk, early + 1)

    assert desk.order(an_id(1)).status is OrderStatus.IN_DOUBT


def test_each_check_is_told_even_if_it_changed_nothing_case_53() -> None:
    desk = Desk()
    placed(desk)
    desk.pass_time(30 * SECOND)
    asked_at = desk.clock.now()
    desk.report(checked(1, v.OrderFound(order=seen(1)), asked_at))

    (told,) = desk.heard(m.Checked)
    assert (told.report_id, told.order_ids) == ("r", (an_id(1),))
    assert desk.order(an_id(1)).checked_at == asked_at
    assert len(desk.heard(m.OrderUpdate)) == 2


def test_a_check_that_the_journal_does_not_take_is_not_told() -> None:
    desk = Desk()
    placed(desk)
    desk.pass_time(30 * SECOND)
    desk.fill_disk()
    found = v.OrderFound(order=seen(1, OrderStatus.CANCELED))
    desk.report(checked(1, found, desk.clock.now()))
    assert desk.heard(m.Checked) == []
    assert desk.order(an_id(1)).status is OrderStatus.NEW

    desk.free_disk()
    desk.report(checked(1, found, desk.clock.now()))
    assert len(desk.heard(m.Checked)) == 1
    assert desk.order(an_id(1)).status is OrderStatus.CANCELED


def test_an_operator_resolves_a_doubt_once() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered(answer=v.OutcomeUnknown(text="time-out")))
    resolve = m.Resolve(
        report_id="x",
        account=MAIN,
        order_id=an_id(1),
        operator="jo",
        status=OrderStatus.REJECTED,
        text="phoned the venue",
        at=desk.clock.now(),
    )
    desk.report(resolve)
    updates = len(desk.heard(m.OrderUpdate))
    desk.report(resolve)

    assert desk.order(an_id(1)).status is OrderStatus.REJECTED
    assert "jo: phoned the venue" in desk.order(an_id(1)).reason
    assert len(desk.heard(m.OrderUpdate)) == updates
    assert len(desk.heard(m.Checked)) == 2


# ---- sweeps ------------------------------------------------------------------------------------


def missing(desk: Desk) -> tuple[str, ...]:
    desk.pass_time(0)
    return tuple(desk.heard(m.Checked)[-1].missing)


def test_a_sweep_names_the_orders_that_it_did_not_list_case_46() -> None:
    desk = Desk()
    placed(desk, 1)
    placed(desk, 2)
    desk.pass_time(30 * SECOND)
    desk.report(swept(desk.clock.now(), seen(2)))

    assert missing(desk) == (an_id(1),)


def test_an_order_placed_while_the_sweep_ran_is_not_missing() -> None:
    desk = Desk()
    asked_at = desk.clock.now()
    desk.pass_time(10 * SECOND)
    placed(desk, 1)
    desk.pass_time(SECOND)
    desk.report(swept(asked_at))

    assert missing(desk) == ()


def test_an_order_changed_while_the_sweep_was_applied_is_not_missing() -> None:
    desk = Desk(slice=1)
    placed(desk, 1)
    placed(desk, 2)
    placed(desk, 3)
    desk.pass_time(30 * SECOND)
    desk.report(swept(desk.clock.now(), seen(2), seen(3)))
    desk.event(trade_heard(1, 1, 1))

    assert missing(desk) == ()


def test_what_is_missing_does_not_depend_on_a_wall_clock_that_stepped_back() -> None:
    desk = Desk()
    placed(desk, 1)
    desk.clock.wall -= 3600 * SECOND
    desk.pass_time(30 * SECOND)
    desk.report(swept(desk.clock.now()))

    assert missing(desk) == (an_id(1),)


def test_an_order_that_was_open_before_a_restart_can_be_missing_in_the_first_sweep() -> None:
    desk = Desk()
    placed(desk, 1)
    desk.pass_time(30 * SECOND)
    desk.crash()
    desk.pass_time(SECOND)
    desk.boot()
    desk.report(swept(desk.clock.now()))

    assert missing(desk) == (an_id(1),)


def test_a_sweep_of_some_symbols_says_nothing_of_the_others() -> None:
    desk = Desk()
    placed(desk, 1)
    desk.pass_time(30 * SECOND)
    report = m.AccountSwept(
        report_id="s",
        account=MAIN,
        asked_at=desk.clock.now(),
        answered_at=desk.clock.now(),
        open_orders=v.OpenOrders(orders=(), symbols=("ETH/USDT",)),
    )
    desk.report(report)

    assert missing(desk) == ()


def test_a_long_sweep_lets_other_input_through_between_its_parts() -> None:
    desk = Desk(slice=2)
    for number in range(1, 8):
        placed(desk, number)
    desk.pass_time(30 * SECOND)
    listed = [seen(number, OrderStatus.PARTIALLY_FILLED, 1) for number in range(1, 8)]
    desk.report(swept(desk.clock.now(), *listed))
    desk.event(trade_heard(7, 1, 1))
    desk.pass_time(0)

    statuses = [(u.order.order_id, u.cause.source) for u in desk.heard(m.OrderUpdate)[14:]]
    assert statuses.index((an_id(7), "stream")) == 2
    assert len(desk.heard(m.Checked)) == 1


def test_trades_fetched_twice_count_once() -> None:
    desk = Desk(slice=2)
    placed(desk)
    report = m.TradesFetched(
        report_id="t",
        account=MAIN,
        asked_at=desk.clock.now(),
        answered_at=desk.clock.now(),
        trades=tuple(traded(1, trade) for trade in range(5)),
    )
    for _ in range(2):
        desk.report(report)
        desk.pass_time(0)

    assert len(desk.heard(m.TransactionUpdate)) == 5
    assert len(desk.heard(m.Checked)) == 2


def test_an_amend_by_hand_stands_in_the_orders_history() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.pass_time(5 * SECOND)
    by_hand = replace(seen(1), quantity=Decimal(4))
    desk.report(checked(1, v.OrderFound(order=by_hand), desk.clock.now()))

    assert desk.order(an_id(1)).quantity == 4
    cause = desk.heard(m.OrderUpdate)[-1].cause
    assert (cause.fact, cause.source) == ("snapshot", "query")
    assert cause.text == "the venue has it as 4 at 100, it was 10 at 100"


def test_an_answer_that_tells_one_trade_in_two_ways_decides_nothing_case_31() -> None:
    desk = Desk()
    placed(desk)
    halved = replace(traded(1, 1, 3), quantity=Decimal("1.5"))
    desk.event(v.TradeHeard(account=MAIN, trade=halved))

    def tell(*trades: v.VenueTrade) -> None:
        found = v.OrderFound(order=seen(1, OrderStatus.PARTIALLY_FILLED, 3), trades=trades)
        desk.report(checked(1, found, asked_at=desk.clock.now()))

    tell(traded(1, 1, 3), halved)
    tell(traded(1, 1, 3), halved)
    assert desk.order(an_id(1)).disputed
    assert [u.transaction.kind for u in desk.heard(m.TransactionUpdate)] == ["fill"]

    desk.pass_time(SECOND)
    tell(traded(1, 1, 3))
    assert not desk.order(an_id(1)).disputed
    assert desk.order(an_id(1)).trades_complete
    *_, last = desk.heard(m.TransactionUpdate)
    assert (last.transaction.kind, last.transaction.quantity) == ("correction", 3)
