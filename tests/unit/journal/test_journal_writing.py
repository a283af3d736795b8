"""Appending, rolling, dropping, and what happens when there is no room."""

import contextlib
import dataclasses
import os

import pytest

from gateway.journal import (
    Journal,
    JournalClosed,
    JournalFailed,
    JournalFull,
    JournalLocked,
    JournalLost,
    JournalOptions,
    MemoryFiles,
    PayloadTooLarge,
    Recovery,
    SegmentFile,
)
from gateway.journal.reserve import RESERVE_NAME

OPTIONS = JournalOptions(boot_id="boot-1", reserve_bytes=4096)


def opened(files: MemoryFiles, options: JournalOptions = OPTIONS) -> tuple[Journal, Recovery]:
    return Journal.open(files, options, empty_checkpoint=b"empty")


def reopened(files: MemoryFiles, options: JournalOptions = OPTIONS) -> Recovery:
    files.crash()
    return opened(files, options)[1]


def used(files: MemoryFiles) -> int:
    return sum(files.size(name) for name in files.names())


def test_records_are_numbered_from_one_without_holes() -> None:
    journal, recovery = opened(MemoryFiles())

    assert recovery.next_number == 1
    assert [journal.append(b"x") for _ in range(5)] == [1, 2, 3, 4, 5]
    assert journal.next_number == 6


def test_a_new_journal_starts_from_the_empty_checkpoint() -> None:
    _, recovery = opened(MemoryFiles())

    assert recovery.created
    assert recovery.checkpoint == b"empty"
    assert recovery.records == []
    assert not recovery.may_have_lost_tail


def test_appended_records_survive_the_death_of_the_process() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    journal.append(b"")

    recovery = reopened(files)

    assert recovery.checkpoint == b"empty"
    assert recovery.records == [(1, b"one"), (2, b"")]
    assert recovery.is_continuous


def test_recovery_starts_at_the_last_checkpoint_and_numbers_go_on() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    journal.roll(b"after one")
    journal.append(b"two")

    recovery = reopened(files)

    assert (recovery.checkpoint, recovery.records) == (b"after one", [(2, b"two")])
    assert recovery.next_number == 3


def test_rolling_twice_without_a_record_keeps_the_later_checkpoint() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    journal.roll(b"first")
    journal.roll(b"second")

    recovery = reopened(files)

    assert (recovery.checkpoint, recovery.next_number) == (b"second", 2)


@pytest.mark.parametrize(
    "options",
    [
        dataclasses.replace(OPTIONS, segment_records=3),
        dataclasses.replace(OPTIONS, segment_bytes=90),
    ],
    ids=["records", "bytes"],
)
def test_a_segment_says_when_it_should_be_rolled(options: JournalOptions) -> None:
    journal, _ = opened(MemoryFiles(), options)

    wanted = []
    for _ in range(3):
        wanted.append(journal.should_roll)
        journal.append(b"ten bytes.")

    assert wanted == [False, False, False]
    assert journal.should_roll
    journal.roll(b"a checkpoint larger than the bound of a segment" * 10)
    assert not journal.should_roll


def test_the_bound_of_a_segment_holds_across_a_restart() -> None:
    files = MemoryFiles()
    options = dataclasses.replace(OPTIONS, segment_records=2)
    journal, _ = opened(files, options)
    journal.append(b"one")
    files.crash()

    journal, _ = opened(files, options)
    journal.append(b"two")

    assert journal.should_roll


def with_segments(files: MemoryFiles, spare: int) -> Journal:
    """Segments of records 1-2, 3-4, 5-6, 7."""
    journal, _ = opened(files, dataclasses.replace(OPTIONS, spare_segments=spare))
    for _ in range(3):
        journal.append(b"x")
        journal.append(b"x")
        journal.roll(b"checkpoint")
    journal.append(b"x")
    return journal


@pytest.mark.parametrize(
    ("number", "spare", "first_left"),
    [(2, 0, 1), (3, 0, 3), (4, 0, 3), (7, 0, 7), (99, 0, 7), (99, 1, 5), (99, 9, 1), (0, 0, 1)],
)
def test_dropping_deletes_whole_segments_and_keeps_the_last_and_the_spare(
    number: int, spare: int, first_left: int
) -> None:
    files = MemoryFiles()
    journal = with_segments(files, spare)

    journal.drop_before(number)

    assert journal.first_number == first_left
    segments = [name for name in files.names() if name.endswith(".segment")]
    assert len(segments) == journal.segment_count == (9 - first_left) // 2
    assert journal.size_bytes == sum(files.size(name) for name in segments)


