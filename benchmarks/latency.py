"""How soon an order reaches the venue, and how soon it is known to be there.

The same resting limit order, on the same paper venue, in interleaved rounds of one run: placed
through the whole gateway, and by calling ccxt.pro in the program itself (uvloop, its rate limiter
off, connections warm), over REST and over its websocket. `reach`: from the call to the venue's own
time of acceptance. `known`: from the call until the program knows the order is open. All clocks are
this machine's. docs/performance.md says how to read it.

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
WAYS = ("gateway", "ccxt REST", "ccxt ws")
BASE = "ccxt REST"

Place = Callable[[], Awaitable[str]]


class Times:
    """Per way of placing and round, in microseconds; `sent` is joined with the venue's times by
    client order id."""

    def __init__(self) -> None:
        self.sent: dict[str, list[dict[str, int]]] = defaultdict(list)
        self.known: dict[str, list[list[float]]] = defaultdict(list)
        self.recorded: dict[str, int] = {}
        """When the executor recorded the intent, by order id."""

    def begin_round(self) -> None:
        for way in WAYS:
            self.sent[way].append({})
            self.known[way].append([])

    async def take(self, way: str, place: Place) -> None:
        before, started = time.time_ns(), time.perf_counter_ns()
        client_order_id = await place()
        self.known[way][-1].append((time.perf_counter_ns() - started) * MICRO)
        self.sent[way][-1][client_order_id] = before

    def reach(self, way: str, accepted: dict[str, int]) -> list[list[float]]:
        return [
            [(accepted[key] - at) * MICRO for key, at in sent.items()] for sent in self.sent[way]
        ]

    def stages(self, accepted: dict[str, int]) -> dict[str, list[list[float]]]:
        """Of an order through the gateway: until the intent is recorded, and from there on."""
        rounds, recorded = self.sent["gateway"], self.recorded
        return {
            "call to intent": [
                [(recorded[key] - at) * MICRO for key, at in sent.items()] for sent in rounds
            ],
            "intent to venue": [
                [(accepted[key] - recorded[key]) * MICRO for key in sent] for sent in rounds
            ],
        }


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
            known = await client.wait(order_id, until="accepted", timeout=30)
            times.recorded[order_id] = known.created_at
            return order_id

        async def over_rest() -> str:
            return str((await exchange.create_order(*order()))["clientOrderId"])

        async def over_ws() -> str:
            placed = await exchange.create_order_ws(*order())
            for key in [k for k in exchange.clients[ws_url(exchange)].subscriptions if k.isdigit()]:
                exchange.clients[ws_url(exchange)].subscriptions.pop(key)
            return str(placed["clientOrderId"])

        ways: dict[str, Place] = dict(zip(WAYS, (through_gateway, over_rest, over_ws), strict=True))
        for way in ways.values():
            for _ in range(orders):
                await way()
        for number in range(rounds):
            times.begin_round()
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


def row(name: str, figures: list[list[float]], base: list[list[float]] | None = None) -> str:
    """All rounds' figures, and the rounds' ratios: of each round's medians, since a machine may be
    slower in one round than in another."""
    every = sorted(figure for one in figures for figure in one)
    p50, p90, p99 = (every[int(len(every) * part)] for part in (0.5, 0.9, 0.99))
    text = f"{name:<24}{len(every):>6}{p50:>9.0f}{p90:>9.0f}{p99:>9.0f}"
    if base is None:
        return text
    ratios = sorted(
        statistics.median(one) / statistics.median(other)
        for one, other in zip(figures, base, strict=True)
    )
    middle = statistics.median(ratios)
    return f"{text}{middle:>8.2f}  {ratios[0]:.2f}-{ratios[-1]:.2f}"


@click.command()
@click.option("--rounds", default=15, show_default=True)
@click.option(
    "--orders",
    type=click.IntRange(1, 45),
    default=40,
    show_default=True,
    help="Per way and round; an account may have 200 open.",
)
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
    click.echo(f"{'microseconds':<24}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'ratio':>8}  rounds")
    reach = {way: times.reach(way, accepted) for way in WAYS}
    for what, figures in (("reach", reach), ("known", times.known)):
        for way in WAYS:
            click.echo(row(f"{what}  {way}", figures[way], figures[BASE]))
    for stage_name, stage_figures in times.stages(accepted).items():
        click.echo(row(f"  {stage_name}", stage_figures))


if __name__ == "__main__":
    main()
