"""`gateway alarms`."""

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json_lines, date_time, short_id, show, table
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import questions as q

EXAMPLES = """
gateway alarms
gateway alarms --account main --limit 10 --json
"""


@click.command("alarms", cls=Command, examples=EXAMPLES)
@click.option("--account", help="Only of this account.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.pass_obj
def command(setting: Setting, account: str | None, limit: int) -> None:
    """What a person should see, newest first. docs/codes.md explains each kind."""
    with asking(setting) as client:
        alarms = client.ask(q.alarms(account, limit)).alarms
    if setting.as_json:
        as_json_lines(alarms)
        return
    if not alarms:
        show("no alarms")
        return
    made = table("at (UTC)", "kind", "account", "order")
    made.add_column("what", overflow="fold")
    for alarm in alarms:
        order = short_id(alarm.order_id) if alarm.order_id else ""
        made.add_row(date_time(alarm.at), alarm.kind, alarm.account or "", order, alarm.text)
    show(made)
