"""One gateway per account: an advisory lock in PostgreSQL for each, held by one connection.

The lock goes when the connection does: when the process dies, and also when the server restarts
or the network breaks. So the connection is probed, and when it is gone the claim is made anew. The
server may believe for long that the lost connection lives: it is ended by the new one. Another
gateway may have been faster; then `on_taken` says so, and this one must stop.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from psycopg import AsyncConnection, Error

from gateway.domain.errors import BadConfig, Unavailable
from gateway.domain.identity import AccountId
from gateway.store.rows import statement

Connection = AsyncConnection[tuple[Any, ...]]
OnTaken = Callable[[tuple[AccountId, ...]], None]

_log = logging.getLogger(__name__)


class AccountsTaken(BadConfig):
    """Another gateway on this database has these accounts."""

    def __init__(self, accounts: tuple[AccountId, ...]) -> None:
        names = ", ".join(accounts)
        super().__init__(
            f"another gateway that uses this database holds {names}: stop it, or take the"
            " account out of one of the two configurations; if its host is gone, the database lets"
            " go of them within half a minute"
        )
        self.accounts = accounts


class AccountClaims:
    """Held from `claim` to `release`, with gaps only while the database is away.

    connect: opens a connection of the claim's own. probe_s: how often it is looked after; a loss
    is noticed after twice this at most.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], probe_s: float = 2.0) -> None:
        self._connect = connect
        self._probe_s = probe_s
        self._connection: Connection | None = None
        self._session: tuple[Any, ...] = ()
        """Process id and start of the connection's other end."""
        self._watching: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """False while the connection is lost or another gateway has an account of ours."""
        return self._connection is not None

    async def claim(self, accounts: Iterable[AccountId], on_taken: OnTaken) -> None:
        """Raises AccountsTaken, holding none of them then, and what connecting raises."""
        wanted = tuple(sorted(set(accounts)))
        self._connection = await self._take(wanted)
        self._watching = asyncio.create_task(self._watch(wanted, on_taken))

    async def release(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _take(self, wanted: tuple[AccountId, ...]) -> Connection:
        connection = await self._connect()
        try:
            await self._succeed(connection)
            taken = [account for account in wanted if not await _lock(connection, account)]
        except BaseException:
            await connection.close()
            raise
        if taken:
            await connection.close()
            raise AccountsTaken(tuple(taken))
        return connection

    async def _succeed(self, connection: Connection) -> None:
        if self._session:
            pid, backend_start = self._session
            lost = {"pid": pid, "backend_start": backend_start}
            await connection.execute(statement("end_session"), lost)
        found = await connection.execute(statement("own_session"))
        self._session = await found.fetchone() or ()

    async def _watch(self, wanted: tuple[AccountId, ...], on_taken: OnTaken) -> None:
        while True:
            await asyncio.sleep(self._probe_s)
            if self._connection is not None and not await self._answers(self._connection):
                _log.warning("account_claims_lost accounts=%s", ",".join(wanted))
                await self._connection.close()
                self._connection = None
            if self._connection is None:
                await self._take_again(wanted, on_taken)

    async def _answers(self, connection: Connection) -> bool:
        try:
            async with asyncio.timeout(self._probe_s):
                await connection.execute(statement("probe"))
        except (Error, OSError, TimeoutError):
            return False
        return True

    async def _take_again(self, wanted: tuple[AccountId, ...], on_taken: OnTaken) -> None:
        try:
            self._connection = await self._take(wanted)
        except AccountsTaken as error:
            _log.error("account_claims_taken accounts=%s", ",".join(error.accounts))
            on_taken(error.accounts)
        except (Unavailable, Error, OSError, TimeoutError) as error:
            _log.warning("account_claims_waiting error=%s", type(error).__name__)
        else:
            _log.warning("account_claims_held_again accounts=%s", ",".join(wanted))


async def _lock(connection: Connection, account: AccountId) -> bool:
    cursor = await connection.execute(statement("claim_account"), {"lock": _lock_of(account)})
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


def _lock_of(account: AccountId) -> int:
    """Two accounts with one number would only be refused to each other, and are not likely."""
    seed = f"gateway account {account}".encode()
    return int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), signed=True)
