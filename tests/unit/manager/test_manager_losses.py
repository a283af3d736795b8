"""After a journal lost records, closed orders are searched for, once what was sent has landed."""

import itertools

from manager_desk import ACC, BTC, ETH, PROFILE, Desk
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.identity import Symbol

SECOND = 1_000_000_000
LISTING = replace(PROFILE, lists_closed_orders=True)


def lost(desk: Desk, *, until: int | None = None) -> m.RecordsLost:
    until = desk.clock.now() if until is None else until
    return m.RecordsLost(account=ACC, since=until - 100 * SECOND, until=until)


def hear_each_second(desk: Desk, seconds: int, message: m.RecordsLost) -> None:
    for _ in range(seconds):
        desk.hear(m.CHECKS, message)
        desk.run(1)


def found(desk: Desk, symbol: Symbol, asked_at: int | None = None) -> None:
    at = desk.clock.now() if asked_at is None else asked_at
    desk.hear(m.CHECKS, m.Checked(account=ACC, asked_at=at, report_id="c", closed=symbol))


def desk_in_two_symbols() -> Desk:
    desk = Desk(profile=LISTING).started()
    desk.placed(symbol=BTC)
    desk.placed(symbol=ETH)
    return desk


def test_not_before_a_sweep_has_shown_what_is_still_open() -> None:
    desk = desk_in_two_symbols()
    message = lost(desk)
    hear_each_second(desk, 14, message)
    assert desk.asked(m.SearchClosed) == []
    hear_each_second(desk, 50, message)

    request = desk.asked(m.SearchClosed)[0]
    assert request.symbol == BTC
    assert request.since <= message.since - 60 * SECOND
    assert request.until >= message.until + 60 * SECOND


def test_each_symbol_is_searched_one_after_the_other_and_once() -> None:
    desk = desk_in_two_symbols()
    message = lost(desk)
    hear_each_second(desk, 60, message)
    found(desk, BTC)
    hear_each_second(desk, 3, message)
    found(desk, ETH)
    hear_each_second(desk, 60, message)

    assert [request.symbol for request in desk.asked(m.SearchClosed)][-2:] == [BTC, ETH]
    desk.placed(symbol=Symbol("SOL/USDT"))
    hear_each_second(desk, 2, message)
    assert desk.asked(m.SearchClosed)[-1].symbol == "SOL/USDT"


def test_a_search_without_effect_is_repeated_but_not_at_once() -> None:
    desk = desk_in_two_symbols()
    message = lost(desk)
    hear_each_second(desk, 130, message)

    times = desk.times(m.SearchClosed)
    assert len(times) >= 2
    assert all(after - before >= 30 for before, after in itertools.pairwise(times))


def test_another_loss_is_another_search_and_an_older_answer_does_not_count_for_it() -> None:
    desk = desk_in_two_symbols()
    message = lost(desk)
    hear_each_second(desk, 60, message)
    asked_at = desk.clock.now()
    found(desk, BTC)
    found(desk, ETH)
    again = lost(desk, until=asked_at + 5 * SECOND)
    before = len(desk.asked(m.SearchClosed))
    hear_each_second(desk, 1, again)
    found(desk, BTC, asked_at)
    hear_each_second(desk, 70, again)

    assert desk.asked(m.SearchClosed)[before].symbol == BTC


def test_a_request_that_is_refused_is_made_again() -> None:
    desk = desk_in_two_symbols()
    desk.failing.add(m.SearchClosed)
    message = lost(desk)
    hear_each_second(desk, 60, message)
    desk.failing.clear()
    before = len(desk.asked(m.SearchClosed))
    hear_each_second(desk, 2, message)

    assert before > 2
    assert len(desk.asked(m.SearchClosed)) == before + 1


def test_a_venue_that_lists_no_closed_orders_is_not_asked() -> None:
    desk = Desk().started()
    desk.placed(symbol=BTC)
    hear_each_second(desk, 90, lost(desk))

    assert desk.asked(m.SearchClosed) == []
