"""One order after the other, timed: what a trading program feels."""

import asyncio
import time
from dataclasses import dataclass, field

from gateway.client import AsyncClient, NotSent
from gateway.domain.errors import GatewayError, TimedOut

PAUSE_S = 0.25
PATIENCE_S = 20.0
FAR_PRICE = "20000"


@dataclass(slots=True)
class Timed:
    """When an order was sent (monotonic s), and how long until its acceptance and its cancel were
    known here; None: not in time."""

    at: float
    accepted_s: float | None = None
    canceled_s: float | None = None


@dataclass(slots=True)
class Probe:
    client: AsyncClient
    timed: list[Timed] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            await self._round()
            await asyncio.sleep(PAUSE_S)

    async def _round(self) -> None:
        one = Timed(time.monotonic())
        self.timed.append(one)
        try:
            order_id = self.client.place(
                "main", "BTC/USDT", "buy", "limit", "0.001", price=FAR_PRICE
            )
            await self.client.wait(order_id, until="accepted", timeout=PATIENCE_S)
            one.accepted_s = time.monotonic() - one.at
            began = time.monotonic()
            self.client.cancel(order_id)
            await self.client.wait(order_id, timeout=PATIENCE_S)
            one.canceled_s = time.monotonic() - began
        except (NotSent, TimedOut, GatewayError):
            return

    def missed(self) -> int:
        return sum(one.canceled_s is None for one in self.timed[:-1])

    def between(self, began: float, ended: float) -> list[float]:
        """Seconds until acceptance of what was sent in that time."""
        within = (one for one in self.timed if began <= one.at < ended)
        return [one.accepted_s for one in within if one.accepted_s is not None]


def quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0
