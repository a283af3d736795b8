"""`gateway watch`."""

import time

import click
from rich.live import Live

from gateway.cli.board import Board
from gateway.cli.command import Command
from gateway.cli.printing import as_json, console
from gateway.cli.reach import following
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q

REFRESH_S = 0.25
RECENT = 200
EXAMPLES = """
gateway watch
gateway watch --account main
gateway watch --for 60 --json
"""


@click.command("watch", cls=Command, examples=EXAMPLES)
@click.option("--account", "accounts", multiple=True, help="Only this account.")
@click.option("--for", "seconds", type=float, help="Seconds, then end. [until Ctrl-C]")
@click.option("--rows", type=click.IntRange(1), help="Orders shown. [as many as fit]")
@click.pass_obj
def command(
    setting: Setting, accounts: tuple[str, ...], seconds: float | None, rows: int | None
) -> None:
    """Follow orders, fills, health and alarms live.

    With --json every order update and transaction is a line, without a gap, from now on.
    """
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    with following(setting, accounts=accounts) as client:
        if setting.as_json:
            _stream(client, end)
        else:
            _show(client, accounts, end, rows)


def _stream(client: Client, end: float) -> None:
    client.protocol.on_item = lambda item, _replayed: as_json(item)
    while time.monotonic() < end:
        client.pump(REFRESH_S)


def _show(client: Client, accounts: tuple[str, ...], end: float, rows: int | None) -> None:
    out = console()
    board = Board(client, accounts)
    board.load(client.ask(q.list_orders(limit=RECENT)).orders)
    board.take_health(client.health())
    with Live(console=out, screen=out.is_terminal, auto_refresh=False) as live:
        while time.monotonic() < end:
            client.pump(REFRESH_S)
            live.update(board.render(rows or max(out.size.height - 14, 5)), refresh=True)
