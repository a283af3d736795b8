"""A balance that is told before the account's first picture."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.venues.hooked import hooked_class

CHANGE = {
    "e": "outboundAccountPosition",
    "E": 1_790_000_000_000,
    "B": [{"a": "USDT", "f": "70", "l": "30"}],
}


def on_stream(subscribed: str = "spot") -> tuple[Any, Any, list[object]]:
    resolved: list[object] = []
    client = SimpleNamespace(
        subscriptions={subscribed: True}, resolve=lambda found, _name: resolved.append(found)
    )
    return hooked_class("binance")({"number": str}), client, resolved


def test_it_ends_no_stream_and_is_no_picture() -> None:
    exchange, client, resolved = on_stream()
    exchange.handle_balance(client, CHANGE)

    assert exchange.balance == {}
    assert resolved == []


def test_after_the_first_picture_it_is_heard() -> None:
    exchange, client, resolved = on_stream()
    exchange.balance["spot"] = {}
    exchange.handle_balance(client, CHANGE)

    assert exchange.balance["spot"]["USDT"]["free"] == "70"
    assert len(resolved) == 1


def test_what_is_amiss_otherwise_is_still_an_error() -> None:
    exchange, client, _ = on_stream("something else")
    with pytest.raises(KeyError):
        exchange.handle_balance(client, CHANGE)
