"""`gateway paper`."""

import os
import sys
from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.processes import environment
from gateway.cli.reach import load
from gateway.cli.setting import Setting

EXAMPLES = """
gateway paper
gateway paper --port 9000 --accounts main,second --no-liquidity
"""


@click.command("paper", cls=Command, examples=EXAMPLES)
@click.option("--port", type=click.IntRange(0, 65535), help="[the configuration's]; 0: any.")
@click.option("--accounts", help="Names, comma separated. [those of the configuration]")
@click.option("--symbols", help="Markets, comma separated, as BTC/USDT. [all built-in ones]")
@click.option("--seed", type=int, help="Of liquidity and of faults with a probability.")
@click.option("--state", type=click.Path(path_type=Path), help="Survive restarts in this file.")
@click.option("--liquidity/--no-liquidity", default=None, help="Quotes and takers of its own.")
@click.pass_obj
def command(setting: Setting, /, **given: object) -> None:
    """Run the paper venue in the foreground: an exchange that speaks Binance's spot protocol.

    Keys are paper-NAME with the secret paper-NAME-secret. `gateway up` runs one by itself where
    the configuration has a venue with `paper = true`.
    """
    config = load(setting)
    setting.place.make()
    variables = environment(setting, config)
    if "GATEWAY_PAPER_STATE" not in os.environ:  # the home's is for the one that `up` runs
        del variables["GATEWAY_PAPER_STATE"]
    for name, value in given.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            variables[f"GATEWAY_PAPER_{name.upper()}"] = text
    os.execve(sys.executable, [sys.executable, "-m", "procs.paper"], variables)
