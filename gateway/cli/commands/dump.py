"""`gateway dump`."""

from pathlib import Path

import click
from rich.filesize import decimal

from gateway.cli.command import Command
from gateway.cli.drafts import draft_of
from gateway.cli.printing import as_json, show
from gateway.cli.progress import progress
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.service.database import store_url_of
from gateway.store import dumps

EXAMPLES = """
gateway dump gateway.dump
gateway dump /backup/desk.dump --json
"""


@click.command("dump", cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(setting: Setting, file: Path) -> None:
    """Dump the database to FILE, as it is at one moment. Everything goes on meanwhile.

    The file appears whole or not at all, readable by you alone; an older one of that name is
    replaced. `gateway restore FILE`, or pg_restore, reads it. docs/backup.md says what a dump is
    worth.
    """
    url = store_url_of(load(setting), setting.place)
    with progress(f"dumping the database to {file} ..."), draft_of(str(file)) as draft:
        dumps.dump(url, draft)
    size = file.stat().st_size
    if setting.as_json:
        as_json({"file": str(file.absolute()), "bytes": size})
    else:
        show(f"written: {file}, {decimal(size)}")
