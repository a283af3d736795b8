"""An order's life: every fill is money (cases 30 to 43)."""

from decimal import Decimal
from typing import Any

import pytest
from order_facts import (
    accepted,
    after,
    alarms_after,
    corrected,
    intent,
    order_after,
    refused,
    seen,
    told,
    traded,
)

from gateway.domain import facts as f
from gateway.domain.enums import (
    OrderStatus,
    OrderType,
    Source,
    TransactionKind,
)
from gateway.domain.venue import TradeAmendment

# ---- fills -------------------------------------------------------------------------------------


def test_case_30_the_same_fill_by_stream_and_by_query_counts_once() -> None:
    gateway = after(intent(), traded("3"), traded("3", source=Source.QUERY, at=99))

    assert gateway.order is not None
    assert gateway.order.cum_quantity == 3
    assert len(gateway.transactions) == 1


def test_case_31_the_same_trade_with_other_figures_is_kept_out_with_one_alarm() -> None:
    other = traded("4", at=99)
    gateway = after(intent(), traded("3"), other, other, traded("3", price="101"))

    assert gateway.order is not None
    assert gateway.order.cum_quantity == 3
    assert gateway.order.conflicts == 2
    assert len(gateway.transactions) == 1
    assert [alarm.kind for alarm in gateway.alarms] == ["trade_conflict", "trade_conflict"]


def test_case_31_the_venue_asked_again_confirms_the_first_figures() -> None:
    disputed = (intent(), traded("3"), traded("4", at=40))
    assert len(order_after(*disputed).disputed) == 1

    gateway = after(*disputed, told("3", asked_at=50))

    assert gateway.order is not None
    assert gateway.order.disputed == ()
    assert gateway.order.cum_quantity == 3
    assert len(gateway.transactions) == 1


def test_case_31_wrong_figures_that_came_first_are_corrected_once_the_venue_is_asked() -> None:
    first, right = traded("3", price="50"), traded("6", at=40)

    gateway = after(intent(), first, right, told("6", asked_at=50), first, told("6", asked_at=60))

    order, (fill, correction) = gateway.order, gateway.transactions
    assert order is not None
    assert order.disputed == ()
    assert (order.cum_quantity, order.avg_price) == (6, 100)
    assert (fill.kind, fill.quantity, fill.price) == (TransactionKind.FILL, 3, 50)
    assert correction.kind is TransactionKind.CORRECTION
    assert (correction.quantity, correction.price) == (6, 100)
    assert fill.key != correction.key
    assert [alarm.kind for alarm in gateway.alarms] == ["trade_conflict", "trade_amended"]


def test_case_31_one_answer_alone_disputes_what_is_kept_and_does_not_correct_it() -> None:
    gateway = after(intent(), traded("6"), told("3", asked_at=50))

    assert gateway.order is not None
    assert len(gateway.order.disputed) == 1
    assert len(gateway.transactions) == 1


def test_a_correction_to_less_is_told_and_the_filled_quantity_does_not_fall() -> None:
    gateway = after(intent(), traded("6"), traded("3", at=40), told("3", asked_at=50))

    assert gateway.order is not None
    assert gateway.order.cum_quantity == 6
    assert [t.quantity for t in gateway.transactions] == [6, 3]


def test_a_correction_may_bring_the_fee_that_was_missing() -> None:
    fee = {"fee": Decimal(1), "fee_currency": "USDT"}

    order = order_after(intent(), traded("3"), traded("6"), told("6", asked_at=50, **fee))

    assert order.fees_missing == 0


def test_what_the_venue_says_of_a_trade_by_turns_is_corrected_once_at_most() -> None:
    back_and_forth = [told(quantity, asked_at=at) for at in range(50, 90) for quantity in "36"]

    gateway = after(intent(), traded("3"), traded("6"), told("6", asked_at=40), *back_and_forth)

    assert [t.quantity for t in gateway.transactions] == [3, 6]
    assert gateway.order is not None
    assert gateway.order.disputed == ()


