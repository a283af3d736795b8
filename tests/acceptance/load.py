"""A trading program for acceptance tests: it goes on placing whatever dies around it."""

import asyncio
import itertools
from dataclasses import dataclass, field

from gateway.client import AsyncClient, NotSent
from gateway.client.questions import get_order
from gateway.domain.identity import OrderId
from gateway.wire.endpoints import Endpoints

SYMBOL = "BTC/USDT"
PAUSE_S = 0.02


@dataclass
class Load:
    """Two accounts that trade with each other. `stop` ends it; `placed` are all ids sent."""

    endpoints: Endpoints
    placed: list[OrderId] = field(default_factory=list)
    not_sent: int = 0
    stopping: bool = False

    async def run(self, client_id: str) -> None:
        async with AsyncClient(self.endpoints, client_id, connect_timeout=120) as client:
            for number in itertools.count():
                if self.stopping:
                    break
                await self._round(client, number)

    async def _round(self, client: AsyncClient, number: int) -> None:
        price = str(30_000 + number % 7)
        ids = [
            self._place(client, "main", "sell", "0.002", price),
            self._place(client, "second", "buy", "0.003", price),
            self._place(client, "main", "buy", "0.01", str(20_000 + number % 50)),
        ]
        for order_id in ids[1:]:
            if order_id is not None and number % 3:
                client.cancel(order_id)
        await asyncio.sleep(PAUSE_S)

    def _place(
        self, client: AsyncClient, account: str, side: str, quantity: str, price: str
    ) -> OrderId | None:
        try:
            order_id = client.place(account, SYMBOL, side, "limit", quantity, price=price)
        except NotSent:
            self.not_sent += 1
            return None
        self.placed.append(order_id)
        return order_id


async def settle(endpoints: Endpoints, placed: list[OrderId], timeout_s: float) -> dict[str, int]:
    """Waits until what became of each order can be said, and counts the fates."""
    async with (
        asyncio.timeout(timeout_s),
        AsyncClient(endpoints, "settler", connect_timeout=timeout_s) as client,
    ):
        fates: dict[str, int] = {}
        for order_id in placed:
            fate = await _fate(client, order_id)
            fates[fate] = fates.get(fate, 0) + 1
        return fates


async def _fate(client: AsyncClient, order_id: OrderId) -> str:
    while True:
        reply = await client.ask(get_order(order_id, expires_at_of_place=1))
        order = reply.order
        unsettled = order is not None and (
            order.status in ("pending_new", "in_doubt")
            or order.pending != "none"
            or not order.trades_complete
        )
        if reply.fate != "unknown" and not unsettled:
            return reply.fate
        await asyncio.sleep(0.1)
