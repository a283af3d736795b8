"""The venue's objects in Binance's JSON: answers, errors, exchange information."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from gateway.paper.accounts import Balance, Fees
from gateway.paper.errors import CANCEL_REPLACE_FAILED, CANCEL_REPLACE_PARTLY_FAILED, VenueError
from gateway.paper.orders import (
    EXPIRE_MAKER,
    LIMIT,
    MARKET,
    ORDER_TYPES,
    STP_MODES,
    Order,
    Trade,
)
from gateway.paper.parameters import NS_PER_MS
from gateway.paper.results import Amended, Canceled, Placed, Replaced
from gateway.paper.symbols import ASSET_DECIMALS, Symbol

Json = dict[str, Any]

NO_ORDER_LIST = -1
ACK = "ACK"
RESULT = "RESULT"
FULL = "FULL"


def number(value: Decimal) -> str:
    return f"{value:.8f}"


def placed(result: Placed, response_type: str) -> Json:
    """The answer to a new order: ACK, RESULT or FULL; the default depends on its type."""
    order = result.order
    kind = response_type or (FULL if order.type in {LIMIT, MARKET} else ACK)
    answer: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": NO_ORDER_LIST,
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_at // NS_PER_MS,
    }
    if kind != ACK:
        answer |= _state(order)
        answer["workingTime"] = _working_time(order)
    if kind == FULL:
        answer["fills"] = [_fill(trade) for trade in result.fills]
    return answer


def canceled(result: Canceled) -> Json:
    order = result.order
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": NO_ORDER_LIST,
        "clientOrderId": result.client_order_id,
        "transactTime": order.updated_at // NS_PER_MS,
    } | _state(order)


def replaced(result: Replaced, response_type: str) -> Json:
    """Both halves; a refused one is its error, one not attempted is null."""
    return {
        "cancelResult": _half(result.canceled),
        "newOrderResult": _half(result.placed),
        "cancelResponse": canceled(result.canceled)
        if isinstance(result.canceled, Canceled)
        else error(result.canceled),
        "newOrderResponse": placed(result.placed, response_type)
        if isinstance(result.placed, Placed)
        else result.placed and error(result.placed),
    }


def amended(result: Amended) -> Json:
    order = result.order
    return {
        "transactTime": order.updated_at // NS_PER_MS,
        "executionId": result.execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": NO_ORDER_LIST,
            "origClientOrderId": result.orig_client_order_id,
            "clientOrderId": order.client_order_id,
            "price": number(order.price),
            "qty": number(order.quantity),
            "executedQty": number(order.executed),
            "preventedQty": number(order.prevented),
            "quoteOrderQty": number(order.quote_quantity),
            "cumulativeQuoteQty": number(order.quote_executed),
            "status": order.status,
            "timeInForce": order.time_in_force,
            "type": order.type,
            "side": order.side,
            "workingTime": _working_time(order),
            "selfTradePreventionMode": order.self_trade_prevention,
        },
    }


def order_state(order: Order) -> Json:
    """An order as a query shows it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": NO_ORDER_LIST,
        "clientOrderId": order.client_order_id,
        "icebergQty": number(Decimal(0)),
        "time": order.created_at // NS_PER_MS,
        "updateTime": order.updated_at // NS_PER_MS,
        "isWorking": order.is_working,
        "workingTime": _working_time(order),
    } | _state(order)


def trade(fill: Trade) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": NO_ORDER_LIST,
        "price": number(fill.price),
        "qty": number(fill.quantity),
        "quoteQty": number(fill.quote_quantity),
        "commission": number(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time // NS_PER_MS,
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(balances: Mapping[str, Balance], fees: Fees, now: int) -> Json:
    rates = {
        "maker": number(fees.maker),
        "taker": number(fees.taker),
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    return {
        "makerCommission": int(fees.maker * 10000),
        "takerCommission": int(fees.taker * 10000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now // NS_PER_MS,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": number(held.free), "locked": number(held.locked)}
            for asset, held in sorted(balances.items())
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def error(refusal: VenueError) -> Json:
    answer: Json = {"code": refusal.code, "msg": refusal.msg}
    if refusal.code in {CANCEL_REPLACE_FAILED, CANCEL_REPLACE_PARTLY_FAILED} and isinstance(
        refusal.data, Replaced
    ):
        answer["data"] = replaced(refusal.data, "")
    return answer


def exchange_info(symbols: Iterable[Symbol], now: int) -> Json:
    return {
        "timezone": "UTC",
        "serverTime": now // NS_PER_MS,
        "rateLimits": [
            _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, 6000),
            _rate_limit("ORDERS", "SECOND", 10, 100),
            _rate_limit("ORDERS", "DAY", 1, 200000),
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(symbol) for symbol in symbols],
    }


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[number(price), number(quantity)] for price, quantity in side]


def _half(result: Canceled | Placed | VenueError | None) -> str:
    if result is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(result, VenueError) else "SUCCESS"


def _state(order: Order) -> Json:
    state: Json = {
        "price": number(order.price),
        "origQty": number(order.quantity),
        "executedQty": number(order.executed),
        "origQuoteOrderQty": number(order.quote_quantity),
        "cummulativeQuoteQty": number(order.quote_executed),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
        "selfTradePreventionMode": order.self_trade_prevention,
    }
    if order.stop_price:
        state["stopPrice"] = number(order.stop_price)
    return state


def _working_time(order: Order) -> int:
    return order.working_at // NS_PER_MS if order.is_working else -1


def _fill(fill: Trade) -> Json:
    return {
        "price": number(fill.price),
        "qty": number(fill.quantity),
        "commission": number(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }


def _rate_limit(kind: str, interval: str, count: int, limit: int) -> Json:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": count,
        "limit": limit,
    }


def _symbol(symbol: Symbol) -> Json:
    return {
        "symbol": symbol.name,
        "status": "TRADING",
        "baseAsset": symbol.base,
        "baseAssetPrecision": ASSET_DECIMALS,
        "quoteAsset": symbol.quote,
        "quotePrecision": ASSET_DECIMALS,
        "quoteAssetPrecision": ASSET_DECIMALS,
        "baseCommissionPrecision": ASSET_DECIMALS,
        "quoteCommissionPrecision": ASSET_DECIMALS,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": EXPIRE_MAKER,
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }


def _filters(symbol: Symbol) -> list[Json]:
    filters: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": number(symbol.min_price),
            "maxPrice": number(symbol.max_price),
            "tickSize": number(symbol.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": number(symbol.min_quantity),
            "maxQty": number(symbol.max_quantity),
            "stepSize": number(symbol.step),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": number(symbol.min_notional),
            "applyMinToMarket": True,
            "maxNotional": number(symbol.max_notional),
            "applyMaxToMarket": True,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": symbol.max_orders},
    ]
    band = symbol.percent_price
    if band is not None:
        filters.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(band.bid_up),
                "bidMultiplierDown": str(band.bid_down),
                "askMultiplierUp": str(band.ask_up),
                "askMultiplierDown": str(band.ask_down),
                "avgPriceMins": 0,
            }
        )
    return filters
