"""How soon an order reaches the venue, and how soon it is known to be there.

The same resting limit order, on the same paper venue, in interleaved rounds of one run: placed
through the whole gateway, and by calling ccxt.pro in the program itself (uvloop, its rate limiter
off, connections warm), over REST and over its websocket. `reach`: from the call to the venue's own
time of acceptance. `known`: from the call until the program knows the order is open.

    python benchmarks/latency.py --rounds 15 --orders 40
"""

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ccxt.pro
import click
import uvloop

from gateway.cli.stage import Stage
from gateway.client import AsyncClient
from gateway.domain.enums import Role
from gateway.paper.ccxt_config import ccxt_config

SYMBOL, QUANTITY, PRICE = "BTC/USDT", "0.001", "30000"
PAUSE_S = 0.01
MICRO = 1e-3

Place = Callable[[], Awaitable[str]]


class Times:
    """Per way of placing: the calls' times, to be joined with the venue's by client order id."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, int]] = defaultdict(dict)
        self.known: dict[str, list[float]] = defaultdict(list)

    async def take(self, way: str, place: Place) -> None:
        before, started = time.time_ns(), time.perf_counter_ns()
        client_order_id = await place()
        self.known[way].append((time.perf_counter_ns() - started) * MICRO)
        self.sent[way][client_order_id] = before

    def reach(self, way: str, accepted: dict[str, int]) -> list[float]:
        return [(accepted[key] - at) * MICRO for key, at in self.sent[way].items()]


async def measure(stage: Stage, rounds: int, orders: int) -> Times:
    exchange = ccxt.pro.binance(
        {**ccxt_config(stage.paper_url, "paper-second", "paper-second-secret"),
         "enableRateLimit": False}
    )  # fmt: skip
    times = Times()
    async with AsyncClient(stage.endpoints, "bench", connect_timeout=180) as client:
        await client.until_ready(Role.EXECUTOR, Role.LISTENER)
        await exchange.load_markets()

        async def through_gateway() -> str:
            order_id = client.place("main", SYMBOL, "buy", "limit", QUANTITY, price=PRICE)
            await client.wait(order_id, until="accepted", timeout=30)
            return order_id

        async def over_rest() -> str:
            return str((await exchange.create_order(*order()))["clientOrderId"])

        async def over_ws() -> str:
            placed = await exchange.create_order_ws(*order())
            for key in [k for k in exchange.clients[ws_url(exchange)].subscriptions if k.isdigit()]:
                exchange.clients[ws_url(exchange)].subscriptions.pop(key)
            return str(placed["clientOrderId"])

        ways: dict[str, Place] = {
            "gateway": through_gateway,
            "ccxt REST": over_rest,
            "ccxt ws": over_ws,
        }
        for way in ways.values():
            for _ in range(orders):
                await way()
        for number in range(rounds):
            for way in rotated(list(ways), number):
                for _ in range(orders):
                    await times.take(way, ways[way])
                    await asyncio.sleep(PAUSE_S)
            await client.cancel_all("main")
            await exchange.cancel_all_orders(SYMBOL)
    await exchange.close()
    return times


def order() -> tuple[Any, ...]:
    return (SYMBOL, "limit", "buy", float(QUANTITY), float(PRICE))


def ws_url(exchange: Any) -> str:
    return next(url for url in exchange.clients if "ws-api" in url)


def rotated(ways: list[str], by: int) -> list[str]:
    by %= len(ways)
    return ways[by:] + ways[:by]


def row(name: str, figures: list[float], base: float) -> str:
    figures = sorted(figures)
    p50, p99 = statistics.median(figures), figures[int(len(figures) * 0.99)]
    return f"{name:<22}{len(figures):>7}{p50:>10.0f}{p99:>10.0f}{p50 / base:>8.2f}"


@click.command()
@click.option("--rounds", default=15, show_default=True)
@click.option("--orders", default=40, show_default=True, help="Per way and round.")
def main(rounds: int, orders: int) -> None:
    """Print medians and tails in microseconds, and ratios to ccxt over REST."""
    with (
        tempfile.TemporaryDirectory(prefix="gw") as folder,
        Stage(Path(folder), liquidity=False) as stage,
    ):
        stage.wait_up()
        times = uvloop.run(measure(stage, rounds, orders))
        accepted = {
            one["client_order_id"]: one["created_at"] for one in stage.paper("/paper/orders")
        }
    click.echo(f"{'microseconds':<22}{'n':>7}{'p50':>10}{'p99':>10}{'ratio':>8}")
    for what, figures in (
        ("reach", {way: times.reach(way, accepted) for way in times.sent}),
        ("known", times.known),
    ):
        base = statistics.median(figures["ccxt REST"])
        for way in ("gateway", "ccxt REST", "ccxt ws"):
            click.echo(row(f"{what}  {way}", figures[way], base))


if __name__ == "__main__":
    main()
