"""`python -m gateway.chaos.fuzz --frames 1000000 --venue-messages 100000`"""

import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import click

from gateway.chaos.fuzz.files import Configs, Journals
from gateway.chaos.fuzz.frames import Frames
from gateway.chaos.fuzz.live import storm
from gateway.chaos.fuzz.venue_messages import VenueMessages
from gateway.sim.figures import tell_figures
from gateway.sim.randomness import chance

MOST_SHOWN = 5


class Target(Protocol):
    taken: int

    def once(self) -> None: ...


class Tally:
    """How many inputs of a kind, and which of them did what they must not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.failures = 0
        self._began = time.monotonic()

    def failed(self) -> None:
        self.failures += 1
        if self.failures <= MOST_SHOWN:
            click.echo(traceback.format_exc())

    def tell(self, taken: int) -> None:
        seconds = time.monotonic() - self._began
        click.echo(
            f"{self.name}: {self.count} ({self.count / max(seconds, 0.001):.0f} a second),"
            f" {taken} were taken, {self.failures} failures"
        )


def run(name: str, target: Target, count: int) -> int:
    """The number of failures."""
    tally = Tally(name)
    for _ in range(count):
        tally.count += 1
        try:
            target.once()
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            tally.failed()
    tally.tell(target.taken)
    return tally.failures


async def run_venue(target: VenueMessages, count: int) -> int:
    tally = Tally("venue messages")
    await target.open()
    try:
        for _ in range(count):
            tally.count += 1
            try:
                await target.once()
            except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
                tally.failed()
    finally:
        await target.close()
    tally.tell(target.taken)
    return tally.failures


def run_live(seed: int, seconds: float) -> int:
    with tempfile.TemporaryDirectory(prefix="gwf-") as folder:
        try:
            sent = asyncio.run(storm(Path(folder) / "gw", chance(seed, "live"), seconds))
        except AssertionError as error:
            click.echo(f"live sockets: {error}")
            return 1
    click.echo(f"live sockets: {sent} frames in {seconds:g} s, 0 failures")
    return 0


@click.command()
@click.option("--frames", type=int, default=200_000, show_default=True)
@click.option("--venue-messages", type=int, default=20_000, show_default=True)
@click.option("--configs", type=int, default=5_000, show_default=True)
@click.option("--journals", type=int, default=5_000, show_default=True)
@click.option("--live-seconds", type=float, default=20.0, show_default=True, help="0: not.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(
    frames: int,
    venue_messages: int,
    configs: int,
    journals: int,
    live_seconds: float,
    seed: int,
) -> None:
    """Spoil what comes in, in every way there is. Exit code 1: something fell."""
    targets: list[tuple[str, Callable[[], Target], int]] = [
        ("frames", lambda: Frames(chance(seed, "frames")), frames),
        ("configurations", lambda: Configs(chance(seed, "configs")), configs),
        ("journals", lambda: Journals(chance(seed, "journals")), journals),
    ]
    click.echo(f"seed {seed}")
    failures = sum(run(name, made(), count) for name, made, count in targets)
    if venue_messages:
        target = VenueMessages(chance(seed, "venue"))
        failures += asyncio.run(run_venue(target, venue_messages))
    if live_seconds:
        failures += run_live(seed, live_seconds)
    counts = {name: count for name, _, count in targets}
    tell_figures({**counts, "venue messages": venue_messages, "failures": failures})
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