def test_what_is_dropped_does_not_change_what_is_recovered() -> None:
    files = MemoryFiles()
    with_segments(files, spare=0).drop_before(7)

    recovery = reopened(files)

    assert (recovery.checkpoint, recovery.records) == (b"checkpoint", [(7, b"x")])
    assert recovery.is_continuous


def test_a_dropped_segment_leaves_a_checkpoint_that_survives_power_loss() -> None:
    files = MemoryFiles()
    with_segments(files, spare=0).drop_before(7)

    files.lose_power()
    recovery = reopened(files)

    assert recovery.checkpoint == b"checkpoint"


def test_a_second_writer_is_refused() -> None:
    files = MemoryFiles()
    opened(files)

    with pytest.raises(JournalLocked):
        opened(files)


def test_closing_lets_the_next_writer_in_and_stops_this_one() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    journal.close()
    journal.close()

    for use in (journal.sync, journal.check, lambda: journal.append(b"two")):
        with pytest.raises(JournalClosed):
            use()
    _, recovery = opened(files)
    assert recovery.closed_cleanly
    assert recovery.records == [(1, b"one")]


def test_a_record_over_its_bound_is_refused_alone() -> None:
    journal, _ = opened(MemoryFiles(), dataclasses.replace(OPTIONS, max_payload_bytes=10))

    with pytest.raises(PayloadTooLarge) as caught:
        journal.append(b"eleven byte")

    assert caught.value.code == "too_large"
    assert journal.append(b"ten bytes.") == 1


# A full disk.


def fill(files: MemoryFiles, room: int = 0) -> None:
    files.capacity = used(files) + room


def append_until_full(journal: Journal, payload: bytes, *, urgent: bool = False) -> list[int]:
    numbers: list[int] = []
    with contextlib.suppress(JournalFull):
        while len(numbers) < 10_000:
            numbers.append(journal.append(payload, urgent=urgent))
    return numbers


@pytest.mark.parametrize("room", [0, 1, 20, 30])
def test_on_a_full_disk_an_append_is_refused_and_leaves_no_half_record(room: int) -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    before = journal.size_bytes
    fill(files, room)

    with pytest.raises(JournalFull) as caught:
        journal.append(b"a record longer than the room")

    assert caught.value.code == "journal_full"
    assert journal.size_bytes == before
    recovery = reopened(files)
    assert (recovery.records, recovery.torn_bytes) == ([(1, b"one")], 0)


def test_on_a_full_disk_urgent_records_use_the_reserve_until_it_is_used_up() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    fill(files)

    numbers = append_until_full(journal, b"cancel" * 20, urgent=True)

    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == 4096 // (120 + 21)
    with pytest.raises(JournalFull):
        journal.append(b"new order")
    assert [number for number, _ in reopened(files).records] == numbers


def test_the_reserve_comes_back_with_the_space_before_normal_records_go_on() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    fill(files)
    journal.append(b"cancel", urgent=True)
    assert journal.is_full
    assert RESERVE_NAME not in files.names()

    fill(files, room=2000)
    with pytest.raises(JournalFull):
        journal.append(b"less room than the reserve: not yet")
    fill(files, room=5000)

    assert journal.append(b"new order") == 2
    assert files.size(RESERVE_NAME) == 4096
    assert not journal.is_full


def test_rolling_and_dropping_is_the_way_out_of_a_full_disk() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    for _ in range(100):
        journal.append(b"x" * 100)
    fill(files)
    with pytest.raises(JournalFull):
        journal.append(b"new order")

    journal.roll(b"checkpoint")
    journal.drop_before(journal.next_number)

    assert journal.append(b"new order") == 101
    assert not journal.is_full


def test_a_roll_without_room_leaves_the_old_segment_in_use() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    fill(files)

    with pytest.raises(JournalFull):
        journal.roll(b"x" * 5000)

    assert journal.append(b"cancel", urgent=True) == 1
    assert reopened(files).records == [(1, b"cancel")]


@pytest.mark.parametrize("durability", ["process", "disk"])
@pytest.mark.parametrize("opens", [0, 1, 2, 3])
def test_a_roll_without_file_descriptors_leaves_the_old_segment_in_use(
    opens: int, durability: str
) -> None:
    """They may be back in a moment: a journal that is given up needs a new start."""
    files = MemoryFiles()
    journal, _ = opened(files, dataclasses.replace(OPTIONS, durability=durability))
    journal.append(b"one")
    journal.roll(b"sum of one")
    journal.append(b"two")
    files.opens_left = opens
    with contextlib.suppress(JournalFull):
        journal.roll(b"sum of two")
    assert journal.append(b"three") == 3
    files.opens_left = None
    journal.roll(b"sum of three")
    journal.append(b"four")
    recovery = reopened(files)

    assert recovery.is_continuous
    assert (recovery.checkpoint, recovery.records) == (b"sum of three", [(4, b"four")])


