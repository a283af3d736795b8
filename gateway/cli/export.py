"""Transactions as CSV, and what they are in any file."""

import csv
import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import IO

from msgspec.structs import asdict

from gateway.cli.drafts import draft_of
from gateway.cli.printing import figure
from gateway.domain.messages import TransactionUpdate
from gateway.domain.order import Transaction

COLUMNS = ("epoch", "seq", *Transaction.__struct_fields__)


def row(item: TransactionUpdate) -> dict[str, object]:
    """By column; money is a Decimal, a time an integer of ns UTC."""
    return {"epoch": item.epoch, "seq": item.seq, **asdict(item.transaction)}


def to_csv(items: Iterable[TransactionUpdate], file: str) -> int:
    """Into this file, or to stdout for `-`; how many."""
    if file == "-":
        return _write(items, sys.stdout)
    with draft_of(file) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        return _write(items, stream)


def _write(items: Iterable[TransactionUpdate], stream: IO[str]) -> int:
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    count = 0
    for item in items:
        writer.writerow(map(_cell, row(item).values()))
        count += 1
    stream.flush()
    return count


def _cell(value: object) -> object:
    return figure(value) if isinstance(value, Decimal) else value
