"""Each row of the table of an order's life happens, and nothing else does."""

import pytest
from order_facts import (
    VANISHED,
    absent,
    accepted,
    after,
    amend,
    amend_refused,
    amended,
    cancel,
    corrected,
    intent,
    not_sent,
    order_after,
    refused,
    resolved,
    seen,
    traded,
    unknown,
)
from order_histories import ACCOUNT, ORDER_ID

from gateway.domain import facts as f
from gateway.domain import life
from gateway.domain.life import MOVES

HISTORIES: dict[str, tuple[f.Fact, ...]] = {
    # a history that ends with the move, by "fact: before -> after"
    "intent: partially_filled -> filled": (traded("10"), intent()),
    "intent: in_doubt -> filled": (traded("10"), absent(10_000), intent()),
    "intent: canceled -> filled": (
        traded("10"),
        seen("canceled", quantity=None),
        intent(),
    ),
    "intent: expired -> filled": (traded("10"), seen("expired", quantity=None), intent()),
    "accepted: pending_new -> new": (intent(), accepted()),
    "accepted: in_doubt -> new": (intent(), unknown(), accepted()),
    "accepted: rejected -> new": (intent(), absent(7_000), absent(8_000), accepted()),
    "place_refused: pending_new -> rejected": (intent(), refused()),
    "place_refused: in_doubt -> rejected": (intent(), unknown(), refused()),
    "place_not_sent: pending_new -> rejected": (intent(), not_sent()),
    "place_not_sent: in_doubt -> rejected": (intent(), unknown(), not_sent()),
    "place_unknown: pending_new -> in_doubt": (intent(), unknown()),
    "snapshot: pending_new -> new": (intent(), seen("new", 0)),
    "snapshot: pending_new -> partially_filled": (intent(), seen("partially_filled", 3)),
    "snapshot: pending_new -> filled": (intent(), seen("filled", 10)),
    "snapshot: pending_new -> canceled": (intent(), seen("canceled", 0)),
    "snapshot: pending_new -> rejected": (intent(), seen("rejected", 0)),
    "snapshot: pending_new -> expired": (intent(), seen("expired", 0)),
    "snapshot: new -> partially_filled": (intent(), accepted(), seen("partially_filled", 3)),
    "snapshot: new -> filled": (intent(), accepted(), seen("filled", 10)),
    "snapshot: new -> canceled": (intent(), accepted(), seen("canceled", 0)),
    "snapshot: new -> rejected": (intent(), accepted(), seen("rejected", 0)),
    "snapshot: new -> expired": (intent(), accepted(), seen("expired", 0)),
    "snapshot: partially_filled -> filled": (intent(), traded("3"), seen("filled", 10)),
    "snapshot: partially_filled -> canceled": (intent(), traded("3"), seen("canceled", 3)),
    "snapshot: partially_filled -> expired": (intent(), traded("3"), seen("expired", 3)),
    "snapshot: in_doubt -> new": (intent(), unknown(), seen("new", 0)),
    "snapshot: in_doubt -> partially_filled": (intent(), unknown(), seen("partially_filled", 3)),
    "snapshot: in_doubt -> filled": (intent(), unknown(), seen("filled", 10)),
    "snapshot: in_doubt -> canceled": (intent(), unknown(), seen("canceled", 0)),
    "snapshot: in_doubt -> rejected": (intent(), unknown(), seen("rejected", 0)),
    "snapshot: in_doubt -> expired": (intent(), unknown(), seen("expired", 0)),
    "snapshot: filled -> partially_filled": (
        intent(),
        traded("10"),
        seen("partially_filled", 10, at=60, quantity="15", asked_at=55, lag=1),
    ),
    "snapshot: filled -> canceled": (intent(), traded("10"), seen("canceled", 10, quantity="12")),
    "snapshot: filled -> expired": (intent(), traded("10"), seen("expired", 10, quantity="12")),
    "snapshot: canceled -> new": (
        *VANISHED,
        resolved("canceled"),
        seen("new", 0, at=99_000),
    ),
    "snapshot: canceled -> partially_filled": (
        *VANISHED,
        resolved("canceled"),
        seen("partially_filled", 3, at=99_000),
    ),
    "snapshot: canceled -> filled": (intent(), seen("canceled", 3), seen("filled", 10, at=25)),
    "snapshot: canceled -> rejected": (
        *VANISHED,
        resolved("canceled"),
        seen("rejected", 0, at=99_000),
    ),
    "snapshot: canceled -> expired": (
        *VANISHED,
        resolved("canceled"),
        seen("expired", 0, at=99_000),
    ),
    "snapshot: rejected -> new": (intent(), refused(), seen("new", 0)),
    "snapshot: rejected -> partially_filled": (intent(), refused(), seen("partially_filled", 3)),
    "snapshot: rejected -> filled": (intent(), refused(), seen("filled", 10)),
    "snapshot: rejected -> canceled": (intent(), refused(), seen("canceled", 0)),
    "snapshot: rejected -> expired": (intent(), refused(), seen("expired", 0)),
    "snapshot: expired -> new": (*VANISHED, resolved("expired"), seen("new", 0, at=99_000)),
    "snapshot: expired -> partially_filled": (
        *VANISHED,
        resolved("expired"),
        seen("partially_filled", 3, at=99_000),
    ),
    "snapshot: expired -> filled": (intent(), seen("expired", 3), seen("filled", 10, at=25)),
    "snapshot: expired -> canceled": (
        *VANISHED,
        resolved("expired"),
        seen("canceled", 0, at=99_000),
    ),
    "snapshot: expired -> rejected": (
        *VANISHED,
        resolved("expired"),
        seen("rejected", 0, at=99_000),
    ),
    "trade: pending_new -> partially_filled": (intent(), traded("3")),
    "trade: pending_new -> filled": (intent(), traded("10")),
    "trade: new -> partially_filled": (intent(), accepted(), traded("3")),
    "trade: new -> filled": (intent(), accepted(), traded("10")),
    "trade: partially_filled -> filled": (intent(), traded("3"), traded("7", "t2")),
    "trade: in_doubt -> partially_filled": (intent(), unknown(), traded("3")),
    "trade: in_doubt -> filled": (intent(), unknown(), traded("10")),
    "trade: canceled -> filled": (
        intent(),
        traded("3"),
        seen("canceled", 3, quantity=None),
        traded("7", "t2"),
    ),
    "trade: expired -> filled": (
        intent(),
        traded("3"),
        seen("expired", 3, quantity=None),
        traded("7", "t2"),
    ),
    "trade_amended: partially_filled -> filled": (intent(), traded("3"), corrected("10")),
    "trade_amended: in_doubt -> filled": (
        intent(),
        traded("3"),
        absent(10_000),
        corrected("10"),
    ),
    "trade_amended: canceled -> filled": (
        intent(),
        traded("3"),
        seen("canceled", quantity=None),
        corrected("10"),
    ),
    "trade_amended: expired -> filled": (
        intent(),
        traded("3"),
        seen("expired", quantity=None),
        corrected("10"),
    ),
    "trade: rejected -> partially_filled": (intent(), refused(), traded("3")),
    "trade: rejected -> filled": (intent(), refused(), traded("10")),
    "cancel_requested: partially_filled -> filled": (
        intent(),
        accepted(),
        amend("15"),
        traded("10", at=55),
        cancel(56),
    ),
    "cancel_requested: in_doubt -> filled": (
        intent(),
        accepted(),
        amend("15"),
        absent(10_000),
        traded("10", at=10_002),
        cancel(10_003),
    ),
    "amend_accepted: partially_filled -> filled": (
        intent(),
        traded("4"),
        amend("4"),
        amended("4"),
    ),
    "amend_accepted: filled -> partially_filled": (
        intent(),
        traded("10"),
        amend("15"),
        amended("15"),
    ),
    "amend_accepted: filled -> canceled": (
        intent(),
        traded("10"),
        seen("canceled", 10, at=35, quantity=None),
        amend("15"),
        amended("15"),
    ),
    "amend_accepted: filled -> expired": (
        intent(),
        traded("10"),
        seen("expired", 10, at=35, quantity=None),
        amend("15"),
        amended("15"),
    ),
    "amend_accepted: in_doubt -> filled": (
        intent(),
        traded("4"),
        amend("4"),
        absent(10_000),
        amended("4", at=10_002),
    ),
    "amend_accepted: canceled -> filled": (
        intent(),
        traded("4"),
        seen("canceled", 4, at=35, quantity=None),
        amend("4"),
        amended("4"),
    ),
    "amend_accepted: expired -> filled": (
        intent(),
        traded("4"),
        seen("expired", 4, at=35, quantity=None),
        amend("4"),
        amended("4"),
    ),
    "amend_refused: partially_filled -> filled": (
        intent(),
        accepted(),
        amend("15"),
        traded("10", at=50),
        amend_refused(),
    ),
    "amend_refused: in_doubt -> filled": (
        intent(),
        accepted(),
        amend("15"),
        absent(10_000),
        traded("10", at=10_002),
        amend_refused(10_003),
    ),
    "absent: pending_new -> rejected": (intent(), absent(7_000), absent(8_000)),
    "absent: in_doubt -> rejected": (intent(), unknown(), absent(7_000), absent(8_000)),
    "absent: new -> in_doubt": VANISHED,
    "absent: partially_filled -> in_doubt": (intent(), traded("3"), absent(10_000)),
    "resolution: in_doubt -> canceled": (*VANISHED, resolved("canceled")),
    "resolution: in_doubt -> rejected": (intent(), unknown(), resolved("rejected")),
    "resolution: in_doubt -> expired": (*VANISHED, resolved("expired")),
}


@pytest.mark.parametrize("move", HISTORIES)
def test_every_row_of_the_table_happens(move: str) -> None:
    *before, last = HISTORIES[move]
    start = after(*before).order or life.birth(ACCOUNT, last, ORDER_ID)
    assert start is not None

    name = type(last).__struct_config__.tag
    end = order_after(*before, last)

    assert f"{name}: {start.status} -> {end.status}" == move


def test_no_row_of_the_table_is_without_a_history() -> None:
    rows = {
        f"{fact.__struct_config__.tag}: {before} -> {status}"
        for fact, moves in MOVES.items()
        for before, possible in moves.items()
        for status in possible
    }

    assert rows == set(HISTORIES)


def test_a_move_that_is_not_in_the_table_is_refused_with_an_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = order_after(intent())
    monkeypatch.setattr(life, "MOVES", {**MOVES, f.Accepted: {}})

    change = life.apply(order, {}, accepted())

    assert change.order is order
    assert not change.visible
    assert [alarm.kind for alarm in change.alarms] == ["bad_move"]
