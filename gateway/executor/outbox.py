"""The outbox: what the executor did, in its journal first, then told until it is acknowledged.

Records go to the listener in order, at most a window ahead of its acknowledgement. A gap that it
reports, or no progress for a while, sends the unacknowledged again from the first (go-back-N).
What is not in hand any more is read from the journal.

An outbox has a name of its own, and its records are numbered from 1. When the journal can't prove
that it holds all that was appended, a number could be given out twice: what is not acknowledged is
then sent as the beginning of a new outbox. A journal that was put back from an older copy proves
all that it can: so a start tells nothing that is new before the listener has said how far it has
this outbox, which it is asked with a record number 0.
"""

import logging
from collections import deque
from collections.abc import Callable

from msgspec import Raw, Struct

from gateway.domain.codec import encode
from gateway.domain.errors import Busy, Code, GatewayError, Unavailable
from gateway.domain.messages import Acknowledged, Alive, Message, OutboxEvent
from gateway.executor.counters import Counters
from gateway.executor.moments import Moments
from gateway.executor.settings import ExecutorSettings
from gateway.ports import Log, LogReader, Outlet

logger = logging.getLogger(__name__)

# In place of a record that was damaged, so that the listener can go on behind it.
_NOTHING = encode(Alive(at=0))
# A listener that says so often, in steps of a quarter of `resend_after`, that it has less than it
# acknowledged before has lost its journal.
_BACKWARD_WORDS = 5
_BROKEN = ("journal_failed", "journal_lost", "journal_closed")


_Waiting = tuple[OutboxEvent, Callable[[], None]]


def _nothing() -> None:
    pass


class JournalIsFull(Busy):
    code = Code.JOURNAL_FULL


class JournalIsBroken(Unavailable):
    """Nothing can be recorded until the process is started again."""


class OutboxName(Struct, frozen=True, kw_only=True):
    """`base` is the journal's number of the record before its first; `name` is unique for ever."""

    name: str
    born_at: int
    base: int = 0


class _Sent(Message, frozen=True, kw_only=True, tag="outbox_record"):
    """An `OutboxRecord` whose event is encoded already."""

    outbox: str
    born_at: int
    number: int
    event: Raw


