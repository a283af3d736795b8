"""The schema's files on a real PostgreSQL."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from gateway.domain.errors import BadConfig, Broken, Unavailable
from gateway.store.migrations import FOLDER, SchemaBehind, check_schema, load_migrations, migrate
from gateway.store.postgres import PostgresStore

Migrations = Any


async def apply(url: str, migrations: Migrations) -> list[str]:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        return await migrate(connection, migrations)


async def check(url: str, migrations: Migrations) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await check_schema(connection, migrations)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations of a schema that is quick to make."""
    (tmp_path / "0001_pets.sql").write_text("create table pets (name text);\n")
    (tmp_path / "0002_names.sql").write_text(
        "insert into pets values ('100%'); alter table pets add unique (name);\n"
    )
    (tmp_path / "README").write_text("not a migration")
    return tmp_path


def names(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select name from schema_migrations order by number")
        return [name for (name,) in rows]


def test_an_empty_database_gets_every_migration_once(database_url: str, folder: Path) -> None:
    migrations = load_migrations(folder)

    first = asyncio.run(apply(database_url, migrations))
    second = asyncio.run(apply(database_url, migrations))

    assert first == ["0001_pets.sql", "0002_names.sql"]
    assert second == []
    assert names(database_url) == first


def test_a_database_that_is_behind_gets_what_it_lacks(database_url: str, folder: Path) -> None:
    migrations = load_migrations(folder)
    asyncio.run(apply(database_url, migrations[:1]))

    assert asyncio.run(apply(database_url, migrations)) == ["0002_names.sql"]


def test_several_that_migrate_at_once_do_it_once(database_url: str, folder: Path) -> None:
    migrations = load_migrations(folder)

    async def at_once() -> list[list[str]]:
        return await asyncio.gather(*(apply(database_url, migrations) for _ in range(4)))

    applied = asyncio.run(at_once())

    assert sorted(applied) == [[], [], [], ["0001_pets.sql", "0002_names.sql"]]


def test_a_migration_that_fails_leaves_the_ones_before_it(database_url: str, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("create table toys (name text); select 1/0;")

    with pytest.raises(psycopg.errors.DivisionByZero):
        asyncio.run(apply(database_url, load_migrations(folder)))

    assert names(database_url) == ["0001_pets.sql", "0002_names.sql"]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass('toys')").fetchone() == (None,)


def test_a_database_that_is_newer_is_refused(database_url: str, folder: Path) -> None:
    migrations = load_migrations(folder)
    asyncio.run(apply(database_url, migrations))

    for act in (apply, check):
        with pytest.raises(BadConfig, match=r"newer than this gateway.*0002_names"):
            asyncio.run(act(database_url, migrations[:1]))


def test_a_changed_migration_is_refused(database_url: str, folder: Path) -> None:
    asyncio.run(apply(database_url, load_migrations(folder)))
    (folder / "0001_pets.sql").write_text("create table cats (name text);\n")

    for act in (apply, check):
        with pytest.raises(BadConfig, match=r"0001_pets\.sql is not what was applied"):
            asyncio.run(act(database_url, load_migrations(folder)))


def test_who_may_not_migrate_waits_for_who_does(database_url: str, folder: Path) -> None:
    migrations = load_migrations(folder)

    with pytest.raises(SchemaBehind, match="0002_names"):
        asyncio.run(check(database_url, migrations))
    asyncio.run(apply(database_url, migrations))

    asyncio.run(check(database_url, migrations))


def test_a_number_that_is_missing_is_refused(folder: Path) -> None:
    shutil.move(folder / "0002_names.sql", folder / "0003_names.sql")

    with pytest.raises(Broken):
        load_migrations(folder)


def test_migrations_are_found_beside_the_package() -> None:
    assert [each.name for each in load_migrations()] == sorted(p.name for p in FOLDER.glob("*.sql"))


def test_a_store_does_not_wait_where_it_may_not(database_url: str) -> None:
    store = PostgresStore(database_url)

    with pytest.raises(Unavailable, match="has not been migrated"):
        asyncio.run(store.open(wait=False))


def test_a_store_waits_until_another_process_has_migrated(database_url: str) -> None:
    async def scenario() -> None:
        waiting, migrating = PostgresStore(database_url), PostgresStore(database_url)
        opening = asyncio.create_task(waiting.open())
        while not waiting.problem:
            await asyncio.sleep(0.01)
        await migrating.open(migrating=True)
        await opening
        assert waiting.problem == ""
        await waiting.close()
        await migrating.close()

    asyncio.run(scenario())
