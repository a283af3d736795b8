"""`gateway transactions`."""

import sys
from collections.abc import Callable, Iterable, Iterator

import click
from rich.text import Text

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.commands.balances import accounts_of
from gateway.cli.export import to_csv
from gateway.cli.lazy import needing
from gateway.cli.printing import (
    SIDE_STYLES,
    as_json_lines,
    date_time,
    figure,
    short_id,
    show,
    table,
)
from gateway.cli.progress import counted
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.messages import TransactionUpdate

PAGE = 500
Items = Iterable[TransactionUpdate]
EXAMPLES = """
gateway transactions
gateway transactions --account main --from 1 --limit 1000 --json
gateway transactions --csv fills.csv
gateway transactions --parquet fills.parquet
gateway transactions --account main --consumer books --acknowledge --csv -
"""


@click.command("transactions", cls=Command, examples=EXAMPLES)
@click.option("--account", "accounts", type=ACCOUNT, multiple=True, help="Only of this account.")
@click.option("--from", "from_seq", type=click.IntRange(1), help="From this seq on. [the first]")
@click.option("--consumer", help="What follows the cursor of this consumer.")
@click.option("--acknowledge", is_flag=True, help="Move the consumer's cursor behind them.")
@click.option("--limit", type=click.IntRange(1), help="Of each account. [all]")
@click.option("--csv", "csv_file", metavar="FILE", help="Into this file, or to stdout with -.")
@click.option("--parquet", "parquet_file", metavar="FILE", help="Into this file.")
@click.pass_obj
def command(
    setting: Setting,
    accounts: tuple[str, ...],
    from_seq: int | None,
    consumer: str | None,
    acknowledge: bool,
    limit: int | None,
    csv_file: str | None,
    parquet_file: str | None,
) -> None:
    """Fills, fees, corrections and busts, oldest first.

    With --consumer each is had at least once: the cursor moves only with --acknowledge, after all
    of them have been printed or the file is complete. A file appears whole or not at all. Parquet
    needs the package pyarrow; docs/cli.md says which types the columns have.
    """
    if acknowledge and not consumer:
        raise click.UsageError("--acknowledge goes with --consumer")
    if consumer and from_seq:
        raise click.UsageError("--consumer knows where it stands: leave --from out")
    export = _export(csv_file, parquet_file)
    last: dict[str, int] = {}
    with asking(setting) as client:
        names = accounts or accounts_of(client)
        items = _noting(_all(client, names, from_seq, consumer, limit), last)
        if export is not None:
            click.echo(f"{export(items)} transactions", err=True)
        elif setting.as_json:
            as_json_lines(items)
        else:
            _show(items)
        if acknowledge and consumer:
            for account, seq in last.items():
                client.acknowledge(account, consumer, seq)


def _export(csv_file: str | None, parquet_file: str | None) -> Callable[[Items], int] | None:
    """Before anything is asked: what can't be written is refused now."""
    if csv_file and parquet_file:
        raise click.UsageError("--csv and --parquet exclude each other")
    if parquet_file == "-":
        raise click.UsageError("--parquet needs a file: only --csv can go to stdout")
    if parquet_file:
        to_parquet = needing("pyarrow", "gateway.cli.parquet").to_parquet
        return lambda items: int(to_parquet(counted(items, "transactions"), parquet_file))
    if csv_file == "-":
        return lambda items: to_csv(items, "-")
    if csv_file:
        return lambda items: to_csv(counted(items, "transactions"), csv_file)
    return None


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


def _noting(items: Items, last: dict[str, int]) -> Iterator[TransactionUpdate]:
    for item in items:
        yield item
        last[item.account] = item.seq


def _show(items: Items) -> None:
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
