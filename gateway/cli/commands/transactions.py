"""`gateway transactions`."""

import contextlib
import csv
import os
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO

import click
from msgspec.structs import asdict
from rich.text import Text

from gateway.cli.command import Command
from gateway.cli.commands.balances import accounts_of
from gateway.cli.printing import (
    SIDE_STYLES,
    as_json_lines,
    date_time,
    figure,
    short_id,
    show,
    table,
)
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.errors import BadInput
from gateway.domain.messages import TransactionUpdate
from gateway.domain.order import Transaction

PAGE = 500
COLUMNS = ("epoch", "seq", *Transaction.__struct_fields__)
EXAMPLES = """
gateway transactions
gateway transactions --account main --from 1 --limit 1000 --json
gateway transactions --csv fills.csv
gateway transactions --account main --consumer books --acknowledge --csv -
"""


@click.command("transactions", cls=Command, examples=EXAMPLES)
@click.option("--account", "accounts", multiple=True, help="Only of this account.")
@click.option("--from", "from_seq", type=click.IntRange(1), help="From this seq on. [the first]")
@click.option("--consumer", help="What follows the cursor of this consumer.")
@click.option("--acknowledge", is_flag=True, help="Move the consumer's cursor behind them.")
@click.option("--limit", type=click.IntRange(1), help="Of each account. [all]")
@click.option("--csv", "csv_file", metavar="FILE", help="Into this file, or to stdout with -.")
@click.pass_obj
def command(
    setting: Setting,
    accounts: tuple[str, ...],
    from_seq: int | None,
    consumer: str | None,
    acknowledge: bool,
    limit: int | None,
    csv_file: str | None,
) -> None:
    """Fills, fees, corrections and busts, oldest first.

    With --consumer each is had at least once: the cursor moves only with --acknowledge, after all
    of them have been printed or the file is complete.
    """
    if acknowledge and not consumer:
        raise click.UsageError("--acknowledge goes with --consumer")
    if consumer and from_seq:
        raise click.UsageError("--consumer knows where it stands: leave --from out")
    last: dict[str, int] = {}
    with asking(setting) as client:
        names = accounts or accounts_of(client)
        items = _noting(_all(client, names, from_seq, consumer, limit), last)
        _print(setting, items, csv_file)
        if acknowledge and consumer:
            for account, seq in last.items():
                client.acknowledge(account, consumer, seq)


def _all(
    client: Client,
    accounts: Iterable[str],
    from_seq: int | None,
    consumer: str | None,
    limit: int | None,
) -> Iterator[TransactionUpdate]:
    for account in accounts:
        left = sys.maxsize if limit is None else limit
        start = None if consumer else from_seq or 1
        more = True
        while more and left > 0:
            reply = client.ask(
                q.transactions(
                    account,
                    from_seq=start,
                    consumer=consumer if start is None else None,
                    limit=min(left, PAGE),
                )
            )
            yield from reply.items
            left -= len(reply.items)
            more = reply.more and bool(reply.items)
            start = reply.items[-1].seq + 1 if reply.items else start


def _noting(
    items: Iterable[TransactionUpdate], last: dict[str, int]
) -> Iterator[TransactionUpdate]:
    for item in items:
        yield item
        last[item.account] = item.seq


def _print(setting: Setting, items: Iterable[TransactionUpdate], csv_file: str | None) -> None:
    if csv_file is not None:
        count = _to_csv(items, csv_file)
        click.echo(f"{count} transactions", err=True)
    elif setting.as_json:
        as_json_lines(items)
    else:
        _show(items)


def _to_csv(items: Iterable[TransactionUpdate], csv_file: str) -> int:
    """A file appears whole or not at all."""
    count = 0
    with _output(csv_file) as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for item in items:
            fields = asdict(item.transaction)
            cells = (_cell(fields[name]) for name in Transaction.__struct_fields__)
            writer.writerow([item.epoch, item.seq, *cells])
            count += 1
    return count


def _cell(value: object) -> object:
    return figure(value) if isinstance(value, Decimal) else value


@contextlib.contextmanager
def _output(csv_file: str) -> Iterator[IO[str]]:
    if csv_file == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(csv_file)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", newline="", encoding="utf-8") as stream:
            yield stream
        draft.replace(path)
    except OSError as error:
        raise BadInput(f"{csv_file}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _show(items: Iterable[TransactionUpdate]) -> None:
    right = ("seq", "quantity", "price", "fee")
    names = ("at the venue (UTC)", "seq", "account", "kind", "order", "symbol", "side")
    made = table(*names, "quantity", "price", "fee", "", "role", right=right)
    for item in items:
        one = item.transaction
        side = Text(one.side.value, style=SIDE_STYLES[one.side])
        cells = (date_time(one.venue_time), str(item.seq), one.account, one.kind.value)
        figures = (figure(one.quantity), figure(one.price), figure(one.fee))
        more = (one.fee_currency or "", one.liquidity.value if one.liquidity else "")
        made.add_row(*cells, short_id(one.order_id), one.symbol, side, *figures, *more)
    show(made if made.row_count else "no transactions")
