"""The long forms of everything, one after the other, with their figures put into the history."""

import subprocess
import sys
import time
from pathlib import Path

import click

from gateway.chaos.figures import figures_in

HISTORY = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEADING = "## History"
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fuzz", ("fuzz", "--frames", "10000000", "--venue-messages", "1000000")),
    ("chaos", ("", "--minutes", "20")),
    ("chaos, sweep 5 s", ("", "--minutes", "20", "--sweep", "5")),
    ("chaos, long", ("", "--minutes", "60", "--blows-per-minute", "8")),
    ("database away", ("soak", "--minutes", "14", "--away-minutes", "10")),
    ("soak", ("soak", "--minutes", "60")),
)


def run(arguments: tuple[str, ...], seed: int) -> tuple[int, str]:
    """Exit code and output, which is shown as well."""
    part, *options = arguments
    module = ".".join(filter(None, ("gateway.chaos", part)))
    command = [sys.executable, "-m", module, *options, "--seed", str(seed)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
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
    """Takes about four hours. Exit code 1: something failed."""
    failed = False
    for name, arguments in STEPS:
        if only and name not in only:
            continue
        click.echo(f"==== {name}")
        code, output = run(arguments, seed)
        note(row(name, seed, code, output))
        failed = failed or code != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
