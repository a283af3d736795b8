"""Transactions as CSV and Parquet: exact, whole or not there, and never all in memory."""

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from gateway.cli import parquet
from gateway.cli.exits import Exit
from gateway.cli.export import COLUMNS, to_csv
from gateway.cli.main import main
from gateway.cli.parquet import MONEY, TIME, to_parquet
from gateway.domain.enums import Liquidity, Side, TransactionKind
from gateway.domain.errors import BadInput
from gateway.domain.identity import AccountId, ClientId, OrderId
from gateway.domain.messages import TransactionUpdate
from gateway.domain.order import Transaction

AT = 1_700_000_000_123_456_789
LEAST, MOST = Decimal("1E-18"), Decimal("99999999999999999999.999999999999999999")


def fill(seq: int, price: Decimal = Decimal("20000.5"), venue_time: int = AT) -> TransactionUpdate:
    transaction = Transaction(
        key=f"t:{seq}",
        kind=TransactionKind.FILL,
        order_id=OrderId("01999999-9999-8001-8000-000000000000"),
        account=AccountId("main"),
        symbol="BTC/USDT",
        client_id=ClientId("desk"),
        side=Side.BUY,
        quantity=Decimal("0.010"),
        price=price,
        fee=Decimal("-0.1"),
        fee_currency="USDT",
        liquidity=Liquidity.MAKER,
        venue_time=venue_time,
        recorded_at=AT,
    )
    return TransactionUpdate(
        account=AccountId("main"), epoch=3, seq=seq, at=AT, transaction=transaction
    )


@dataclass
class Source:
    """Fills that count how many were taken, and that can break off."""

    count: int
    breaks: bool = False
    taken: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[TransactionUpdate]:
        for seq in range(1, self.count + 1):
            self.taken.append(seq)
            yield fill(seq)
        if self.breaks:
            raise BadInput("the gateway went away")


def test_parquet_has_the_columns_of_the_csv_with_types_that_keep_every_digit(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fills.parquet"

    assert to_parquet([fill(1), fill(2, LEAST), fill(3, MOST)], str(file)) == 3

    found = pq.read_table(file)
    assert tuple(found.column_names) == COLUMNS
    assert {found.schema.field(n).type for n in ("quantity", "price", "fee")} == {MONEY}
    assert found.schema.field("venue_time").type == TIME
    assert found["price"].to_pylist() == [Decimal("20000.5"), LEAST, MOST]
    assert found["fee"].to_pylist() == [Decimal("-0.1")] * 3
    assert found["recorded_at"].cast(pa.int64()).to_pylist() == [AT] * 3
    assert found["kind"].to_pylist() == ["fill"] * 3


def test_a_time_that_the_venue_did_not_say_is_null(tmp_path: Path) -> None:
    file = tmp_path / "fills.parquet"

    to_parquet([fill(1, venue_time=0)], str(file))

    assert pq.read_table(file)["venue_time"].to_pylist() == [None]


@pytest.mark.parametrize("price", [LEAST / 10, MOST + LEAST, Decimal("1E+20")])
def test_a_figure_that_does_not_fit_is_refused_and_never_rounded(
    price: Decimal, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"price of transaction t:2, .*--csv takes it"):
        to_parquet([fill(1), fill(2, price)], str(tmp_path / "fills.parquet"))

    assert list(tmp_path.iterdir()) == []


def test_parquet_is_written_in_groups_while_the_rows_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP", 3)
    file = tmp_path / "fills.parquet"
    source = Source(8)
    taken_at_writes: list[int] = []
    write = pq.ParquetWriter.write_table

    def noting(writer: pq.ParquetWriter, table: pa.Table) -> None:
        taken_at_writes.append(len(source.taken))
        write(writer, table)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", noting)
    to_parquet(source, str(file))

    assert taken_at_writes == [3, 6, 8]
    assert pq.ParquetFile(file).num_row_groups == 3
    assert pq.read_table(file)["seq"].to_pylist() == source.taken


def test_an_export_of_nothing_is_a_file_with_columns(tmp_path: Path) -> None:
    to_parquet([], str(tmp_path / "none.parquet"))
    to_csv([], str(tmp_path / "none.csv"))

    assert tuple(pq.read_table(tmp_path / "none.parquet").column_names) == COLUMNS
    assert (tmp_path / "none.csv").read_text() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("export", [to_csv, to_parquet])
def test_an_export_that_breaks_off_leaves_the_file_that_was_there(
    export: Callable[[Source, str], int], tmp_path: Path
) -> None:
    file = tmp_path / "fills"
    file.write_text("yesterday's")

    with pytest.raises(BadInput, match="went away"):
        export(Source(2, breaks=True), str(file))

    assert file.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("export", [to_csv, to_parquet])
def test_a_file_that_cannot_be_made_is_said_by_its_name(
    export: Callable[[Source, str], int], tmp_path: Path
) -> None:
    file = tmp_path / "nowhere" / "fills"

    with pytest.raises(BadInput, match=f"{file}: No such file"):
        export(Source(1), str(file))


def test_a_csv_has_plain_figures(tmp_path: Path) -> None:
    to_csv([fill(1, LEAST)], str(tmp_path / "fills.csv"))

    (row,) = csv.DictReader((tmp_path / "fills.csv").read_text().splitlines())
    assert (row["quantity"], row["price"]) == ("0.01", "0.000000000000000001")
    assert (row["epoch"], row["seq"], row["recorded_at"]) == ("3", "1", str(AT))


def test_without_pyarrow_parquet_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "gateway.cli.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    words = ["--home", str(tmp_path), "transactions", "--parquet", str(tmp_path / "fills.parquet")]

    said = CliRunner().invoke(main, words)

    assert said.exit_code == Exit.USAGE
    assert said.stderr == ("gateway: config: this needs the package pyarrow: pip install pyarrow\n")
