"""A steady load without faults: `python -m gateway.chaos.soak --minutes 60`.

It ends after its minutes, or with `--orders` as soon as so many are stored. With `--away-minutes`
PostgreSQL is stopped for that long in the middle: what a program feels must not change, and
nothing may be missing afterwards.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from gateway.chaos import growth
from gateway.chaos.books import Books, Unreachable
from gateway.chaos.falls import falls_of
from gateway.chaos.growth import MIB, Look, Trend, trend
from gateway.chaos.probe import Probe, quantile
from gateway.chaos.run import TRADERS
from gateway.chaos.scene import Scene, leave_nothing_behind
from gateway.chaos.tally import Tally
from gateway.client import AsyncClient
from gateway.domain.enums import Role
from gateway.sim.figures import tell_figures

START_S = 180.0
CATCH_UP_S = 600.0
SAMPLES = 120
PAUSE_S = 2.0
LONGEST_PAUSE_S = 10.0
NO_END = 1 << 62


@dataclass(slots=True)
class Soaked:
    """`away`: when the database was stopped and started again, monotonic s."""

    began: float = 0.0
    ended: float = 0.0
    away: tuple[float, float] | None = None
    looks: list[Look] = field(default_factory=list)
    probe: Probe | None = None
    differences: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        return self.looks[-1].orders if self.looks else 0

    def trends(self, what: Callable[[Look], dict[str, int]]) -> dict[str, Trend]:
        names = what(self.looks[0])
        return {
            name: trend((look.orders, what(look).get(name, 0)) for look in self.looks)
            for name in names
        }


class Soak:
    def __init__(
        self, scene: Scene, seconds: float, orders: int, rate: float, away_s: float
    ) -> None:
        self._scene = scene
        self._seconds = seconds
        self._orders = orders
        self._rate = rate
        self._away_s = away_s
        self._books = Books(scene.store_url)
        self._tally = Tally(scene.stage.paper_url)
        self.soaked = Soaked()

    async def run(self, seed: int) -> Soaked:
        endpoints, soaked = self._scene.stage.endpoints, self.soaked
        async with AsyncClient(endpoints, "probe", connect_timeout=START_S) as client:
            await client.until_ready(*Role)
            self._begin(seed)
            probe = soaked.probe = Probe(client)
            probing = asyncio.create_task(probe.run())
            soaked.began = time.monotonic()
            await self._watch()
            soaked.ended = time.monotonic()
            probing.cancel()
        soaked.fallen = [*falls_of(self._scene.stage.home.log), *self._scene.fallen()]
        for name in self._scene.users:
            await asyncio.to_thread(self._scene.end, name)
        await asyncio.to_thread(self._compare)
        return soaked

    def _begin(self, seed: int) -> None:
        for name in TRADERS:
            self._scene.add_steady_trader(name, seed, self._rate / len(TRADERS))
        self._scene.add_accountant("accounts-1", ("ledger",))

    async def _watch(self) -> None:
        soaked = self.soaked
        outage = asyncio.create_task(self._outage()) if self._away_s else None
        while not self._is_over() or (outage and not outage.done()):
            seen = await asyncio.to_thread(growth.look, self._scene, self._books)
            await asyncio.to_thread(self._tally.follow)
            if seen is not None:
                soaked.looks.append(seen)
            await asyncio.sleep(min(self._seconds / SAMPLES, LONGEST_PAUSE_S))

    def _is_over(self) -> bool:
        return (
            self.soaked.orders >= self._orders
            or time.monotonic() >= self.soaked.began + self._seconds
        )

    async def _outage(self) -> None:
        await asyncio.sleep(max(self._seconds - self._away_s, 0) / 2)
        began = time.monotonic()
        await asyncio.to_thread(self._scene.take_away, "postgres")
        await asyncio.sleep(self._away_s)
        self.soaked.away = (began, time.monotonic())
        await asyncio.to_thread(self._scene.bring_back, "postgres")

    def _compare(self) -> None:
        """Until the store has all that the venue has, for a bounded time."""
        deadline = time.monotonic() + CATCH_UP_S
        while True:
            self._tally.follow()
            with contextlib.suppress(Unreachable):
                self.soaked.differences = self._tally.differences(self._books)
                if not self.soaked.differences or time.monotonic() > deadline:
                    return
            time.sleep(PAUSE_S)


def figures_of(soaked: Soaked) -> dict[str, Any]:
    probe = soaked.probe
    if probe is None or not soaked.looks:
        return {}
    times = probe.between(soaked.began, soaked.ended)
    found: dict[str, Any] = {
        "minutes": round((soaked.ended - soaked.began) / 60, 1),
        "orders": soaked.orders,
        "differences": len(soaked.differences),
        "fallen": len(soaked.fallen),
        "probes missed": probe.missed(),
        "ms until accepted, p50": round(quantile(times, 0.5) * 1000, 2),
        "ms until accepted, p99": round(quantile(times, 0.99) * 1000, 2),
    }
    for name, one in soaked.trends(lambda look: look.resident).items():
        found[f"{name}, bytes of memory an order"] = round(one.per_order, 1)
    if soaked.away is not None:
        inside = probe.between(*soaked.away)
        outside = probe.between(soaked.began, soaked.away[0])
        ratio = quantile(inside, 0.5) / (quantile(outside, 0.5) or 1.0)
        found["p50 without the database / with it"] = round(ratio, 3)
    return found


def show(soaked: Soaked) -> None:
    for title, what in (
        ("memory, MiB", lambda look: look.resident),
        ("journal, MiB", lambda look: look.journals),
        ("table, MiB", lambda look: look.tables),
    ):
        for name, one in soaked.trends(what).items():
            click.echo(
                f"{title}: {name}: {one.first / MIB:.1f} -> {one.last / MIB:.1f}"
                f" (at most {one.most / MIB:.1f}), {one.per_order:+.1f} bytes an order"
            )
    for name, one in soaked.trends(lambda look: look.files).items():
        click.echo(f"open files: {name}: {one.first} -> {one.last} (at most {one.most})")
    for trouble in (*soaked.fallen, *soaked.differences[:20]):
        click.echo(f"  {trouble}")


@click.command()
@click.option("--minutes", type=float, default=60.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--orders-per-second", type=float, default=40.0, show_default=True)
@click.option("--orders", type=int, default=NO_END, help="The end; fewer are a failure.")
@click.option("--away-minutes", type=float, default=0.0, help="PostgreSQL is stopped so long.")
@click.option("--folder", type=click.Path(path_type=Path), help="Kept. [one that is removed]")
def main(
    minutes: float,
    seed: int,
    orders_per_second: float,
    orders: int,
    away_minutes: float,
    folder: Path | None,
) -> None:
    """Trade steadily, look at what grows, compare the books. Exit code 1: they
    differ, a process fell, or there were too few orders."""
    root = folder or Path(tempfile.mkdtemp(prefix="gws-"))
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    scene = Scene(root, small_journals=False)
    click.echo(f"seed {seed}, in {root}")
    leave_nothing_behind()
    soak = Soak(scene, minutes * 60, orders, orders_per_second, away_minutes * 60)
    try:
        scene.start()
        soaked = asyncio.run(soak.run(seed))
    finally:
        scene.stop()
    show(soaked)
    tell_figures(figures_of(soaked))
    if not folder:
        shutil.rmtree(root, ignore_errors=True)
    too_few = orders != NO_END and soaked.orders < orders
    sys.exit(1 if soaked.differences or soaked.fallen or too_few else 0)


if __name__ == "__main__":
    main()
