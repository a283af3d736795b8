"""Binance spot's websocket API: our commands in its words, and its answers in ours.

What is asked is what ccxt would ask; the tests compare the two, message by message. An answer in a
form that is not the plain one is given to ccxt to read.
"""

import logging
from collections.abc import Mapping
from typing import Any

import ccxt

from gateway.domain.enums import OrderType, Side
from gateway.domain.identity import EXTERNAL_TAG, OrderId, Symbol, VenueOrderId, order_id_tag
from gateway.domain.money import is_multiple, plain
from gateway.domain.order import NewOrder
from gateway.domain.venue import (
    AmendOrder,
    CancelOrder,
    CommandAnswer,
    Done,
    Market,
    OutcomeUnknown,
    PlaceOrder,
    VenueOrder,
)
from gateway.venues import translate
from gateway.venues.outcomes import Failure, classify
from gateway.venues.profiles import VenueRow

logger = logging.getLogger(__name__)

Command = PlaceOrder | AmendOrder | CancelOrder
Params = dict[str, str | int]
Asked = tuple[str, Params]
"""Method and parameters."""
Json = Mapping[str, Any]

PLACE, CANCEL, AMEND = "order.place", "order.cancel", "order.amend.keepPriority"
OK = 200

_POST_ONLY = "LIMIT_MAKER"
_TYPES = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
}
_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_WITHOUT_TIME = frozenset({_POST_ONLY, "MARKET"})

# What the venue says, in ccxt's words, which `translate` reads.
_CCXT_STATUSES = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
_CCXT_TYPES = {
    "LIMIT": "limit",
    "LIMIT_MAKER": "limit",
    "MARKET": "market",
    "STOP_LOSS_LIMIT": "limit",
}
_CCXT_SIDES = {"BUY": "buy", "SELL": "sell"}


