"""An order's life: figures that the venue has and that no answer to us has told."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from order_facts import (
    LAG,
    accepted,
    after,
    amend,
    amended,
    intent,
    order_after,
    seen,
    traded,
)
from order_histories import new_order

from gateway.domain import life
from gateway.domain.enums import OrderStatus, OrderType, Origin, Pending, Source

LATER = 10_000
OURS = (intent(), accepted())


def test_an_amend_by_hand_is_taken_over_as_the_venue_states_it() -> None:
    order = order_after(*OURS, seen("new", 0, quantity="7", price=Decimal(99), asked_at=LATER))

    assert (order.quantity, order.price, order.origin) == (7, 99, Origin.OWN)
    assert order.restated_at == LATER
    assert order.leaves_quantity == 7


def test_its_history_says_what_it_was_and_what_the_venue_has() -> None:
    gateway = after(*OURS)
    assert gateway.order is not None
    change = life.apply(gateway.order, {}, seen("new", 0, quantity="7", asked_at=LATER))

    assert change.visible
    assert change.text == "the venue has it as 7 at 100, it was 10 at 100"
    again = life.apply(change.order, {}, seen("new", 0, quantity="7", asked_at=2 * LATER))
    assert again.text == ""


def test_a_stream_can_be_late_and_restates_nothing() -> None:
    assert order_after(*OURS, seen("new", 0, quantity="7", at=LATER)).quantity == 10


def test_an_older_picture_does_not_undo_it() -> None:
    facts = (*OURS, seen("new", 0, quantity="7", asked_at=LATER))
    assert order_after(*facts, seen("new", 0, asked_at=LATER - 1)).quantity == 7
    assert order_after(*facts, seen("new", 0, asked_at=LATER + LAG)).quantity == 7
    assert order_after(*facts, seen("new", 0, asked_at=LATER + LAG + 1)).quantity == 10


def test_a_picture_from_before_our_amend_does_not_undo_that() -> None:
    facts = (*OURS, amend("7"), amended("7", at=LATER))
    assert order_after(*facts, seen("new", 0, asked_at=LATER + LAG)).quantity == 7


def test_the_first_figures_of_an_order_whose_intent_is_not_known_are_not_undone_either() -> None:
    """Its amend is under way in the outbox, and so is its intent."""
    first = seen("new", 0, quantity="7", asked_at=LATER)
    assert order_after(first, seen("new", 0, asked_at=LATER + LAG)).quantity == 7
    assert order_after(first, seen("new", 0, asked_at=LATER + LAG), intent()).quantity == 7


def test_a_late_intent_brings_back_no_price_that_the_venue_has_amended() -> None:
    facts = (seen("new", 0, quantity="7", price=Decimal(99), asked_at=LATER), intent())
    order = order_after(*facts)
    assert (order.quantity, order.price, order.origin) == (7, 99, Origin.OWN)


def test_a_late_intent_of_a_market_order_has_no_price_whatever_the_venue_says() -> None:
    asked = replace(intent(), order=new_order(order_type=OrderType.MARKET, price=None))
    assert order_after(seen("new", 0, asked_at=LATER), asked).price is None


def test_an_acknowledgement_that_comes_late_does_not_undo_what_the_venue_showed_since() -> None:
    older = replace(amended("9", at=51), lag=LAG)
    facts = (*OURS, amend("9"), seen("new", 0, quantity="7", asked_at=LATER), older)
    order = order_after(*facts)
    assert (order.quantity, order.revision) == (7, 1)


@pytest.mark.parametrize(
    ("sent_at", "at"), [(LATER - LAG, LATER - LAG), (LATER - 1, LATER + 1), (LATER - 1, LATER - 1)]
)
def test_what_was_shown_while_an_amend_was_on_its_way_leaves_open_which_came_first(
    sent_at: int, at: int
) -> None:
    """Our amend, and one by hand: the next look-up tells."""
    answer = replace(amended("5", at=at, sent_at=sent_at), lag=LAG)
    facts = (*OURS, amend("5"), seen("new", 0, quantity="7", asked_at=LATER), answer)
    unclear = order_after(*facts)
    assert (unclear.quantity, unclear.revision, unclear.pending) == (7, 1, Pending.REPLACE)

    for quantity in (5, 7):
        told = seen("new", 0, quantity=str(quantity), asked_at=3 * LATER)
        order = order_after(*facts, told)
        assert (order.quantity, order.pending) == (quantity, Pending.NONE)


UNCLEAR = (
    *OURS,
    replace(amend("5", at=LATER - 1), land_by=100 * LATER),
    seen("new", 0, quantity="7", asked_at=LATER),
    replace(amended("5", at=LATER + 1, sent_at=LATER - 1), lag=LAG),
)


def test_an_amend_that_was_acknowledged_lands_no_later_than_that() -> None:
    told = seen("new", 0, quantity="7", asked_at=LATER + LAG + 2)
    assert order_after(*UNCLEAR, told).pending is Pending.NONE


def test_another_amend_while_the_first_is_unclear_stays_pending_while_it_can_land() -> None:
    another = replace(amend("3", at=2 * LATER), land_by=50 * LATER)
    told = seen("new", 0, quantity="7", asked_at=40 * LATER)
    over = seen("new", 0, quantity="7", asked_at=50 * LATER + LAG + 1)
    assert order_after(*UNCLEAR, another, told).pending is Pending.REPLACE
    assert order_after(*UNCLEAR, another, told, over).pending is Pending.NONE


def test_a_late_answer_does_not_end_the_wait_for_a_later_amend() -> None:
    another = replace(amend("3", at=LATER + 1), land_by=50 * LATER)
    late = replace(amended("5", at=LATER + 2, sent_at=LATER - 1), lag=LAG)
    told = seen("new", 0, quantity="7", asked_at=40 * LATER)
    order = order_after(*UNCLEAR[:-1], another, late, told)
    assert (order.quantity, order.pending) == (7, Pending.REPLACE)


def test_an_order_that_only_looked_filled_is_open_again_while_its_quantity_is_unclear() -> None:
    """The venue's picture had 7, which were traded; the answer says 12; which is the older?"""
    facts = (
        *OURS,
        seen("partially_filled", 3, quantity="7", asked_at=LATER, at=LATER + 1),
        traded("7", at=LATER + 2),
    )
    answer = replace(amended("12", at=LATER + 50, sent_at=LATER - 50), lag=LAG)
    assert order_after(*facts).status is OrderStatus.FILLED

    unclear = order_after(*facts, amend("12", at=LATER - 50), answer)
    assert (unclear.status, unclear.pending) == (OrderStatus.PARTIALLY_FILLED, Pending.REPLACE)
    told = seen("partially_filled", 7, quantity="12", asked_at=3 * LATER)
    order = order_after(*facts, amend("12", at=LATER - 50), answer, told)
    assert (order.quantity, order.status) == (12, OrderStatus.PARTIALLY_FILLED)
    full = seen("filled", 7, quantity="7", asked_at=3 * LATER)
    assert order_after(*facts, answer, full).status is OrderStatus.FILLED


