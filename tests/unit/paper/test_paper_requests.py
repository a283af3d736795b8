"""Refusals with Binance's codes, and cancel, cancel-replace and amend."""

import pytest
from paper_desk import BTC, SYMBOLS, Desk, dec

from gateway.paper import (
    NewOrder,
    PercentPrice,
    Placed,
    Replaced,
    VenueError,
)
from gateway.paper.symbols import Symbol, symbol


def order(**changes: object) -> NewOrder:
    terms: dict[str, object] = {
        "symbol": BTC,
        "side": "BUY",
        "type": "LIMIT",
        "quantity": dec(1),
        "price": dec(100),
        "time_in_force": "GTC",
    }
    return NewOrder(**(terms | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "ICEBERG"}, -1116, "Invalid orderType."),
        ({"time_in_force": "GTD"}, -1115, "Invalid timeInForce."),
        ({"time_in_force": ""}, -1102, "Mandatory parameter 'timeInForce' was not sent"),
        ({"price": dec(0)}, -1102, "Mandatory parameter 'price' was not sent"),
        ({"quantity": dec(0)}, -1102, "Mandatory parameter 'quantity' was not sent"),
        ({"type": "MARKET", "quantity": dec(0)}, -1102, "Param 'quantity' or 'quoteOrderQty'"),
        ({"client_order_id": "no spaces"}, -1100, "Illegal characters found in parameter"),
        ({"client_order_id": "x" * 37}, -1100, "Illegal characters found in parameter"),
        ({"price": dec("100.001")}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": dec("2000000")}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": dec("0.000001")}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": dec("9001")}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": dec("0.04")}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": dec("1000")}, -2010, "Account has insufficient balance"),
        ({"side": "SELL", "quantity": dec("11")}, -2010, "Account has insufficient balance"),
    ],
)
def test_a_bad_order_is_refused_with_binances_code(
    changes: dict[str, object], code: int, message: str
) -> None:
    desk = Desk()
    before = desk.venue.record.last_seq

    with pytest.raises(VenueError) as refused:
        desk.venue.place("ann", order(**changes), 10)

    assert (refused.value.code, refused.value.msg[: len(message)]) == (code, message)
    assert desk.venue.record.last_seq == before
    assert desk.held("ann", "USDT") == (dec(10000), 0)


def test_an_order_outside_the_price_band_is_refused() -> None:
    banded = Symbol(
        **{f: getattr(SYMBOLS[0], f) for f in SYMBOLS[0].__struct_fields__}
        | {"percent_price": PercentPrice()}
    )
    desk = Desk((banded,))

    with pytest.raises(VenueError, match="PERCENT_PRICE_BY_SIDE"):
        desk.place("ann", "BUY", "1", "19")


def test_more_open_orders_than_the_symbol_allows_are_refused() -> None:
    desk = Desk()
    for _ in range(3):
        desk.place("ann", "BUY", "1", "50")

    with pytest.raises(VenueError, match="MAX_NUM_ORDERS"):
        desk.place("ann", "BUY", "1", "50")


def test_a_client_order_id_is_unique_among_open_orders_only() -> None:
    desk = Desk()
    desk.place("ann", "BUY", "1", "50", client_id="mine")
    with pytest.raises(VenueError, match=r"Duplicate order sent\.") as refused:
        desk.place("ann", "BUY", "1", "51", client_id="mine")
    assert refused.value.code == -2010
    desk.place("bob", "BUY", "1", "50", client_id="mine")

    desk.venue.cancel("ann", BTC, desk.tick(), client_order_id="mine")
    again = desk.place("ann", "BUY", "1", "52", client_id="mine").order

    assert desk.venue.order("ann", BTC, client_order_id="mine").order_id == again.order_id
    assert desk.venue.record.client_order_ids("ann")["mine"] == [(BTC, 1), (BTC, 3)]


def test_a_symbol_whose_fills_would_need_rounding_cannot_exist() -> None:
    with pytest.raises(ValueError, match="more than 8 decimals"):
        symbol("ETH/BTC", "0.00001", "0.0001", "0.05")


def test_cancel_gives_the_money_back_and_a_second_one_finds_nothing() -> None:
    desk = Desk()
    placed = desk.place("ann", "BUY", "1", "50", client_id="mine").order
    assert desk.held("ann", "USDT") == (dec(9950), dec(50))

    canceled = desk.venue.cancel(
        "ann", BTC, desk.tick(), order_id=placed.order_id, cancel_client_order_id="cancel-1"
    )

    assert (canceled.order.status, canceled.client_order_id) == ("CANCELED", "cancel-1")
    assert desk.held("ann", "USDT") == (dec(10000), 0)
    with pytest.raises(VenueError, match=r"Unknown order sent\.") as refused:
        desk.venue.cancel("ann", BTC, desk.tick(), order_id=placed.order_id)
    assert refused.value.code == -2011


