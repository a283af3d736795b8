"""The writer on a real journal in a folder in memory, a store in memory, and virtual time."""

from dataclasses import dataclass
from typing import Any

import pytest
from store_kit import ACCOUNT, JOURNAL, NOW, alarm, fill, numbers, order, refusal, update

from gateway.domain import records as r
from gateway.domain.change import Alarm
from gateway.domain.codec import encode
from gateway.domain.messages import ListenerRecord, StreamItem, StreamPosition
from gateway.journal import Journal, JournalFailed, JournalOptions, JournalReader, MemoryFiles
from gateway.sim.scheduler import Scheduler
from gateway.store.memory import MemoryStore
from gateway.writer import Writer, WriterSettings

SECOND = 1_000_000_000
OPTIONS = JournalOptions(segment_records=10, spare_segments=0, reserve_bytes=0)
IDENTITY = bytes.fromhex(JOURNAL)


@dataclass
class Clock:
    """Each look at the monotonic clock takes `cost`."""

    scheduler: Scheduler
    cost: int = 0
    spent: int = 0

    def now(self) -> int:
        return self.scheduler.now

    def monotonic(self) -> int:
        self.spent += self.cost
        return self.scheduler.now + self.spent


class Watched(MemoryStore):
    """A store that takes a microsecond, and remembers the batches it was given."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(defer=lambda work: scheduler.after(1000, work))
        self.batches: list[r.Batch] = []

    def write(self, batch: r.Batch, done: Any) -> None:
        self.batches.append(batch)
        super().write(batch, done)


class Desk:
    """One listener's journal and database; `start` a writer on them, as a process does."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(NOW)
        self.clock = Clock(self.scheduler)
        self.files = MemoryFiles()
        self.store = Watched(self.scheduler)
        self.alarms: list[Alarm] = []
        self.seq = 0
        self.open()

    def open(self) -> None:
        self.journal, _ = Journal.open(
            self.files, OPTIONS, empty_checkpoint=b"", new_identity=lambda: IDENTITY
        )

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            self.seq += 1
            self.append_record(items=(update(self.seq, order(self.seq)),))

    def append_record(self, **parts: Any) -> None:
        self.journal.append(encode(ListenerRecord(at=NOW, **parts)))
        if self.journal.should_roll:
            self.journal.roll(b"state")

    def start(self, **settings: Any) -> Writer:
        writer = Writer(
            JOURNAL,
            log=self.journal,
            reader=JournalReader(self.files),
            store=self.store,
            timers=self.scheduler,
            clock=self.clock,
            on_alarm=self.alarms.append,
            settings=WriterSettings(**settings),
        )
        writer.start()
        return writer

    def run(self, ns: int = SECOND) -> None:
        self.scheduler.run_until(self.scheduler.now + ns)

    def stored(self) -> list[int]:
        return numbers(self.store.items())

    def alarmed(self) -> list[str]:
        return [each.kind for each in self.alarms]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_is_in_the_journal_at_the_start_is_written(desk: Desk) -> None:
    desk.append(25)

    writer = desk.start()
    assert writer.lag == 25
    desk.run()

    assert desk.stored() == list(range(1, 26))
    assert (writer.lag, writer.written, writer.problems()) == (0, 25, ())


def test_what_is_appended_later_is_written_when_the_writer_is_told(desk: Desk) -> None:
    writer = desk.start()
    desk.run()

    for _ in range(3):
        desk.append()
        writer.on_appended()
    desk.run()

    assert desk.stored() == [1, 2, 3]
    assert len(desk.store.batches) == 1


def test_everything_in_a_record_reaches_the_store(desk: Desk) -> None:
    items: tuple[StreamItem, ...] = (update(1, order()), fill(2, order()))
    checked = order(checked_at=NOW + 99)
    desk.append_record(items=items, refusals=(refusal(),), alarms=(alarm(),))
    desk.append_record(touched=(checked,))

    desk.start()
    desk.run()

    assert tuple(desk.store.items()) == items
    assert desk.store.orders() == {checked.order_id: checked}
    assert desk.store.refusals() == [refusal()]
    assert desk.store.alarms() == [alarm()]


def test_one_batch_is_written_at_a_time_and_none_is_larger_than_its_bound(desk: Desk) -> None:
    desk.append(25)
    under_way: list[int] = []
    writer = desk.start(batch_records=10, read_records=4)

    while writer.lag:
        desk.run(500)
        under_way.append(len(desk.store.batches) - writer.counters["batches"])

    assert [len(batch.items) for batch in desk.store.batches] == [10, 10, 5]
    assert [batch.upto for batch in desk.store.batches] == [10, 20, 25]
    assert max(under_way) == 1


