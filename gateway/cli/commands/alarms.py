"""`gateway alarms`."""

from collections.abc import Iterable

import click
from rich.table import Table
from rich.text import Text

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.printing import as_json_lines, date_time, short_id, show, table
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.domain.messages import KnownAlarm

EXAMPLES = """
gateway alarms
gateway alarms --open
gateway alarms --account main --limit 10 --json
"""


@click.command("alarms", cls=Command, examples=EXAMPLES)
@click.option("--account", type=ACCOUNT, help="Only of this account.")
@click.option("--open", "open_only", is_flag=True, help="Only those that nobody acknowledged.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.pass_obj
def command(setting: Setting, account: str | None, open_only: bool, limit: int) -> None:
    """What a person should see, newest first. docs/operations.md says what to do about each kind.

    `gateway acknowledge ID` says that one has been dealt with.
    """
    with asking(setting) as client:
        alarms = client.alarms(account, limit, unacknowledged=open_only).alarms
    if setting.as_json:
        as_json_lines(alarms)
    elif not alarms:
        show("no open alarms" if open_only else "no alarms")
    else:
        show(_table(alarms))


def _table(alarms: Iterable[KnownAlarm]) -> Table:
    made = table("alarm", "at (UTC)", "kind", "account", "order")
    made.add_column("what", overflow="fold")
    made.add_column("acknowledged", overflow="fold")
    for alarm in alarms:
        is_open = alarm.acknowledged_at is None
        made.add_row(
            short_id(alarm.alarm_id),
            date_time(alarm.at)[:19],
            Text(alarm.kind, style="bold red" if is_open else ""),
            alarm.account or "",
            short_id(alarm.order_id) if alarm.order_id else "",
            alarm.text,
            "" if is_open else _acknowledged(alarm),
            style="" if is_open else "bright_black",
        )
    return made


def _acknowledged(alarm: KnownAlarm) -> str:
    said = f": {alarm.acknowledged_text}" if alarm.acknowledged_text else ""
    return f"{alarm.acknowledged_by}{said}"
