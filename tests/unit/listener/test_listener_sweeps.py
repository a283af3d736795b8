"""What sweeps bring is applied in order, a part at a time, and counts only when all of it is."""

from decimal import Decimal

import msgspec
import pytest
from listener_kit import (
    BTC,
    MAIN,
    OTHER,
    OUTBOX,
    SECOND,
    Desk,
    answered,
    intended,
    order_heard,
    seen,
    swept,
    trade_heard,
    traded,
)

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.identity import AccountId

MOMENT = SECOND // 10


def fetched(
    desk: Desk, *trades: v.VenueTrade, report_id: str = "s", account: AccountId = MAIN
) -> m.TradesFetched:
    now = desk.clock.now()
    return m.TradesFetched(
        report_id=report_id, account=account, asked_at=now, answered_at=now, trades=trades
    )


def checked_reports(desk: Desk) -> list[str]:
    return [one.report_id for one in desk.heard(m.Checked)]


def desk_that_forgot(count: int, **settings: int) -> Desk:
    """So many filled orders are in the store only, and it does not answer now."""
    desk = Desk(kept_closed=1, **settings)
    for number in range(1, count + 2):
        last = desk.ledger.outboxes[OUTBOX].number if desk.ledger.outboxes else 0
        desk.tell(last + 1, intended(number, desk.clock.now()))
        desk.tell(last + 2, answered(number))
        desk.event(trade_heard(number, 1, 9))
        desk.event(order_heard(number, OrderStatus.CANCELED, 9))
        desk.pass_time(SECOND)
    desk.event(order_heard(count + 1))
    desk.store.down = True
    return desk


def late_trades(count: int) -> tuple[v.VenueTrade, ...]:
    """One more of each of those orders."""
    return tuple(traded(number, 2, 1) for number in range(1, count + 1))


def parked(desk: Desk) -> int:
    return len(desk.ledger.state.parking)


def test_the_end_of_a_sweep_counts_after_its_trades() -> None:
    desk = desk_that_forgot(3, slice=1)
    desk.store.down = False
    desk.report(fetched(desk, *late_trades(3)))
    desk.report(swept(desk.clock.now()))
    desk.pass_time(MOMENT)

    flags = [one.swept for one in desk.heard(m.Checked)]
    assert flags == [False, True]


def test_the_trades_of_a_sweep_leave_room_for_what_the_streams_tell() -> None:
    desk = desk_that_forgot(6, held_facts=4, slice=1)
    desk.report(fetched(desk, *late_trades(6)))
    desk.pass_time(SECOND)
    assert parked(desk) == 2
    assert checked_reports(desk) == []

    desk.event(trade_heard(6, 3, 1))
    assert parked(desk) == 3
    assert desk.listener.counters["facts_dropped"] == 0


def test_they_go_on_when_there_is_room_again_and_none_is_lost() -> None:
    desk = desk_that_forgot(6, held_facts=4, slice=1)
    desk.report(fetched(desk, *late_trades(6)))
    desk.pass_time(SECOND)
    desk.store.down = False
    desk.pass_time(10 * SECOND)

    updates = desk.heard(m.TransactionUpdate)
    assert sum(one.transaction.trade_id.endswith("-2") for one in updates) == 6
    assert checked_reports(desk) == ["s"]


def test_one_account_does_not_wait_for_the_other() -> None:
    desk = desk_that_forgot(6, held_facts=4, slice=1)
    desk.report(fetched(desk, *late_trades(6)))
    desk.report(
        m.AccountSwept(
            report_id="other",
            account=OTHER,
            asked_at=desk.clock.now(),
            answered_at=desk.clock.now(),
            open_orders=v.OpenOrders(orders=()),
        )
    )

    assert checked_reports(desk) == ["other"]


def test_a_search_that_finds_no_room_for_long_makes_way_for_what_waits_behind_it() -> None:
    desk = desk_that_forgot(6, held_facts=4, slice=1, room_tries=5)
    desk.report(fetched(desk, *late_trades(6)))
    desk.report(swept(desk.clock.now()))
    desk.pass_time(SECOND)

    assert [one.swept for one in desk.heard(m.Checked)] == [True]
    assert desk.listener.counters["sweeps_given_up"] == 1


def test_trades_of_orders_in_memory_need_no_room() -> None:
    desk = desk_that_forgot(6, held_facts=4)
    for number in (1, 2):
        desk.event(trade_heard(number, 2, 1))
    assert parked(desk) == 2
    desk.report(fetched(desk, traded(7, 2, 1)))

    assert checked_reports(desk) == ["s"]


def test_all_reports_of_a_long_search_wait_for_their_turn() -> None:
    """They come in one burst."""
    desk = desk_that_forgot(1, slice=1)
    desk.store.down = False
    pieces = [traded(1, number, 1) for number in range(2, 122)]
    now = desk.clock.now()
    for number, begin in enumerate(range(0, 120, 2)):
        report_id = "s" if begin == 118 else f"s.{number}"
        desk.report(
            m.TradesFetched(
                report_id=report_id,
                account=MAIN,
                asked_at=now,
                answered_at=now,
                trades=tuple(pieces[begin : begin + 2]),
            )
        )
    desk.pass_time(10 * SECOND)

    assert checked_reports(desk)[-1] == "s"
    assert len(desk.heard(m.TransactionUpdate)) == 2 + 120


