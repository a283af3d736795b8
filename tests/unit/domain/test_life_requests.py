"""An order's life: what becomes of a place, a cancel and an amend (cases 1 to 25)."""

import pytest
from order_facts import (
    LAG,
    LAND_BY,
    absent,
    accepted,
    after,
    alarms_after,
    amend,
    amend_refused,
    amend_unknown,
    amended,
    cancel,
    cancel_refused,
    intent,
    not_sent,
    order_after,
    refused,
    seen,
    traded,
    unknown,
)

from gateway.domain import facts as f
from gateway.domain.enums import (
    ClosedBy,
    OrderStatus,
    Pending,
    Source,
)
from gateway.domain.errors import Code

# ---- submitting with an unknown outcome --------------------------------------------------------


def test_case_1_a_time_out_is_a_doubt_and_a_look_up_ends_it() -> None:
    doubtful = order_after(intent(), unknown())
    found = order_after(intent(), unknown(), seen("new", 0, at=2_000, asked_at=1_990))

    assert doubtful.status is OrderStatus.IN_DOUBT
    assert doubtful.doubt == "timed out"
    assert doubtful.known_status is OrderStatus.PENDING_NEW
    assert found.status is OrderStatus.NEW
    assert found.doubt is None
    assert found.known_status is None


def test_case_2_an_order_filled_before_the_look_up_is_found_filled() -> None:
    order = order_after(
        intent(),
        unknown(),
        traded("10", source=Source.QUERY),
        seen("filled", 10, at=2_000, asked_at=1_990),
    )

    assert order.status is OrderStatus.FILLED
    assert order.trades_complete


def test_case_3_never_received_needs_two_answers_after_it_could_no_longer_land() -> None:
    early = absent(LAND_BY + LAG)
    first, second = absent(LAND_BY + LAG + 1), absent(LAND_BY + LAG + 2)

    assert order_after(intent(), unknown(), early, early).absences == ()
    assert order_after(intent(), unknown(), early, first).status is OrderStatus.IN_DOUBT
    assert order_after(intent(), unknown(), first, first).status is OrderStatus.IN_DOUBT
    verdict = order_after(intent(), unknown(), first, second)
    assert verdict.status is OrderStatus.REJECTED
    assert verdict.reason_code is Code.NOT_RECEIVED
    assert verdict.closed_by is ClosedBy.VERDICT
    assert len(verdict.absences) == 2


@pytest.mark.parametrize(
    "sign",
    [accepted(9_500), seen("new", 0, at=9_500), seen("new", 0, at=9_500, asked_at=4_000)],
)
def test_case_3_any_sign_of_the_order_revokes_the_verdict(sign: f.Fact) -> None:
    verdict = (intent(), unknown(), absent(7_000), absent(8_000))

    order = order_after(*verdict, sign)

    assert order.status is OrderStatus.NEW
    assert order.reason_code is None
    assert alarms_after(*verdict, sign) == ["revived"]


def test_case_3_a_fill_after_the_verdict_counts() -> None:
    gateway = after(intent(), unknown(), absent(7_000), absent(8_000), traded("4", at=9_000))

    assert gateway.order is not None
    assert gateway.order.status is OrderStatus.PARTIALLY_FILLED
    assert len(gateway.transactions) == 1
    assert [alarm.kind for alarm in gateway.alarms] == ["revived"]


def test_case_5_the_stream_ends_the_doubt_and_late_time_out_does_not_bring_it_back() -> None:
    assert order_after(intent(), unknown(), seen("new", 0)).status is OrderStatus.NEW
    assert order_after(intent(), seen("new", 0), unknown()).status is OrderStatus.NEW
    assert order_after(intent(), accepted(), unknown()).doubt is None


def test_case_11_what_was_not_sent_is_rejected_for_certain() -> None:
    order = order_after(intent(), not_sent())

    assert order.status is OrderStatus.REJECTED
    assert order.closed_by is ClosedBy.NOT_SENT
    assert order.reason_code is Code.VENUE_UNREACHABLE


def test_case_14_a_refusal_is_final_and_keeps_its_reason_in_any_order() -> None:
    said = seen("rejected", 0, reason="REJECT")

    for facts in ((intent(), refused(), said), (intent(), said, refused())):
        order = order_after(*facts)
        assert order.status is OrderStatus.REJECTED
        assert order.closed_by is ClosedBy.VENUE
        assert order.reason_code is Code.VENUE_FUNDS
        assert alarms_after(*facts) == []


def test_a_refusal_of_what_the_venue_has_is_an_alarm_and_not_an_end() -> None:
    facts = (intent(), seen("new", 0), refused())

    assert order_after(*facts).status is OrderStatus.NEW
    assert alarms_after(*facts) == ["refused_but_live"]


