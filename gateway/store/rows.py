"""From what is published to the rows of the tables: one struct per table, a field per column.

Rows travel to PostgreSQL as one JSON text per table: decimals as strings, bytes as hex. That
costs the process a few microseconds a row, and the statements stay the same for any number.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.codec import encode
from gateway.domain.messages import OrderUpdate, Refusal, StreamItem, StreamPosition
from gateway.domain.messages import TransactionUpdate as Update
from gateway.domain.order import Order

LONGEST_TEXT = 500  # characters of a column that is only there to be read or searched

_STATEMENTS = Path(__file__).with_name("sql")
_json = msgspec.json.Encoder(decimal_format="string")


@lru_cache
def statement(name: str) -> bytes:
    """The text of `sql/NAME.sql`."""
    return (_STATEMENTS / f"{name}.sql").read_bytes()


def as_json(rows: Iterable[Struct]) -> str:
    return _json.encode(list(rows)).decode()


def digest(message: bytes) -> bytes:
    """Tells apart messages that have no number of their own."""
    return hashlib.blake2b(message, digest_size=16).digest()


def printable(text: str) -> str:
    """What a text column can hold of any text; the message beside it has all of it."""
    return text[:LONGEST_TEXT].replace("\0", "\ufffd")


class OrderRow(Struct, frozen=True):
    order_id: str
    account: str
    symbol: str
    client_id: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    post_only: bool
    origin: str
    status: str
    pending: str
    trades_complete: bool
    cum_quantity: Decimal
    avg_price: Decimal | None
    venue_order_id: str | None
    reason_code: str | None
    reason: str
    created_at_ns: int
    changed_at_ns: int
    checked_at_ns: int
    seen_at_ns: int
    closed_at_ns: int | None
    epoch: int
    seq: int
    state: str


class OrderEventRow(Struct, frozen=True):
    account: str
    seq: int
    epoch: int
    at_ns: int
    order_id: str
    status: str
    cum_quantity: Decimal
    fact: str
    source: str
    message: str


class TransactionRow(Struct, frozen=True):
    account: str
    seq: int
    epoch: int
    at_ns: int
    key: str
    kind: str
    order_id: str
    symbol: str
    client_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal | None
    fee_currency: str | None
    liquidity: str | None
    trade_id: str | None
    venue_order_id: str | None
    venue_time_ns: int
    recorded_at_ns: int
    source: str
    message: str


class RefusalRow(Struct, frozen=True):
    digest: str
    at_ns: int
    client_id: str
    command_id: str
    code: str
    text: str
    order_id: str
    account: str
    message: str


class AlarmRow(Struct, frozen=True):
    digest: str
    at_ns: int
    kind: str
    text: str
    account: str
    order_id: str | None
    message: str


class PositionRow(Struct, frozen=True):
    account: str
    epoch: int
    seq: int


def order_row(order: Order, epoch: int = 0, seq: int = 0) -> OrderRow:
    return OrderRow(
        order.order_id,
        order.account,
        order.symbol,
        order.client_id,
        order.side,
        order.order_type,
        order.quantity,
        order.price,
        order.stop_price,
        order.time_in_force,
        order.post_only,
        order.origin,
        order.status,
        order.pending,
        order.trades_complete,
        order.cum_quantity,
        order.avg_price,
        order.venue_order_id,
        order.reason_code,
        printable(order.reason),
        order.created_at,
        order.changed_at,
        order.checked_at,
        order.seen_at,
        order.closed_at,
        epoch,
        seq,
        _hex(encode(order)),
    )


def order_event_row(update: OrderUpdate) -> OrderEventRow:
    return OrderEventRow(
        update.account,
        update.seq,
        update.epoch,
        update.at,
        update.order.order_id,
        update.order.status,
        update.order.cum_quantity,
        printable(update.cause.fact),
        printable(update.cause.source),
        _hex(encode(update)),
    )


def transaction_row(update: Update) -> TransactionRow:
    done = update.transaction
    return TransactionRow(
        update.account,
        update.seq,
        update.epoch,
        update.at,
        done.key,
        done.kind,
        done.order_id,
        done.symbol,
        done.client_id,
        done.side,
        done.quantity,
        done.price,
        done.fee,
        done.fee_currency,
        done.liquidity,
        done.trade_id,
        done.venue_order_id,
        done.venue_time,
        done.recorded_at,
        done.source,
        _hex(encode(update)),
    )


def refusal_row(refusal: Refusal) -> RefusalRow:
    message = encode(refusal)
    return RefusalRow(
        _hex(digest(message)),
        refusal.at,
        printable(refusal.client_id),
        printable(refusal.command_id),
        refusal.code,
        printable(refusal.text),
        printable(refusal.order_id),
        printable(refusal.account),
        _hex(message),
    )


def alarm_row(alarm: Alarm) -> AlarmRow:
    message = encode(alarm)
    return AlarmRow(
        _hex(digest(message)),
        alarm.at,
        printable(alarm.kind),
        printable(alarm.text),
        printable(alarm.account),
        alarm.order_id and printable(alarm.order_id),
        _hex(message),
    )


def position_row(place: StreamItem | StreamPosition) -> PositionRow:
    return PositionRow(place.account, place.epoch, place.seq)


def _hex(data: bytes) -> str:
    return "\\x" + data.hex()
