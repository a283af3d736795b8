"""`gateway resume`."""

import click

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.halting import halt_or_resume
from gateway.cli.printing import as_json, show
from gateway.cli.setting import Setting

EXAMPLES = """
gateway resume main
gateway resume --all
"""


@click.command("resume", cls=Command, examples=EXAMPLES)
@click.argument("account", required=False, type=ACCOUNT)
@click.option("--all", "every", is_flag=True, help="All accounts, whatever was halted.")
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
def command(setting: Setting, account: str | None, every: bool, timeout: float) -> None:
    """Take new orders of ACCOUNT again after `gateway halt`."""
    if bool(account) is every:
        raise click.UsageError("give an ACCOUNT, or --all")
    halt_or_resume(setting, account or "", halt=False, timeout=timeout)
    if setting.as_json:
        as_json({"account": account or "", "halted": False})
    else:
        show(f"resumed: new orders of {account or 'all accounts'} are taken")
