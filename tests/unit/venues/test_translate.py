"""Recorded ccxt dictionaries into the domain's words, and what is refused."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from gateway.domain.identity import IdForm
from gateway.domain.venue import Balance
from gateway.venues import translate
from gateway.venues.translate import NotUnderstood

DATA = Path(__file__).parents[2] / "data" / "venues"
ORDER_ID = "019a7afd-1e00-85a5-8000-000000000007"
TICKS, PLACES, DIGITS = 4, 2, 3


def recorded(name: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((DATA / f"binance_{name}.json").read_text())
    return raw


def test_a_streamed_order_is_translated() -> None:
    order = translate.order(recorded("order_streamed_partly_filled"), IdForm.UUID)
    assert order.order_id == ORDER_ID
    assert order.venue_order_id == "1"
    assert order.symbol == "BTC/USDT"
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert (order.side, order.order_type) == (Side.BUY, OrderType.LIMIT)
    assert order.time_in_force is TimeInForce.GTC
    assert (order.quantity, order.price) == (Decimal("0.03"), Decimal(59000))
    assert (order.cum_quantity, order.cum_cost) == (Decimal("0.01"), Decimal(590))
    assert order.stop_price is None
    assert order.venue_time == 1795341755426 * 1_000_000


def test_an_answer_and_a_fetched_order_are_translated() -> None:
    placed = translate.order(recorded("order_place_answer"), IdForm.UUID)
    filled = translate.order(recorded("order_fetched_filled"), IdForm.UUID)
    assert (placed.status, placed.cum_quantity, placed.cum_cost) == (OrderStatus.NEW, 0, None)
    assert (filled.status, filled.cum_quantity) == (OrderStatus.FILLED, Decimal("0.03"))
    assert placed.order_id == filled.order_id == ORDER_ID


def test_a_fill_is_the_same_from_the_stream_and_from_a_query() -> None:
    streamed = translate.trade(recorded("trade_streamed"), IdForm.UUID, ("c",))
    fetched = translate.trade(recorded("trade_fetched"), IdForm.UUID, ("c",))
    assert streamed.order_id == ORDER_ID
    assert (streamed.trade_id, streamed.price) == ("1", Decimal(59000))
    assert (streamed.fee, streamed.fee_currency) == (Decimal("0.00001"), "BTC")
    assert streamed.liquidity is Liquidity.MAKER
    for name in ("symbol", "venue_order_id", "trade_id", "price", "quantity", "fee", "side"):
        assert getattr(streamed, name) == getattr(fetched, name)


def test_balances_and_a_market_are_translated() -> None:
    held = {b.currency: b for b in translate.balances(recorded("balances"))}
    btc = translate.market(recorded("market"), TICKS)
    assert held["BTC"] == Balance(currency="BTC", free=Decimal("10000.02997"), locked=Decimal(0))
    assert (btc.symbol, btc.base, btc.quote) == ("BTC/USDT", "BTC", "USDT")
    assert (btc.price_step, btc.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (btc.min_cost, btc.max_quantity) == (Decimal(5), Decimal(9000))


def order_with(**more: Any) -> dict[str, Any]:
    return {**recorded("order_fetched_filled"), **more}


STATUSES = [
    ("open", "1", "0", OrderStatus.NEW),
    ("open", "1", None, OrderStatus.NEW),
    ("open", "1", "0.5", OrderStatus.PARTIALLY_FILLED),
    ("canceling", "1", "0", OrderStatus.NEW),
    ("CANCEL_QUEUED", "1", "0.5", OrderStatus.PARTIALLY_FILLED),
    ("closed", "1", "1", OrderStatus.FILLED),
    ("closed", "1", None, OrderStatus.FILLED),
    ("closed", "1", "0.5", OrderStatus.CANCELED),
    ("canceled", "1", "0.5", OrderStatus.CANCELED),
    ("expired", "1", "0", OrderStatus.EXPIRED),
    ("rejected", "1", "0", OrderStatus.REJECTED),
]


@pytest.mark.parametrize(("said", "amount", "filled", "status"), STATUSES)
def test_a_status_is_read_with_the_quantities(
    said: str, amount: str, filled: str | None, status: OrderStatus
) -> None:
    raw = order_with(status=said, amount=amount, filled=filled, info={})
    assert translate.order(raw, IdForm.UUID).status is status


def test_what_is_called_filled_with_less_than_its_quantity_is_not_understood() -> None:
    """Found by the chaos run: it was published as canceled, and was filled."""
    raw = order_with(status="closed", amount="1", filled="0.5", info={"X": "FILLED"})

    with pytest.raises(translate.NotUnderstood, match=r"0\.5 of 1"):
        translate.order(raw, IdForm.UUID)


def test_a_rest_that_was_kept_from_trading_with_itself_ends_an_order_short() -> None:
    info = {"status": "FILLED", "preventedQuantity": "0.5"}
    raw = order_with(status="closed", amount="1", filled="0.5", info=info)

    assert translate.order(raw, IdForm.UUID).status is OrderStatus.CANCELED


def test_what_an_order_kept_another_one_from_is_no_reason_to_be_filled_with_less() -> None:
    """Found by the chaos run: with `EXPIRE_MAKER` it takes nothing from the order itself."""
    info = {"X": "FILLED", "A": "0.3"}
    raw = order_with(status="closed", amount="1", filled="0.5", info=info)

    with pytest.raises(translate.NotUnderstood, match=r"0\.5 of 1"):
        translate.order(raw, IdForm.UUID)


REFUSED_ORDERS: list[dict[str, Any]] = [
    {"status": None},
    {"status": "PENDING_REVIEW"},
    {"id": None},
    {"id": ""},
    {"symbol": None},
    {"amount": 0.1},
    {"amount": "much"},
    {"price": "NaN"},
    {"filled": "Infinity"},
    {"filled": True},
]


@pytest.mark.parametrize("spoilt", REFUSED_ORDERS, ids=str)
def test_an_order_that_can_not_be_read_is_refused(spoilt: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        translate.order(order_with(**spoilt), IdForm.UUID)


@pytest.mark.parametrize(
    "spoilt", [{"side": None}, {"price": None}, {"amount": "0"}, {"order": None}], ids=str
)
def test_a_fill_that_can_not_be_read_is_refused(spoilt: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        translate.trade({**recorded("trade_fetched"), **spoilt}, IdForm.UUID)


def test_a_market_order_has_no_price_and_a_trigger_makes_a_stop_limit() -> None:
    market = translate.order(order_with(type="market"), IdForm.UUID)
    stop = translate.order(order_with(type="limit", triggerPrice="61000"), IdForm.UUID)
    assert (market.order_type, market.price) == (OrderType.MARKET, None)
    assert (stop.order_type, stop.stop_price) == (OrderType.STOP_LIMIT, Decimal(61000))


def test_ids_that_are_not_ours_give_no_order_id() -> None:
    for foreign in (None, "", "web_1234", "x-R4BD3S82d8959d0f5114499487a614"):
        assert translate.order(order_with(clientOrderId=foreign), IdForm.UUID).order_id is None


def test_our_id_is_found_where_only_the_venue_wrote_it() -> None:
    raw = order_with(clientOrderId="0", info={"cl_ord_id": ORDER_ID})
    assert translate.order(raw, IdForm.UUID, ("cl_ord_id",)).order_id == ORDER_ID


def test_a_fee_is_found_alone_or_in_a_list_and_may_be_negative() -> None:
    raw = recorded("trade_fetched")
    listed = {**raw, "fee": None, "fees": [{"cost": "-0.5", "currency": "USDT"}]}
    none = {**raw, "fee": {"cost": None, "currency": None}, "fees": []}
    assert translate.trade(listed, IdForm.UUID).fee == Decimal("-0.5")
    assert translate.trade(none, IdForm.UUID).fee is None


def fee(cost: str | None, currency: str | None) -> dict[str, str | None]:
    return {"cost": cost, "currency": currency}


FEES: list[tuple[list[dict[str, str | None]], tuple[str, str] | None]] = [
    ([fee("0", "USDT"), fee("0.2", "GT"), fee("0", None)], ("0.2", "GT")),
    ([fee("0", None), fee("0", "USDT"), fee("0", "GT")], ("0", "USDT")),
    ([fee("0.1", "USDT"), fee("0.2", "USDT"), fee("0", "GT")], ("0.3", "USDT")),
    ([fee("0.1", "USDT"), fee("0.2", "GT")], None),
]


@pytest.mark.parametrize(("listed", "is_one"), FEES, ids=str)
def test_of_several_fees_that_which_was_paid_is_the_fee(
    listed: list[dict[str, str | None]], is_one: tuple[str, str] | None
) -> None:
    raw = {**recorded("trade_fetched"), "fee": fee(None, None), "fees": listed}
    trade = translate.trade(raw, IdForm.UUID)
    expected = (None, None) if is_one is None else (Decimal(is_one[0]), is_one[1])
    assert (trade.fee, trade.fee_currency) == expected


def test_of_several_fees_of_which_ccxt_kept_the_first_none_is_the_fee() -> None:
    told = {"fees": [{"asset": "USD", "qty": 0.1}, {"asset": "KFEE", "qty": 2}]}
    raw = {**recorded("trade_fetched"), "fee": fee("0.1", "USD"), "fees": None, "info": told}
    assert translate.trade(raw, IdForm.UUID).fee is None


@pytest.mark.parametrize(
    ("mode", "said", "step"),
    [(TICKS, "0.25", "0.25"), (PLACES, "3", "0.001"), (DIGITS, "5", "0"), (TICKS, None, "0")],
)
def test_a_precision_becomes_a_step(mode: int, said: str | None, step: str) -> None:
    raw = {**recorded("market"), "precision": {"price": said, "amount": said}}
    assert translate.market(raw, mode).price_step == Decimal(step)


@pytest.mark.parametrize(
    ("said", "shown"),
    [("0.01000000", "0.01"), ("0E-8", "0"), ("1E+3", "1000"), ("60000.00", "60000"), (12, "12")],
)
def test_a_figure_has_its_shortest_form(said: str | int, shown: str) -> None:
    assert str(translate.decimal(said, "price")) == shown


CONTRACTS = [
    ({"contractSize": "1"}, True),
    ({"contractSize": "1.0"}, True),
    ({"contractSize": "0.01"}, False),
    ({"contractSize": "10"}, False),
    ({"contractSize": None}, False),
    ({"contractSize": "1", "inverse": True}, False),
    ({"contractSize": "1", "option": True}, False),
]


@pytest.mark.parametrize(("more", "is_one"), CONTRACTS, ids=str)
def test_a_market_in_which_quantities_are_not_of_its_base_asset_is_none(
    more: dict[str, Any], is_one: bool
) -> None:
    raw = {**recorded("market"), "spot": False, "contract": True, **more}
    if is_one:
        assert translate.market(raw, TICKS).symbol == "BTC/USDT"
    else:
        with pytest.raises(NotUnderstood, match="base asset"):
            translate.market(raw, TICKS)