def test_what_is_said_of_a_search_names_its_symbol() -> None:
    desk = desk_that_forgot(1)
    desk.store.down = False
    desk.report(msgspec.structs.replace(fetched(desk, traded(1, 2, 1)), symbol=BTC))
    desk.pass_time(SECOND)

    assert [one.searched for one in desk.heard(m.Checked)] == [BTC]


def test_a_search_of_which_a_report_was_given_up_does_not_count() -> None:
    """The manager takes the last one for the whole."""
    desk = desk_that_forgot(6, held_facts=4, slice=1, waiting_sweeps=1)
    desk.report(fetched(desk, *late_trades(6), report_id="r"))
    first = fetched(desk, traded(7, 2, 1), report_id="s.0")
    desk.report(first)
    assert desk.listener.counters["sweeps_given_up"] == 1
    desk.store.down = False
    desk.pass_time(10 * SECOND)
    desk.report(fetched(desk, traded(7, 3, 1), report_id="s"))
    assert checked_reports(desk) == ["r", "s"]

    desk.clock.wall = first.asked_at
    desk.report(fetched(desk, traded(7, 4, 1), report_id="s"))
    desk.pass_time(SECOND)
    assert checked_reports(desk) == ["r", "s"]


def test_what_another_account_gives_up_does_not_make_it_count() -> None:
    desk = desk_that_forgot(3, waiting_sweeps=2)
    desk.fill_disk()
    first = fetched(desk, *late_trades(1), report_id="s.0")
    desk.report(first)
    for number in range(5):
        desk.report(fetched(desk, *late_trades(1), report_id=f"o{number}.0", account=OTHER))
        desk.pass_time(SECOND)
    desk.free_disk()
    desk.store.down = False
    desk.clock.wall = first.asked_at
    desk.report(fetched(desk, traded(4, 2, 1), report_id="s"))
    desk.pass_time(SECOND)

    assert checked_reports(desk) == []


def test_a_report_that_fails_does_not_hold_up_what_comes_behind_it() -> None:
    desk = desk_that_forgot(1)
    sweeps = desk.listener._checks._sweeps
    now = desk.clock.now()

    def fail() -> list[f.VenueFact]:
        raise RuntimeError("a fact that nobody can make anything of")

    with pytest.raises(RuntimeError):
        sweeps.put(fetched(desk, report_id="bad"), fail, lambda: None)
    desk.pass_time(MOMENT)
    desk.report(swept(now))

    assert checked_reports(desk) == ["s"]


def test_a_search_for_closed_orders_counts_only_if_all_its_reports_were_applied() -> None:
    desk = desk_that_forgot(3, held_facts=2, room_tries=2)
    now = desk.clock.now()

    def found(*numbers: int, is_last: bool) -> m.ClosedOrdersFetched:
        return m.ClosedOrdersFetched(
            report_id="c",
            account=MAIN,
            symbol=BTC,
            asked_at=now,
            answered_at=now,
            orders=tuple(seen(number, OrderStatus.CANCELED, 9) for number in numbers),
            is_last=is_last,
        )

    desk.report(found(1, 2, 3, is_last=False))
    desk.report(found(4, is_last=True))
    desk.pass_time(SECOND)

    assert checked_reports(desk) == []
    assert desk.listener.counters["sweeps_given_up"] == 1


def test_balances_are_from_before_the_report_came_however_long_it_waits() -> None:
    """A fill meanwhile is not in them: what it moves does not explain what an untold one did."""
    desk = desk_that_forgot(6, held_facts=4, slice=1, room_tries=1_000)
    desk.store.down = False

    def look(btc: str) -> m.AccountSwept:
        held = v.Balance(currency="BTC", free=Decimal(btc), locked=Decimal(0))
        return swept(desk.clock.now(), balances=(held,))

    old = {"venue_time": desk.clock.now() - 60 * SECOND}
    desk.report(look("10"))
    desk.pass_time(60 * SECOND)
    desk.store.down = True
    late = [msgspec.structs.replace(trade, **old) for trade in late_trades(6)]
    desk.report(fetched(desk, *late))
    desk.report(look("10.5"))
    desk.pass_time(30 * SECOND)
    half = {"quantity": Decimal("0.5"), "venue_time": desk.clock.now()}
    fill = msgspec.structs.replace(traded(7, 5, 1), **half)
    desk.event(v.TradeHeard(account=MAIN, trade=fill))
    desk.store.down = False
    desk.pass_time(60 * SECOND)
    desk.report(look("17"))

    assert "BTC" in desk.heard(m.Checked)[-1].balances_moved


def test_trades_that_the_journal_does_not_take_do_not_count_nor_do_those_behind_them() -> None:
    desk = desk_that_forgot(3)
    desk.fill_disk()
    asked = desk.clock.now()
    desk.report(fetched(desk, *late_trades(2), report_id="s.0"))
    desk.free_disk()
    desk.clock.wall = asked
    desk.report(fetched(desk, traded(3, 2, 1), report_id="s"))
    desk.store.down = False
    desk.pass_time(SECOND)

    assert checked_reports(desk) == []


def test_a_list_of_open_orders_that_can_not_be_kept_whole_does_not_count() -> None:
    desk = desk_that_forgot(3, held_facts=2)
    listed = [seen(number, OrderStatus.PARTIALLY_FILLED, 9) for number in (1, 2, 3)]
    desk.report(swept(desk.clock.now(), *listed))

    assert checked_reports(desk) == []
    assert parked(desk) == 0
    assert desk.heard(m.StreamState) == []
