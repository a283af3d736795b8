"""The bytes on the disk: format 1 stays readable for ever, from a file that was recorded once."""

import shutil
from pathlib import Path

import pytest

from gateway.journal import (
    DirectoryFiles,
    Journal,
    JournalOptions,
    JournalReader,
    MemoryFiles,
    SegmentFiles,
    iter_segments,
)
from gateway.journal.format import MARKER, VERSION
from gateway.journal.marks import Mark, MarkKind, decode_mark, encode_mark, tail_may_be_lost

RECORDED = Path(__file__).parents[2] / "data" / "journal_v1"
IDENTITY = bytes(range(16))
OPTIONS = JournalOptions(boot_id="6d3c2a58-0b5e-4a9e-8a3f-0d6f1f0f3a11", reserve_bytes=0)
RECORDS = [(1, b"\x81\xa4type\xa6intent"), (2, b""), (3, bytes(range(256))), (4, b"last")]


def write_history(files: SegmentFiles) -> None:
    """What the recorded files were made by."""
    journal, _ = Journal.open(
        files, OPTIONS, empty_checkpoint=b"empty", new_identity=lambda: IDENTITY
    )
    for _, payload in RECORDS[:2]:
        journal.append(payload)
    journal.roll(b"after two")
    for _, payload in RECORDS[2:]:
        journal.append(payload, urgent=True)
    journal.close()


def test_the_recorded_journal_of_format_1_is_read(tmp_path: Path) -> None:
    shutil.copytree(RECORDED, tmp_path / "journal")
    files = DirectoryFiles(tmp_path / "journal")

    assert JournalReader(files).read_from(1) == RECORDS
    assert all(entry.ok for entry in iter_segments(files))
    _, recovery = Journal.open(files, OPTIONS, empty_checkpoint=b"another")
    assert (recovery.checkpoint, recovery.records) == (b"after two", RECORDS[2:])
    assert recovery.identity == IDENTITY
    assert recovery.closed_cleanly
    assert recovery.is_continuous


def test_format_1_is_still_written_byte_for_byte() -> None:
    assert VERSION == 1, "keep the recorded files, and record the new format beside them"
    files = MemoryFiles()

    write_history(files)

    files.remove("unsettled")  # its owner has not said yet that a new journal is what it expects
    recorded = {path.name: path.read_bytes() for path in RECORDED.iterdir()}
    assert {name: files.read(name, 0, 1 << 20) for name in files.names()} == recorded


def test_the_marker_is_in_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        MARKER.decode()


@pytest.mark.parametrize(
    ("last", "boot_id", "lost"),
    [
        (None, "a", True),
        (Mark(MarkKind.OPENED, every_append_synced=False, boot_id="a"), "a", False),
        (Mark(MarkKind.OPENED, every_append_synced=False, boot_id="a"), "b", True),
        (Mark(MarkKind.OPENED, every_append_synced=False, boot_id=""), "", True),
        (Mark(MarkKind.OPENED, every_append_synced=True, boot_id="a"), "b", False),
        (Mark(MarkKind.CLOSED, every_append_synced=False, boot_id="a"), "b", False),
    ],
)
def test_the_last_mark_tells_whether_the_tail_may_be_lost(
    last: Mark | None, boot_id: str, lost: bool
) -> None:
    assert tail_may_be_lost(last, boot_id) is lost
    assert last is None or decode_mark(encode_mark(last)) == last


@pytest.mark.parametrize("unknown", [b"", b"\x01", b"\x09\x00boot"])
def test_a_mark_that_this_version_does_not_know_is_ignored(unknown: bytes) -> None:
    assert decode_mark(unknown) is None
