"""One gateway per account, by advisory locks (case 65)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from store_kit import ACCOUNT, OTHER

from gateway.domain.identity import AccountId
from gateway.store.claims import AccountsTaken
from gateway.store.postgres import PostgresSettings, PostgresStore

QUICK = PostgresSettings(probe_s=0.05)
Taken = list[tuple[AccountId, ...]]


@contextlib.asynccontextmanager
async def gateway(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, QUICK)
    await store.open(migrating=True)
    try:
        yield store
    finally:
        await store.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_second_gateway_is_refused_the_account(database_url: str) -> None:
    async def scenario() -> None:
        async with gateway(database_url) as first, gateway(database_url) as second:
            await first.claim_accounts([ACCOUNT, OTHER], lambda _: None)

            with pytest.raises(AccountsTaken, match="main") as caught:
                await second.claim_accounts([AccountId("third"), ACCOUNT], lambda _: None)

            assert caught.value.accounts == (ACCOUNT,)
            assert first.claims_held
            assert not second.claims_held

    asyncio.run(scenario())


def test_a_refused_claim_holds_none_of_its_accounts(database_url: str) -> None:
    third = AccountId("third")

    async def scenario() -> None:
        async with gateway(database_url) as first, gateway(database_url) as second:
            await first.claim_accounts([ACCOUNT], lambda _: None)
            with pytest.raises(AccountsTaken):
                await second.claim_accounts([ACCOUNT, third], lambda _: None)

            async with gateway(database_url) as last:
                await last.claim_accounts([third], lambda _: None)

    asyncio.run(scenario())


def test_an_account_is_free_again_when_its_gateway_ends(database_url: str) -> None:
    async def scenario() -> None:
        async with gateway(database_url) as first:
            await first.claim_accounts([ACCOUNT], lambda _: None)
        async with gateway(database_url) as second:
            await second.claim_accounts([ACCOUNT], lambda _: None)

    asyncio.run(scenario())


def test_a_claim_whose_connection_is_lost_is_made_again(database_url: str) -> None:
    taken: Taken = []

    async def scenario() -> None:
        async with gateway(database_url) as first, gateway(database_url) as second:
            await first.claim_accounts([ACCOUNT], taken.append)
            before = holder(database_url)

            terminate(database_url)
            await until(lambda: holder(database_url) not in {before, None})

            await until(lambda: first.claims_held)
            with pytest.raises(AccountsTaken):
                await second.claim_accounts([ACCOUNT], taken.append)

    asyncio.run(scenario())
    assert taken == []


def test_a_lost_connection_that_the_server_still_believes_in_is_ended(database_url: str) -> None:
    """As after a cut of the network, of which only this side has heard."""
    taken: Taken = []

    async def scenario() -> None:
        async with gateway(database_url) as store:
            await store.claim_accounts([ACCOUNT], taken.append)
            before, claims = holder(database_url), store._claims
            lost, claims._connection = claims._connection, await closed(database_url)
            await until(lambda: holder(database_url) not in {before, None})
            await until(lambda: store.claims_held)
            assert lost is not None
            await lost.close()

    asyncio.run(scenario())
    assert taken == []


async def closed(url: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    connection = await psycopg.AsyncConnection.connect(url)
    await connection.close()
    return connection


def test_an_account_that_another_took_meanwhile_is_told(database_url: str) -> None:
    taken: Taken = []

    async def scenario() -> None:
        async with gateway(database_url) as first:
            await first.claim_accounts([ACCOUNT, OTHER], taken.append)
            with psycopg.connect(database_url) as thief:
                take_over(database_url, thief)
                await until(lambda: bool(taken))
                assert not first.claims_held

            await until(lambda: first.claims_held)

    asyncio.run(scenario())
    assert set(taken) == {(ACCOUNT, OTHER)}


def holder(url: str) -> int | None:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select pid from pg_locks where locktype = 'advisory'"
            " and database = (select oid from pg_database where datname = current_database())"
        ).fetchone()
    return None if row is None else int(row[0])


def terminate(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("select pg_terminate_backend(%s)", (holder(url),))


def take_over(url: str, thief: psycopg.Connection[tuple[object, ...]]) -> None:
    """Waits in the queue for both locks, and gets them when their holder is gone."""
    held = thief.execute(
        "select classid::bigint << 32 | objid::bigint from pg_locks where locktype = 'advisory'"
        " and database = (select oid from pg_database where datname = current_database())"
    ).fetchall()
    assert len(held) == 2
    terminate(url)
    for (number,) in held:
        thief.execute("select pg_advisory_lock(%s)", (number,))