def test_a_batch_ends_when_reading_it_has_taken_its_time(desk: Desk) -> None:
    desk.append(10)
    desk.clock.cost = 1_000_000

    desk.start(batch_time=3_000_000)
    desk.run()

    assert [len(batch.items) for batch in desk.store.batches] == [3, 3, 3, 1]
    assert desk.stored() == list(range(1, 11))


def test_segments_are_dropped_once_they_are_written_and_not_before(desk: Desk) -> None:
    desk.append(35)
    desk.store.down = True
    writer = desk.start()
    desk.run()
    assert desk.journal.first_number == 1

    desk.store.down = False
    desk.run(10 * SECOND)

    assert writer.written == 35
    assert desk.journal.first_number == 31


# ---- the store is away ---------------------------------------------------------------------


def test_while_the_store_is_down_nothing_is_lost_and_the_writer_says_so(desk: Desk) -> None:
    writer = desk.start()
    desk.run()
    desk.store.down = True

    since = desk.scheduler.now
    desk.append(3)
    writer.on_appended()
    desk.run(60 * SECOND)

    assert writer.lag == 3
    assert writer.down_since is not None
    assert since <= writer.down_since <= since + SECOND
    assert writer.problems()[0].startswith("store_down: 3 records wait")

    desk.store.down = False
    desk.append(2)
    writer.on_appended()
    desk.run(6 * SECOND)

    assert desk.stored() == [1, 2, 3, 4, 5]
    assert (writer.lag, writer.down_since, writer.problems()) == (0, None, ())


def test_a_store_that_is_down_is_asked_less_and_less_often(desk: Desk) -> None:
    desk.append()
    desk.store.down = True
    writer = desk.start()

    desk.run(60 * SECOND)

    # 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 s, then each 5 s
    assert writer.counters["failures"] == 6 + 11


def test_a_write_whose_answer_was_lost_is_written_again_and_is_there_once(desk: Desk) -> None:
    desk.append(3)
    writer = desk.start()
    desk.run(1500)  # the positions are known, the write is under way
    desk.store.answers_lost = True
    desk.run(1000)
    assert desk.stored() == [1, 2, 3]
    assert writer.written == 0

    desk.store.answers_lost = False
    desk.run()

    assert desk.stored() == [1, 2, 3]
    assert writer.written == 3
    assert desk.store.alarms() == []


def test_a_writer_that_was_stopped_begins_nothing_more(desk: Desk) -> None:
    desk.append(3)
    writer = desk.start()

    writer.stop()
    writer.on_appended()
    desk.run()

    assert desk.store.batches == []


# ---- starting again ------------------------------------------------------------------------


def test_after_a_restart_it_goes_on_where_the_store_ends(desk: Desk) -> None:
    desk.append(3)
    desk.start().stop()
    desk.start()
    desk.run()
    desk.store.batches.clear()

    desk.append(2)
    writer = desk.start()
    desk.run()

    assert [numbers(batch.items) for batch in desk.store.batches] == [[4, 5]]
    assert writer.written == 5
    assert desk.alarms == []


def test_a_journal_whose_written_records_were_dropped_goes_on_without_an_alarm(desk: Desk) -> None:
    desk.append(20)
    desk.start()
    desk.run()
    assert desk.journal.first_number == 21

    desk.append(1)
    writer = desk.start()
    desk.run()

    assert desk.stored() == list(range(1, 22))
    assert writer.written == 21
    assert desk.alarms == []


def cut(desk: Desk, last: int) -> None:
    """Loss of power: the journal ends after record `last`, and its next number is used again."""
    kept = [data for number, data in JournalReader(desk.files).read_from(1) if number <= last]
    desk.journal.close(clean=False)
    desk.files = MemoryFiles()
    desk.open()
    for data in kept:
        desk.journal.append(data)


def test_records_that_got_the_numbers_of_written_ones_are_written_too(desk: Desk) -> None:
    desk.append(8)
    desk.start()
    desk.run()

    cut(desk, last=5)
    desk.seq = 100
    desk.append(1)
    writer = desk.start()
    desk.run()

    assert desk.stored() == [*range(1, 9), 101]
    assert (writer.written, writer.lag) == (6, 0)
    assert desk.alarmed() == ["journal_rewound"]


def test_a_cut_journal_that_has_outgrown_the_stored_position_is_noticed_too(desk: Desk) -> None:
    desk.append(8)
    desk.start()
    desk.run()

    cut(desk, last=5)
    desk.seq = 100
    desk.append(4)  # record 8 is another one now
    writer = desk.start()
    desk.run()

    assert desk.stored() == [*range(1, 9), 101, 102, 103, 104]
    assert (writer.written, writer.lag) == (9, 0)


