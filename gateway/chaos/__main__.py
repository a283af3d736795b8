"""`python -m gateway.chaos --minutes 20 --seed 7`"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import click

from gateway.chaos import disk, report
from gateway.chaos.plan import Blow
from gateway.chaos.run import Outcome, Run, Settings
from gateway.chaos.scene import Scene, leave_nothing_behind
from gateway.sim.figures import tell_figures

SKIPPED = "not here: {kind} ({reason}); the tests of journal, executor and listener have it"


def _without(given: tuple[str, ...], *, small_disk: bool) -> frozenset[str]:
    """Kinds of faults that this machine, or the one who runs it, does not want."""
    left_out = set(given)
    if not small_disk:
        left_out.add(Blow.DISK_FULL.value)
        click.echo(SKIPPED.format(kind=Blow.DISK_FULL.value, reason="mounting takes root"))
    return frozenset(left_out)


async def _run(scene: Scene, settings: Settings) -> Outcome:
    return await Run(scene, settings, lambda text: click.echo(f"... {text}")).run()


@click.command()
@click.option("--minutes", type=float, default=20.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--orders-per-second", type=float, default=18.0, show_default=True)
@click.option("--blows-per-minute", type=float, default=14.0, show_default=True)
@click.option("--strength", type=float, default=1.0, show_default=True, help="Of venue faults.")
@click.option("--sweep", type=float, default=30.0, show_default=True, help="Seconds.")
@click.option("--settle", type=float, default=300.0, show_default=True, help="Seconds at most.")
@click.option("--without", multiple=True, metavar="KIND", help="Leave out a kind of fault.")
@click.option("--folder", type=click.Path(path_type=Path), help="Kept. [one that is removed]")
def main(
    minutes: float,
    seed: int,
    orders_per_second: float,
    blows_per_minute: float,
    strength: float,
    sweep: float,
    settle: float,
    without: tuple[str, ...],
    folder: Path | None,
) -> None:
    """Start everything, break it for a while, and compare all books. Exit code 1: they differ."""
    small_disk = disk.can_mount()
    if small_disk and not disk.is_inside():
        disk.enter(["-m", "gateway.chaos", *sys.argv[1:]])
    root = folder or Path(tempfile.mkdtemp(prefix="gwc-"))
    settings = Settings(
        seed=seed,
        seconds=minutes * 60,
        orders_per_second=orders_per_second,
        blows_per_minute=blows_per_minute,
        strength=strength,
        settle_s=settle,
        without=_without(without, small_disk=small_disk),
    )
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    scene = Scene(root, sweep_s=sweep, small_disk=small_disk)
    click.echo(f"seed {seed}, in {root}")
    leave_nothing_behind()
    try:
        scene.start()
        outcome = asyncio.run(_run(scene, settings))
    finally:
        scene.stop()
    report.tell(outcome, click.echo)
    tell_figures(report.figures_of(outcome))
    if not folder and not outcome.violations:
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if outcome.violations else 0)


if __name__ == "__main__":
    main()
