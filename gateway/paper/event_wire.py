"""Private events in Binance's JSON, as the user data stream sends them."""

from __future__ import annotations

from gateway.paper.entries import Deposit, Event, Execution, Position
from gateway.paper.orders import ZERO
from gateway.paper.parameters import NS_PER_MS
from gateway.paper.wire import NO_ORDER_LIST, Json, number

EXECUTION_REPORT = "executionReport"
ACCOUNT_POSITION = "outboundAccountPosition"
BALANCE_UPDATE = "balanceUpdate"
STREAM_TERMINATED = "eventStreamTerminated"


def name_of(event: Event) -> str:
    if isinstance(event, Execution):
        return EXECUTION_REPORT
    return ACCOUNT_POSITION if isinstance(event, Position) else BALANCE_UPDATE


def to_json(event: Event) -> Json:
    if isinstance(event, Execution):
        return execution_report(event)
    if isinstance(event, Position):
        return _account_position(event)
    return _balance_update(event)


def terminated(now: int) -> Json:
    return {"e": STREAM_TERMINATED, "E": now // NS_PER_MS}


def execution_report(event: Execution) -> Json:
    """Letters as documented; `c` is the id of the request that caused it, `C` the order's own."""
    order = event.order
    fill = event.trade
    report: Json = {
        "e": EXECUTION_REPORT,
        "E": event.time // NS_PER_MS,
        "s": order.symbol,
        "c": event.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": number(order.quantity),
        "p": number(order.price),
        "P": number(order.stop_price),
        "F": number(ZERO),
        "g": NO_ORDER_LIST,
        "C": event.orig_client_order_id,
        "x": event.kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": number(fill.quantity if fill else ZERO),
        "z": number(order.executed),
        "L": number(fill.price if fill else ZERO),
        "n": number(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": event.time // NS_PER_MS,
        "t": fill.trade_id if fill else -1,
        "I": event.seq,
        "w": order.is_working and order.is_open,
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": order.created_at // NS_PER_MS,
        "Z": number(order.quote_executed),
        "Y": number(fill.quote_quantity if fill else ZERO),
        "Q": number(order.quote_quantity),
        "V": order.self_trade_prevention,
    }
    if order.is_working:
        report["W"] = order.working_at // NS_PER_MS
    if order.prevented:
        report["A"] = number(order.prevented)
    if event.reason != "NONE":
        report["eR"] = event.reason
    return report


def _account_position(event: Position) -> Json:
    return {
        "e": ACCOUNT_POSITION,
        "E": event.time // NS_PER_MS,
        "u": event.time // NS_PER_MS,
        "B": [
            {"a": held.asset, "f": number(held.free), "l": number(held.locked)}
            for held in event.balances
        ],
    }


def _balance_update(event: Deposit) -> Json:
    return {
        "e": BALANCE_UPDATE,
        "E": event.time // NS_PER_MS,
        "a": event.asset,
        "d": number(event.delta),
        "T": event.time // NS_PER_MS,
    }