def test_after_a_cut_was_noticed_later_starts_go_on_where_the_store_ends(desk: Desk) -> None:
    desk.append(8)
    desk.start()
    desk.run()
    cut(desk, last=5)
    desk.seq = 100
    desk.append(1)
    desk.start()
    desk.run()
    desk.alarms.clear()
    desk.store.batches.clear()

    desk.append(4)
    writer = desk.start()
    desk.run()

    assert [numbers(batch.items) for batch in desk.store.batches] == [[102, 103, 104, 105]]
    assert writer.written == 10
    assert desk.alarms == []


def test_a_journal_cut_twice_is_noticed_twice(desk: Desk) -> None:
    desk.append(8)
    desk.start()
    desk.run()
    for first in (100, 200):
        cut(desk, last=5)
        desk.seq = first
        desk.append(2)
        desk.start()
        desk.run()

    assert desk.stored() == [*range(1, 9), 101, 102, 201, 202]
    assert desk.alarmed() == ["journal_rewound", "journal_rewound"]


def test_a_database_older_than_what_the_journal_dropped_raises_an_alarm(desk: Desk) -> None:
    desk.append(5)
    desk.start()
    desk.run()
    backup = desk.store.dump()
    desk.append(20)
    desk.start()
    desk.run()
    assert desk.journal.first_number == 21

    desk.store.restore(backup)
    writer = desk.start()
    desk.run()

    assert desk.stored() == [*range(1, 6), *range(21, 26)]
    assert desk.alarmed() == ["store_behind_journal"]
    assert "6 to 20" in desk.alarms[0].text
    assert writer.lag == 0


def test_an_empty_database_under_an_old_journal_raises_an_alarm(desk: Desk) -> None:
    desk.append(12)
    desk.journal.drop_before(11)

    desk.start()
    desk.run()

    assert desk.stored() == [11, 12]
    assert desk.alarmed() == ["store_behind_journal"]


# ---- what is wrong with the journal --------------------------------------------------------


def test_a_record_that_cannot_be_decoded_is_kept_in_the_store_and_passed(desk: Desk) -> None:
    desk.append()
    desk.journal.append(b"\xc1 not a record")
    desk.append()

    writer = desk.start()
    desk.run()

    assert desk.stored() == [1, 2]
    assert desk.store.rejected() == [b"\xc1 not a record"]
    assert writer.lag == 0


def test_damaged_records_are_told_of_and_passed(desk: Desk) -> None:
    desk.append(5)
    name = next(name for name in desk.files.names() if desk.files.size(name) > 1000)
    third = desk.files.read(name, 0, desk.files.size(name)).index(encode(update(3, order(3))))
    desk.files.flip(name, third + 5)

    writer = desk.start()
    desk.run()

    assert desk.stored() == [1, 2, 4, 5]
    assert desk.alarmed() == ["journal_damaged"]
    assert (writer.written, writer.lag) == (5, 0)


def test_a_reader_that_fails_in_the_middle_of_a_batch_is_tried_again(desk: Desk) -> None:
    writer = desk.start(read_records=2)
    desk.run()
    read = writer._reader.read_from

    def fails_after_two(number: int, limit: int) -> list[tuple[int, bytes]]:
        return read(number, limit) if number < 3 else _failing()

    writer._reader.read_from = fails_after_two  # type: ignore[method-assign]
    desk.append(6)
    writer.on_appended()
    desk.run()
    assert writer.problem == "no disk"

    writer._reader.read_from = read  # type: ignore[method-assign]
    desk.run(6 * SECOND)

    assert desk.stored() == [1, 2, 3, 4, 5, 6]
    assert writer.problem == ""


def test_a_journal_that_cannot_drop_is_written_all_the_same(desk: Desk) -> None:
    desk.append(3)
    desk.journal.drop_before = _failing  # type: ignore[method-assign]

    writer = desk.start()
    desk.run()

    assert desk.stored() == [1, 2, 3]
    assert writer.counters["drops_failed"] == 1


def test_the_store_is_told_of_epochs_in_which_nothing_was_published(desk: Desk) -> None:
    desk.append(2)
    begun = StreamPosition(account=ACCOUNT, epoch=9, seq=1_000_002)
    desk.append_record(streams=(begun,))
    desk.start()
    desk.run()
    answers: list[Any] = []

    desk.store.ask(r.FindPositions(journal=JOURNAL), answers.append)
    desk.run()

    assert answers[0].streams == (begun,)


def _failing(*_: object) -> Any:
    raise JournalFailed("no disk")


def test_positions_are_found_under_the_journals_own_name(desk: Desk) -> None:
    desk.append(2)
    desk.start()
    desk.run()
    answers: list[Any] = []

    desk.store.ask(r.FindPositions(journal=JOURNAL), answers.append)
    desk.run()

    assert answers[0].upto == 2
    assert answers[0].streams[0].account == ACCOUNT
