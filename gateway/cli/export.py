"""Transactions as files: a file appears whole, under its name, or not at all."""

import contextlib
import csv
import os
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO

from msgspec.structs import asdict

from gateway.cli.printing import figure
from gateway.domain.errors import BadInput
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


@contextlib.contextmanager
def draft_of(file: str) -> Iterator[Path]:
    """Where to write `file`. It gets its name when the block ends well, and is on the disk then:
    a consumer's cursor may move behind what is in it."""
    path = Path(file)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
