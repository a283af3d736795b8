"""The record: complete, bounded in memory, and enough to rebuild the venue."""

from pathlib import Path
from random import Random

import pytest
from paper_desk import BTC, SYMBOLS, Desk, dec

from gateway.paper import Liquidity, MarketMaker, PaperVenue, Record
from gateway.paper.record_file import RecordFile
from gateway.paper.state import restore, write_head


def busy_desk() -> Desk:
    """Filled, partly filled, canceled, stopped and resting orders."""
    desk = Desk()
    desk.place("ann", "SELL", "1", "100", client_id="filled")
    desk.place("ann", "SELL", "2", "101", client_id="partly")
    desk.place("bob", "BUY", "2", "101", client_id="taker")
    desk.place("bob", "BUY", "1", "90", client_id="resting")
    desk.place("bob", "BUY", "1", "90", client_id="behind")
    desk.place("ann", "SELL", "1", "60", kind="STOP_LOSS_LIMIT", stop="70", client_id="stop")
    gone = desk.place("ann", "SELL", "1", "120", client_id="gone").order
    desk.venue.cancel("ann", BTC, desk.tick(), order_id=gone.order_id)
    return desk


def same_books(one: PaperVenue, other: PaperVenue) -> None:
    for account in ("ann", "bob"):
        assert one.balances(account) == other.balances(account)
        assert one.open_orders(account) == other.open_orders(account)
    assert one.depth(BTC) == other.depth(BTC)
    assert one.last_price(BTC) == other.last_price(BTC)


def test_a_venue_restored_from_its_file_is_the_same_venue(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    desk = busy_desk()
    file = RecordFile(path)
    desk.venue.record.flush()
    for entry in desk.venue.record.entries():
        sink = Record(sink=file.write)
        sink.add(entry)
        sink.flush()
    file.close()

    restored = PaperVenue(SYMBOLS)
    restore(restored, RecordFile(path).load())

    same_books(restored, desk.venue)
    for account in ("ann", "bob"):
        assert restored.all_orders(account, BTC) == desk.venue.all_orders(account, BTC)
        assert restored.trades(account, BTC) == desk.venue.trades(account, BTC)
    desk.venue, original = restored, desk.venue
    first = desk.place("ann", "SELL", "1", "90").order
    assert first.order_id == original.all_orders("ann", BTC)[-1].order_id + 1
    assert desk.venue.order("bob", BTC, client_order_id="resting").status == "FILLED"
    assert desk.venue.order("bob", BTC, client_order_id="behind").status == "NEW"


def test_a_rotated_file_stands_alone(tmp_path: Path) -> None:
    desk = busy_desk()
    file = RecordFile(tmp_path / "state.jsonl", max_bytes=1)
    desk.venue.record.write_to(file.write)
    file.rotate()
    write_head(desk.venue, desk.tick())
    desk.place("bob", "BUY", "1", "95", client_id="later")
    desk.venue.record.flush()

    restored = PaperVenue(SYMBOLS)
    restore(restored, RecordFile(tmp_path / "state.jsonl").load())

    same_books(restored, desk.venue)
    desk.venue = restored
    assert desk.place("ann", "SELL", "1", "150").order.order_id == 9


def test_a_torn_last_line_is_cut_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    desk = Desk()
    desk.venue.record.write_to(lambda _lines: None)
    file = RecordFile(path)
    lines = Record(sink=file.write)
    for entry in desk.venue.record.entries():
        lines.add(entry)
    lines.flush()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"deposit","se')

    reopened = RecordFile(path)

    assert reopened.cut_bytes == len(b'{"type":"deposit","se')
    assert path.read_bytes() == whole
    path.write_bytes(b"garbage\n" + whole)
    with pytest.raises(ValueError, match="damaged line"):
        list(RecordFile(path).load())


def test_memory_keeps_the_newest_entries_and_the_file_has_the_rest(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "state.jsonl")
    record = Record(max_entries=100, sink=file.write)
    for number in range(1000):
        record.request("ann", "ping", {}, number)
        record.flush()

    assert record.last_seq == 1000
    assert record.first_seq > 900
    assert [e.seq for e in record.entries()] == list(range(record.first_seq, 1001))
    assert [e.seq for e in record.entries(after=998)] == [999, 1000]
    assert [e.seq for e in file.read(after=10, limit=3)] == [11, 12, 13]


def test_listeners_hear_everything_that_is_recorded_of_their_account() -> None:
    desk = Desk()
    heard: list[object] = []
    desk.venue.listen("ann", heard.append)
    start = desk.venue.record.last_seq
    maker = MarketMaker(desk.venue, BTC, Liquidity(level_notional=dec(100)))
    desk.place("ann", "BUY", "1", "100")
    maker.step(desk.tick(), Random(1))
    desk.place("bob", "SELL", "1", "100")
    desk.venue.deposit("ann", "USDT", dec(5), desk.tick())

    recorded = [e for e in desk.venue.record.entries(after=start) if e.account == "ann"]

    assert heard == recorded
    assert heard
