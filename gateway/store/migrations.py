"""The schema, in numbered files that are applied once each and in order.

A file that has been applied never changes: what it did is remembered with its checksum. Each
runs in a transaction of its own together with that note, so a failure leaves whole steps behind.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from gateway.domain.errors import BadConfig, Broken, Code, Unavailable

FOLDER = Path(__file__).parents[2] / "schemas" / "sql"
"""Beside the package: in a checkout, and where a wheel is installed."""

_NAME = re.compile(r"(\d{4})_\w+\.sql")
_LOCK = 0x67_61_74_65_77_61_79  # any number that only these migrations use

_LEDGER = """
create table if not exists schema_migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""
_LIST = "select number, name, checksum from schema_migrations order by number"
_NOTE = "insert into schema_migrations (number, name, checksum) values (%s, %s, %s)"

Connection = AsyncConnection[tuple[Any, ...]]


class Migration(NamedTuple):
    number: int
    name: str
    checksum: str
    text: bytes


class SchemaBehind(Unavailable):
    """The database lacks migrations: whoever may apply them has not done so yet."""

    code = Code.STORE_DOWN


def load_migrations(folder: Path = FOLDER) -> list[Migration]:
    """In order. Raises Broken if a number is missing or there twice, or there are none."""
    found = [_load(path, match) for path in folder.iterdir() if (match := _NAME.match(path.name))]
    found.sort()
    if not found or [each.number for each in found] != list(range(1, len(found) + 1)):
        raise Broken(f"the migrations in {folder} are not numbered 1, 2, 3, ...")
    return found


def _load(path: Path, match: re.Match[str]) -> Migration:
    text = path.read_bytes()
    return Migration(int(match[1]), path.name, hashlib.sha256(text).hexdigest(), text)


async def migrate(connection: Connection, migrations: Sequence[Migration]) -> list[str]:
    """Brings the database up to date; returns the names of what it applied.

    `connection` is in autocommit. Of several that do this at once, one does it and the others
    wait. Raises BadConfig for a database that is newer, or that was made by other files.
    """
    await connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        await connection.execute(_LEDGER)
        missing = _missing(await _applied(connection), migrations)
        for migration in missing:
            await _apply(connection, migration)
    finally:
        await connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))
    return [migration.name for migration in missing]


async def check_schema(connection: Connection, migrations: Sequence[Migration]) -> None:
    """Raises SchemaBehind if migrations are missing, and BadConfig as `migrate` does."""
    missing = _missing(await _applied(connection), migrations)
    if missing:
        raise SchemaBehind(f"the database has not been migrated to {missing[-1].name} yet")


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text)
        await connection.execute(_NOTE, (migration.number, migration.name, migration.checksum))


async def _applied(connection: Connection) -> list[tuple[int, str, str]]:
    """Asked for by name first: a server writes an error into its own log for a missing table."""
    cursor = await connection.execute("select to_regclass('schema_migrations')")
    if await cursor.fetchone() == (None,):
        return []
    cursor = await connection.execute(_LIST)
    return [(number, name, checksum) for number, name, checksum in await cursor.fetchall()]


def _missing(
    applied: Sequence[tuple[int, str, str]], migrations: Sequence[Migration]
) -> Sequence[Migration]:
    if len(applied) > len(migrations):
        raise BadConfig(
            f"the database is newer than this gateway: it has migration {applied[-1][1]}, and the"
            f" last one known here is {migrations[-1].name}; start the newer gateway"
        )
    for (_, name, checksum), migration in zip(applied, migrations, strict=False):
        if checksum != migration.checksum:
            raise BadConfig(
                f"migration {name} is not what was applied to this database: restore the file,"
                " or the database belongs to another gateway"
            )
    return migrations[len(applied) :]
