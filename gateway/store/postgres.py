"""The store in PostgreSQL, on the running asyncio loop.

Writes have a connection of their own, so that questions never hold them up. Whatever goes wrong
outside of the data (no server, no connection free, a time-out, a server gone in the middle) is
answered `StoreFailed` with code `store_down`: what was asked for can be asked for again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, conninfo
from psycopg_pool import AsyncConnectionPool

from gateway.domain.change import Alarm
from gateway.domain.errors import BadConfig, Code, GatewayError, Unavailable
from gateway.domain.identity import AccountId
from gateway.domain.records import (
    Batch,
    Found,
    MoveCursor,
    NoteAcknowledged,
    Query,
    StoreFailed,
)
from gateway.store.claims import AccountClaims, OnTaken
from gateway.store.migrations import check_schema, load_migrations, migrate
from gateway.store.reading import answer
from gateway.store.retention import Retention, Upkeep, maintain
from gateway.store.waiting import StoreWait
from gateway.store.writing import is_about_data, write_batch

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0
_GIVE_UP_CONNECTING_S = 2.0  # after it a pool tries anew only when it is asked for a connection
_DOWN = (psycopg.Error, OSError, TimeoutError)


class PostgresSettings(Struct, frozen=True, kw_only=True):
    """Seconds. A question or write is given up `grace_s` after the server should have done so.

    `ask_connections` bounds how many questions are answered at once, `ask_waiting` how many may
    wait for their turn; any more fail at once.
    """

    ask_connections: int = 4
    ask_waiting: int = 1_000
    connect_timeout_s: int = 5
    pool_timeout_s: float = 5.0
    ask_timeout_s: float = 5.0
    write_timeout_s: float = 10.0
    grace_s: float = 2.0
    probe_s: float = 2.0
    close_timeout_s: float = 5.0


class PostgresStore:
    """`ports.Store` on any PostgreSQL from 14 on; `url` is anything that libpq takes.

    Call `open` before the first question. `on_alarm` gets what the store noticed itself (rows
    rejected, numbers reused), once it is stored. Raises BadConfig for a URL that can't be read.
    """

    def __init__(
        self,
        url: str,
        settings: PostgresSettings = PostgresSettings(),  # noqa: B008 frozen
        on_alarm: Callable[[Alarm], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._on_alarm = on_alarm
        self._parameters = _parameters(url, settings)
        self._asking = self._pool("ask", settings.ask_connections, settings.ask_timeout_s)
        self._writing = self._pool("write", 1, settings.write_timeout_s)
        self._claims = AccountClaims(self._connect, settings.probe_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard_of = asyncio.Event()  # the database: it is open, or there is a problem
        self.problem = ""
        """Why `open` is still waiting, for people."""

    async def open(self, *, wait: bool = True, migrating: bool = False) -> None:
        """Returns when the database answers and has the schema of this program.

        `wait` for both, as long as it takes; else Unavailable is raised. `migrating` brings the
        schema up to date: one process does it, the others wait until it is. Raises BadConfig for
        a database that is newer than this program or was made by other migrations.
        """
        pause, waiting = _FIRST_WAIT_S, StoreWait()
        while True:
            try:
                await (self.migrate() if migrating else self._check())
                break
            except Unavailable as error:
                if not wait:
                    raise
                self.problem = str(error)
                self._heard_of.set()
                waiting.note(self.problem)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT_S)
        self.problem = ""
        await self._asking.open()
        await self._writing.open()
        self._heard_of.set()

    async def migrate(self) -> list[str]:
        """Applies what is missing of the schema; returns the names. Needs no `open`."""
        async with await self._connect(unhurried=True) as connection:
            applied = await _or_unavailable(migrate(connection, load_migrations()))
        for name in applied:
            _log.info("store_migrated migration=%s", name)
        return applied

    async def maintain(self, keep: Retention, now: int) -> Upkeep:
        """Makes months ahead and lets go of what is older than `keep` says. Needs no `open`.

        Takes as long as it takes, on a connection of its own. Raises Unavailable, BadConfig.
        """
        async with await self._connect(unhurried=True) as connection:
            return await _or_unavailable(maintain(connection, keep, now))

    async def close(self) -> None:
        """Lets what is under way end, for a few seconds; the rest is answered StoreFailed."""
        await self._claims.release()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.close_timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await self._writing.close()
        await self._asking.close()

    async def claim_accounts(self, accounts: Iterable[AccountId], on_taken: OnTaken) -> None:
        """From here on no other gateway on this database gets these accounts.

        Raises AccountsTaken if one has any of them, and Unavailable. `on_taken` is called if
        another one got them while the database was away: this one must stop trading then.
        """
        await self._claims.claim(accounts, on_taken)

    @property
    def claims_held(self) -> bool:
        """False also while the database is away: nobody else has them then, but might soon."""
        return self._claims.held

    def write(self, batch: Batch, done: Callable[[StoreFailed | None], None]) -> None:
        self._start(self._write(batch), done)

    def ask(self, query: Query, done: Callable[[Found | StoreFailed], None]) -> None:
        self._start(self._ask(query), done)

    # --- one piece of work ---

    def _start(
        self,
        work: Coroutine[Any, Any, Answer],
        done: Callable[[Answer | StoreFailed], None],
    ) -> None:
        task = asyncio.get_running_loop().create_task(self._run(work, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self,
        work: Coroutine[Any, Any, Answer],
        done: Callable[[Answer | StoreFailed], None],
    ) -> None:
        result: Answer | StoreFailed
        try:
            result = await work
        except asyncio.CancelledError:
            result = StoreFailed(code=Code.STORE_DOWN, text="the store is being closed")
        except Exception as error:  # noqa: BLE001 the edge of the task: `done` must be called
            result = _failure(error)
        try:
            done(result)
        except Exception:  # noqa: BLE001 what the asker does wrong must not end here unseen
            _log.exception("store_callback_failed")

    async def _write(self, batch: Batch) -> None:
        limit = self._settings.write_timeout_s + self._settings.grace_s
        async with asyncio.timeout(limit), self._writing.connection() as connection:
            alarms = await write_batch(connection, batch, time.time_ns())
        for alarm in alarms:
            _log.error("store_alarm kind=%s text=%s", alarm.kind, alarm.text)
            self._on_alarm(alarm)

    async def _ask(self, query: Query) -> Found:
        await self._until_open()
        limit = self._settings.ask_timeout_s + self._settings.grace_s
        if isinstance(query, MoveCursor | NoteAcknowledged):
            async with asyncio.timeout(limit), self._writing.connection() as connection:
                return await answer(connection, query)
        async with (
            asyncio.timeout(limit),
            self._asking.connection() as connection,
            connection.transaction(),
        ):
            return await answer(connection, query)

    async def _until_open(self) -> None:
        """In the first moments of a process a question waits, as for a connection. Raises
        Unavailable before `open` is through: `problem` says why, and has been logged."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.pool_timeout_s):
                await self._heard_of.wait()
        if self._asking.closed:
            raise Unavailable(self.problem or "the database has not answered yet", Code.STORE_DOWN)

    # --- connections ---

    def _pool(self, name: str, size: int, timeout_s: float) -> Pool:
        return AsyncConnectionPool(
            name=f"store-{name}",
            min_size=1,
            max_size=size,
            max_waiting=self._settings.ask_waiting,
            timeout=self._settings.pool_timeout_s,
            reconnect_timeout=_GIVE_UP_CONNECTING_S,
            check=AsyncConnectionPool.check_connection,
            configure=_prepare_asking if name == "ask" else None,
            kwargs={**self._parameters, "options": self._options(timeout_s)},
            open=False,
        )

    def _options(self, timeout_s: float) -> str:
        """A transaction left open by a process that was stopped must not keep its locks, nor a
        connection whose host is gone its claims: the server looks whether it is there."""
        milliseconds = int(timeout_s * 1000)
        return (
            f"{self._parameters.get('options', '')} -c statement_timeout={milliseconds}"
            f" -c idle_in_transaction_session_timeout={2 * milliseconds} {_SERVER_LOOKS}"
        ).strip()

    async def _connect(self, *, unhurried: bool = False) -> Connection:
        """`unhurried`: without a limit to the time of a statement, for migrations."""
        options = self._parameters.get("options", "")
        if not unhurried:
            options = self._options(self._settings.ask_timeout_s)
        parameters = {**self._parameters, "options": options}
        return await _or_unavailable(AsyncConnection.connect(**parameters))

    async def _check(self) -> None:
        async with await self._connect() as connection:
            await _or_unavailable(check_schema(connection, load_migrations()))


