"""Sweeps: when, since when, and of what (cases 45, 46, 47, 62)."""

from typing import Any

import pytest
from manager_desk import ACC, BTC, ETH, PROFILE, SECOND, START, Desk
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.manager import Schedule

HOUR = 3600 * SECOND
OVERLAP = 60 * SECOND


def test_an_account_is_swept_at_start_and_each_half_minute() -> None:
    desk = Desk().started()
    desk.placed()
    desk.run(100)

    assert desk.times(m.SweepAccount) == [0.0, 30.0, 60.0, 90.0]
    assert [request.symbols for request in desk.asked(m.SweepAccount)][1:] == [(BTC,)] * 3


def test_case_46_an_account_without_any_news_is_swept_all_the_same() -> None:
    desk = Desk().started()
    desk.run(100)
    assert len(desk.asked(m.SweepAccount)) == 4


def test_a_venue_without_a_private_stream_is_polled() -> None:
    desk = Desk(profile=replace(PROFILE, has_private_stream=False)).started()
    desk.placed()
    desk.run(10)
    assert 5 <= len(desk.asked(m.SweepAccount)) <= 6


def test_sweeps_of_many_symbols_keep_to_half_the_venues_budget() -> None:
    desk = Desk(profile=replace(PROFILE, has_private_stream=False)).started()
    for number in range(48):
        desk.placed(symbol=f"C{number}/USDT")
    desk.run(100)

    questions = sum(len(request.symbols) + 2 for request in desk.asked(m.SweepAccount))
    assert questions <= 100 * 10 // 2 + 50


def test_case_45_a_stream_that_comes_back_is_swept_at_once() -> None:
    desk = Desk().started()
    desk.hear_stream(up=True, at=START)
    desk.run(5)
    swept = len(desk.asked(m.SweepAccount))
    desk.hear_stream(up=True, at=START)
    desk.hear_stream(up=False, at=START + SECOND)
    desk.run(1)
    assert len(desk.asked(m.SweepAccount)) == swept

    desk.hear_stream(up=True, at=START + 2 * SECOND)
    desk.run(0.1)
    assert len(desk.asked(m.SweepAccount)) == swept + 1


def test_case_47_a_fall_too_short_to_be_heard_shows_in_the_time_of_the_rise() -> None:
    desk = Desk().started()
    desk.hear_stream(up=True, at=START)
    desk.run(5)
    swept = len(desk.asked(m.SweepAccount))

    desk.hear_stream(up=True, at=START + 3 * SECOND)
    desk.run(0.1)

    assert len(desk.asked(m.SweepAccount)) == swept + 1


@pytest.mark.parametrize("role", [Role.LISTENER, Role.EXECUTOR])
def test_case_62_a_restarted_process_causes_a_sweep(role: Role) -> None:
    desk = Desk().started()
    desk.hear_health(role, "a")
    desk.run(5)
    swept = len(desk.asked(m.SweepAccount))
    desk.hear_health(role, "a")
    desk.run(0.1)
    assert len(desk.asked(m.SweepAccount)) == swept

    desk.hear_health(role, "b")
    desk.run(0.1)
    assert len(desk.asked(m.SweepAccount)) == swept + 1
    assert len(desk.asked(m.TakeSnapshot)) == (2 if role is Role.LISTENER else 1)


def test_a_reason_that_comes_during_a_sweep_causes_another_one() -> None:
    desk = Desk().started()
    desk.hear_health(Role.EXECUTOR, "a")
    desk.run(29.5)
    desk.asker.held.add(m.SweepAccount)
    desk.run(1)
    desk.hear_health(Role.EXECUTOR, "b")
    desk.asker.held.clear()
    desk.asker.release()
    desk.run(3)

    assert len(desk.asked(m.SweepAccount)) == 3


@pytest.mark.parametrize("role", [Role.ACTIONER, Role.LISTENER])
def test_a_sweep_lost_with_the_process_that_had_it_is_begun_again(role: Role) -> None:
    desk = Desk().started()
    desk.hear_health(role, "a")
    desk.sweeps_have_effect = False
    desk.run(30)
    assert len(desk.asked(m.SweepAccount)) == 2

    desk.hear_health(role, "b")
    desk.run(1)
    assert len(desk.asked(m.SweepAccount)) == 3


def test_a_sweep_whose_end_was_said_before_status_was_heard_is_begun_again_at_once() -> None:
    desk = Desk()
    desk.sweeps_have_effect = False
    desk.started()
    desk.run(2)
    assert len(desk.asked(m.SweepAccount)) == 1

    desk.sweeps_have_effect = True
    desk.hear_health(Role.LISTENER, "a")
    desk.run(2)
    assert len(desk.asked(m.SweepAccount)) == 2
    assert desk.manager.problems() == ()

    desk.hear_health(Role.LISTENER, "a")
    desk.run(2)
    assert len(desk.asked(m.SweepAccount)) == 2


