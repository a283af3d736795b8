"""`gateway maintain`."""

import asyncio

import click

from gateway.cli.command import Command
from gateway.cli.exits import Problems
from gateway.cli.printing import as_json, show, table
from gateway.cli.progress import progress
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.domain.errors import Busy
from gateway.service.database import store_url_of
from gateway.service.upkeep import retention_of
from gateway.store.postgres import PostgresStore
from gateway.store.retention import Retention, Upkeep
from gateway.system import SystemClock

EXAMPLES = """
gateway maintain
gateway maintain --json
"""


@click.command("maintain", cls=Command, examples=EXAMPLES)
@click.pass_obj
def command(setting: Setting) -> None:
    """Look after the database now: months made ahead, and what [retention] lets go of deleted.

    The listener does this by itself at its start and once a day, and both can be at it: then exit
    code 1, and nothing is done here. Orders do not wait for it.
    """
    config = load(setting)
    url = store_url_of(config, setting.place)
    with progress("looking after the database ..."):
        upkeep = asyncio.run(_maintain(url, retention_of(config.retention)))
    if upkeep.busy:
        raise Busy("somebody else is looking after this database just now")
    if setting.as_json:
        as_json(upkeep)
    else:
        _show(upkeep)
    if upkeep.postponed:
        raise Problems(f"a table was in use for too long: {', '.join(upkeep.postponed)}; try again")


async def _maintain(url: str, keep: Retention) -> Upkeep:
    return await PostgresStore(url).maintain(keep, SystemClock().now())


def _show(upkeep: Upkeep) -> None:
    made = table("what", "count", right=("count",))
    made.add_column("", overflow="fold")
    for what, months in (("made", upkeep.months_made), ("dropped", upkeep.months_dropped)):
        made.add_row(f"months {what}", str(len(months)), ", ".join(months))
    for what, count in upkeep.deleted.items():
        made.add_row(f"{what.replace('_', ' ')} deleted", f"{count}")
    show(made)
