"""Any history of a journal, made up by hypothesis, against a list that is never damaged."""

import contextlib
import dataclasses
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.journal import (
    Journal,
    JournalFull,
    JournalOptions,
    JournalReader,
    MemoryFiles,
    ProcessDied,
    RecordsGone,
    Recovery,
)

OPTIONS = JournalOptions(
    boot_id="boot-1", segment_records=4, max_bytes=64 << 20, reserve_bytes=64, spare_segments=1
)

payloads = st.binary(max_size=60) | st.just(b"\xff\xc0\xfeJ" * 9)


class AnyHistory(RuleBasedStateMachine):
    """`kept` is what the journal must still hold, by number; a reader follows all the while."""

    def __init__(self) -> None:
        super().__init__()
        self.files = MemoryFiles()
        self.boots = 0
        self.kept: dict[int, bytes] = {}
        self.next_number = 1
        self.checkpoint_at = 1
        self.synced_to = 0
        self.reader = JournalReader(self.files)
        self.read_to = 0
        self.open()

    def open(self) -> Recovery:
        options = dataclasses.replace(OPTIONS, boot_id=f"boot-{self.boots}")
        self.journal, recovery = Journal.open(self.files, options, empty_checkpoint=b"1")
        return recovery

    @rule(payload=payloads, urgent=st.booleans())
    def append(self, payload: bytes, urgent: bool) -> None:
        number = self.journal.append(payload, urgent=urgent)
        assert number == self.next_number
        self.kept[number] = payload
        self.next_number += 1

    @rule()
    def roll(self) -> None:
        self.journal.roll(str(self.next_number).encode())
        self.checkpoint_at = self.next_number

    @rule(back=st.integers(0, 12))
    def drop(self, back: int) -> None:
        bound = max(self.next_number - back, 1)
        before = self.journal.first_number
        self.journal.drop_before(bound)
        assert before <= self.journal.first_number <= max(bound, before)
        self.forget_dropped()

    @rule()
    def sync(self) -> None:
        self.journal.sync()
        self.synced_to = self.next_number - 1

    @rule()
    def close_and_open(self) -> None:
        self.journal.close()
        self.synced_to = self.next_number - 1
        recovery = self.open()
        assert recovery.closed_cleanly
        self.check_all_there(recovery)

    @rule(half=st.none() | st.integers(0, 30), payload=payloads)
    def die(self, half: int | None, payload: bytes) -> None:
        """At any point between two appends, or in the middle of one."""
        torn = 0
        if half is not None:
            torn = min(half, len(payload) + 20)
            self.files.die_in_next_write(torn)
            with contextlib.suppress(ProcessDied):
                self.journal.append(payload)
        self.files.crash()
        recovery = self.open()
        assert recovery.torn_bytes == torn
        assert recovery.is_continuous == (torn == 0)
        self.check_all_there(recovery)

    @rule(room=st.integers(0, 40), payload=st.binary(min_size=20, max_size=60))
    def fill_the_disk_for_a_moment(self, room: int, payload: bytes) -> None:
        used = sum(self.files.size(name) for name in self.files.names())
        self.files.capacity = used + room
        with contextlib.suppress(JournalFull):
            self.append(payload, urgent=False)
        self.files.capacity = None

    @rule(seed=st.integers(0, 10_000))
    def lose_power(self, seed: int) -> None:
        self.files.lose_power(random.Random(seed))
        self.boots += 1
        recovery = self.open()
        assert recovery.may_have_lost_tail
        assert recovery.next_number > self.synced_to
        self.check_prefix(recovery)
        self.start_over(recovery)

    @rule(count=st.integers(1, 120))
    def tear(self, count: int) -> None:
        newest = self.segments()[-1]
        count = min(count, self.files.size(newest))
        self.files.crash()
        self.files.cut(newest, count)
        recovery = self.open()
        self.check_prefix(recovery)
        self.start_over(recovery)

    @precondition(lambda self: self.next_number > self.checkpoint_at)
    @rule(data=st.data())
    def flip(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.segments()[-2:]))
        offset = data.draw(st.integers(0, self.files.size(name) - 1))
        self.files.crash()
        self.files.flip(name, offset, data.draw(st.integers(1, 255)))
        recovery = self.open()
        self.check_all_but_missing(recovery)
        self.start_over(recovery)

    def check_all_there(self, recovery: Recovery) -> None:
        assert recovery.checkpoint == str(self.checkpoint_at).encode()
        assert recovery.records == self.expected_from(self.checkpoint_at)
        assert recovery.next_number == self.next_number
        assert recovery.missing == ()

    def check_prefix(self, recovery: Recovery) -> None:
        """A checkpoint that was taken, and after it what was appended, up to some number."""
        if recovery.created:
            return
        assert recovery.checkpoint is not None
        start = int(recovery.checkpoint)
        expected = self.expected_from(start)
        assert recovery.records == expected[: len(recovery.records)]
        end = start + len(recovery.records)
        assert recovery.next_number <= self.next_number
        skipped = ((end, recovery.next_number - 1),) if end < recovery.next_number else ()
        assert recovery.missing == skipped

    def check_all_but_missing(self, recovery: Recovery) -> None:
        """One bad byte costs one record at most, and it is named, or it was the last one."""
        only_segment = len(self.segments()) == 1
        assert recovery.checkpoint is not None or only_segment
        start = int(recovery.checkpoint or self.journal.first_number)
        lost = {n for first, last in recovery.missing for n in range(first, last + 1)}
        assert len(lost) + (recovery.next_number < self.next_number) <= 1
        assert recovery.next_number >= self.next_number - 1
        assert recovery.records == [
            record
            for record in self.expected_from(start)
            if record[0] not in lost and record[0] < recovery.next_number
        ]
        if lost or recovery.next_number < self.next_number:
            assert not recovery.is_continuous

    def expected_from(self, start: int) -> list[tuple[int, bytes]]:
        return [(number, self.kept[number]) for number in sorted(self.kept) if number >= start]

    def start_over(self, recovery: Recovery) -> None:
        """After damage an owner rolls, and drops what it no longer trusts; so does this."""
        self.next_number = recovery.next_number
        for _ in range(2):
            self.journal.roll(str(self.next_number).encode())
        self.journal.drop_before(self.next_number)
        self.journal.sync()
        self.kept.clear()
        self.checkpoint_at = self.next_number
        self.synced_to = self.next_number - 1
        self.reader = JournalReader(self.files)
        self.read_to = self.next_number - 1

    def segments(self) -> list[str]:
        return [name for name in self.files.names() if name.endswith(".segment")]

    def forget_dropped(self) -> None:
        self.kept = {
            number: payload
            for number, payload in self.kept.items()
            if number >= self.journal.first_number
        }

    @invariant()
    def the_following_reader_sees_what_was_written(self) -> None:
        try:
            found = self.reader.read_from(self.read_to + 1, limit=3)
        except RecordsGone:
            self.read_to = self.journal.first_number - 1
            found = self.reader.read_from(self.read_to + 1, limit=3)
        if found:
            # Some may have been dropped since the reader took them into its memory.
            assert [n for n, _ in found] == list(range(self.read_to + 1, found[-1][0] + 1))
            assert all(self.kept.get(number, payload) == payload for number, payload in found)
            self.read_to = found[-1][0]
        else:
            assert self.read_to == self.next_number - 1

    @invariant()
    def a_new_reader_sees_everything_that_is_kept(self) -> None:
        first = self.journal.first_number
        assert JournalReader(self.files).read_from(first) == self.expected_from(first)

    @invariant()
    def the_sizes_it_counts_are_those_of_the_files(self) -> None:
        sizes = [self.files.size(name) for name in self.segments()]
        assert (self.journal.size_bytes, self.journal.segment_count) == (sum(sizes), len(sizes))


AnyHistory.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=False
)
TestAnyHistory = AnyHistory.TestCase