@pytest.mark.parametrize("how", ["failing", "silent"])
def test_sweeps_that_are_refused_or_lost_are_repeated_ever_later(how: str) -> None:
    desk = Desk().started()
    getattr(desk, how).add(m.SweepAccount)
    desk.run(200)
    tries = len(desk.asked(m.SweepAccount))
    assert 5 <= tries <= 14

    getattr(desk, how).clear()
    desk.run(60)
    assert desk.manager.problems() == ()


def test_a_report_heard_of_before_its_request_was_answered_counts() -> None:
    desk = Desk().started()
    desk.asker.held.add(m.SweepAccount)
    desk.run(30)
    request, on_reply = desk.asker.open.pop(0)
    desk.hear_checked("early", START, swept=True)
    reply = m.TakenReply(request_id=request.request_id, report_id="early")
    desk.asker._reply(reply, 0, on_reply)
    desk.asker.held.clear()
    desk.run(31)

    assert desk.manager.counters["sweeps_without_effect"] == 0
    assert len(desk.asked(m.SweepAccount)) == 3


def test_a_venue_that_lists_one_symbol_at_a_time_is_not_swept_without_one() -> None:
    desk = Desk(profile=replace(PROFILE, lists_all_open_orders=False)).started()
    assert desk.asked(m.SweepAccount) == []
    assert desk.manager.problems() == ()

    desk.placed(symbol=ETH)
    desk.run(31)
    assert desk.asked(m.SweepAccount)[0].symbols == (ETH,)


# ---- which symbols -----------------------------------------------------------------------------


def test_a_symbol_stays_in_use_for_a_while_after_its_last_order() -> None:
    desk = Desk(schedule=Schedule(symbol_linger=40 * SECOND)).started()
    order = desk.placed(symbol=ETH)
    desk.change(order, status=OrderStatus.CANCELED)
    desk.run(100)

    assert [request.symbols for request in desk.asked(m.SweepAccount)] == [(), (ETH,), (), ()]


def test_with_too_many_symbols_each_gets_its_turn() -> None:
    desk = Desk(max_symbols=3).started()
    symbols = [f"C{number}/USDT" for number in range(9)]
    for symbol in symbols:
        desk.placed(symbol=symbol)
    desk.run(95)

    swept = [request.symbols for request in desk.asked(m.SweepAccount)[1:]]
    assert sorted(symbol for group in swept for symbol in group) == symbols


# ---- trades since when -------------------------------------------------------------------------


def since(request: Any) -> dict[str, int]:
    return dict(zip(request.symbols, request.since, strict=True))


def test_trades_are_searched_from_the_last_search_with_an_overlap() -> None:
    desk = Desk().started()
    desk.placed()
    desk.run(100)

    begun = [at for at, request in desk.asker.asked if isinstance(request, m.SweepAccount)]
    since = [request.trades_since - START for request in desk.asked(m.SweepAccount)]
    assert since[1:] == [begun[0] - OVERLAP, begun[1] - OVERLAP, begun[2] - OVERLAP]


def test_the_overlap_is_never_less_than_what_the_venue_may_hide() -> None:
    desk = Desk(profile=replace(PROFILE, visibility_lag=100 * SECOND)).started()
    desk.placed()
    desk.run(70)
    assert desk.asked(m.SweepAccount)[2].trades_since < desk.clock.now() - 200 * SECOND


def test_a_search_of_which_a_part_was_lost_is_made_again() -> None:
    desk = Desk().started()
    desk.placed(symbol=BTC)
    desk.placed(symbol=ETH)
    desk.lost_trades.add(ETH)
    desk.run(70)
    _, second, third = (request.trades_since for request in desk.asked(m.SweepAccount))
    assert second == third

    desk.lost_trades.clear()
    desk.run(60)
    assert desk.asked(m.SweepAccount)[-1].trades_since > third


def test_a_part_that_is_heard_of_twice_does_not_stand_for_another() -> None:
    desk = Desk().started()
    desk.placed(symbol=BTC)
    desk.placed(symbol=ETH)
    desk.lost_trades.update({BTC, ETH})
    desk.asker.held.add(m.SweepAccount)
    desk.run(30)
    desk.asker.held.clear()
    request, on_reply = desk.asker.open.pop(0)
    for _ in range(2):
        desk.hear_checked("s", START, searched=BTC)
    desk.hear_checked("s", START, swept=True)
    desk.asker._reply(m.TakenReply(request_id=request.request_id, report_id="s"), 0, on_reply)
    desk.run(31)

    assert desk.manager.counters["sweeps_without_all_trades"] >= 1
    again = since(desk.asked(m.SweepAccount)[2])
    assert again[ETH] == since(request)[ETH]
    assert again[BTC] == START - OVERLAP