class Outbox:
    """Numbers in here are the journal's; on the wire they count from the outbox's base."""

    def __init__(
        self,
        settings: ExecutorSettings,
        log: Log,
        reader: LogReader,
        reports: Outlet,
        moments: Moments,
        counters: Counters,
    ) -> None:
        self._settings = settings
        self._log = log
        self._reader = reader
        self._reports = reports
        self._moments = moments
        self._counters = counters
        self._sampled = counters.timings.acknowledged
        self.name = OutboxName(name="", born_at=0)
        self.acknowledged = 0
        self.opened_at = 0
        self.failure = ""
        self.full = False
        self.renaming = False
        self.unread = ""
        self._may_read = True
        self._next = 1
        self._proven_upto: int | None = 0
        self._rewound_to = -1
        self._backward_words = 0
        self._backward_at = 0
        self._progress_at = 0
        # What is to be sent and need not be read for it: at most a window.
        self._fresh: dict[int, bytes] = {}
        self._unrecorded: deque[_Waiting] = deque(maxlen=settings.max_unrecorded)

    def open(self, name: OutboxName, acknowledged: int) -> None:
        """Goes on behind what is known to be acknowledged; the rest will be sent."""
        self.name = name
        self._proven_upto = self.last if self.last > name.base else None
        self.opened_at = self._moments.latest()
        self.acknowledged = min(max(acknowledged, name.base), self.last)
        self._next = self.acknowledged + 1
        self._fresh.clear()
        self._sampled.forget()
        self._progress_at = self._moments.monotonic()

    def rename(self, name: str, born_at: int) -> None:
        """What is not acknowledged becomes the beginning of a new outbox. Nothing is recorded or
        told until a checkpoint that says so is written."""
        self.name = OutboxName(name=name, born_at=born_at, base=self.acknowledged)
        self._next = self.acknowledged + 1
        self._proven_upto = None
        self._rewound_to = -1
        self._backward_words = 0
        self._fresh.clear()
        self._sampled.forget()
        self.renaming = True
        self._counters.outboxes_begun += 1
        logger.warning("outbox_begun", extra={"outbox": name})

    @property
    def last(self) -> int:
        return self._log.next_number - 1

    @property
    def is_proven(self) -> bool:
        """The listener has said that it has no more than the journal had at this start."""
        return self._proven_upto is None

    @property
    def behind(self) -> int:
        """Records that the listener has not acknowledged."""
        return self.last - self.acknowledged

    # ---- recording -----------------------------------------------------------------------------

    def append(self, event: OutboxEvent, *, urgent: bool = False) -> None:
        """Records the event. Raises `JournalIsFull` or `JournalIsBroken`: it is not recorded."""
        if self.renaming:
            raise JournalIsFull("nothing was sent: a new journal segment could not be begun")
        payload = encode(event)
        try:
            number = self._log.append(payload, urgent=urgent)
        except Exception as error:
            ours = self._translated(error)
            if ours is None:
                raise
            raise ours from error
        self.full = self.full and urgent
        if not self._sampled.is_timing:
            self._sampled.begin(number, self._moments.monotonic())
        if len(self._fresh) < self._settings.resend_window:
            self._fresh[number] = payload

    def keep(self, event: OutboxEvent, recorded: Callable[[], None] = _nothing) -> None:
        """Records what has happened already: from the reserve, or later if even that is full.
        `recorded` is called once it is in the journal."""
        if self._unrecorded and not self._record_waiting():
            return self._wait(event, recorded)
        try:
            self.append(event, urgent=True)
        except (JournalIsFull, JournalIsBroken):
            return self._wait(event, recorded)
        return recorded()

    def _wait(self, event: OutboxEvent, recorded: Callable[[], None]) -> None:
        if len(self._unrecorded) == self._unrecorded.maxlen:
            self._counters.unrecorded_lost += 1
            logger.error("outbox_event_lost", extra={"type": type(event).__name__})
        self._unrecorded.append((event, recorded))

    def _record_waiting(self) -> bool:
        try:
            while self._unrecorded:
                event, recorded = self._unrecorded[0]
                self.append(event, urgent=True)
                self._unrecorded.popleft()
                recorded()
        except (JournalIsFull, JournalIsBroken):
            return False
        return True

    def sync(self) -> bool:
        """What is recorded now survives a loss of power too; False: not surely."""
        try:
            self._log.sync()
        except Exception as error:
            if self._translated(error) is None:
                raise
            return False
        return True

    def _translated(self, error: Exception) -> GatewayError | None:
        code = getattr(error, "code", None)
        if code == "journal_full":
            self.full = True
            return JournalIsFull(f"nothing was sent: {error}")
        if code in _BROKEN:
            self.failure = str(error)
            return JournalIsBroken(f"nothing was sent: {error}")
        return None

    # ---- telling the listener ------------------------------------------------------------------

    def tell(self) -> None:
        """Sends what may be sent: in order, within the window, as long as it is taken."""
        if self.renaming or self._proven_upto is not None:
            return
        upto = min(self.last, self.acknowledged + self._settings.resend_window)
        while self._next <= upto:
            if self._next not in self._fresh:
                self._take_from_journal(upto)
            payload = self._fresh.get(self._next)
            if payload is None or not self._send(self._next, payload):
                return

    def _ask_how_far(self) -> None:
        """Number 0 is applied by no listener, and answered with the number of the last record."""
        nothing = Raw(_NOTHING)
        sent = _Sent(outbox=self.name.name, born_at=self.name.born_at, number=0, event=nothing)
        self._reports.send(encode(sent))

    def _take_from_journal(self, upto: int) -> None:
        """In hand it stays until it is sent: with the listener away, each event would otherwise
        read the window again. What lies beyond it is read when its turn comes. After an error that
        is at the next beat."""
        if not self._may_read:
            return
        found = dict(self._read(self._next, upto - self._next + 1))
        if not found:
            return
        self._fresh = {n: payload for n, payload in self._fresh.items() if n <= upto}
        for number in range(self._next, min(max(found), upto) + 1):
            self._fresh.setdefault(number, found.get(number, _NOTHING))

    def _read(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        found, first = self._look(number, limit)
        if first > number:
            # Only what was acknowledged is ever dropped.
            self._advance(first - 1)
            self._skip_to(first)
        return found

    def _look(self, number: int, limit: int) -> tuple[list[tuple[int, bytes]], int]:
        """The records, and the oldest one that is left if `number` was dropped; else `number`."""
        try:
            found = self._reader.read_from(number, limit)
        except (OSError, GatewayError) as error:
            if getattr(error, "code", None) == "records_gone":
                return [], int(getattr(error, "first", number))
            self._note_unread(error)
            return [], number
        self.unread = ""
        return found, number

    def _note_unread(self, error: Exception) -> None:
        """What can't be read can't be told now; all else goes on."""
        if not self.unread:
            logger.error("journal_unread", extra={"reason": str(error)})
        self.unread = str(error)
        self._may_read = False
        self._counters.unread += 1

    def _send(self, number: int, payload: bytes) -> bool:
        frame = encode(
            _Sent(
                outbox=self.name.name,
                born_at=self.name.born_at,
                number=number - self.name.base,
                event=Raw(payload),
            )
        )
        if not self._reports.send(frame):
            return False
        self._fresh.pop(number, None)
        self._next = number + 1
        self._counters.sent += 1
        return True

    def on_acknowledged(self, said: Acknowledged) -> bool:
        """False: the listener needs records that are gone, or has some that we have not: only a
        new outbox helps."""
        number = said.number + self.name.base
        if self.has_lost(said):
            return False
        self._proven_upto = None
        if said.gap and number + 1 < self._first_kept(number + 1):
            return not self._is_said_for_long()
        self._backward_words = 0
        if said.gap:
            self._on_gap(number)
        else:
            self._advance(number)
        self.tell()
        return True

    def _is_said_for_long(self) -> bool:
        """It has acknowledged more before. A word that was late on its way is followed by a newer
        one; a listener that has lost its journal goes on saying it, while we look on: of the words
        of one moment one counts, and a pause of this process is one step, however long."""
        now = self._moments.monotonic()
        if not self._backward_words or now - self._backward_at >= self._settings.resend_after // 4:
            self._backward_words += 1
            self._backward_at = now
        return self._backward_words >= _BACKWARD_WORDS

    def _on_gap(self, number: int) -> None:
        """What it says counts even if it said more before: it may have lost its journal."""
        self._counters.gaps += 1
        self._advance(number)
        if number != self._rewound_to:
            self.acknowledged = number
            self._rewind(number)

    def has_lost(self, said: Acknowledged) -> bool:
        """The listener has records that are not in our journal; or were not when it was opened,
        and which it can't have from this process; or it has them of a later outbox."""
        if said.superseded and self._proven_upto is not None:
            return True
        known = self.last if self._proven_upto is None else self._proven_upto
        return said.number + self.name.base > known

    def _first_kept(self, number: int) -> int:
        """The oldest record that can be read, if `number` can't; else `number`."""
        if number > self.acknowledged:
            return number
        return self._look(number, 1)[1]

    def _advance(self, number: int) -> None:
        if number <= self.acknowledged:
            return
        self.acknowledged = number
        self._skip_to(number + 1)
        self.unread = ""
        self._progress_at = self._moments.monotonic()
        self._sampled.reach(number, self._progress_at)
        self._rewound_to = -1

    def _skip_to(self, number: int) -> None:
        if number > self._next:
            self._next = number
            self._fresh = {n: payload for n, payload in self._fresh.items() if n >= number}

    def _rewind(self, number: int) -> None:
        """Goes back to behind `number`; once only, until there is progress or time has passed."""
        self._counters.resent += max(self._next - number - 1, 0)
        self._next = min(self._next, number + 1)
        self._rewound_to = number
        self._progress_at = self._moments.monotonic()

    # ---- now and then --------------------------------------------------------------------------

    def attend(self) -> None:
        """Records what waited, sends again what is not acknowledged, lets go of what is."""
        self._may_read = True
        if self._unrecorded:
            self._record_waiting()
        quiet = self._moments.monotonic() - self._progress_at
        if self.behind and quiet >= self._settings.resend_after:
            self._rewind(self.acknowledged)
        elif not self.behind:
            self._progress_at = self._moments.monotonic()
        if self._proven_upto is not None:
            self._ask_how_far()
        self.let_go()
        self.tell()

    def let_go(self) -> None:
        """Forgets what is acknowledged."""
        try:
            self._log.drop_before(self.acknowledged + 1)
        except Exception as error:
            if self._translated(error) is None:
                raise

    def roll(self, checkpoint: bytes) -> bool:
        """Begins a new segment of the journal; False: not now."""
        try:
            self._log.roll(checkpoint)
        except Exception as error:
            if self._translated(error) is None:
                raise
            logger.warning("checkpoint_not_written", extra={"reason": str(error)})
            return False
        self.renaming = False
        return True

    @property
    def should_roll(self) -> bool:
        return self._log.should_roll
