"""`gateway restore`."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, show
from gateway.cli.processes import Supervisor, environment
from gateway.cli.progress import progress
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.config import Config
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.service.database import store_url_of
from gateway.store import dumps
from gateway.store.embedded import EmbeddedPostgres

START_S, STOP_S, ONCE_S = 60.0, 60.0, 0.5
LOG = "postgres.log"
EXAMPLES = """
gateway restore gateway.dump
gateway --home /srv/desk restore /backup/desk.dump
"""


@click.command("restore", cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(setting: Setting, file: Path) -> None:
    """Fill an empty database from FILE, which `gateway dump` wrote. The gateway must be down.

    All of it or nothing is restored. A database with tables in it is left as it is: move the
    embedded one away first (`mv var/postgres var/postgres.lost`), or name another in [store]. What
    the dump lacks comes from the journals at the next `gateway up`; docs/backup.md says how much.
    """
    config = load(setting)
    if not file.is_file():
        raise BadInput(f"there is no {file}")
    if Supervisor(setting.place).is_running():
        raise BadInput("the gateway is running; `gateway down` stops it", Code.NOT_READY)
    url = store_url_of(config, setting.place)
    with progress(f"restoring {file} ..."), _database(setting, config):
        dumps.restore(url, file)
    if setting.as_json:
        as_json({"file": str(file.absolute()), "restored": True})
    else:
        show(f"restored: {file}. Next: gateway up")


@contextlib.contextmanager
def _database(setting: Setting, config: Config) -> Iterator[None]:
    """The embedded PostgreSQL, if it is that, for as long as the block takes."""
    if not config.runs_postgres:
        yield
        return
    setting.place.make()
    with (setting.place.log / LOG).open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "procs.postgres"],
            env=environment(setting, config),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(setting, running)
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(STOP_S)


def _wait_ready(setting: Setting, running: "subprocess.Popen[bytes]") -> None:
    database = EmbeddedPostgres(setting.place.postgres, setting.place.run)
    deadline = time.monotonic() + START_S
    while True:
        if running.poll() is not None:
            text = "PostgreSQL did not start; `gateway logs postgres` says why"
            raise Unavailable(text, Code.STORE_DOWN)
        try:
            database.wait_ready(ONCE_S)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        else:
            return