_SERVER_LOOKS = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


def _parameters(url: str, settings: PostgresSettings) -> Mapping[str, Any]:
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Its text may quote the URL, and with it the password.
        raise BadConfig("the database URL is not one that PostgreSQL understands") from None
    defaults = {
        "application_name": "gateway",
        "connect_timeout": settings.connect_timeout_s,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    return {**defaults, **given, "autocommit": True}


async def _prepare_asking(connection: Connection) -> None:
    """Several statements of one answer see one moment. Nothing is prepared: with its values the
    planner finds the right index for a question whose filters may be null."""
    connection.prepare_threshold = None
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)


async def _or_unavailable(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What time may mend becomes Unavailable, and what it won't (a right that lacks) BadConfig."""
    try:
        return await work
    except (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError) as error:
        text = f"the database does not answer: {_text(error)}"
        raise Unavailable(text, Code.STORE_DOWN) from error
    except psycopg.Error as error:
        raise BadConfig(f"the database refuses the gateway's schema: {_text(error)}") from error


def _failure(error: Exception) -> StoreFailed:
    if isinstance(error, GatewayError):
        return StoreFailed(code=error.code, text=str(error))
    if isinstance(error, _DOWN) and not is_about_data(error):
        _log.warning("store_failed error=%s", _text(error))
        return StoreFailed(code=Code.STORE_DOWN, text=_text(error))
    code = Code.MALFORMED if is_about_data(error) else Code.INTERNAL
    _log.error("store_failed error=%s", _text(error), exc_info=error)
    return StoreFailed(code=code, text=_text(error))


def _text(error: Exception) -> str:
    """The first line; PostgreSQL's further ones quote values."""
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
