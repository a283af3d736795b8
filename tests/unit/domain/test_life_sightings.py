"""An order's life: late, stale and contradicting words, and whose order it is (cases 50 to 64)."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from order_facts import (
    LAG,
    LAND_BY,
    VANISHED,
    absent,
    accepted,
    after,
    alarms_after,
    cancel,
    intent,
    order_after,
    refused,
    resolved,
    seen,
    traded,
    unknown,
)
from order_histories import ACCOUNT, ORDER_ID, VENUE_ID

from gateway.domain import facts as f
from gateway.domain import life
from gateway.domain.enums import (
    ClosedBy,
    OrderStatus,
    Origin,
    Side,
    Source,
)
from gateway.domain.errors import Code
from gateway.domain.life import Change
from gateway.domain.trade import trade_key

# ---- late, stale, contradicting ----------------------------------------------------------------


def test_case_50_an_older_picture_changes_nothing() -> None:
    newer = (intent(), seen("partially_filled", 5))
    gateway = after(*newer)
    before = gateway.order

    change = gateway.take(seen("partially_filled", 3, at=25))

    assert change is not None
    assert not change.visible
    assert gateway.order == before


@pytest.mark.parametrize("end", ["filled", "canceled", "expired", "rejected"])
def test_case_51_an_open_picture_after_the_end_reopens_nothing(end: str) -> None:
    cum = 10 if end == "filled" else 0
    facts = (intent(), seen(end, cum))

    for late in (seen("new", 0, at=90), seen("new", 0, at=90, asked_at=80)):
        assert order_after(*facts, late).status == end


def test_case_53_a_check_that_finds_nothing_new_moves_only_its_time() -> None:
    gateway = after(intent(), seen("new", 0))

    change = gateway.take(seen("new", 0, at=9_001, asked_at=9_000, source=Source.SWEEP))

    assert change is not None
    assert not change.visible
    assert change.order.checked_at == 9_000
    assert change.order.changed_at == 20


def test_case_56_not_found_before_the_visibility_lag_decides_nothing() -> None:
    order = order_after(intent(), accepted(10), absent(10 + LAG))

    assert order.status is OrderStatus.NEW


def test_case_58_an_accepted_order_that_the_venue_no_longer_knows_is_in_doubt() -> None:
    assert alarms_after(*VANISHED, absent(20_000)) == ["vanished"]
    order = order_after(*VANISHED, absent(20_000), absent(30_000))

    assert order.status is OrderStatus.IN_DOUBT
    assert order.known_status is OrderStatus.NEW
    assert order.vanished_at == 10_000


def test_a_vanished_order_comes_back_only_on_newer_evidence() -> None:
    stale = seen("new", 0, at=10_100, asked_at=9_999)
    fresh = seen("new", 0, at=10_100, asked_at=10_050)

    assert order_after(*VANISHED, stale).status is OrderStatus.IN_DOUBT
    assert order_after(*VANISHED, fresh).status is OrderStatus.NEW
    assert order_after(*VANISHED, stale, seen("canceled", 0, at=11_000)).status == "canceled"


def test_absence_asked_before_the_last_sighting_decides_nothing() -> None:
    sighted = seen("new", 0, at=20_001, asked_at=20_000)

    order = order_after(intent(), accepted(), sighted, absent(19_999, at=20_002))

    assert order.status is OrderStatus.NEW


def test_case_59_less_filled_at_the_venue_is_kept_beside_ours_with_one_alarm() -> None:
    less = seen("partially_filled", 2, at=9_001, asked_at=9_000)
    again = seen("partially_filled", 2, at=19_001, asked_at=19_000)
    agreed = seen("partially_filled", 5, at=29_001, asked_at=29_000)
    facts = (intent(), traded("5"), less)

    assert order_after(*facts).cum_quantity == 5
    assert order_after(*facts).lower_quantity == 2
    assert alarms_after(*facts, again) == ["filled_less_at_venue"]
    assert order_after(*facts, again, agreed).lower_quantity is None


def test_a_figure_asked_for_before_our_last_fill_is_no_contradiction() -> None:
    asked_before = seen("partially_filled", 0, at=31, asked_at=29)

    assert alarms_after(intent(), accepted(), traded("5"), asked_before) == []


def test_two_orders_at_the_venue_under_one_id_are_told_and_both_fills_count() -> None:
    """Case 8: it must not happen; where it does, it is seen and the money is right."""
    second = seen("canceled", 0, venue_order_id="v2", at=35)
    facts = (intent(), accepted(), second, second, traded("4", "x", venue_order_id="v2"))

    order = order_after(*facts)

    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.venue_order_id == VENUE_ID
    assert order.doubles == ("v2",)
    assert order.cum_quantity == 4
    assert alarms_after(*facts) == ["doubled"]


# ---- whose order it is -------------------------------------------------------------------------


def test_an_intent_that_comes_late_makes_a_recovered_order_ours() -> None:
    facts = (seen("partially_filled", 3), traded("3"))
    recovered = order_after(*facts)
    own = order_after(*facts, intent(at=90))

    assert (recovered.origin, recovered.client_id) == (Origin.RECOVERED, "")
    assert (own.origin, own.client_id) == (Origin.OWN, "desk")
    assert own.status is OrderStatus.PARTIALLY_FILLED
    assert own.created_at == 90
    assert own.land_by == LAND_BY


def test_an_external_order_is_known_by_degrees() -> None:
    """Case 64: of an order that is not ours a trade may be all that is heard at first."""
    trade = traded("3")
    by_trade = life.birth(ACCOUNT, replace(trade, origin=Origin.EXTERNAL), ORDER_ID)
    assert by_trade is not None
    heard = life.apply(by_trade, {}, trade)
    told = life.apply(heard.order, heard.digests, seen("partially_filled", 3))

    assert (heard.order.status, heard.order.quantity) == (OrderStatus.PARTIALLY_FILLED, 0)
    assert (told.order.status, told.order.quantity) == (OrderStatus.PARTIALLY_FILLED, 10)
    assert told.order.origin is Origin.EXTERNAL
    assert told.order.price == 100


def test_a_picture_without_a_side_begins_no_order() -> None:
    assert life.birth(ACCOUNT, seen("new", 0, side=None), ORDER_ID) is None


@pytest.mark.parametrize("fact", [accepted(), refused(), unknown(), cancel(), absent(9_000)])
def test_a_fact_about_nothing_begins_no_order(fact: f.Fact) -> None:
    assert life.birth(ACCOUNT, fact, ORDER_ID) is None


# ---- an operator's word ------------------------------------------------------------------------


def test_an_operator_ends_a_doubt_and_the_word_is_kept() -> None:
    order = order_after(*VANISHED, resolved("rejected"))

    assert order.status is OrderStatus.CANCELED  # it had been acknowledged
    assert order.closed_by is ClosedBy.OPERATOR
    assert order.reason_code is Code.RESOLVED
    assert order.reason == "ann: rang them up"


def test_an_operators_word_on_an_order_that_is_not_in_doubt_changes_nothing() -> None:
    assert order_after(intent(), accepted(), resolved("canceled")).status is OrderStatus.NEW


def test_what_the_venue_shows_later_outranks_an_operator() -> None:
    ended = (*VANISHED, resolved("canceled", at=20_000))
    stale = seen("new", 0, at=20_500, asked_at=15_000)
    fresh = seen("new", 0, at=20_500, asked_at=20_400)

    assert order_after(*ended, stale).status is OrderStatus.CANCELED
    assert order_after(*ended, fresh).status is OrderStatus.NEW
    assert "revived" in alarms_after(*ended, fresh)


# ---- what a change says ------------------------------------------------------------------------


def test_a_fact_that_changes_nothing_gives_back_the_very_order() -> None:
    gateway = after(intent(), accepted(), traded("3"))
    before = gateway.order
    assert before is not None

    for fact in (intent(), accepted(99), traded("3", at=99), unknown(99), seen("new", 0)):
        change: Change = life.apply(before, gateway.digests, fact)
        assert not change.visible
        assert not change.transactions
        assert not change.alarms
        assert change.order == before


def test_a_fill_says_all_that_an_accountant_needs() -> None:
    fact = traded("3", price="99.5", fee=Decimal("0.01"), fee_currency="BTC", venue_time=7)
    (fill,) = after(intent(), fact).transactions

    assert fill.key == trade_key(ACCOUNT, fact.trade)
    assert (fill.order_id, fill.client_id, fill.side) == (ORDER_ID, "desk", Side.BUY)
    assert (fill.quantity, fill.price) == (3, Decimal("99.5"))
    assert (fill.fee, fill.fee_currency) == (Decimal("0.01"), "BTC")
    assert (fill.trade_id, fill.venue_order_id, fill.venue_time) == ("t1", VENUE_ID, 7)
    assert (fill.recorded_at, fill.source) == (30, Source.STREAM)


def test_the_time_of_the_last_change_never_runs_back() -> None:
    order = order_after(intent(), seen("partially_filled", 3, at=500), traded("3", at=400))

    assert order.changed_at == 500


def test_the_venues_first_word_on_the_end_stands() -> None:
    order = order_after(intent(), seen("canceled", 3, reason="by you"), seen("expired", 3, at=90))

    assert order.status is OrderStatus.CANCELED
    assert order.reason == "by you"
    assert order.closed_at == 20