def desk_without_the_trades_of(symbol: str) -> Desk:
    desk = Desk().started()
    desk.placed(symbol=BTC)
    desk.placed(symbol=ETH)
    desk.lost_trades.add(symbol)
    return desk


def test_a_symbol_whose_searches_fail_holds_up_no_other() -> None:
    desk = desk_without_the_trades_of(ETH)
    desk.run(600)
    begun = [at for at, request in desk.asker.asked if isinstance(request, m.SweepAccount)]
    last = desk.asked(m.SweepAccount)[-1]
    assert since(last)[ETH] == since(desk.asked(m.SweepAccount)[1])[ETH] == last.trades_since
    assert 0 <= since(last)[BTC] - (START + begun[-2] - OVERLAP) < SECOND

    desk.lost_trades.clear()
    desk.run(60)
    again = since(desk.asked(m.SweepAccount)[-1])
    assert abs(again[ETH] - again[BTC]) < SECOND


def test_a_symbol_whose_searches_fail_for_long_is_said_and_it_is_ready_all_the_same() -> None:
    desk = desk_without_the_trades_of(ETH)
    desk.run(200)
    assert desk.manager.problems() == ()

    desk.run(200)
    (problem,) = desk.beats()[-1].problems
    assert problem.startswith("trades_not_fetched: account acc1: ")
    assert ETH in problem
    assert BTC not in problem
    assert desk.beats()[-1].ready
    assert desk.manager.counters["searches_failed"] >= 10

    desk.lost_trades.clear()
    desk.run(40)
    assert desk.manager.problems() == ()


def test_of_a_symbol_that_is_out_of_use_no_failure_is_said() -> None:
    desk = desk_without_the_trades_of(ETH)
    desk.run(400)
    (order,) = (one for one in desk.orders.values() if one.symbol == ETH)
    desk.change(order, status=OrderStatus.CANCELED)
    desk.run(700)

    assert desk.asked(m.SweepAccount)[-1].symbols == (BTC,)
    assert desk.manager.problems() == ()


def test_many_symbols_are_said_in_few_words() -> None:
    desk = Desk().started()
    symbols = [f"C{number}/USDT" for number in range(8)]
    for symbol in symbols:
        desk.placed(symbol=symbol)
    desk.lost_trades.update(symbols)
    desk.run(400)

    assert "C3/USDT, C4/USDT and 3 more" in desk.manager.problems()[0]


def test_what_a_sweep_has_searched_counts_although_its_end_is_never_heard() -> None:
    desk, sweep = desk_in_a_sweep(symbols=(BTC, ETH))
    asked_at = desk.clock.now()
    desk.hear_checked(sweep, asked_at, searched=BTC)
    before = since(desk.asked(m.SweepAccount)[-1])
    desk.run(40)

    after = since(desk.asked(m.SweepAccount)[-1])
    assert after == {ETH: before[ETH], BTC: asked_at - OVERLAP}


def test_the_search_at_which_a_sweep_has_stopped_goes_last_in_the_next_one() -> None:
    desk, sweep = desk_in_a_sweep(symbols=("C1/USDT", "C2/USDT", "C3/USDT"))
    desk.hear_checked(sweep, desk.clock.now(), searched="C1/USDT")
    desk.run(40)

    assert desk.asked(m.SweepAccount)[-1].symbols == ("C3/USDT", "C1/USDT", "C2/USDT")


