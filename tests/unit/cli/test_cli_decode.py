"""`gateway decode`: any frame, any journal."""

import json
from pathlib import Path
from typing import Any

import msgpack
from click.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import main
from gateway.domain.codec import encode
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId
from gateway.domain.messages import (
    Alive,
    CommandRefused,
    Head,
    ListenerCheckpoint,
    ListenerRecord,
    Place,
)
from gateway.executor import first_checkpoint
from gateway.journal import DirectoryFiles, Journal, JournalOptions

PLACE = Place(
    order_id="o", command_id="c", client_id="me", account="main", symbol="BTC/USDT", side="buy",
    order_type="limit", quantity="1", price="2", expires_at=3,
)  # fmt: skip
HEAD = Head(account=AccountId("main"), epoch=1, seq=2, at=3)


def decode(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["decode", *arguments], input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_frame_is_one_line_with_where_it_belongs() -> None:
    (line,) = lines(decode("-", stdin=encode(PLACE)))

    assert line["valid_in"] == ["commands"]
    assert line["message"]["type"] == "place"
    assert line["message"]["quantity"] == "1"


def test_frames_one_after_the_other_are_a_line_each(tmp_path: Path) -> None:
    file = tmp_path / "frames.bin"
    file.write_bytes(encode(PLACE) + encode(HEAD))

    assert [line["valid_in"] for line in lines(decode(str(file)))] == [["commands"], ["status"]]


def test_a_frame_in_hexadecimal_digits_is_read() -> None:
    (line,) = lines(decode("--hex", "-", stdin=encode(HEAD).hex().encode() + b"\n"))

    assert line["message"]["seq"] == 2


def test_a_message_that_nobody_would_take_is_shown_with_the_reason() -> None:
    wrong = {"type": "place", "order_id": b"\x01\xff", "quantity": 1.5}

    (line,) = lines(decode("-", stdin=msgpack.packb(wrong)))

    assert line["valid_in"] == []
    assert line["problem"].startswith("malformed: ")
    assert line["message"] == {"type": "place", "order_id": "01ff", "quantity": 1.5}


def test_a_type_that_nobody_knows_is_shown_too() -> None:
    (line,) = lines(decode("-", stdin=msgpack.packb({"type": "hello", 7: None})))

    assert line["problem"].startswith("unknown_type")
    assert line["message"] == {"type": "hello", "7": None}


def test_what_is_no_messagepack_is_refused_after_what_was(tmp_path: Path) -> None:
    whole = encode(HEAD)
    result = decode("-", stdin=whole + whole[:-3])

    assert result.exit_code == Exit.FAILED
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.startswith(f"gateway: undecodable: not MessagePack from byte {len(whole)}")


def test_nothing_and_no_hexadecimal_digits_and_no_file_are_refused(tmp_path: Path) -> None:
    assert decode("-", stdin=b"").exit_code == Exit.FAILED
    assert decode("--hex", "-", stdin=b"xyz").exit_code == Exit.FAILED
    assert "there is no" in decode(str(tmp_path / "nope")).stderr


def write_journal(folder: Path, checkpoint: bytes, *records: bytes) -> None:
    journal, _ = Journal.open(
        DirectoryFiles(folder), JournalOptions(boot_id="b"), empty_checkpoint=checkpoint
    )
    for record in records:
        journal.append(record)
    journal.close()


def test_the_executors_journal_is_read_with_its_checkpoint_and_marks(tmp_path: Path) -> None:
    refused = CommandRefused(at=1, client_id="me", command_id="c", code=Code.HALTED, text="no")
    write_journal(tmp_path, first_checkpoint(7), encode(refused), encode(Alive(at=2)))

    found = lines(decode(str(tmp_path)))

    assert [line["kind"] for line in found] == ["checkpoint", "mark", "data", "data", "mark"]
    assert found[0]["valid_in"] == ["executor_checkpoint"]
    assert found[1]["message"] == {"mark": "opened", "boot_id": "b"}
    assert found[2]["valid_in"] == ["outbox"]
    assert found[2]["message"]["code"] == "halted"
    assert [line["number"] for line in found if line["kind"] == "data"] == [1, 2]


def test_one_segment_of_the_listeners_journal_is_read_alone(tmp_path: Path) -> None:
    checkpoint = ListenerCheckpoint(at=1, streams=(), outboxes=(), orders=())
    write_journal(tmp_path, encode(checkpoint), encode(ListenerRecord(at=2)))
    (segment,) = tmp_path.glob("*.segment")

    found = lines(decode(str(segment)))

    assert found[0]["valid_in"] == ["listener_checkpoint"]
    assert [one["valid_in"] for one in found if one["kind"] == "data"] == [["listener_journal"]]


def test_damage_in_a_journal_is_a_line_of_its_own(tmp_path: Path) -> None:
    write_journal(tmp_path, first_checkpoint(7), encode(Alive(at=1)), encode(Alive(at=2)))
    (segment,) = tmp_path.glob("*.segment")
    data = bytearray(segment.read_bytes())
    data[data.index(encode(Alive(at=1)))] ^= 0xFF
    segment.write_bytes(data)

    kinds = [line["kind"] for line in lines(decode(str(tmp_path)))]

    assert kinds == ["checkpoint", "mark", "damaged", "data", "mark"]
