"""`gateway up`."""

import time

import click

from gateway.cli.command import Command
from gateway.cli.commands.health import is_well
from gateway.cli.exits import NotReachable
from gateway.cli.printing import as_json, show
from gateway.cli.processes import Supervisor, environment, without
from gateway.cli.progress import progress
from gateway.cli.reach import asking, load
from gateway.cli.setting import Setting
from gateway.domain.enums import Role
from gateway.domain.errors import GatewayError, Unavailable
from gateway.domain.messages import HealthReply
from gateway.service.readable import check_readable

POLL_S = 0.3
EXAMPLES = """
gateway up
gateway --config desk.toml --home /srv/desk up
gateway up --no-wait
gateway up --foreground
"""


@click.command("up", cls=Command, examples=EXAMPLES)
@click.option("--no-wait", is_flag=True, help="Return when supervisord has been started.")
@click.option("--foreground", is_flag=True, help="Become supervisord: for systemd, containers.")
@click.option("--timeout", default=180.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
def command(setting: Setting, no_wait: bool, foreground: bool, timeout: float) -> None:
    """Start the gateway's processes under supervisord, and wait until they are ready.

    PostgreSQL and the paper venue are started if the configuration wants them. What runs already
    is left alone; what is stopped is started.
    """
    config = load(setting, for_processes=True)
    supervisor = Supervisor(setting.place)
    needless = without(config)
    if foreground:
        supervisor.become(environment(setting, config), needless)
    if supervisor.is_running():
        for process in supervisor.processes():
            if not process.runs and process.name not in needless:
                supervisor.start(process.name)
    else:
        check_readable(config, setting.place, setting.config_name)
        supervisor.launch(environment(setting, config), needless)
    if not no_wait:
        _wait(setting, timeout)
    if setting.as_json:
        as_json({"home": str(setting.place.root), "ready": not no_wait})
    else:
        word = "started" if no_wait else "ready"
        show(f"{word}: {setting.place.root} with {setting.config_name}")


def _wait(setting: Setting, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    with progress("starting ...") as say:
        while missing := _missing(setting):
            if time.monotonic() > deadline:
                text = "; ".join(missing)
                raise Unavailable(f"not ready after {timeout:g} s: {text}. See `gateway logs`")
            say(f"waiting: {missing[0]}")
            time.sleep(POLL_S)


def _missing(setting: Setting) -> list[str]:
    try:
        with asking(setting) as client:
            reply = client.health()
    except NotReachable:
        return ["the actioner does not answer yet"]
    except GatewayError as error:
        return [str(error)]
    return [] if is_well(reply) else _problems(reply)


def _problems(reply: HealthReply) -> list[str]:
    heard = {health.role for health in reply.processes}
    silent = [f"{role}: nothing heard yet" for role in Role if role not in heard]
    said = [
        f"{health.role}: {problem}" for health in reply.processes for problem in health.problems
    ]
    streams = [f"stream of {s.account} is down: {s.text}" for s in reply.streams if not s.up]
    return [*silent, *said, *streams] or ["no process says why"]