def test_what_was_shown_while_an_amend_was_on_its_way_is_that_amend_if_it_says_the_same() -> None:
    answer = replace(amended("7", at=LATER + 1, sent_at=LATER - 1), lag=LAG)
    facts = (*OURS, amend("7"), seen("new", 0, quantity="7", asked_at=LATER), answer)
    order = order_after(*facts)
    assert (order.quantity, order.revision, order.pending) == (7, 1, Pending.NONE)


def test_an_acknowledgement_that_comes_to_a_closed_order_asks_for_no_look_up() -> None:
    answer = replace(amended("5", at=LATER + 1, sent_at=LATER - 1), lag=LAG)
    shown = seen("new", 0, quantity="7", asked_at=LATER)
    end = seen("canceled", 0, quantity="7", asked_at=LATER)
    order = order_after(*OURS, amend("5"), shown, end, answer)
    assert (order.quantity, order.pending) == (7, Pending.NONE)


def test_the_end_tells_of_an_amend_by_hand_as_well() -> None:
    canceled = seen("canceled", 2, quantity="7")
    filled = seen("filled", 7, quantity="7")
    assert order_after(*OURS, traded("2"), canceled).quantity == 7
    assert order_after(*OURS, traded("7"), filled).quantity == 7
    assert order_after(*OURS, traded("7"), filled).status is OrderStatus.FILLED


def test_a_canceled_order_of_which_the_venue_leaves_out_the_rest_keeps_its_quantity() -> None:
    assert order_after(*OURS, traded("2"), seen("canceled", 2, quantity="2")).quantity == 10


def test_an_amend_by_hand_to_more_goes_on_and_is_no_overfill() -> None:
    more = seen("new", 0, quantity="15", asked_at=LATER, source=Source.SWEEP)
    gateway = after(*OURS, more, traded("12"))

    assert gateway.order is not None
    assert gateway.order.status is OrderStatus.PARTIALLY_FILLED
    assert gateway.alarms == []