def test_case_31_an_answer_that_was_on_its_way_before_the_dispute_decides_nothing() -> None:
    first = (intent(), traded("3", at=40))

    for other in (traded("4", at=100), told("4", asked_at=100)):
        assert len(order_after(*first, other, told("3", asked_at=20)).disputed) == 1


def test_a_trade_corrected_twice_counts_the_most_that_was_ever_kept_of_it() -> None:
    to_less = (traded("3", at=40), told("3", asked_at=50))
    to_more = (traded("4", at=60), told("4", asked_at=70))
    to_most = (traded("8", at=80), told("8", asked_at=90))

    assert order_after(intent(), traded("6"), *to_less, *to_more).cum_quantity == 6
    order = order_after(intent(), traded("6"), *to_less, *to_more, *to_most)
    assert order.cum_quantity == 8
    assert order.avg_price == 100


def test_case_43_what_a_venue_corrected_is_no_conflict_when_it_is_told_again() -> None:
    first, corrected = traded("3"), traded("3", price="90")
    amendment = TradeAmendment(trade=corrected.trade, busted=False, amendment_id="a1")
    fact = f.TradeAmended(at=50, source=Source.STREAM, amendment=amendment)

    gateway = after(intent(), first, fact, corrected)

    assert gateway.order is not None
    assert gateway.order.conflicts == 0


FEE: dict[str, Any] = {"fee": Decimal("0.1"), "fee_currency": "BNB"}


def test_a_venues_correction_without_the_fee_leaves_the_fee_as_it_was_told() -> None:
    again = told("3", asked_at=60, price="90", **FEE)

    gateway = after(intent(), traded("3", **FEE), corrected("3", price="90"), again)

    assert [t.kind for t in gateway.transactions] == [
        TransactionKind.FILL,
        TransactionKind.CORRECTION,
    ]


def test_a_venues_correction_may_bring_the_fee_that_was_missing() -> None:
    facts = (intent(), traded("3"), corrected("3", price="90", **FEE))

    assert order_after(*facts).fees_missing == 0
    again = told("3", asked_at=60, price="90", **FEE)
    assert len(after(*facts, again).transactions) == 2


def test_a_venues_correction_to_more_leaves_no_trade_to_be_asked_for() -> None:
    order = order_after(
        intent(), traded("3"), corrected("4"), seen("partially_filled", 4, at=70), told("4", 80)
    )

    assert order.cum_quantity == 4
    assert order.trades_complete
    assert order.disputed == ()


def test_case_34_two_fills_that_share_a_trade_id_both_count() -> None:
    gateway = after(intent(), traded("3", leg="close"), traded("2", leg="open"))

    assert gateway.order is not None
    assert gateway.order.cum_quantity == 5
    assert len(gateway.transactions) == 2


def test_trades_without_an_id_are_told_apart_by_their_content() -> None:
    gateway = after(
        intent(),
        traded("3", None, venue_time=5),
        traded("3", None, venue_time=5),
        traded("3", None, venue_time=6),
    )

    assert gateway.order is not None
    assert gateway.order.cum_quantity == 6


def test_case_35_a_filled_order_is_published_before_its_last_trade_and_says_so() -> None:
    early = order_after(intent(), traded("4"), seen("filled", 10))
    late = order_after(intent(), traded("4"), seen("filled", 10), traded("6", "t2", price="110"))

    assert early.status is OrderStatus.FILLED
    assert not early.trades_complete
    assert late.trades_complete
    assert late.avg_price == Decimal(106)


def test_case_37_more_than_was_asked_for_is_counted_and_alarmed_once() -> None:
    facts = (intent(), traded("8"), traded("8", "t2"), traded("1", "t3"))

    assert order_after(*facts).cum_quantity == 17
    assert order_after(*facts).status is OrderStatus.FILLED
    assert alarms_after(*facts) == ["overfill"]