def test_records_of_a_segment_that_could_not_be_left_are_all_there() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    files.opens_left = 1
    with pytest.raises(JournalFull, match="no file can be opened now"):
        journal.roll(b"sum")
    journal.append(b"two")
    files.opens_left = None
    recovery = reopened(files)

    assert recovery.records == [(1, b"one"), (2, b"two")]
    assert recovery.is_continuous


def test_what_can_not_be_dropped_for_want_of_file_descriptors_is_dropped_later() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    journal.roll(b"sum")
    journal.append(b"two")
    journal.roll(b"sum")
    files.opens_left = 0
    with contextlib.suppress(JournalFull):
        journal.drop_before(3)
    files.opens_left = None
    journal.drop_before(3)

    assert journal.append(b"three") == 3
    assert reopened(files).records == [(3, b"three")]


def test_a_journal_opens_on_a_full_disk_for_urgent_records_only() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    files.crash()
    fill(files)

    journal, recovery = opened(files)

    assert recovery.records == [(1, b"one")]
    with pytest.raises(JournalFull):
        journal.append(b"new order")
    assert journal.append(b"cancel", urgent=True) == 2


def test_a_disk_without_any_room_refuses_to_open_with_the_code_and_unlocks() -> None:
    files = MemoryFiles(capacity=10)

    for _ in range(2):
        with pytest.raises(JournalFull):
            opened(files)


def test_at_its_own_bound_the_journal_takes_urgent_records_only_and_only_so_many() -> None:
    options = JournalOptions(segment_bytes=1000, max_bytes=2000, reserve_bytes=500)
    journal, _ = opened(MemoryFiles(), options)

    append_until_full(journal, b"place" * 10)
    normal = journal.size_bytes
    append_until_full(journal, b"cancel" * 10, urgent=True)

    assert 1900 < normal <= 2000 < journal.size_bytes <= 2500
    journal.roll(b"checkpoint")
    journal.drop_before(journal.next_number)
    journal.append(b"place")


# A disk that fails.


def test_a_sync_that_fails_stops_a_journal_that_promises_the_disk() -> None:
    files = MemoryFiles()
    journal, _ = opened(files, dataclasses.replace(OPTIONS, durability="disk"))
    journal.append(b"one")
    files.sync_fails = True

    with pytest.raises(JournalFailed):
        journal.append(b"two")
    files.sync_fails = False
    with pytest.raises(JournalFailed):
        journal.append(b"three")
    journal.close()

    assert [payload for _, payload in reopened(files).records] == [b"one", b"two"]


class FailingFile:
    """Writes half of what it gets and reports an input/output error."""

    def __init__(self, file: SegmentFile, *, truncates: bool) -> None:
        self._file = file
        self._truncates = truncates

    def write(self, data: bytes) -> int:
        self._file.write(data[: len(data) // 2])
        raise OSError(5, os.strerror(5))

    def truncate(self, size: int) -> None:
        if not self._truncates:
            raise OSError(5, os.strerror(5))
        self._file.truncate(size)

    def sync(self) -> None:
        self._file.sync()

    def in_place(self) -> bool:
        return self._file.in_place()

    def close(self) -> None:
        self._file.close()


class FailingFiles(MemoryFiles):
    """A folder whose disk fails once it is told to."""

    truncates = True
    fails = False

    def append_to(self, name: str) -> SegmentFile:  # type: ignore[override]
        file = super().append_to(name)
        return FailingFile(file, truncates=self.truncates) if self.fails else file


@pytest.mark.parametrize("truncates", [True, False])
def test_a_failed_write_stops_the_journal_and_the_next_opening_cuts_what_is_left(
    truncates: bool,
) -> None:
    files = FailingFiles()
    journal, _ = opened(files)
    journal.append(b"one")
    files.truncates, files.fails = truncates, True
    journal.roll(b"after one")

    for _ in range(2):
        with pytest.raises(JournalFailed):
            journal.append(b"two")

    files.fails = False
    recovery = reopened(files)
    assert (recovery.checkpoint, recovery.records) == (b"after one", [])
    assert (recovery.torn_bytes > 0) == (not truncates)


def test_a_folder_that_is_taken_away_is_noticed_by_a_check() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.check()
    files.lose()

    with pytest.raises(JournalLost):
        journal.check()
    with pytest.raises(JournalLost):
        journal.append(b"into nothing")


@pytest.mark.parametrize(
    "wrong",
    [{"segment_bytes": 0}, {"reserve_bytes": -1}, {"segment_bytes": 10, "max_bytes": 9}],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        JournalOptions(**wrong)  # type: ignore[arg-type]
