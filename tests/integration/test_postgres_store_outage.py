"""A server of its own that stops, dies and comes back under a store in use (case 67)."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from store_kit import ACCOUNT, batch, fill, numbers, order, update, wait_for

from gateway.domain import records as r
from gateway.domain.errors import Code, Unavailable
from gateway.domain.records import StoreFailed
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.postgres import PostgresSettings, PostgresStore

QUICK = PostgresSettings(
    connect_timeout_s=2,
    pool_timeout_s=1.0,
    ask_timeout_s=1.0,
    write_timeout_s=1.0,
    grace_s=0.5,
    probe_s=0.1,
)


class Server:
    def __init__(self, folder: Path) -> None:
        self._postgres = EmbeddedPostgres(folder / "own", folder / "own-run")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._postgres.url

    def start(self) -> None:
        command = [
            *("setpriv", "--pdeathsig", "INT", sys.executable, "-m", "procs.postgres"),
            *("--data", str(self._postgres.data_dir)),
            *("--runtime", str(self._postgres.runtime_dir), "--set", "fsync=off"),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._postgres.wait_ready(timeout=60)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None


@pytest.fixture
def server(short_folder: Path) -> Iterator[Server]:
    server = Server(short_folder)
    yield server
    server.stop()


async def written(store: PostgresStore, seq: int) -> StoreFailed | None:
    answer: StoreFailed | None = await wait_for(store.write, batch(update(seq, order()), upto=seq))
    return answer


async def until_written(store: PostgresStore, seq: int) -> None:
    """A first write in vain is no wonder here: on a busy machine it may take a second."""
    async with asyncio.timeout(30):
        while await written(store, seq) is not None:
            await asyncio.sleep(0.05)


async def until_not_written(store: PostgresStore, seq: int) -> StoreFailed:
    """A backend can outlive the server that was killed for a moment, and serve."""
    async with asyncio.timeout(30):
        while (failed := await written(store, seq)) is None:
            await asyncio.sleep(0.01)
    return failed


async def answered(store: PostgresStore, query: r.Query) -> Any:
    async with asyncio.timeout(30):
        while isinstance(found := await wait_for(store.ask, query), StoreFailed):
            await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_fails_while_the_server_is_away_succeeds_when_it_is_back(
    server: Server, how: signal.Signals
) -> None:
    async def scenario() -> None:
        server.start()
        store = PostgresStore(server.url, QUICK)
        await store.open(migrating=True)
        await store.claim_accounts([ACCOUNT], lambda _: None)
        await until_written(store, 1)

        server.stop(how)
        failed = await until_not_written(store, 2)
        assert failed.code is Code.STORE_DOWN
        assert (await wait_for(store.ask, r.FindOrders())).code is Code.STORE_DOWN

        await asyncio.to_thread(server.start)
        await until_written(store, 2)
        found = await answered(store, r.FindItems(account=ACCOUNT, from_seq=1, to_seq=9, limit=9))
        assert numbers(found.items) == [1, 2]
        async with asyncio.timeout(20):
            while not store.claims_held:
                await asyncio.sleep(0.05)
        await store.close()

    asyncio.run(scenario())


def test_a_store_opens_when_its_server_comes(server: Server) -> None:
    async def scenario() -> None:
        store = PostgresStore(server.url, QUICK)
        with pytest.raises(Unavailable, match="does not answer"):
            await store.open(wait=False, migrating=True)
        opening = asyncio.create_task(store.open(migrating=True))
        async with asyncio.timeout(20):
            while not store.problem:
                await asyncio.sleep(0.01)

        await asyncio.to_thread(server.start)
        await opening

        await until_written(store, 1)
        await store.close()

    asyncio.run(scenario())


def test_a_backend_that_stands_still_is_given_up_and_replaced(database_url: str) -> None:
    async def scenario() -> None:
        store = PostgresStore(database_url, QUICK)
        await store.open(migrating=True)
        await until_written(store, 1)

        with standing_still(database_url):
            failed = await wait_for(store.write, batch(fill(2, order()), upto=2))
            assert failed.code is Code.STORE_DOWN
            await until_written(store, 3)
        await store.close()

    asyncio.run(scenario())


@contextlib.contextmanager
def standing_still(url: str) -> Iterator[None]:
    """The server's processes that serve the gateway now; new ones are served."""
    with psycopg.connect(url) as connection:
        rows: list[Any] = connection.execute(
            "select pid from pg_stat_activity"
            " where datname = current_database() and application_name = 'gateway'"
        ).fetchall()
    for (pid,) in rows:
        send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for (pid,) in rows:
            send(pid, signal.SIGCONT)


def send(pid: int, number: signal.Signals) -> None:
    """To no one, if it was that of a connection that has just been closed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
