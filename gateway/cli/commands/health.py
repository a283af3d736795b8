"""`gateway health`."""

import click
from rich.text import Text

from gateway.cli.command import Command
from gateway.cli.exits import Exit
from gateway.cli.printing import age, as_json, show, table
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.domain.enums import Role
from gateway.domain.messages import Health, HealthReply, StreamState

EXAMPLES = """
gateway health
gateway health --json
"""


@click.command("health", cls=Command, examples=EXAMPLES)
@click.pass_context
def command(ctx: click.Context) -> None:
    """What each process and each venue's stream says of itself, and what to do.

    Exit code 1: something is not as it should be.
    """
    setting = ctx.ensure_object(Setting)
    with asking(setting) as client:
        reply = client.health()
    if setting.as_json:
        as_json({"ready": is_well(reply), "processes": reply.processes, "streams": reply.streams})
    else:
        show_health(reply)
    if not is_well(reply):
        ctx.exit(Exit.FAILED)


def is_well(reply: HealthReply) -> bool:
    ready = {health.role for health in reply.processes if health.ready}
    return ready == set(Role) and all(stream.up for stream in reply.streams)


def show_health(reply: HealthReply) -> None:
    show(_processes(reply))
    if reply.streams:
        show(_streams(reply.streams))


def _processes(reply: HealthReply) -> object:
    heard = {health.role: health for health in reply.processes}
    made = table("process", "ready", "heard")
    made.add_column("problems", overflow="fold")
    for role in Role:
        made.add_row(role.value, *_health_cells(heard.get(role)))
    return made


def _health_cells(health: Health | None) -> tuple[Text, str, str]:
    if health is None:
        return yes_or_no(False), "", "never heard of: is it running? `gateway status`"
    return yes_or_no(health.ready), age(health.at), "\n".join(health.problems)


def _streams(streams: tuple[StreamState, ...]) -> object:
    made = table("stream of", "up", "since")
    made.add_column("problems", overflow="fold")
    for stream in sorted(streams, key=lambda one: one.account):
        made.add_row(stream.account, yes_or_no(stream.up), age(stream.at), stream.text)
    return made


def yes_or_no(is_so: bool) -> Text:
    return Text("yes", style="green") if is_so else Text("no", style="bold red")
