"""`gateway watch`."""

import time
from collections.abc import Iterable, Iterator

import click
from rich.live import Live

from gateway.cli.accounts import ACCOUNT
from gateway.cli.board import RECENT, Board, Glances
from gateway.cli.board_panels import draw
from gateway.cli.command import Command
from gateway.cli.printing import as_json, console
from gateway.cli.reach import asking, following
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.messages import AccountInfo
from gateway.domain.order import Transaction

REFRESH_S, GLANCE_S = 0.25, 2.0
EXAMPLES = """
gateway watch
gateway watch --account main
gateway watch --for 60 --json
"""


@click.command("watch", cls=Command, examples=EXAMPLES)
@click.option("--account", "accounts", type=ACCOUNT, multiple=True, help="Only this account.")
@click.option("--for", "seconds", type=float, help="Seconds, then end. [until Ctrl-C]")
@click.option("--rows", type=click.IntRange(1), help="Orders shown. [as many as fit]")
@click.pass_obj
def command(
    setting: Setting, accounts: tuple[str, ...], seconds: float | None, rows: int | None
) -> None:
    """Follow orders, fills, streams, doubts, health and open alarms live, until Ctrl-C.

    With --json every order update and transaction is a line, without a gap, from now on.
    """
    with following(setting, accounts=accounts) as client:
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        if setting.as_json:
            _stream(client, end)
        else:
            _show(setting, client, accounts, end, rows)


def _stream(client: Client, end: float) -> None:
    client.protocol.on_item = lambda item, _replayed: as_json(item)
    while time.monotonic() < end:
        client.pump(REFRESH_S)


def _show(
    setting: Setting, client: Client, accounts: tuple[str, ...], end: float, rows: int | None
) -> None:
    out = console()
    with asking(setting, seconds=GLANCE_S) as asker, Glances(asker, accounts) as glances:
        board = Board(client, glances)
        board.load(client.list_orders(open_only=True, limit=RECENT).orders)
        board.load(client.list_orders(limit=RECENT).orders)
        board.load_fills(_recent(client, glances.accounts))
        board.take_health(client.health())
        with Live(console=out, screen=out.is_terminal, auto_refresh=False) as live:
            while True:
                live.update(draw(board, *out.size, rows), refresh=True)
                if time.monotonic() >= end:
                    break
                client.pump(REFRESH_S)


def _recent(client: Client, infos: Iterable[AccountInfo]) -> Iterator[Transaction]:
    """What was traded in the last positions of each account's stream."""
    for info in infos:
        asked = q.transactions(info.account, from_seq=max(info.seq - RECENT, 1))
        yield from (item.transaction for item in client.ask(asked).items)
