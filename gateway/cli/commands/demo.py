"""`gateway demo`."""

import click
from rich.console import Console

from gateway.cli.command import Command
from gateway.cli.demo.demo import demo
from gateway.cli.setting import Setting

EXAMPLES = """
gateway demo
gateway demo --keep
"""


@click.command("demo", cls=Command, examples=EXAMPLES)
@click.option("--keep", is_flag=True, help="Leave everything running for a look.")
@click.pass_context
def command(ctx: click.Context, keep: bool) -> None:
    """Start everything with the embedded defaults, trade, and compare the books."""
    setting = ctx.ensure_object(Setting)
    ctx.exit(demo(setting.place.root / "demo", keep=keep, console=Console()))
