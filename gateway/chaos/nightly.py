"""The long forms of everything, one after the other, with their figures put into the history."""

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from gateway.sim.figures import figures_in

HISTORY = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEADING = "## History"
STEPS: tuple[tuple[str, str], ...] = (
    ("fuzz", "gateway.chaos.fuzz --frames 10000000 --venue-messages 1000000 --seed {seed}"),
    ("simulation", "gateway.sim --seeds 10000 --from {seed}0000 --jobs {cores}"),
    ("planted bugs", "gateway.sim --planted --seeds 1000 --from {seed}0000"),
    ("chaos", "gateway.chaos --minutes 20 --orders-per-second 30 --seed {seed}"),
    ("chaos, sweep 5 s", "gateway.chaos --minutes 20 --sweep 5 --seed {seed}"),
    ("chaos, long", "gateway.chaos --minutes 120 --blows-per-minute 8 --seed {seed}"),
    ("database away", "gateway.chaos.soak --minutes 14 --away-minutes 10 --seed {seed}"),
    (
        "soak",
        "gateway.chaos.soak --minutes 180 --orders 1000000 --orders-per-second 150 --seed {seed}",
    ),
)


def run(command: str, seed: int) -> tuple[int, str]:
    """Exit code and output, which is shown as well."""
    words = command.format(seed=seed, cores=os.cpu_count() or 1).split()
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout or ():
            click.echo(line, nl=False)
            lines.append(line)
    return running.returncode, "".join(lines)


def row(name: str, seed: int, code: int, output: str) -> str:
    day, commit = time.strftime("%Y-%m-%d"), _commit()
    told = ", ".join(f"{key} {value}" for key, value in figures_in(output).items())
    return f"| {day} | {commit} | {name} | {seed} | {'good' if code == 0 else 'FAILED'} | {told} |"


def note(line: str) -> None:
    """At the end of the history's table, which is the end of the file."""
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=HISTORY.parent)
    return told.stdout.strip() or "unknown"


@click.command()
@click.option("--seed", type=int, default=int(time.strftime("%j")), help="[the day of the year]")
@click.option("--only", multiple=True, metavar="NAME", help="Some of the steps.")
def main(seed: int, only: tuple[str, ...]) -> None:
    """Takes about eight hours. Exit code 1: something failed."""
    failed = False
    for name, command in STEPS:
        if only and name not in only:
            continue
        click.echo(f"==== {name}")
        code, output = run(command, seed)
        note(row(name, seed, code, output))
        failed = failed or code != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