def test_nobody_cancels_or_sees_the_order_of_another_account() -> None:
    desk = Desk()
    placed = desk.place("ann", "BUY", "1", "50", client_id="mine").order

    with pytest.raises(VenueError, match="Unknown order sent"):
        desk.venue.cancel("bob", BTC, desk.tick(), order_id=placed.order_id)
    with pytest.raises(VenueError, match="Order does not exist") as refused:
        desk.venue.order("bob", BTC, client_order_id="mine")

    assert refused.value.code == -2013


def test_cancel_all_of_a_symbol_without_orders_is_an_unknown_order() -> None:
    desk = Desk()
    desk.place("ann", "BUY", "1", "50")
    desk.place("ann", "SELL", "1", "150")

    assert len(desk.venue.cancel_all("ann", BTC, desk.tick())) == 2
    with pytest.raises(VenueError) as refused:
        desk.venue.cancel_all("ann", BTC, desk.tick())
    assert refused.value.code == -2011


def test_cancel_replace_swaps_the_order_for_a_new_one() -> None:
    desk = Desk()
    old = desk.place("ann", "BUY", "1", "50", client_id="mine").order

    replaced = desk.venue.cancel_replace(
        "ann", order(price=dec(60), client_order_id="mine"), desk.tick(), order_id=old.order_id
    )

    assert isinstance(replaced.placed, Placed)
    assert replaced.placed.order.order_id == 2
    assert desk.held("ann", "USDT") == (dec(9940), dec(60))


@pytest.mark.parametrize(
    ("mode", "old_open", "quantity", "code", "canceled", "placed"),
    [
        ("STOP_ON_FAILURE", False, "1", -2022, False, None),
        ("ALLOW_FAILURE", False, "1", -2021, False, True),
        ("ALLOW_FAILURE", False, "900", -2022, False, False),
        ("STOP_ON_FAILURE", True, "900", -2021, True, False),
    ],
)
def test_a_failed_cancel_replace_says_which_half_took_effect(
    mode: str, old_open: bool, quantity: str, code: int, canceled: bool, placed: bool | None
) -> None:
    desk = Desk()
    old = desk.place("ann", "BUY", "1", "50").order
    if not old_open:
        desk.venue.cancel("ann", BTC, desk.tick(), order_id=old.order_id)

    with pytest.raises(VenueError) as refused:
        desk.venue.cancel_replace(
            "ann", order(quantity=dec(quantity)), desk.tick(), mode=mode, order_id=old.order_id
        )

    assert refused.value.code == code
    halves = refused.value.data
    assert isinstance(halves, Replaced)
    assert isinstance(halves.canceled, VenueError) is not canceled
    assert halves.placed is None if placed is None else isinstance(halves.placed, Placed) is placed


def test_an_amend_keeps_the_id_and_the_place_in_the_queue() -> None:
    desk = Desk()
    first = desk.place("ann", "SELL", "2", "100", client_id="one").order
    desk.place("bob", "SELL", "2", "100")

    amended = desk.venue.amend_keep_priority(
        "ann", BTC, dec(1), desk.tick(), order_id=first.order_id, new_client_order_id="two"
    )

    assert (amended.orig_client_order_id, amended.order.client_order_id) == ("one", "two")
    assert desk.held("ann", "BTC") == (dec(9), dec(1))
    desk.venue.deposit("bob", "USDT", dec(1), desk.tick())
    desk.venue.open_account("cat", {"USDT": dec(1000)}, desk.tick())
    desk.place("cat", "BUY", "1", "100")
    assert desk.status("ann", first.order_id) == "FILLED"
    assert desk.venue.order("ann", BTC, client_order_id="two").order_id == first.order_id


@pytest.mark.parametrize(("quantity", "executed"), [("2", "0"), ("3", "0"), ("1", "1")])
def test_an_amend_that_does_not_reduce_an_open_rest_is_refused(
    quantity: str, executed: str
) -> None:
    desk = Desk()
    placed = desk.place("ann", "SELL", "2", "100").order
    if executed != "0":
        desk.place("bob", "BUY", executed, "100")

    with pytest.raises(VenueError) as refused:
        desk.venue.amend_keep_priority(
            "ann", BTC, dec(quantity), desk.tick(), order_id=placed.order_id
        )

    assert refused.value.code == -2038
    assert desk.venue.order("ann", BTC, order_id=placed.order_id).quantity == dec(2)
