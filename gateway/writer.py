"""Has the listener's journal written to the store, behind everything that is hot.

The writer follows the journal with a reader of its own and gives the store one batch at a time.
A slow or dead store only makes it lag: the journal keeps what is not written, and is told what it
may drop after each success.

Where to go on is asked of the store at each start. A number alone does not answer that: a journal
that was cut by a loss of power, or restored from a copy, gives numbers a second time. So the store
also keeps the digest of the last record written (`mark`). If the journal does not hold that very
record any more, the writer begins again at the oldest one left, under a new name for the journal
in the store (`…+1`). What is there already is recognised, so this costs time and nothing else.
"""

import hashlib
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator

from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.codec import listener_records
from gateway.domain.errors import BadMessage
from gateway.domain.identity import AccountId
from gateway.domain.latency import Sampled
from gateway.domain.messages import ListenerRecord
from gateway.domain.records import Batch, FindPositions, Found, FoundPositions, StoreFailed
from gateway.ports import Clock, Log, LogReader, Store, Timers

_log = logging.getLogger("gateway.writer")

MILLISECOND = 1_000_000


class WriterSettings(Struct, frozen=True, kw_only=True):
    """Times in ns. A batch ends after `batch_records`, or when reading it has taken `batch_time`:
    the hot path waits that long. `linger` lets a batch gather after the first record.
    `read_records` are read at once."""

    batch_records: int = 500
    batch_time: int = 2 * MILLISECOND
    read_records: int = 50
    linger: int = 2 * MILLISECOND
    first_retry: int = 100 * MILLISECOND
    last_retry: int = 5_000 * MILLISECOND


