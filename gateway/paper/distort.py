"""Answers and events made wrong on purpose. Pure functions from JSON to JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from gateway.paper.faults import Fault, FaultKind
from gateway.paper.wire import number

Change = Callable[[dict[str, Any]], dict[str, Any]]

_IDS = {"orderId", "clientOrderId", "origClientOrderId", "transactTime", "status"}
_QUANTITIES = {"q", "z", "l"}
_FILLED = {"executedQty", "cummulativeQuoteQty"}


def answer(body: Any, faults: Iterable[Fault]) -> Any:
    """The answer as these faults leave it."""
    for fault in faults:
        change = _ANSWER_CHANGES.get(fault.kind)
        if change is not None:
            body = _each_object(body, change)
        if fault.kind is FaultKind.CONFLICTING_TRADE:
            body = _with_conflicting_trade(body)
    return body


def event(body: dict[str, Any], faults: Iterable[Fault]) -> dict[str, Any]:
    """The event as these faults leave it; what is no number any more can't be made a wrong one. A
    conflicting trade is a second event: see `conflict`."""
    for fault in sorted(faults, key=lambda fault: fault.kind is FaultKind.BAD_QUANTITY):
        change = _EVENT_CHANGES.get(fault.kind)
        if change is not None:
            body = change(body)
    return body


def conflict(body: dict[str, Any]) -> dict[str, Any] | None:
    """The same trade once more with another price and quantity; None if it is no trade."""
    if body.get("x") != "TRADE":
        return None
    return body | {"L": _halved(body["L"]), "l": _halved(body["l"])}


def _each_object(body: Any, change: Change) -> Any:
    if isinstance(body, list):
        return [_each_object(item, change) for item in body]
    if isinstance(body, dict):
        return change({key: _each_object(value, change) for key, value in body.items()})
    return body


def _without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in _IDS}


def _less_filled(body: dict[str, Any]) -> dict[str, Any]:
    lower = {key: _halved(body[key]) for key in _FILLED & body.keys()}
    if "executedQty" in lower and body.get("status") == "FILLED":
        return body | lower | {"status": "PARTIALLY_FILLED"}
    return body | lower


def _without_commission(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k not in {"commission", "commissionAsset"}}


def _with_conflicting_trade(body: Any) -> Any:
    if not isinstance(body, list) or not body or "qty" not in body[-1]:
        return body
    last = body[-1]
    return [*body, last | {"price": _halved(last["price"]), "qty": _halved(last["qty"])}]


def _event_less_filled(body: dict[str, Any]) -> dict[str, Any]:
    if "z" not in body:
        return body
    return body | {"z": _halved(body["z"]), "Z": _halved(body["Z"])}


def _event_without_commission(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"n": "0", "N": None} if "n" in body else body


def _event_bad_quantity(body: dict[str, Any]) -> dict[str, Any]:
    return body | dict.fromkeys(_QUANTITIES & body.keys(), "not-a-number")


def _halved(value: str) -> str:
    return number(Decimal(value) / 2)


_ANSWER_CHANGES: dict[FaultKind, Change] = {
    FaultKind.NO_IDS: _without_ids,
    FaultKind.WRONG_FIGURES: _less_filled,
    FaultKind.NO_COMMISSION: _without_commission,
}
_EVENT_CHANGES: dict[FaultKind, Change] = {
    FaultKind.WRONG_FIGURES: _event_less_filled,
    FaultKind.NO_COMMISSION: _event_without_commission,
    FaultKind.BAD_QUANTITY: _event_bad_quantity,
}
