"""`gateway migrate`."""

import asyncio

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, show
from gateway.cli.progress import progress
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.service.database import store_url_of
from gateway.store.postgres import PostgresStore

EXAMPLES = """
gateway migrate
"""


@click.command("migrate", cls=Command, examples=EXAMPLES)
@click.pass_obj
def command(setting: Setting) -> None:
    """Bring the database's schema up to date.

    The listener does this by itself at its start. A database of a newer gateway is refused.
    """
    url = store_url_of(load(setting), setting.place)
    with progress("bringing the schema up to date ..."):
        applied = asyncio.run(_migrate(url))
    if setting.as_json:
        as_json({"applied": applied})
    else:
        show(f"applied: {', '.join(applied)}" if applied else "it is up to date")


async def _migrate(url: str) -> list[str]:
    return await PostgresStore(url).migrate()