class BinanceSpot:
    """`exchange` is a ccxt instance with the markets loaded; it is only read."""

    def __init__(self, exchange: Any, markets: Mapping[Symbol, Market], row: VenueRow) -> None:
        self._exchange = exchange
        self._markets = markets
        self._row = row
        listed = {symbol: exchange.markets[symbol] for symbol in markets}
        self._names = {symbol: str(raw["id"]) for symbol, raw in listed.items() if _is_spot(raw)}
        self._order_types = {
            symbol: frozenset(raw["info"].get("orderTypes") or ()) for symbol, raw in listed.items()
        }
        self._response_types: Mapping[str, str] = exchange.options.get("newOrderRespType") or {}

    @property
    def url(self) -> str:
        return str(self._exchange.urls["api"]["ws"]["ws-api"]["spot"])

    # -- what is asked

    def asked(self, command: Command) -> Asked | None:
        """None: not in these words. ccxt's way may have others, or knows how to say no."""
        match command:
            case PlaceOrder(order=order):
                return self._place(order)
            case CancelOrder():
                return self._cancel(command)
            case AmendOrder():
                return self._amend(command)

    def _place(self, order: NewOrder) -> Asked | None:
        kind = _POST_ONLY if order.post_only else _TYPES[order.order_type]
        name = self._names.get(order.symbol)
        if name is None or not self._may_place(order, kind):
            return None
        params: Params = {
            "symbol": name,
            "side": _SIDES[order.side],
            "type": kind,
            "quantity": plain(order.quantity),
            "newClientOrderId": order.order_id,
            "newOrderRespType": self._response_type(order.order_type),
            "returnRateLimits": False,
        }
        if order.price is not None:
            params["price"] = plain(order.price)
        if order.stop_price is not None:
            params["stopPrice"] = plain(order.stop_price)
        if kind not in _WITHOUT_TIME:
            params["timeInForce"] = order.time_in_force.value.upper()
        return PLACE, params

    def _may_place(self, order: NewOrder, kind: str) -> bool:
        """What the venue would refuse, or ccxt would send differently, goes ccxt's way."""
        market = self._markets[order.symbol]
        prices = (order.price, order.stop_price)
        return (
            kind in self._order_types[order.symbol]
            and (order.price is None) == (order.order_type is OrderType.MARKET)
            and (order.stop_price is not None) == (order.order_type is OrderType.STOP_LIMIT)
            and is_multiple(order.quantity, market.quantity_step)
            and all(price is None or is_multiple(price, market.price_step) for price in prices)
        )

    def _response_type(self, kind: OrderType) -> str:
        return self._response_types.get("market" if kind is OrderType.MARKET else "limit", "FULL")

    def _cancel(self, cancel: CancelOrder) -> Asked | None:
        name, venue_id = self._names.get(cancel.symbol), cancel.venue_order_id
        if name is None or order_id_tag(cancel.order_id) == EXTERNAL_TAG:
            return None
        params: Params = {"symbol": name, "returnRateLimits": False}
        if venue_id is None:
            params["origClientOrderId"] = cancel.order_id
        elif venue_id.isascii() and venue_id.isdigit():
            params["orderId"] = venue_id
        else:
            return None
        return CANCEL, params

    def _amend(self, amend: AmendOrder) -> Asked | None:
        name = self._names.get(amend.symbol)
        if name is None or amend.quantity is None or amend.price is not None:
            return None
        return AMEND, {
            "symbol": name,
            "newQty": plain(amend.quantity),
            "origClientOrderId": amend.order_id,
            "newClientOrderId": amend.order_id,
        }

    # -- what is answered

    def answer(self, command: Command, said: Json, text: str) -> CommandAnswer:
        """`text` is the frame as it came."""
        result = said.get("result")
        if said.get("status") != OK or not isinstance(result, Mapping) or "error" in said:
            return self._refusal(said, text)
        match command:
            case PlaceOrder(order=order):
                return self._placed(result, order)
            case CancelOrder() if result:
                order_now = self._order(result, command.symbol, command.order_id)
                return Done(venue_order_id=command.venue_order_id, order=order_now)
            case AmendOrder() if result.get("amendedOrder"):
                return Done(venue_order_id=command.venue_order_id)
            case _:
                return OutcomeUnknown(text="the venue's answer says nothing")

    def _placed(self, result: Json, order: NewOrder) -> CommandAnswer:
        """The fills in it lack side, time and liquidity: the stream tells them whole."""
        if not result.get("orderId"):
            return OutcomeUnknown(text="the venue's answer has no order id")
        return Done(
            venue_order_id=VenueOrderId(str(result["orderId"])),
            order=self._order(result, order.symbol, order.order_id),
        )

    def _order(self, result: Json, symbol: Symbol, order_id: OrderId) -> VenueOrder | None:
        """None where the answer holds ids only, or is not understood: it was good all the same."""
        if result.get("status") is None:
            return None
        try:
            raw = _in_ccxt_words(result, symbol) or self._exchange.parse_order(result)
            return translate.order(raw, self._row.id_form, self._row.raw_ids, order_id)
        except Exception as error:  # noqa: BLE001 - of a payload that nobody has seen yet
            logger.warning("venue_answer_not_understood", extra={"error": repr(error)[:200]})
            return None

    def _refusal(self, said: Json, text: str) -> CommandAnswer:
        error, status = said.get("error"), said.get("status")
        failure = Failure(
            error=self._exception(error if isinstance(error, Mapping) else {}),
            written=True,
            status=status if isinstance(status, int) else None,
            body=text,
        )
        return classify(self._row.family, failure)

    def _exception(self, error: Json) -> Exception:
        """What ccxt makes of an error on this socket."""
        code, exchange = error.get("code"), self._exchange
        body = exchange.json(error)
        number = code if isinstance(code, int) else 0
        try:
            exchange.handle_errors(number, error.get("msg"), self.url, "", {}, body, error, {}, {})
        except Exception as meant:  # noqa: BLE001 - it is what we came for
            return meant
        unknown: Exception = ccxt.ExchangeError(f"{exchange.id} {body}")
        return unknown


def _is_spot(raw: Json) -> bool:
    return raw.get("spot") is True and not raw.get("stock") and isinstance(raw.get("info"), dict)


def _in_ccxt_words(result: Json, symbol: Symbol) -> Json | None:
    """None for a payload with anything but the usual in it."""
    kind = _CCXT_TYPES.get(result.get("type", ""))
    status = _CCXT_STATUSES.get(result["status"])
    side = _CCXT_SIDES.get(result.get("side", ""))
    if kind is None or status is None or side is None or "code" in result:
        return None
    return {
        "symbol": symbol,
        "id": str(result.get("orderId", "")),
        "status": status,
        "side": side,
        "type": kind,
        "timeInForce": result.get("timeInForce"),
        "amount": result.get("origQty"),
        "price": result.get("price"),
        "triggerPrice": result.get("stopPrice"),
        "filled": result.get("executedQty"),
        "cost": result.get("cummulativeQuoteQty"),
        "lastUpdateTimestamp": result.get("transactTime"),
        "info": result,
    }
