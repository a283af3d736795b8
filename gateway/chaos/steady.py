"""A steady trading program as a process of its own: `python -m gateway.chaos.steady NAME ...`.

Good orders only, at one pace, as cheap as they come: for a soak, in which the gateway should have
most of the machine. SIGTERM: end.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from decimal import Decimal
from pathlib import Path

import click

from gateway.chaos.desk import middles, on_step
from gateway.client import AsyncClient
from gateway.client.protocol import NotSent
from gateway.domain.errors import Busy
from gateway.domain.identity import OrderId
from gateway.paper.symbols import DEFAULT_SYMBOLS, Symbol
from gateway.sim.randomness import chance
from gateway.wire.endpoints import Endpoints

ACCOUNTS = ("main", "second")
CONNECT_S = 600.0
TICK_S = 0.02
PRICES_S = 2.0
LIFE_S = 1.0
DOLLARS, COINS = "500", "0.1"


class SteadyTrader:
    """Three orders of four take what they can and end at once; the others rest and are canceled."""

    def __init__(self, client: AsyncClient, name: str, seed: int, orders_per_second: float) -> None:
        self._client = client
        self._random = chance(seed, name)
        self._rate = orders_per_second
        self._prices = {symbol.name: symbol.start_price for symbol in DEFAULT_SYMBOLS}
        self._resting: deque[tuple[float, OrderId, str, str]] = deque()

    async def run(self) -> None:
        """What the machine is too slow for is left out, not made up for later."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            due = min(now - last, 2 * TICK_S) * self._rate
            last = now
            with contextlib.suppress(NotSent, Busy):
                for _ in range(int(due + self._random.random())):
                    self._place(now)
                self._cancel_old(now)

    async def follow_prices(self, paper_url: str) -> None:
        while True:
            self._prices.update(await asyncio.to_thread(middles, paper_url))
            await asyncio.sleep(PRICES_S)

    def _place(self, now: float) -> None:
        symbol, side = self._random.choice(DEFAULT_SYMBOLS), self._random.choice(("buy", "sell"))
        account, rests = self._random.choice(ACCOUNTS), self._random.random() < 0.25
        order_id = self._client.place(
            account,
            symbol.unified,
            side,
            "limit",
            self._quantity(symbol),
            price=self._price(symbol, side, rests=rests),
            time_in_force="gtc" if rests else "ioc",
        )
        if rests:
            self._resting.append((now + LIFE_S, order_id, account, symbol.unified))

    def _price(self, symbol: Symbol, side: str, *, rests: bool) -> str:
        away = Decimal(self._random.randrange(100, 500) if rests else -5) / 10_000
        towards = 1 if side == "buy" else -1
        return on_step(self._prices[symbol.name] * (1 - towards * away), symbol.tick)

    def _quantity(self, symbol: Symbol) -> str:
        value = Decimal(DOLLARS if symbol.quote == "USDT" else COINS)
        return on_step(value / self._prices[symbol.name], symbol.step, least=symbol.step)

    def _cancel_old(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            _, order_id, account, symbol = self._resting[0]
            followed = self._client.protocol.followed(order_id)
            if followed is not None and not followed.is_settled:
                self._client.cancel(order_id, account, symbol)
            self._resting.popleft()


async def trade(name: str, endpoints: Endpoints, paper_url: str, seed: int, rate: float) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncClient(endpoints, name, connect_timeout=CONNECT_S) as client:
        trader = SteadyTrader(client, name, seed, rate)
        async with asyncio.TaskGroup() as group:
            group.create_task(trader.follow_prices(paper_url))
            group.create_task(trader.run())


@click.command()
@click.argument("name")
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.argument("paper_url")
@click.option("--seed", type=int, required=True)
@click.option("--rate", type=float, required=True, help="Orders a second.")
def main(name: str, run_folder: Path, paper_url: str, seed: int, rate: float) -> None:
    """Trade on both accounts until told to stop."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(trade(name, Endpoints.ipc(run_folder), paper_url, seed, rate))


if __name__ == "__main__":
    main()
