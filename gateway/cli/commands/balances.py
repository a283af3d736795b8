"""`gateway balances`."""

import click

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.printing import as_json_lines, clock_time, figure, show, table
from gateway.cli.progress import progress
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.messages import BalancesReply

EXAMPLES = """
gateway balances
gateway balances main --json
"""


@click.command("balances", cls=Command, examples=EXAMPLES)
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1, type=ACCOUNT)
@click.option("--all", "every", is_flag=True, help="Also currencies with nothing in them.")
@click.pass_obj
def command(setting: Setting, accounts: tuple[str, ...], every: bool) -> None:
    """What the venue says now that the accounts hold."""
    with asking(setting) as client:
        names = accounts or accounts_of(client)
        with progress("asking the venues ..."):
            found = {name: client.balances(name) for name in names}
    if setting.as_json:
        as_json_lines(
            {"account": name, "asked_at": reply.asked_at, "balances": reply.balances}
            for name, reply in found.items()
        )
        return
    _show(found, every=every)


def accounts_of(client: Client) -> tuple[str, ...]:
    return tuple(info.account for info in client.ask(q.accounts()).accounts)


def _show(found: dict[str, BalancesReply], *, every: bool) -> None:
    figures = ("free", "locked", "total")
    made = table("account", "currency", *figures, "asked (UTC)", right=figures)
    for name, reply in found.items():
        for one in sorted(reply.balances, key=lambda balance: balance.currency):
            total = one.free + one.locked
            if every or total:
                cells = (figure(one.free), figure(one.locked), figure(total))
                made.add_row(name, one.currency, *cells, clock_time(reply.asked_at, digits=0))
    show(made)
