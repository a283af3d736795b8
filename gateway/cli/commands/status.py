"""`gateway status`."""

import click
from rich.table import Table
from rich.text import Text

from gateway.cli.command import Command
from gateway.cli.commands.health import is_well, yes_or_no
from gateway.cli.exits import Exit, NotReachable
from gateway.cli.printing import age, as_json, show, table
from gateway.cli.processes import Process, Supervisor, without
from gateway.cli.reach import asking, load
from gateway.cli.setting import Setting
from gateway.domain.errors import GatewayError
from gateway.domain.messages import HealthReply

STYLES = {"RUNNING": "green", "STARTING": "yellow", "STOPPED": "bright_black"}
ENDS_AGAIN = frozenset({"BACKOFF", "FATAL", "EXITED"})
EXAMPLES = """
gateway status
gateway status --json
"""


@click.command("status", cls=Command, examples=EXAMPLES)
@click.pass_context
def command(ctx: click.Context) -> None:
    """What supervisord runs, and whether each process is ready.

    Exit code 1: something that should run does not, or is not ready; 4: there is no supervisord.
    """
    setting = ctx.ensure_object(Setting)
    needless = without(load(setting))
    processes = Supervisor(setting.place).processes()
    wanted = [process for process in processes if process.runs or process.name not in needless]
    reply = _health(setting)
    well = all(process.runs for process in wanted) and reply is not None and is_well(reply)
    if setting.as_json:
        as_json(_document(wanted, reply, well=well))
    else:
        show(_table(wanted, reply))
    if not well:
        ctx.exit(Exit.FAILED)


def _health(setting: Setting) -> HealthReply | None:
    try:
        with asking(setting) as client:
            return client.health()
    except (NotReachable, GatewayError):
        return None


def _document(processes: list[Process], reply: HealthReply | None, *, well: bool) -> object:
    ready = _ready(reply)
    return {
        "ready": well,
        "processes": [
            {
                "name": one.name,
                "state": one.state.lower(),
                "pid": one.pid,
                "since": one.since,
                "ready": ready.get(one.name),
            }
            for one in processes
        ],
    }


def _ready(reply: HealthReply | None) -> dict[str, bool]:
    return {} if reply is None else {one.role.value: one.ready for one in reply.processes}


def _trouble(process: Process) -> str:
    """Of one that says nothing itself."""
    if process.trouble or process.state not in ENDS_AGAIN:
        return process.trouble
    return f"it ends when it is started: `gateway logs {process.name}` says why"


def _table(processes: list[Process], reply: HealthReply | None) -> Table:
    ready = _ready(reply)
    problems = {one.role.value: one.problems for one in reply.processes} if reply else {}
    made = table("process", "state", "pid", "since", "ready", right=("pid",))
    made.add_column("problems", overflow="fold")
    for one in processes:
        state = Text(one.state.lower(), style=STYLES.get(one.state, "bold red"))
        is_ready = yes_or_no(ready[one.name]) if one.name in ready else ""
        said = "\n".join(problems.get(one.name, ())) or _trouble(one)
        made.add_row(one.name, state, str(one.pid or ""), age(one.since), is_ready, said)
    return made
