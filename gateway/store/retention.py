"""Looking after the database: months made ahead, and what is old let go of.

Months of order events are partitions: made ahead, and dropped as a whole. Everything else goes in
small pieces with pauses between them, so that the writer never waits long. What is let go of is
noted first: an order that is not found may have been one of these.
"""

import asyncio
import logging
from typing import Any

from msgspec import Struct, field
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

from gateway.store.rows import statement

Connection = AsyncConnection[tuple[Any, ...]]

_log = logging.getLogger(__name__)

MONTHS_AHEAD = 2
PIECE = 500  # rows
PAUSE_S = 0.05
_MONTH_NS = 30 * 24 * 3600 * 1_000_000_000
_LOCK = 0x67_77_75_70_6B_65_65_70  # any number that only the upkeep uses
_WAIT = b"set lock_timeout = '2s'"  # who waits for a table lets nobody else at it meanwhile


class Retention(Struct, frozen=True, kw_only=True):
    """For how long each is kept, in ns; None: for ever.

    closed_orders: those with all their trades. transactions: of orders that have been let go of,
    and acknowledged by every consumer. alarms: acknowledged ones.
    """

    order_events: int | None = None
    closed_orders: int | None = None
    transactions: int | None = None
    refusals: int | None = None
    alarms: int | None = None


class Upkeep(Struct, kw_only=True):
    """What was done. `busy`: somebody else was at it, and nothing was. `postponed`: a table was in
    use for too long; next time."""

    busy: bool = False
    months_made: list[str] = field(default_factory=list)
    months_dropped: list[str] = field(default_factory=list)
    deleted: dict[str, int] = field(default_factory=dict)
    postponed: list[str] = field(default_factory=list)


async def maintain(
    connection: Connection, keep: Retention, now: int, pause_s: float = PAUSE_S
) -> Upkeep:
    """`connection` is in autocommit and used for nothing else after. Breaking it off at any time
    leaves whole pieces behind. `now` in ns UTC."""
    upkeep = Upkeep()
    await connection.execute(_WAIT)
    cursor = await connection.execute(statement("take_upkeep_lock"), {"lock": _LOCK})
    if not await _first(cursor):
        upkeep.busy = True
        return upkeep
    work = _Work(connection, now, pause_s, upkeep)
    await work.make_months()
    if keep.order_events is not None:
        await work.drop_months(now - keep.order_events)
        await work.delete("order_events", now - keep.order_events)
    for what in ("closed_orders", "transactions", "refusals", "alarms"):
        kept = getattr(keep, what)
        if kept is not None:
            await work.delete(what, now - kept)
    return upkeep


class _Work:
    def __init__(self, connection: Connection, now: int, pause_s: float, upkeep: Upkeep) -> None:
        self._connection = connection
        self._now = now
        self._pause_s = pause_s
        self._upkeep = upkeep

    async def make_months(self) -> None:
        for ahead in range(MONTHS_AHEAD + 1):
            name = await self._try("make_month", at=self._now + ahead * _MONTH_NS)
            if name:
                self._upkeep.months_made.append(name)
                _log.info("order_events_month_made month=%s", name)

    async def drop_months(self, before: int) -> None:
        cursor = await self._connection.execute(statement("find_old_months"), {"before": before})
        for (month,) in await cursor.fetchall():
            if await self._try("drop_month", month=month) is not None:
                self._upkeep.months_dropped.append(month)
                _log.info("order_events_month_dropped month=%s", month)

    async def _try(self, name: str, **values: object) -> Any:
        """What the statement says; None if a table it needs alone is in use."""
        try:
            return await _first(await self._connection.execute(statement(name), values))
        except LockNotAvailable:
            self._upkeep.postponed.append(name)
            _log.warning("upkeep_postponed what=%s", name)
            return None

    async def delete(self, what: str, before: int) -> None:
        limit = {"what": what, "before": before}
        await self._connection.execute(statement("raise_retention_limit"), limit)
        total, deleted = 0, PIECE
        while deleted == PIECE:
            piece = {"before": before, "limit": PIECE}
            cursor = await self._connection.execute(statement(f"delete_{what}"), piece)
            deleted = cursor.rowcount
            total += deleted
            await asyncio.sleep(self._pause_s)
        self._upkeep.deleted[what] = total
        if total:
            _log.info("rows_let_go what=%s count=%d", what, total)


async def _first(cursor: Any) -> Any:
    row = await cursor.fetchone()
    return None if row is None else row[0]
