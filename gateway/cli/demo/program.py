"""A trading program: every kind of order, on one account."""

import asyncio
import json
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from gateway.client import AsyncClient, Refused, Restated
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus
from gateway.domain.identity import OrderId
from gateway.domain.order import Order

SYMBOL, VENUE_SYMBOL = "BTC/USDT", "BTCUSDT"
TICK = Decimal("0.01")
PATIENCE_S = 30.0
ROUNDS = 12
QUOTE_RETRY_S = 0.05


@dataclass(slots=True)
class Seen:
    """What one program has seen so far; the live table shows it."""

    account: str
    orders: dict[OrderId, Order] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    fills: int = 0
    refusals: int = 0
    done: bool = False

    def note(self, update: m.StreamItem | Restated) -> None:
        match update:
            case m.OrderUpdate(order=order):
                self.orders[order.order_id] = order
            case m.TransactionUpdate():
                self.fills += 1
            case Restated(orders=orders):
                self.orders.update({order.order_id: order for order in orders})

    def by_status(self) -> Counter[OrderStatus]:
        return Counter(order.status for order in self.orders.values())


@dataclass(frozen=True, slots=True)
class Quote:
    bid: Decimal
    ask: Decimal
    ask_quantity: Decimal


def quote(paper_url: str) -> Quote:
    url = f"{paper_url}/api/v3/ticker/bookTicker?symbol={VENUE_SYMBOL}"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        top: dict[str, Any] = json.load(answer)
    return Quote(Decimal(top["bidPrice"]), Decimal(top["askPrice"]), Decimal(top["askQty"]))


class Program:
    """Places about 110 orders in rounds, waiting in each for what must follow."""

    def __init__(self, client: AsyncClient, seen: Seen, paper_url: str) -> None:
        self._client = client
        self._seen = seen
        self._paper_url = paper_url

    async def run(self) -> None:
        for number in range(ROUNDS):
            await asyncio.gather(*(step() for step in self._steps(number)))
        self._seen.done = True

    def _steps(self, number: int) -> list[Any]:
        steps = [
            self._resting,
            self._resting_then_canceled,
            self._resting_then_canceled,
            self._filled,
            self._filled,
            self._market,
            self._ioc_filled,
            self._ioc_expired,
            self._post_only_rejected,
            self._partial_then_canceled,
        ]
        if number == 0:
            steps.append(self._refused_by_the_gateway)
        return steps

    async def _quote(self) -> Quote:
        """Both sides of the book: one can be empty for a moment, when it was just eaten."""
        while True:
            top = await asyncio.to_thread(quote, self._paper_url)
            if top.bid and top.ask:
                return top
            await asyncio.sleep(QUOTE_RETRY_S)

    def _place(self, kind: str, side: str, order_type: str, quantity: str, **more: Any) -> OrderId:
        self._seen.kinds[kind] += 1
        return self._client.place(self._seen.account, SYMBOL, side, order_type, quantity, **more)

    async def _resting(self) -> None:
        top = await self._quote()
        price = _tick(top.bid * Decimal("0.9"))
        order_id = self._place("resting", "buy", "limit", "0.01", price=price)
        await self._client.wait(order_id, until="accepted", timeout=PATIENCE_S)

    async def _resting_then_canceled(self) -> None:
        top = await self._quote()
        price = _tick(top.ask * Decimal("1.1"))
        order_id = self._place("canceled", "sell", "limit", "0.02", price=price)
        await self._client.wait(order_id, until="accepted", timeout=PATIENCE_S)
        await self._cancel(order_id)

    async def _cancel(self, order_id: OrderId) -> None:
        self._client.cancel(order_id)
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _filled(self) -> None:
        top = await self._quote()
        price = _tick(top.ask * Decimal("1.02"))
        order_id = self._place("filled", "buy", "limit", "0.003", price=price)
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _market(self) -> None:
        order_id = self._place("market", "sell", "market", "0.002")
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _ioc_filled(self) -> None:
        top = await self._quote()
        price = _tick(top.bid * Decimal("0.98"))
        order_id = self._place(
            "IOC filled", "sell", "limit", "0.004", price=price, time_in_force="ioc"
        )
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _ioc_expired(self) -> None:
        top = await self._quote()
        price = _tick(top.bid * Decimal("0.95"))
        order_id = self._place(
            "IOC expired", "buy", "limit", "0.004", price=price, time_in_force="ioc"
        )
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _post_only_rejected(self) -> None:
        top = await self._quote()
        price = _tick(top.ask * Decimal("1.05"))
        order_id = self._place("rejected", "buy", "limit", "0.01", price=price, post_only=True)
        await self._client.wait(order_id, timeout=PATIENCE_S)

    async def _partial_then_canceled(self) -> None:
        """More than the best offer, at its price: a part fills at once, the rest rests."""
        top = await self._quote()
        quantity = f"{top.ask_quantity * 3:f}"
        order_id = self._place("partial, canceled", "buy", "limit", quantity, price=_tick(top.ask))
        await self._client.wait(order_id, until="accepted", timeout=PATIENCE_S)
        await self._cancel(order_id)

    async def _refused_by_the_gateway(self) -> None:
        order_id = self._place("refused", "buy", "limit", "0.01", price="20000.001")
        try:
            await self._client.wait(order_id, timeout=PATIENCE_S)
        except Refused:
            self._seen.refusals += 1


def _tick(price: Decimal) -> str:
    return f"{price.quantize(TICK, ROUND_DOWN):f}"
