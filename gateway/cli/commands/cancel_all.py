"""`gateway cancel-all`."""

import click

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.printing import as_json_lines, show, table
from gateway.cli.progress import progress
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import questions as q
from gateway.domain.errors import GatewayError
from gateway.domain.messages import CancelResult
from gateway.system import SystemClock

EXAMPLES = """
gateway cancel-all main
gateway cancel-all main --symbol BTC/USDT --yes
gateway cancel-all main --owner my-desk --yes --json
"""


@click.command("cancel-all", cls=Command, examples=EXAMPLES)
@click.argument("account", type=ACCOUNT)
@click.option("--symbol", help="Only of this market.")
@click.option("--owner", help="Only of this client.")
@click.option("--external", is_flag=True, help="Also those that were not placed here.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask first.")
@click.pass_obj
def command(
    setting: Setting, account: str, symbol: str | None, owner: str | None, external: bool, yes: bool
) -> None:
    """Cancel all open orders of ACCOUNT that were placed before now.

    Each line says whether the cancel is on its way; the gateway repeats it until the order's end is
    seen. It takes a second or so to be certain that no order is still on its way. Exit code 1: one
    or more could not be sent, or were not seen to arrive.
    """
    if external and owner is not None:
        raise click.UsageError("what was not placed here is no client's: --owner or --external")
    sent_at = SystemClock().now()
    question = q.cancel_all(account, sent_at, symbol=symbol, owner=owner, include_external=external)
    if not yes:
        click.confirm(f"Cancel all open orders of {account}?", abort=True, err=True)
    with asking(setting) as client, progress("sending the cancels ..."):
        results = client.ask(question).results
    if setting.as_json:
        as_json_lines(results)
    else:
        _show(results)
    unsent = [result for result in results if not result.sent]
    if unsent:
        raise GatewayError(f"{len(unsent)} cancels could not be sent", unsent[0].code)


def _show(results: tuple[CancelResult, ...]) -> None:
    if not results:
        show("nothing was open")
        return
    made = table("order", "was", "cancel")
    for result in results:
        word = "on its way" if result.sent else f"not sent: {result.code}: {result.text}"
        made.add_row(result.order_id, result.status.value, word)
    show(made)