class Writer:
    """One per journal; single-threaded. `start` it once, and `on_appended` after each append."""

    def __init__(
        self,
        journal: str,
        *,
        log: Log,
        reader: LogReader,
        store: Store,
        timers: Timers,
        clock: Clock,
        on_alarm: Callable[[Alarm], None] = lambda _: None,
        settings: WriterSettings = WriterSettings(),  # noqa: B008 frozen
    ) -> None:
        """`journal` names the journal's identity. Alarms are logged and counted in any case."""
        self.written = 0
        """The last record that the store has; 0 until the store has been asked."""
        self.down_since: int | None = None
        """Since when (monotonic ns) nothing could be written; None: the store is there."""
        self.problem = ""
        """What it said when it failed last; empty when the last write succeeded."""
        self.counters: Counter[str] = Counter()
        self.stored = Sampled()
        """From a record's place in the journal to the store; one at a time is timed."""
        self._journal = journal
        self._log = log
        self._reader = reader
        self._store = store
        self._timers = timers
        self._clock = clock
        self._on_alarm = on_alarm
        self._settings = settings
        self._pause = settings.first_retry
        self._busy = True  # with a question, a write, or a wait: nothing else may be begun
        self._stopped = False
        self._name = journal
        self._next = 1
        self._ahead: deque[tuple[int, bytes]] = deque()  # read, and left for the next batch
        self._safe = 0  # up to here all is in the store, though perhaps under an older name

    @property
    def lag(self) -> int:
        """Records that are in the journal and not yet in the store."""
        return self._log.next_number - 1 - self.written

    def problems(self) -> tuple[str, ...]:
        """For health: what is wrong, and what to do."""
        if not self.problem:
            return ()
        text = f"{self.lag} records wait for the database; is it up? {self.problem}"
        return (f"store_down: {text}",)

    def start(self) -> None:
        self._find(0, FoundPositions(upto=0, streams=()))

    def stop(self) -> None:
        """Nothing more is begun; a write under way may still be carried out."""
        self._stopped = True

    def on_appended(self) -> None:
        """The journal has more."""
        if not self.stored.is_timing:
            self.stored.begin(self._log.next_number - 1, self._clock.monotonic())
        if not self._busy:
            self._wait(self._settings.linger, self._write_next)

    # --- where to go on ---

    def _find(self, generation: int, before: FoundPositions) -> None:
        """Asks for the last name of this journal that the store has something of."""
        name = _name(self._journal, generation)

        def on_found(found: Found | StoreFailed) -> None:
            if not isinstance(found, FoundPositions):
                self._retry(found, lambda: self._find(generation, before))
            elif found.upto:
                self._guard(lambda: self._find(generation + 1, found))
            else:
                self._guard(lambda: self._resume(generation, before))

        self._store.ask(FindPositions(journal=name), on_found)

    def _resume(self, generations: int, found: FoundPositions) -> None:
        """`found` is what the store has under the last of so many names; upto 0 for none."""
        self._safe = found.upto
        if generations == 0 or self._holds(found):
            self._name = _name(self._journal, max(generations - 1, 0))
            self.written = found.upto
        else:
            self._name = _name(self._journal, generations)
            text = (
                f"record {found.upto} of the journal is not the one that was written from it: it"
                " was cut or restored; it is written again from the oldest record left"
            )
            self._raise_alarm("journal_rewound", text)
        self._go_on_at(self.written + 1)
        self._write_next()

    def _go_on_at(self, number: int) -> None:
        self._next = number
        self._ahead.clear()

    def _holds(self, found: FoundPositions) -> bool:
        """Whether the journal has the record that the store's position stands for. One that was
        dropped was there: only what has been written is ever dropped."""
        try:
            read = self._reader.read_from(found.upto, 1)
        except Exception as error:
            if _first_left(error) is None:
                raise
            return True
        return any(number == found.upto and _mark(data) == found.mark for number, data in read)

    # --- one batch after the other ---

    def _write_next(self) -> None:
        self._busy = True
        batch = self._gather()
        if batch is None:
            self._busy = False
        else:
            self._write(batch)

    def _write(self, batch: Batch) -> None:
        def on_written(failed: StoreFailed | None) -> None:
            if failed is not None:
                self._retry(failed, lambda: self._write(batch))
            else:
                self._guard(lambda: self._on_written(batch))

        self._store.write(batch, on_written)

    def _on_written(self, batch: Batch) -> None:
        self.written = batch.upto
        self._safe = max(self._safe, batch.upto)
        self.stored.reach(batch.upto, self._clock.monotonic())
        self.down_since, self.problem = None, ""
        self._pause = self._settings.first_retry
        self.counters["batches"] += 1
        self._drop(batch.upto + 1)
        self._write_next()

    def _drop(self, number: int) -> None:
        """A journal that fails at this says so to its owner too; what it has is written anyway."""
        try:
            self._log.drop_before(number)
        except Exception:  # noqa: BLE001 the journal's errors are not known here
            self.counters["drops_failed"] += 1
            _log.exception("drop_failed number=%d", number)

    def _gather(self) -> Batch | None:
        records: list[ListenerRecord] = []
        unreadable: list[bytes] = []
        last: tuple[int, bytes] | None = None
        for number, data in self._read():
            last = number, data
            try:
                records.append(listener_records.decode(data))
            except BadMessage as error:
                unreadable.append(data)
                _log.error("unreadable_record number=%d error=%s", number, error)
        if last is None:
            return None
        return Batch(
            journal=self._name,
            upto=last[0],
            mark=_mark(last[1]),
            items=tuple(item for record in records for item in record.items),
            touched=tuple(order for record in records for order in record.touched),
            refusals=tuple(refusal for record in records for refusal in record.refusals),
            alarms=tuple(alarm for record in records for alarm in record.alarms),
            unreadable=tuple(unreadable),
            streams=tuple(one for record in records for one in record.streams),
        )

    def _read(self) -> Iterator[tuple[int, bytes]]:
        """What comes next, as far as one batch goes."""
        ends = self._clock.monotonic() + self._settings.batch_time
        for _ in range(self._settings.batch_records):
            if not self._ahead and self._next < self._log.next_number:
                self._ahead.extend(self._read_ahead())
            if not self._ahead:
                return
            number, data = self._ahead.popleft()
            self._note_hole(number)
            self._next = number + 1
            yield number, data
            if self._clock.monotonic() >= ends:
                return

    def _read_ahead(self) -> list[tuple[int, bytes]]:
        try:
            return self._reader.read_from(self._next, self._settings.read_records)
        except Exception as error:
            first = _first_left(error)
            if first is None:
                raise
        self._skip_dropped(first)
        return self._reader.read_from(first, self._settings.read_records)

    def _skip_dropped(self, first: int) -> None:
        if first > self._safe + 1:
            text = (
                f"the journal begins at record {first}, and the database has none of the records"
                f" {self._safe + 1} to {first - 1}: it is older than the journal, restored or new"
            )
            self._raise_alarm("store_behind_journal", text)
        self.written = first - 1
        self._go_on_at(first)

    def _note_hole(self, number: int) -> None:
        if number > self._next:
            text = f"records {self._next} to {number - 1} are damaged and cannot be stored"
            self._raise_alarm("journal_damaged", text)

    # --- trouble ---

    def _retry(self, why: object, action: Callable[[], None]) -> None:
        text = why.text if isinstance(why, StoreFailed) else str(why)
        self.problem = text
        self.counters["failures"] += 1
        if self.down_since is None:
            self.down_since = self._clock.monotonic()
        _log.warning("write_failed lag=%d text=%s", self.lag, text)
        self._wait(self._pause, action)
        self._pause = min(self._pause * 2, self._settings.last_retry)

    def _guard(self, action: Callable[[], None]) -> None:
        """The edge of the writer: the journal's troubles are its owner's; here they mean later."""
        if self._stopped:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001
            _log.exception("writer_failed")
            self._go_on_at(self.written + 1)
            self._retry(error, action)

    def _wait(self, delay: int, action: Callable[[], None]) -> None:
        self._busy = True
        self._timers.after(delay, lambda: self._guard(action))

    def _raise_alarm(self, kind: str, text: str) -> None:
        self.counters[kind] += 1
        _log.error("writer_alarm kind=%s text=%s", kind, text)
        at = self._clock.now()
        self._on_alarm(Alarm(kind=kind, text=text, at=at, account=AccountId("")))


def _name(journal: str, generation: int) -> str:
    return f"{journal}+{generation}" if generation else journal


def _mark(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=16).digest()


def _first_left(error: Exception) -> int | None:
    """The oldest record left, if the error says that the wanted one was dropped."""
    first = getattr(error, "first", None)
    gone = getattr(error, "code", None) == "records_gone"
    return first if gone and isinstance(first, int) else None