def test_case_40_a_fill_of_a_rejected_order_reopens_it_with_an_alarm() -> None:
    facts = (intent(), refused(), traded("3"))

    order = order_after(*facts)
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.closed_at is None
    assert order.reason_code is None
    assert alarms_after(*facts) == ["revived"]
    assert order_after(*facts, traded("7", "t2")).status is OrderStatus.FILLED


def test_case_40_a_fill_of_what_the_venue_itself_rejected_reopens_it_until_it_insists() -> None:
    facts = (intent(), seen("rejected", 0), traded("3"))

    assert order_after(*facts).status is OrderStatus.PARTIALLY_FILLED
    insisted = order_after(*facts, seen("rejected", 3, at=90, asked_at=80))
    assert insisted.status is OrderStatus.CANCELED
    assert insisted.cum_quantity == 3
    assert alarms_after(*facts, seen("rejected", 3, at=90, asked_at=80)) == [
        "revived",
        "rejected_with_fills",
    ]


def test_a_fill_after_a_cancel_counts_and_the_order_stays_canceled() -> None:
    gateway = after(intent(), seen("canceled", 0), traded("3"))

    assert gateway.order is not None
    assert gateway.order.status is OrderStatus.CANCELED
    assert gateway.order.cum_quantity == 3
    assert gateway.alarms == []


def test_case_42_a_late_fee_is_a_transaction_of_its_own() -> None:
    late = traded("3", source=Source.QUERY, fee=Decimal("0.1"), fee_currency="BNB")
    gateway = after(intent(), traded("3"), late, late)

    assert [t.kind for t in gateway.transactions] == [TransactionKind.FILL, TransactionKind.FEE]
    assert gateway.transactions[1].fee == Decimal("0.1")
    assert len({t.key for t in gateway.transactions}) == 2
    assert gateway.order is not None
    assert gateway.order.cum_quantity == 3


@pytest.mark.parametrize(
    ("busted", "kind"), [(True, TransactionKind.BUST), (False, TransactionKind.CORRECTION)]
)
def test_case_43_a_bust_or_correction_is_appended_and_edits_nothing(
    busted: bool, kind: TransactionKind
) -> None:
    first = traded("3")
    fact = f.TradeAmended(
        at=50,
        source=Source.STREAM,
        amendment=TradeAmendment(trade=first.trade, busted=busted, amendment_id="a1"),
    )

    gateway = after(intent(), first, fact, fact)

    assert [t.kind for t in gateway.transactions] == [TransactionKind.FILL, kind]
    assert gateway.order is not None
    assert gateway.order.cum_quantity == 3
    assert [alarm.kind for alarm in gateway.alarms] == ["trade_amended"]


def test_filled_without_a_figure_is_all_of_it() -> None:
    for facts in (
        (intent(), seen("filled")),
        (intent(), traded("3"), seen("filled", quantity=None)),
        (seen("filled", quantity=None), intent()),
    ):
        order = order_after(*facts)
        assert order.status is OrderStatus.FILLED
        assert order.cum_quantity == 10
        assert not order.trades_complete


def test_a_market_order_is_filled_by_its_trades() -> None:
    asked = intent(order_type=OrderType.MARKET, price=None)

    order = order_after(asked, accepted(), traded("10", price="99"))

    assert order.status is OrderStatus.FILLED
    assert order.price is None
    assert order.avg_price == 99


def test_case_42_an_order_knows_how_many_of_its_fees_are_still_to_come() -> None:
    facts = (intent(), traded("3"), traded("2", "t2", fee=Decimal("0.1"), fee_currency="BNB"))
    late = traded("3", source=Source.QUERY, fee=Decimal("0.1"), fee_currency="BNB")
    none_needed = traded("2", "t2", source=Source.QUERY)

    assert order_after(*facts).fees_missing == 1
    assert order_after(*facts, none_needed).fees_missing == 1
    assert order_after(*facts, late, late).fees_missing == 0
    assert order_after(intent(), late, traded("3")).fees_missing == 0
