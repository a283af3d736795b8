"""One batch, one transaction.

Everything in it is idempotent: rows have keys of their own, and an order's row gives way only to
a later update. What is above the stored position of its stream is new for certain and goes
straight in; what is not is compared with what is there, so that a number given twice is noticed.

A row that the schema refuses must not hold up what follows for ever. The batch is then halved
until the row is alone; it is kept as it came in `rejected_writes`, with an alarm. Only errors
about data are treated so: any other means "not now", and the whole batch is written again later.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection, DataError, Error, IntegrityError

from gateway.domain.change import Alarm
from gateway.domain.codec import Codec, encode
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import OrderUpdate, StreamItem, TransactionUpdate
from gateway.domain.order import Order
from gateway.domain.records import Batch
from gateway.store.batches import (
    Part,
    Place,
    newest_positions,
    newest_touched,
    newest_updates,
    parts_of,
    place_of,
    split,
)
from gateway.store.rows import (
    alarm_row,
    as_json,
    digest,
    order_event_row,
    order_row,
    position_row,
    printable,
    refusal_row,
    statement,
    transaction_row,
)

Connection = AsyncConnection[tuple[Any, ...]]
Key = tuple[AccountId, int, int]

_items: Codec[StreamItem] = Codec(StreamItem)

# PostgreSQL's classes of errors that a row's own content causes.
_DATA_CLASSES = ("22", "23", "54")  # data exception, integrity, a limit (an index row's size)
_NOTHING_BEFORE: Place = (-1, -1)


def is_about_data(error: BaseException) -> bool:
    """Whether the same row would fail again, however often it is tried."""
    if isinstance(error, Error):
        state = error.sqlstate
        if state is not None:
            return state.startswith(_DATA_CLASSES)
        return isinstance(error, DataError | IntegrityError)
    return isinstance(error, ValueError | TypeError | OverflowError | msgspec.MsgspecError)


async def write_batch(connection: Connection, batch: Batch, now: int) -> list[Alarm]:
    """Writes all of it and the journal's position, or nothing. Returns the alarms it stored of
    its own accord: of rows rejected, of numbers and trade keys reused. `now` is their time."""
    writing = _Writing(connection, batch, now)
    async with connection.transaction():
        await writing.run()
    return list(writing.alarms)


class _Writing:
    def __init__(self, connection: Connection, batch: Batch, now: int) -> None:
        self.alarms: dict[Alarm, None] = {}  # a part that is tried again raises its own again
        self._connection = connection
        self._batch = batch
        self._now = now
        self._written: dict[AccountId, Place] = {}

    async def run(self) -> None:
        batch = self._batch
        await self._execute("lock_journal_position", journal=batch.journal)
        await self._lock_streams()
        await self._put(batch)
        await self._insert_rows(
            "advance_stream_positions", map(position_row, newest_positions(batch.streams))
        )
        await self._execute(
            "advance_journal_position", journal=batch.journal, upto=batch.upto, mark=batch.mark
        )

    async def _lock_streams(self) -> None:
        batch = self._batch
        accounts = sorted({printable(one.account) for one in (*batch.items, *batch.streams)})
        if accounts:
            rows = await self._fetch("lock_stream_positions", accounts=accounts)
            self._written = {account: (epoch, seq) for account, epoch, seq in rows}

    async def _put(self, part: Batch) -> None:
        try:
            async with self._connection.transaction():
                await self._insert(part)
            self._note_written(part.items)
        except Exception as error:
            if not is_about_data(error):
                raise
            halves = split(part)
            if halves is None:
                await self._reject(parts_of(part)[0], "rejected", _explain(error))
                return
            for half in halves:
                await self._put(half)

    async def _insert(self, part: Batch) -> None:
        if len({_key(item) for item in part.items}) < len(part.items):
            raise ValueError("two items have one number")  # halved, the second meets the first
        old = [item for item in part.items if not self._is_new(item)]
        missing, reused = await self._compare(old)
        await self._insert_items([*missing, *filter(self._is_new, part.items)])
        await self._insert_rows("touch_orders", map(order_row, newest_touched(part.touched)))
        await self._insert_rows("insert_refusals", map(refusal_row, part.refusals))
        await self._insert_rows("insert_alarms", map(alarm_row, part.alarms))
        for record in part.unreadable:
            await self._reject(record, "unreadable", "it could not be decoded")
        for item in reused:
            await self._reject(item, "reused", "another item has its number")

    def _note_written(self, items: Sequence[StreamItem]) -> None:
        for item in newest_positions(items):
            held = self._written.get(item.account, _NOTHING_BEFORE)
            self._written[item.account] = max(held, place_of(item))

    def _is_new(self, item: StreamItem) -> bool:
        return place_of(item) > self._written.get(item.account, _NOTHING_BEFORE)

    async def _compare(
        self, items: Sequence[StreamItem]
    ) -> tuple[list[StreamItem], list[StreamItem]]:
        """Which of these, numbered no higher than what is written, are not there, and which of
        them have a number under which there is something else."""
        if not items:
            return [], []
        rows = await self._fetch("find_written_items", rows=as_json(map(position_row, items)))
        held: dict[Key, list[StreamItem]] = {}
        for account, epoch, seq, message in rows:
            held.setdefault((account, epoch, seq), []).append(_items.decode(message))
        missing = [item for item in items if _key(item) not in held]
        reused = [item for item in items if item not in held.get(_key(item), [item])]
        return missing, reused

    async def _insert_items(self, items: Sequence[StreamItem]) -> None:
        if not items:
            return
        updates = (item for item in items if isinstance(item, OrderUpdate))
        await self._insert_rows("insert_order_events", map(order_event_row, updates))
        await self._insert_transactions(
            [item for item in items if isinstance(item, TransactionUpdate)]
        )
        states = (order_row(update.order, *place_of(update)) for update in newest_updates(items))
        await self._insert_rows("upsert_orders", states)
        await self._insert_rows(
            "advance_stream_positions", map(position_row, newest_positions(items))
        )

    async def _insert_transactions(self, updates: Sequence[TransactionUpdate]) -> None:
        if not updates:
            return
        rows = as_json(map(transaction_row, updates))
        repeated = {message for (message,) in await self._fetch("insert_transactions", rows=rows)}
        for update in updates:
            if encode(update) in repeated:
                await self._raise_alarm("transaction_repeated", update, _REPEATED)

    async def _insert_rows(self, name: str, rows: Iterable[msgspec.Struct]) -> None:
        listed = list(rows)
        if listed:
            await self._execute(name, rows=as_json(listed))

    async def _reject(self, part: Part, what: str, why: str) -> None:
        """Keeps what can't be a row, once."""
        record = part if isinstance(part, bytes) else encode(part)
        values = {
            "digest": digest(record),
            "journal": self._batch.journal,
            "upto": self._batch.upto,
            "what": what,
            "error": why,
            "record": record,
        }
        if await self._fetch("insert_rejected_write", **values):
            await self._raise_alarm(f"write_{what}", part, f"kept in rejected_writes: {why}")

    async def _raise_alarm(self, kind: str, part: Part, text: str) -> None:
        alarm = Alarm(
            kind=kind,
            text=f"{_name(part)} {text}",
            at=self._now,
            account=AccountId(printable(getattr(part, "account", ""))),
            order_id=_order_id(part),
        )
        await self._insert_rows("insert_alarms", [alarm_row(alarm)])
        self.alarms.setdefault(alarm)

    async def _execute(self, name: str, **values: Any) -> None:
        await self._connection.execute(statement(name), values)

    async def _fetch(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(statement(name), values, binary=True)
        return await cursor.fetchall()


_REPEATED = "has a trade key that came before under another number; it is not counted again"


def _key(item: StreamItem) -> Key:
    return item.account, item.epoch, item.seq


def _name(part: Part) -> str:
    if isinstance(part, OrderUpdate | TransactionUpdate):
        return f"{part.account} {part.epoch}/{part.seq}"
    return "a journal record" if isinstance(part, bytes) else type(part).__name__.lower()


def _order_id(part: Part) -> OrderId | None:
    match part:
        case OrderUpdate(order=order):
            return order.order_id
        case TransactionUpdate(transaction=transaction):
            return transaction.order_id
        case Order(order_id=order_id) | Alarm(order_id=order_id):
            return order_id
        case _:
            return None


def _explain(error: Exception) -> str:
    """The first line: PostgreSQL's further lines quote the values."""
    return printable(str(error).partition("\n")[0] or type(error).__name__)
