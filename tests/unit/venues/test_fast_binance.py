"""The fast lane asks what ccxt would ask, byte for byte, and reads what ccxt would read."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from unit.venues.fast_bench import NOW_MS, SYMBOL, Clock, dialect, session

from gateway.domain.enums import OrderType, Side, TimeInForce
from gateway.domain.identity import (
    AccountId,
    ClientId,
    Symbol,
    VenueOrderId,
    external_order_id,
    make_order_id,
)
from gateway.domain.order import NewOrder
from gateway.domain.venue import (
    AmendOrder,
    CancelOrder,
    Done,
    OutcomeUnknown,
    PlaceOrder,
    Refused,
)
from gateway.venues.commands import Commands, order_name, place_arguments, place_params
from gateway.venues.fast.build import difference_to_ccxt, fast_lane_of
from gateway.venues.fast.lane import FastLane
from gateway.venues.session import VenueSession
from gateway.venues.settings import Credentials, OrdersOver

DATA = Path(__file__).parents[2] / "data" / "venues" / "binance_ws_answers.json"
ANSWERS: dict[str, Any] = json.loads(DATA.read_text())
ORDER_ID = make_order_id(0x5A5, NOW_MS * 1_000_000, 7)


def order(**more: Any) -> NewOrder:
    fields: dict[str, Any] = {
        "order_id": ORDER_ID,
        "account": AccountId("main"),
        "client_id": ClientId("desk"),
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": Decimal("0.0100"),
        "price": Decimal("50000.10"),
    }
    return NewOrder(**{**fields, **more})


ORDERS = {
    "limit": order(),
    "whole figures": order(quantity=Decimal(2), price=Decimal(50000)),
    "tiny": order(quantity=Decimal("0.00001"), price=Decimal("0.01")),
    "ioc": order(time_in_force=TimeInForce.IOC),
    "fok": order(time_in_force=TimeInForce.FOK, side=Side.SELL),
    "post only": order(post_only=True),
    "market": order(order_type=OrderType.MARKET, price=None),
    "stop limit": order(order_type=OrderType.STOP_LIMIT, stop_price=Decimal("49000.5")),
}
CANCELS = {
    "by our id": CancelOrder(order_id=ORDER_ID, symbol=SYMBOL),
    "by the venue's": CancelOrder(
        order_id=ORDER_ID, symbol=SYMBOL, venue_order_id=VenueOrderId("77")
    ),
}


def ccxt_message(made: VenueSession, call: str, *arguments: Any) -> dict[str, Any]:
    """What ccxt would write to the socket."""
    messages: list[dict[str, Any]] = []

    async def watch(_url: str, _hash: str, message: dict[str, Any], *_: object) -> None:
        messages.append(message)

    made.exchange.watch = watch
    asyncio.run(getattr(made.exchange, call)(*arguments))
    return messages[0]


def fast_message(made: VenueSession, command: PlaceOrder | CancelOrder) -> dict[str, Any]:
    async def build() -> FastLane:
        lane = fast_lane_of(made, Clock())
        assert lane is not None
        return lane

    asked = dialect(made).asked(command)
    assert asked is not None
    message: dict[str, Any] = orjson.loads(asyncio.run(build())._frame("1", *asked))
    return message


@pytest.mark.parametrize("name", ORDERS)
def test_a_place_is_the_message_that_ccxt_would_send(name: str) -> None:
    made = session()
    arguments = (*place_arguments(ORDERS[name]), place_params(made.row, ORDERS[name]))
    theirs = ccxt_message(made, "create_order_ws", *arguments)
    ours = fast_message(made, PlaceOrder(order=ORDERS[name]))
    for leaked in ("postOnly", "triggerPrice"):  # ccxt's own words, which the venue does not know
        if theirs["params"].pop(leaked, None) is not None:
            theirs["params"]["signature"] = ours["params"]["signature"]
    assert ours == theirs
    assert list(ours["params"])[:-1] == sorted(set(theirs["params"]) - {"signature"})


@pytest.mark.parametrize("name", CANCELS)
def test_a_cancel_is_the_message_that_ccxt_would_send(name: str) -> None:
    made, cancel = session(), CANCELS[name]
    named = order_name(made.row, cancel.order_id, cancel.venue_order_id, made.row.cancel_by)
    assert named is not None
    theirs = ccxt_message(made, "cancel_order_ws", named[0], cancel.symbol, named[1])
    assert fast_message(made, cancel) == theirs


def test_the_clock_difference_that_ccxt_measured_is_taken_off() -> None:
    made = session()
    made.exchange.options["timeDifference"] = 1000
    message = fast_message(made, PlaceOrder(order=order()))
    assert message["params"]["timestamp"] == NOW_MS - 1000


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_as_ccxt_and_we_would_read_it(name: str) -> None:
    made, said = session(), ANSWERS[name]
    result = said["result"]
    by_ccxt = made.exchange.parse_order(result)
    if "canceled" in name:
        expected = Commands(made)._order_of(by_ccxt, ORDER_ID)
        answer = dialect(made).answer(CANCELS["by our id"], said, "")
        assert answer == Done(order=expected)
        assert expected is not None
    else:
        answer = dialect(made).answer(PlaceOrder(order=order()), said, "")
        assert answer == Commands(made)._placed(by_ccxt, ORDER_ID)
        assert isinstance(answer, Done)
        assert answer.venue_order_id == str(result["orderId"])
        assert (answer.order is None) == (name in {"ids_only", "unheard_of_status"})


@pytest.mark.parametrize(
    "said",
    [
        {"id": "1", "status": 200},
        {"id": "1", "status": 200, "result": None},
        {"id": "1", "status": 200, "result": []},
        {"id": "1", "status": 200, "result": {}},
        {"id": "1", "status": 200, "result": {"status": "NEW"}},
        {"id": "1", "status": 503, "error": {"code": -1013, "msg": "Filter failure"}},
        {"id": "1", "status": 400, "error": "no"},
        {"id": "1", "status": "ok", "error": {"code": "x"}},
        {"id": "1"},
    ],
)
def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(said: dict[str, Any]) -> None:
    talk = dialect(session())
    assert isinstance(talk.answer(PlaceOrder(order=order()), said, ""), OutcomeUnknown)
    amend = an_amend(quantity=Decimal(1), price=None)
    assert isinstance(talk.answer(amend, said, ""), OutcomeUnknown)


def test_a_refusal_carries_the_venues_code_and_no_secret() -> None:
    said = {"id": "1", "status": 400, "error": {"code": -2010, "msg": "signature=abc no funds"}}
    answer = dialect(session()).answer(CANCELS["by our id"], said, orjson.dumps(said).decode())
    assert isinstance(answer, Refused)
    assert answer.venue_code == "-2010"
    assert "abc" not in answer.text


def an_amend(**figures: Any) -> AmendOrder:
    return AmendOrder(
        order_id=ORDER_ID,
        symbol=SYMBOL,
        venue_order_id=None,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        **figures,
    )


@pytest.mark.parametrize(
    "command",
    [
        PlaceOrder(order=order(symbol=Symbol("NO/SUCH"))),
        PlaceOrder(order=order(quantity=Decimal("0.000001"))),
        PlaceOrder(order=order(price=Decimal("50000.001"))),
        PlaceOrder(order=order(price=None)),
        PlaceOrder(order=order(stop_price=Decimal(49000))),
        CancelOrder(order_id=external_order_id("main", SYMBOL, "5"), symbol=SYMBOL),
        CancelOrder(order_id=ORDER_ID, symbol=SYMBOL, venue_order_id=VenueOrderId('1","x":"')),
        CancelOrder(order_id=ORDER_ID, symbol=Symbol("NO/SUCH")),
        an_amend(quantity=None, price=Decimal(50000)),
        an_amend(quantity=Decimal(1), price=Decimal(50000)),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_ccxt(command: Any) -> None:
    assert dialect(session()).asked(command) is None


def test_an_amend_keeps_the_orders_name() -> None:
    asked = dialect(session()).asked(an_amend(quantity=Decimal("0.5"), price=None))
    assert asked is not None
    method, params = asked
    assert method == "order.amend.keepPriority"
    assert params == {
        "symbol": "BTCUSDT",
        "newQty": "0.5",
        "origClientOrderId": ORDER_ID,
        "newClientOrderId": ORDER_ID,
    }


async def lane_of(made: VenueSession) -> FastLane | None:
    return fast_lane_of(made, Clock())


def test_options_that_change_ccxts_request_turn_the_fast_lane_off() -> None:
    plain, changed = session(), session({"defaultMarginMode": "isolated"})
    assert difference_to_ccxt(plain, dialect(plain)) == ""
    assert "isIsolated" in difference_to_ccxt(changed, dialect(changed))
    assert asyncio.run(lane_of(plain)) is not None
    assert asyncio.run(lane_of(changed)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"fast_lane": False},
        {"orders_over": OrdersOver.REST},
        {"credentials": Credentials(api_key="k", secret="-----BEGIN PRIVATE KEY-----")},
        {"credentials": Credentials(api_key="k")},
    ],
)
def test_without_a_wish_or_a_key_for_it_there_is_no_fast_lane(settings: dict[str, Any]) -> None:
    assert asyncio.run(lane_of(session(**settings))) is None