def test_a_late_refusal_says_more_than_a_verdict() -> None:
    order = order_after(intent(), absent(7_000), absent(8_000), refused(9_000))

    assert order.closed_by is ClosedBy.REFUSAL
    assert order.reason_code is Code.VENUE_FUNDS


# ---- cancel and amend --------------------------------------------------------------------------


def test_case_15_a_fill_that_beats_the_cancel_ends_filled() -> None:
    late = cancel_refused(Code.VENUE_ORDER_NOT_FOUND)

    for facts in (
        (intent(), accepted(), cancel(), late, traded("10", at=45)),
        (intent(), accepted(), cancel(), traded("10", at=41), late),
        (intent(), accepted(), traded("10", at=39), cancel(), late),
    ):
        order = order_after(*facts)
        assert order.status is OrderStatus.FILLED
        assert order.pending is Pending.NONE


def test_case_18_an_unknown_cancel_stays_pending_and_makes_up_no_end() -> None:
    order = order_after(intent(), accepted(), cancel(), f.CancelUnknown(at=45, text="timed out"))

    assert order.status is OrderStatus.NEW
    assert order.pending is Pending.CANCEL


def test_an_accepted_cancel_is_not_the_end_of_the_order() -> None:
    order = order_after(intent(), accepted(), cancel(), f.CancelAccepted(at=45))

    assert order.status is OrderStatus.NEW
    assert order.pending is Pending.CANCEL


def test_case_21_a_refused_cancel_leaves_the_order_as_it_was() -> None:
    order = order_after(intent(), accepted(), cancel(), cancel_refused(Code.VENUE_REFUSED))

    assert order.status is OrderStatus.NEW
    assert order.pending is Pending.NONE


def test_case_22_a_second_cancel_changes_nothing() -> None:
    gateway = after(intent(), accepted(), cancel(40))
    before = gateway.order

    change = gateway.take(cancel(44))

    assert change is not None
    assert change.order is before
    assert not change.visible


@pytest.mark.parametrize("quantity", ["4", "3", "0.5"])
def test_case_23_an_amend_to_what_is_filled_or_less_ends_filled(quantity: str) -> None:
    known_before = (intent(), traded("4"), amend(quantity), amended(quantity))
    known_after = (intent(), accepted(), amend(quantity), amended(quantity), traded("4", at=60))

    for facts in (known_before, known_after):
        order = order_after(*facts)
        assert order.status is OrderStatus.FILLED
        assert order.quantity == order.cum_quantity == 4
        assert alarms_after(*facts) == []


def test_while_an_amend_is_pending_all_filled_is_not_filled() -> None:
    waiting = (intent(), accepted(), amend("15"), traded("10", at=50))

    assert order_after(*waiting).status is OrderStatus.PARTIALLY_FILLED
    assert order_after(*waiting, amended("15")).leaves_quantity == 5
    assert order_after(*waiting, amend_refused()).status is OrderStatus.FILLED
    assert order_after(*waiting, seen("filled", 10, at=55)).status is OrderStatus.FILLED


def test_an_amend_during_a_pending_cancel_does_not_take_its_place() -> None:
    order = order_after(intent(), accepted(), cancel(), amend("15"), amended("15"))

    assert order.pending is Pending.CANCEL
    assert order.quantity == 15


def test_a_picture_from_before_an_amend_does_not_undo_it() -> None:
    facts = (intent(), accepted(), amend("15"), amended("15", at=51))
    late = seen("new", 0, at=60, quantity="10", asked_at=40)
    perhaps_stale = seen("new", 0, at=1_060, quantity="10", asked_at=51 + LAG)
    fresh = seen("new", 0, at=1_070, quantity="12", asked_at=52 + LAG)
    perhaps_older = seen("new", 0, at=1_080, quantity="15", asked_at=60 + LAG)

    assert order_after(*facts, late, perhaps_stale).quantity == 15
    assert order_after(*facts, fresh).quantity == 12
    assert order_after(*facts, fresh, perhaps_older).quantity == 12


def test_a_lost_amend_is_told_by_a_look_up() -> None:
    lost = (intent(), accepted(), amend("15", at=50), amend_unknown())

    done = order_after(*lost, seen("new", 0, at=60, quantity="15", asked_at=55, lag=1))
    not_yet = order_after(*lost, seen("new", 0, at=60, quantity="10", asked_at=55, lag=1))
    never = order_after(*lost, seen("new", 0, at=9_100, quantity="10", asked_at=9_000))

    assert (done.quantity, done.pending) == (15, Pending.NONE)
    assert (not_yet.quantity, not_yet.pending) == (10, Pending.REPLACE)
    assert (never.quantity, never.pending) == (10, Pending.NONE)


def test_an_amended_price_stays_where_the_venue_does_not_say_one() -> None:
    facts = (intent(), accepted(), amend(None, price="90"), amended(None, price="90"))

    order = order_after(*facts, seen("new", 0, at=70, asked_at=65, lag=1, price=None))

    assert order.price == 90
