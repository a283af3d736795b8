"""`gateway acknowledge`."""

import click

from gateway.cli.command import Command
from gateway.cli.operator import operator_named
from gateway.cli.printing import as_json, short_id, show
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.domain.alarms import is_alarm_id
from gateway.domain.errors import BadInput, Code
from gateway.domain.messages import KnownAlarm

SHORTEST_TAIL = 4
LISTED = 1_000
EXAMPLES = """
gateway acknowledge 0123456789ab
gateway acknowledge 0123456789ab ba9876543210 --text "cancelled at the venue by hand"
"""


@click.command("acknowledge", cls=Command, examples=EXAMPLES)
@click.argument("alarm_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--text", default="", help="What was done. It is kept with the alarm.")
@click.option("--operator", help="Who says so. [your login]")
@click.pass_obj
def command(setting: Setting, alarm_ids: tuple[str, ...], text: str, operator: str | None) -> None:
    """Say that the alarms ID have been dealt with.

    ID is the whole id, or its end as `gateway alarms` shows it. They are listed still, but not by
    `gateway alarms --open`. Where somebody has acknowledged one already, that word stands.
    """
    who = operator_named(operator)
    with asking(setting) as client:
        for alarm_id in [find_alarm(client, one) for one in alarm_ids]:
            _show(setting, client.acknowledge_alarm(alarm_id, who, text).alarm)


def find_alarm(client: Client, text: str) -> str:
    """The whole id of an alarm, from that or from its end. Raises BadInput."""
    text = text.lower()
    if is_alarm_id(text):
        return text
    if len(text) < SHORTEST_TAIL:
        raise BadInput(f"too short for the end of an alarm's id: {text}", Code.UNKNOWN_ALARM)
    alarms = client.alarms(limit=LISTED).alarms
    found = [alarm.alarm_id for alarm in alarms if alarm.alarm_id.endswith(text)]
    if not found:
        what = f"no alarm of the latest {LISTED} ends with {text}; `gateway alarms` lists them"
        raise BadInput(what, Code.UNKNOWN_ALARM)
    if len(found) > 1:
        what = f"{len(found)} alarms end with {text}: {', '.join(found)}"
        raise BadInput(what, Code.UNKNOWN_ALARM)
    return found[0]


def _show(setting: Setting, alarm: KnownAlarm) -> None:
    if setting.as_json:
        as_json(alarm)
        return
    said = f": {alarm.acknowledged_text}" if alarm.acknowledged_text else ""
    show(f"{short_id(alarm.alarm_id)}  {alarm.kind}  by {alarm.acknowledged_by}{said}")
