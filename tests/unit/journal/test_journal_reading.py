"""Following a journal while it is written, rolled and dropped, and dumping it."""

from collections.abc import Callable

import pytest

from gateway.journal import (
    Journal,
    JournalOptions,
    JournalReader,
    JournalReplaced,
    Kind,
    MemoryFiles,
    ProcessDied,
    RecordsGone,
    iter_segments,
)
from gateway.journal.format import FRAME_BYTES, HEADER_BYTES, encode_record, seed_of

OPTIONS = JournalOptions(boot_id="boot-1", reserve_bytes=0, spare_segments=0)


def opened(files: MemoryFiles) -> Journal:
    return Journal.open(files, OPTIONS, empty_checkpoint=b"empty")[0]


def numbers(records: list[tuple[int, bytes]]) -> list[int]:
    return [number for number, _ in records]


def test_a_reader_sees_each_record_as_soon_as_it_is_appended() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    assert reader.read_from(1) == []

    for number in range(1, 50):
        journal.append(b"x" * number)
        assert reader.read_from(number) == [(number, b"x" * number)]
        if number % 7 == 0:
            journal.roll(b"checkpoint")
            assert reader.read_from(number + 1) == []


def test_a_reader_without_a_journal_waits_for_one() -> None:
    files = MemoryFiles()
    reader = JournalReader(files)
    assert reader.read_from(1) == []
    assert reader.first_number() == 1

    opened(files).append(b"one")

    assert reader.read_from(1) == [(1, b"one")]


def test_a_reader_takes_at_most_its_limits_and_goes_on_from_there() -> None:
    files = MemoryFiles()
    journal = opened(files)
    for number in range(1, 11):
        journal.append(b"ten bytes.")
        if number == 4:
            journal.roll(b"checkpoint")
    reader = JournalReader(files)

    assert numbers(reader.read_from(1, limit=3)) == [1, 2, 3]
    assert numbers(reader.read_from(4, max_bytes=15)) == [4, 5]
    assert numbers(reader.read_from(6)) == [6, 7, 8, 9, 10]
    assert numbers(reader.read_from(2, limit=1)) == [2]
    assert numbers(reader.read_from(9)) == [9, 10]
    assert reader.read_from(11) == []
    assert reader.read_from(12) == []
    journal.append(b"eleven")
    journal.append(b"twelve")
    assert numbers(reader.read_from(12)) == [12]


def test_a_record_larger_than_a_chunk_of_reading_is_read_whole() -> None:
    files = MemoryFiles()
    journal = opened(files)
    large = bytes(range(256)) * 20_000
    journal.append(b"small")
    journal.append(large)
    journal.append(b"small")

    assert JournalReader(files).read_from(1, max_bytes=1 << 30) == [
        (1, b"small"),
        (2, large),
        (3, b"small"),
    ]


def test_a_half_written_record_is_waited_for() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    files.die_in_next_write(FRAME_BYTES + 2)
    with pytest.raises(ProcessDied):
        journal.append(b"two")

    assert numbers(reader.read_from(1)) == [1]
    assert reader.read_from(2) == []

    files.crash()
    opened(files).append(b"other")
    assert reader.read_from(2) == [(2, b"other")]


def test_a_record_that_arrives_in_two_parts_is_read_once_it_is_whole() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    record = encode_record(seed_of(journal.identity), Kind.DATA, 2, b"two, in two parts")
    file = files.append_to(files.names()[0])

    for part in (record[:30], record[30:]):
        assert numbers(reader.read_from(1)) == [1]
        assert reader.read_from(2) == []
        file.write(part)

    assert reader.read_from(2) == [(2, b"two, in two parts")]


class FilesWithEvent(MemoryFiles):
    """Something happens just before the folder is listed."""

    event: Callable[[], object] | None = None

    def names(self) -> list[str]:
        event, self.event = self.event, None
        if event is not None:
            event()
        return super().names()


