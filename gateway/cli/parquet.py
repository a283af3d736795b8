"""Transactions as Parquet. Imported only when asked for: pyarrow is an extra of the package."""

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import islice
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.cli.drafts import draft_of
from gateway.cli.export import row
from gateway.domain.errors import BadInput
from gateway.domain.messages import TransactionUpdate

GROUP = 10_000  # rows in memory at a time: some megabytes
MONEY = pa.decimal128(38, 18)
TIME = pa.timestamp("ns", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("epoch", pa.int64(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("client_id", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("quantity", MONEY, nullable=False),
        pa.field("price", MONEY, nullable=False),
        pa.field("fee", MONEY),
        pa.field("fee_currency", pa.string()),
        pa.field("liquidity", pa.string()),
        pa.field("trade_id", pa.string()),
        pa.field("venue_order_id", pa.string()),
        pa.field("venue_time", TIME),
        pa.field("recorded_at", TIME),
        pa.field("source", pa.string(), nullable=False),
    ]
)
_STEP = Decimal(1).scaleb(-MONEY.scale)
_EXACTLY = Context(prec=MONEY.precision, traps=[Inexact, InvalidOperation])


def to_parquet(items: Iterable[TransactionUpdate], file: str) -> int:
    """How many. Raises BadInput for a figure that MONEY can't hold exactly."""
    with draft_of(file) as draft, draft.open("wb") as stream:
        return _write(items, stream)


def _write(items: Iterable[TransactionUpdate], stream: IO[bytes]) -> int:
    count = 0
    with pq.ParquetWriter(stream, SCHEMA, compression="zstd") as writer:
        for group in _groups(items):
            writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
            count += len(group)
    return count


def _groups(items: Iterable[TransactionUpdate]) -> Iterator[list[dict[str, object]]]:
    rows = (_row(item) for item in items)
    while group := list(islice(rows, GROUP)):
        yield group


def _row(item: TransactionUpdate) -> dict[str, object]:
    found = row(item)
    for name, value in found.items():
        if isinstance(value, Decimal):
            found[name] = _money(value, f"{name} of transaction {item.transaction.key}")
        elif SCHEMA.field(name).type == TIME:
            found[name] = value or None
    return found


def _money(value: Decimal, what: str) -> Decimal:
    """Never rounded. Raises BadInput."""
    limits = f"{MONEY.precision - MONEY.scale} digits before the point and {MONEY.scale} after"
    try:
        return value.quantize(_STEP, context=_EXACTLY)
    except (Inexact, InvalidOperation):
        text = f"{what}, {value}, has more than {limits}: no file was written; --csv takes it"
        raise BadInput(text) from None
