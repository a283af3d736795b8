"""`gateway`: the command line."""

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from gateway.cli.demo.demo import demo as run_demo
from gateway.home import Home


@click.group()
@click.version_option(package_name="gateway")
def main() -> None:
    """An order gateway for exchange venues."""


@main.command()
@click.option("--keep", is_flag=True, help="Leave everything running for a look.")
def demo(keep: bool) -> None:
    """Start everything with the embedded defaults, trade, and compare the books."""
    folder = Home.from_environment(os.environ).root / "demo"
    sys.exit(run_demo(Path(folder), keep=keep, console=Console()))


if __name__ == "__main__":
    main()