def test_records_written_between_the_end_of_a_segment_and_the_next_one_are_not_missed() -> None:
    files = FilesWithEvent()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    assert numbers(reader.read_from(1)) == [1]

    def write_and_roll() -> None:
        journal.append(b"two")
        journal.roll(b"checkpoint")
        journal.append(b"three")

    files.event = write_and_roll

    assert numbers(reader.read_from(2)) == [2, 3]


def test_damage_is_passed_over_once_a_good_record_is_behind_it() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    start = journal.size_bytes
    journal.append(b"two")
    files.flip(next(iter(files.names()[:1])), start + FRAME_BYTES)

    assert numbers(reader.read_from(1)) == [1]
    assert reader.read_from(2) == []

    journal.append(b"three")
    assert numbers(reader.read_from(2)) == [3]


def test_damage_at_the_end_of_a_segment_is_passed_over_once_the_next_has_begun() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    start = journal.size_bytes
    journal.append(b"two")
    files.flip(files.names()[0], start + FRAME_BYTES)
    assert numbers(reader.read_from(1)) == [1]

    journal.roll(b"checkpoint")

    assert reader.read_from(2) == []
    journal.append(b"three")
    assert numbers(reader.read_from(2)) == [3]


def test_a_reader_behind_a_dropped_segment_is_told_what_is_left() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    for _ in range(3):
        journal.append(b"x")
        journal.append(b"x")
        journal.roll(b"checkpoint")
    journal.append(b"x")
    assert numbers(reader.read_from(1, limit=2)) == [1, 2]
    journal.drop_before(6)

    with pytest.raises(RecordsGone) as caught:
        reader.read_from(3)

    assert (caught.value.wanted, caught.value.first) == (3, 5)
    assert caught.value.code == "records_gone"
    assert numbers(reader.read_from(caught.value.first)) == [5, 6, 7]


def test_a_reader_at_the_end_of_a_dropped_segment_goes_on_with_the_next() -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    assert numbers(reader.read_from(1)) == [1]

    journal.roll(b"checkpoint")
    journal.drop_before(2)
    journal.append(b"two")

    assert reader.read_from(2) == [(2, b"two")]


@pytest.mark.parametrize("waiting", [True, False])
def test_a_journal_that_was_replaced_is_not_followed_silently(waiting: bool) -> None:
    files = MemoryFiles()
    journal, reader = opened(files), JournalReader(files)
    journal.append(b"one")
    assert numbers(reader.read_from(1)) == [1]
    assert reader.identity == journal.identity

    files.lose()
    files.crash()
    opened(files).append(b"one of another journal")

    with pytest.raises(JournalReplaced):
        reader.read_from(2 if waiting else 1)
    assert reader.read_from(1) == [(1, b"one of another journal")]


def test_a_dump_shows_everything_good_and_bad_in_place() -> None:
    files = MemoryFiles()
    journal = opened(files)
    journal.append(b"one")
    start = journal.size_bytes
    journal.append(b"two")
    journal.append(b"three")
    segment = files.names()[0]
    files.flip(segment, start + FRAME_BYTES)

    entries = list(iter_segments(files))

    assert [(entry.number, entry.kind, entry.ok) for entry in entries] == [
        (1, Kind.CHECKPOINT, True),
        (1, Kind.MARK, True),
        (1, Kind.DATA, True),
        (2, None, False),
        (3, Kind.DATA, True),
    ]
    assert entries[0].offset == HEADER_BYTES
    assert entries[3].offset == start
    assert entries[3].payload.endswith(b"uwo")
    assert {entry.segment for entry in entries} == {segment}


def test_a_dump_of_a_journal_without_identity_is_all_bad_bytes() -> None:
    files = MemoryFiles()
    opened(files).append(b"one")
    files.remove("identity")
    files.flip(files.names()[0], 12)

    assert [entry.ok for entry in iter_segments(files)] == [False]
