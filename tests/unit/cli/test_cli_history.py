"""What `gateway order` and the tables say in words."""

import io
from decimal import Decimal

import pytest
from msgspec.structs import replace
from rich.console import Console

from gateway.cli.history import WORDS, order_page
from gateway.cli.printing import age, clock_time, date_time, order_table, span
from gateway.domain import facts
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Pending, Side
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol
from gateway.domain.messages import Cause, OrderReply, OrderUpdate, Refusal
from gateway.domain.order import Evidence, Order

MS = 1_000_000
AT = 1_795_343_584_821_000_000
ORDER = Order(
    order_id=OrderId("01a202d0-fe93-8001-8794-448ab9f1d615"),
    account=AccountId("main"),
    symbol=Symbol("BTC/USDT"),
    client_id=ClientId("me"),
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.0100"),
    price=Decimal(20000),
    created_at=AT,
    changed_at=AT,
)


def said(thing: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(thing)
    return out.getvalue()


def update(seq: int, order: Order, fact: str, text: str = "", source: str = "") -> OrderUpdate:
    return OrderUpdate(
        account=order.account,
        epoch=1,
        seq=seq,
        at=AT + seq * MS,
        order=order,
        cause=Cause(fact=fact, source=source, text=text),
    )


def test_a_doubt_is_told_with_its_cause_its_evidence_and_its_verdict() -> None:
    doubt = replace(ORDER, status=OrderStatus.IN_DOUBT, doubt="connection lost")
    seen = (
        Evidence(asked_at=AT + 2 * MS, answered_at=AT + 5 * MS, searched=("by_id", "open_orders")),
    )
    closed = replace(
        doubt,
        status=OrderStatus.REJECTED,
        closed_by=ClosedBy.VERDICT,
        reason_code=Code.NOT_RECEIVED,
        reason="2 answers say so",
        absences=seen,
    )
    history = (
        update(3, closed, "absent"),
        update(1, ORDER, "intent"),
        update(2, doubt, "place_unknown", "connection lost"),
    )

    page = said(order_page(OrderReply(request_id="r", fate="known", order=closed, history=history)))

    assert page.index("about to send it") < page.index("the outcome of sending it is not known")
    assert page.count("connection lost") == 1
    assert "buy 0.01 @ 20000" in page
    assert "in doubt" in page
    assert "not_received: 2 answers say so, evidence 1" in page
    assert "3 ms later" in page
    assert "by id, open orders" in page
    assert "by the word of: verdict" in page


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (OrderReply(request_id="r", fate="unknown"), "nothing is known of it"),
        (OrderReply(request_id="r", fate="never_received"), "never received it"),
        (
            OrderReply(
                request_id="r",
                fate="refused",
                refusal=Refusal(at=AT, client_id="", command_id="", code=Code.HALTED, text="no"),
            ),
            "never sent: halted: no",
        ),
    ],
)
def test_what_is_no_order_is_told_too(reply: OrderReply, words: str) -> None:
    assert words in said(order_page(reply))


def test_every_fact_of_an_orders_life_has_words() -> None:
    kinds = {
        str(kind.__struct_config__.tag)
        for kind in vars(facts).values()
        if isinstance(kind, type) and kind.__module__ == facts.__name__
    }

    assert kinds == set(WORDS)


def test_a_pending_request_stands_beside_the_status_and_not_of_a_closed_order() -> None:
    resting = replace(ORDER, status=OrderStatus.NEW, pending=Pending.CANCEL)
    closed = replace(resting, status=OrderStatus.CANCELED)

    assert "new (cancel pending)" in said(order_table([resting]))
    assert "pending" not in said(order_table([closed]))
    assert "448ab9f1d615" in said(order_table([resting]))


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 ms"),
        (1_234_567, "1.23 ms"),
        (1_500_000_000, "1.5 s"),
        (119 * 10**9, "119 s"),
        (3600 * 10**9, "60 min"),
        (90_000 * 10**9, "25 h"),
        (5 * 86_400 * 10**9, "5 d"),
    ],
)
def test_a_length_of_time_has_a_unit_that_suits_it(ns: int, words: str) -> None:
    assert span(ns) == words


def test_times_are_utc_and_missing_ones_empty() -> None:
    assert clock_time(AT, digits=6) == "10:33:04.821000"
    assert date_time(AT) == "2026-11-22 10:33:04.821Z"
    assert (clock_time(0), date_time(None), age(None)) == ("", "", "")


def test_no_column_is_cut_off_in_a_terminal_of_eighty() -> None:
    order = replace(ORDER, status=OrderStatus.PARTIALLY_FILLED, cum_quantity=Decimal("0.004"))
    out = io.StringIO()

    Console(file=out, width=80).print(order_table([order], 80))

    assert "…" not in out.getvalue()
    assert "partially_filled" in out.getvalue()


def test_a_narrow_terminal_has_what_changed_below_what_was_heard() -> None:
    live = replace(ORDER, status=OrderStatus.NEW, venue_order_id="7")
    history = (update(0, ORDER, "intent"), update(1, live, "accepted", source="answer"))
    reply = OrderReply(request_id="1", fate="known", order=live, history=history)
    out = io.StringIO()

    Console(file=out, width=80, highlight=False).print(order_page(reply, 80))

    lines = [line.strip() for line in out.getvalue().splitlines()]
    at = next(i for i, line in enumerate(lines) if "the venue answered: accepted (answer)" in line)
    assert lines[at + 1] == "→ venue order 7"
    assert max(map(len, lines)) <= 80
