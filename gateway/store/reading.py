"""One question, one answer, all of it as of one moment."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from psycopg import AsyncConnection

from gateway.domain import records as r
from gateway.domain.alarms import alarm_id_of
from gateway.domain.change import Alarm
from gateway.domain.codec import Codec
from gateway.domain.identity import is_order_id
from gateway.domain.messages import (
    KnownAlarm,
    OrderUpdate,
    Refusal,
    StreamItem,
    StreamPosition,
    TrackedOrder,
    TransactionUpdate,
)
from gateway.domain.order import Order
from gateway.store.batches import HISTORY_LIMIT, Trade, tracked
from gateway.store.rows import printable, statement

Connection = AsyncConnection[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]

_orders: Codec[Order] = Codec(Order)
_items: Codec[StreamItem] = Codec(StreamItem)
_updates: Codec[OrderUpdate] = Codec(OrderUpdate)
_transactions: Codec[TransactionUpdate] = Codec(TransactionUpdate)
_refusals: Codec[Refusal] = Codec(Refusal)
_alarms: Codec[Alarm] = Codec(Alarm)


async def answer(connection: Connection, query: r.Query) -> r.Found:
    return await _ANSWERS[type(query)](connection, query)


async def _find_order(connection: Connection, query: r.FindOrder) -> r.FoundOrder:
    if not is_order_id(query.order_id):
        return r.FoundOrder(order=None)
    rows = await _fetch(connection, "find_order", order_id=query.order_id)
    if not rows:
        ((kept_since,),) = await _fetch(connection, "find_retention_limit")
        return r.FoundOrder(order=None, kept_since=kept_since)
    state, seq = rows[0]
    order = _orders.decode(state)
    if not query.history:
        return r.FoundOrder(order=order, seq=seq)
    limits = {"order_id": query.order_id, "limit": HISTORY_LIMIT}
    history = await _fetch(connection, "find_order_events", **limits)
    transactions = await _fetch(connection, "find_order_transactions", **limits)
    return r.FoundOrder(
        order=order,
        seq=seq,
        history=tuple(_updates.decode(message) for (message,) in reversed(history)),
        transactions=tuple(_transactions.decode(message) for (message,) in reversed(transactions)),
    )


async def _find_orders(connection: Connection, query: r.FindOrders) -> r.FoundOrders:
    after_created_at, after_order_id = query.after or (None, None)
    rows = await _fetch(
        connection,
        "find_orders",
        account=query.account,
        symbol=query.symbol,
        owner=query.owner,
        statuses=[str(status) for status in query.statuses] or None,
        since=query.since,
        until=query.until,
        after_created_at=after_created_at,
        after_order_id=after_order_id,
        limit=query.limit,
    )
    return r.FoundOrders(orders=tuple(_decode_orders(rows)))


async def _find_items(connection: Connection, query: r.FindItems) -> r.FoundItems:
    rows = await _fetch(
        connection,
        "find_items",
        account=query.account,
        from_seq=query.from_seq,
        to_seq=query.to_seq,
        limit=query.limit,
    )
    return r.FoundItems(items=tuple(_items.decode(message) for (message,) in rows))


async def _find_transactions(
    connection: Connection, query: r.FindTransactions
) -> r.FoundTransactions:
    rows = await _fetch(
        connection,
        "find_transactions",
        account=query.account,
        from_seq=query.from_seq,
        limit=query.limit,
    )
    return r.FoundTransactions(items=tuple(_transactions.decode(message) for (message,) in rows))


async def _find_refusal(connection: Connection, query: r.FindRefusal) -> r.FoundRefusal:
    rows = await _fetch(connection, "find_refusal", order_id=printable(query.order_id))
    return r.FoundRefusal(refusal=_refusals.decode(rows[0][0]) if rows else None)


async def _find_cursor(connection: Connection, query: r.FindCursor) -> r.FoundCursor:
    rows = await _fetch(connection, "find_cursor", account=query.account, consumer=query.consumer)
    return r.FoundCursor(seq=rows[0][0] if rows else 0)


async def _move_cursor(connection: Connection, query: r.MoveCursor) -> r.FoundCursor:
    rows = await _fetch(
        connection,
        "move_cursor",
        account=query.account,
        consumer=query.consumer,
        seq=query.seq,
    )
    return r.FoundCursor(seq=rows[0][0])


async def _find_positions(connection: Connection, query: r.FindPositions) -> r.FoundPositions:
    journal = await _fetch(connection, "find_journal_position", journal=query.journal)
    streams = await _fetch(connection, "find_stream_positions")
    upto, mark = journal[0] if journal else (0, b"")
    return r.FoundPositions(
        upto=upto,
        mark=mark,
        streams=tuple(
            StreamPosition(account=account, epoch=epoch, seq=seq) for account, epoch, seq in streams
        ),
    )


async def _find_open_orders(connection: Connection, query: r.FindOpenOrders) -> r.FoundTracked:
    rows = await _fetch(
        connection, "find_open_orders", accounts=list(query.accounts), limit=query.limit
    )
    return await _with_trades(connection, _decode_orders(rows))


async def _recall(connection: Connection, query: r.Recall) -> r.FoundTracked:
    ours = query.order_id if query.order_id is not None and is_order_id(query.order_id) else None
    rows = await _fetch(
        connection,
        "recall",
        account=query.account,
        order_id=ours,
        symbol=query.symbol,
        venue_order_id=query.venue_order_id,
    )
    return await _with_trades(connection, _decode_orders(rows))


async def _with_trades(connection: Connection, orders: Iterable[Order]) -> r.FoundTracked:
    listed = list(orders)
    ids = [order.order_id for order in listed]
    rows = await _fetch(connection, "find_trades", order_ids=ids) if ids else []
    found: list[TrackedOrder] = tracked(listed, ((row[0], Trade(*row[1:])) for row in rows))
    return r.FoundTracked(orders=tuple(found))


async def _find_alarms(connection: Connection, query: r.FindAlarms) -> r.FoundAlarms:
    rows = await _fetch(
        connection,
        "find_alarms",
        account=query.account,
        limit=query.limit,
        open=query.unacknowledged,
    )
    digests = [bytes.fromhex(alarm_id) for alarm_id in query.among]
    stored = await _fetch(connection, "find_stored_alarms", digests=digests) if digests else []
    return r.FoundAlarms(
        alarms=tuple(_known_alarm(*row) for row in rows),
        stored=frozenset(alarm_id for (alarm_id,) in stored),
    )


async def _note_acknowledged(connection: Connection, query: r.NoteAcknowledged) -> r.FoundAlarms:
    rows = await _fetch(
        connection,
        "acknowledge_alarm",
        digest=bytes.fromhex(query.alarm_id),
        at=query.at,
        by=query.by,
        text=printable(query.text),
    )
    return r.FoundAlarms(alarms=tuple(_known_alarm(*row) for row in rows))


def _known_alarm(message: bytes, at: int | None, by: str | None, text: str | None) -> KnownAlarm:
    alarm = _alarms.decode(message)
    return KnownAlarm.of(
        alarm,
        alarm_id_of(alarm),
        acknowledged_at=at,
        acknowledged_by=by or "",
        acknowledged_text=text or "",
    )


_ANSWERS: Mapping[type[r.Query], Callable[[Connection, Any], Awaitable[r.Found]]] = {
    r.FindOrder: _find_order,
    r.FindOrders: _find_orders,
    r.FindItems: _find_items,
    r.FindTransactions: _find_transactions,
    r.FindRefusal: _find_refusal,
    r.FindCursor: _find_cursor,
    r.MoveCursor: _move_cursor,
    r.FindPositions: _find_positions,
    r.FindOpenOrders: _find_open_orders,
    r.Recall: _recall,
    r.FindAlarms: _find_alarms,
    r.NoteAcknowledged: _note_acknowledged,
}


def _decode_orders(rows: Rows) -> list[Order]:
    return [_orders.decode(state) for (state,) in rows]


async def _fetch(connection: Connection, name: str, **values: Any) -> Rows:
    cursor = await connection.execute(statement(name), values, binary=True)
    return await cursor.fetchall()