def test_a_new_manager_searches_symbols_in_which_only_closed_orders_are_known() -> None:
    desk = Desk()
    desk.used = {BTC: START - HOUR // 2, ETH: START - 2 * HOUR}
    desk.started()
    desk.run(35)

    first, then = desk.asked(m.SweepAccount)
    assert (first.symbols, then.symbols) == ((BTC,), (BTC,))
    assert abs(first.trades_since - (START - HOUR - OVERLAP)) < SECOND
    assert then.trades_since > START - 2 * OVERLAP


def test_a_symbol_out_of_use_is_not_taken_up_again_by_each_snapshot() -> None:
    desk = Desk()
    desk.used = {BTC: START}
    desk.started()
    desk.run(11 * 60)
    desk.hear_health(Role.LISTENER, "a")
    desk.hear_health(Role.LISTENER, "b")
    desk.run(5)

    assert len(desk.asked(m.TakeSnapshot)) == 2
    assert desk.asked(m.SweepAccount)[-1].symbols == ()


def test_the_first_search_goes_back_to_the_oldest_open_orders_last_news() -> None:
    desk = Desk()
    order = desk.order(changed_at=START - 5 * HOUR, checked_at=START - 4 * HOUR)
    desk.put(order, heard=False)
    desk.started()
    assert desk.asked(m.SweepAccount)[0].trades_since == START - 4 * HOUR - OVERLAP

    old = Desk()
    old.put(old.order(changed_at=START - 5000 * HOUR), heard=False)
    old.started()
    since = old.asked(m.SweepAccount)[0].trades_since
    assert abs(since - (START - 24 * HOUR - OVERLAP)) < SECOND


def test_after_a_restart_of_the_listener_the_last_search_is_not_relied_on() -> None:
    desk = Desk().started()
    desk.placed()
    desk.hear_health(Role.LISTENER, "a")
    desk.run(70)
    before = desk.asked(m.SweepAccount)[-1].trades_since
    desk.hear_health(Role.LISTENER, "b")
    desk.run(1)

    assert desk.asked(m.SweepAccount)[-1].trades_since == before


def test_a_clock_that_was_set_back_hides_no_trades() -> None:
    desk = Desk().started()
    desk.placed()
    desk.clock.error = HOUR
    desk.run(40)
    desk.clock.error = 0
    desk.run(30)

    assert desk.asked(m.SweepAccount)[-1].trades_since <= desk.clock.now() - OVERLAP


def test_a_balance_that_moved_unexplained_is_searched_for_wider_once_a_minute() -> None:
    desk = Desk().started()
    desk.placed()
    wide = []
    for _ in range(90):
        desk.swept = {"balances_moved": ("BTC",)}
        desk.run(1)
    for at, request in desk.asker.asked:
        if isinstance(request, m.SweepAccount) and at > SECOND:
            back = START + at - request.trades_since
            if back > HOUR // 2:
                wide.append(at // SECOND)

    assert 1 <= len(wide) <= 2
    assert desk.manager.counters["balances_moved"] >= 2


def test_a_wide_search_that_failed_is_made_again() -> None:
    desk = Desk().started()
    desk.placed()
    desk.swept = {"balances_moved": ("BTC",)}
    desk.run(29.6)
    desk.failing.add(m.SweepAccount)
    desk.run(2)
    desk.failing.clear()
    desk.run(10)

    assert desk.manager.counters["wide_searches"] >= 2


def desk_in_a_sweep(symbols: tuple[str, ...] = (BTC,)) -> tuple[Desk, str]:
    """Of which nothing has been heard yet; and its id."""
    desk = Desk().started()
    for symbol in symbols:
        desk.placed(symbol=symbol)
    desk.sweeps_have_effect = False
    desk.run(31)
    return desk, f"s{next(desk.numbers) - 1}"


def test_a_sweep_of_which_one_report_after_the_other_is_applied_is_waited_for() -> None:
    desk, sweep = desk_in_a_sweep()
    asked_at = desk.clock.now()
    for piece in range(5):
        desk.run(20)
        desk.hear_checked(f"{sweep}.{piece}", asked_at)
    assert desk.manager.counters["sweeps_without_effect"] == 0

    desk.run(40)
    assert desk.manager.counters["sweeps_without_effect"] == 1


def test_of_a_search_in_very_many_reports_the_last_counts_and_no_other() -> None:
    for last_is_heard in (False, True):
        desk, sweep = desk_in_a_sweep()
        asked_at = desk.clock.now()
        if last_is_heard:
            desk.hear_checked(sweep, asked_at, searched=BTC)
        for piece in range(100):
            desk.hear_checked(f"{sweep}.{piece}", asked_at, searched=BTC)
        desk.hear_checked(sweep, asked_at, swept=True)

        missed = desk.manager.counters["sweeps_without_all_trades"]
        assert missed == (0 if last_is_heard else 1)


def test_beats_say_what_is_wrong() -> None:
    desk = Desk()
    desk.failing.add(m.TakeSnapshot)
    desk.started()
    beat = desk.beats()[-1]
    assert (beat.role, beat.instance, beat.ready) == (Role.MANAGER, "run-1", False)
    assert "orders_unknown" in beat.problems[0]

    desk.failing.clear()
    desk.run(5)
    assert desk.beats()[-1].ready
    assert len(desk.beats()) == 6
    assert desk.manager.accounts.keys() == {ACC}
    assert m.stream_topic(ACC) in desk.manager.topics()
