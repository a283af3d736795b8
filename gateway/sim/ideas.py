"""What a simulated trading program comes up with: orders of every kind, and nonsense."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from gateway.client.protocol import ClientProtocol
from gateway.domain import messages as m
from gateway.sim.clock import WallClock
from gateway.sim.host import TAG
from gateway.sim.nonsense import spoilt

MILLISECOND = 1_000_000

Traded = tuple[str, Decimal, Decimal, Decimal]
"""A symbol, its price step, its quantity step, and the price to trade around."""


class Ideas:
    def __init__(
        self, accounts: Sequence[str], symbols: Sequence[Traded], wall: WallClock, random: Random
    ) -> None:
        self._accounts = accounts
        self._symbols = symbols
        self._wall = wall
        self._random = random

    def place(self, protocol: ClientProtocol) -> m.Place:
        random = self._random
        name, tick, step, middle = random.choice(self._symbols)
        side = random.choice(("buy", "sell"))
        kind = random.choices(
            ("near", "far", "market", "ioc", "fok", "post_only", "stop"), (50, 18, 8, 6, 5, 7, 6)
        )[0]
        towards = 1 if side == "buy" else -1
        away = Decimal(random.randrange(-10, 25)) / 10_000
        if kind == "far":
            away = Decimal(random.randrange(100, 2_000)) / 10_000
        elif kind == "post_only":
            away = Decimal(random.randrange(-2, 40)) / 10_000
        price = on_step(middle * (1 - towards * away), tick)
        value = Decimal(random.choice((20, 500, 5_000, 60_000, 150_000)))
        quantity = max(on_step(value / middle, step), step)
        more: dict[str, Any] = {"price": f"{price}"}
        order_type = "limit"
        if kind == "market":
            order_type, more = "market", {}
        elif kind in ("ioc", "fok"):
            more["time_in_force"] = kind
        elif kind == "post_only":
            more["post_only"] = True
        elif kind == "stop":
            order_type = "stop_limit"
            off = Decimal(random.randrange(2, 30)) / 10_000
            more["stop_price"] = f"{on_step(middle * (1 + towards * off), tick)}"
        if random.random() < 0.2:
            life = random.choice((50, 300, 1_000, 10_000, 30_000)) * MILLISECOND
            more["expires_at"] = self._wall.now() + life
        return protocol.new_place(
            random.choice(self._accounts), name, side, order_type, f"{quantity}", **more
        )

    def nonsense(self, protocol: ClientProtocol) -> m.Place:
        """A place with one thing wrong."""
        return spoilt(self.place(protocol), self._wall.now(), TAG, self._random)


def on_step(value: Decimal, step: Decimal) -> Decimal:
    return value // step * step
