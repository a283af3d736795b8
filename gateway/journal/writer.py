"""The journal as its one writer sees it. Not thread-safe."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Self

from gateway.folders import NO_FILES
from gateway.journal.errors import (
    JournalClosed,
    JournalError,
    JournalFailed,
    JournalFull,
    JournalLost,
    PayloadTooLarge,
)
from gateway.journal.files import SegmentFile, SegmentFiles
from gateway.journal.format import (
    IDENTITY_BYTES,
    MAX_CHECKPOINT_BYTES,
    Kind,
    encode_record,
    seed_of,
)
from gateway.journal.marks import Mark, MarkKind, encode_mark
from gateway.journal.opening import encode_beginning, prepare
from gateway.journal.options import JournalOptions
from gateway.journal.quarantine import FULL_ERRORS
from gateway.journal.recovery import Recovery
from gateway.journal.reserve import Reserve
from gateway.journal.segments import Segment, list_segments
from gateway.journal.unsettled import Unsettled


def random_identity() -> bytes:
    return os.urandom(IDENTITY_BYTES)


class Journal:
    """An append-only journal of numbered records, in segments that begin with a checkpoint.

    Once a method has raised JournalFailed the journal can only be closed: open it again to see
    what the disk holds.
    """

    def __init__(self, files: SegmentFiles, options: JournalOptions, recovery: Recovery) -> None:
        """Internal: use `open`, which locks and repairs the folder first."""
        self.identity = recovery.identity
        self.next_number = recovery.next_number
        self._files = files
        self._options = options
        self._sync_each = options.durability == "disk"
        self._seed = seed_of(recovery.identity)
        self._segments = list_segments(files)
        self._sizes = {segment: files.size(segment.name) for segment in self._segments}
        self._current = self._segments[-1]
        self._file: SegmentFile = files.append_to(self._current.name)
        self._size = self._sizes[self._current]
        self._older_bytes = sum(self._sizes.values()) - self._size
        self._new_records = len(recovery.records)
        self._new_bytes = sum(len(payload) for _, payload in recovery.records)
        # Damage is left behind by rolling: the next boot then starts after it.
        self._roll_wanted = bool(recovery.damaged) or recovery.checkpoint is None
        self._unsynced: set[Segment] = set()
        self._session_begun = False
        self._unusable: JournalError | None = None
        self._reserve = Reserve(files, options.reserve_bytes)

    @classmethod
    def open(
        cls,
        files: SegmentFiles,
        options: JournalOptions,
        *,
        empty_checkpoint: bytes,
        new_identity: Callable[[], bytes] = random_identity,
        takes: Callable[[bytes], bool] = lambda _checkpoint: True,
    ) -> tuple[Self, Recovery]:
        """Become the writer, repair what is there, and tell what was found.

        `empty_checkpoint` begins a journal that does not exist yet, or of which no segment can
        be read. A checkpoint that the owner does not take (`takes`) counts as damaged: an older
        one is gone back to. Damage never raises: it is in the Recovery. Raises JournalLocked,
        JournalTooNew, JournalMixed, JournalFailed, and JournalFull when there is no room to begin
        a new one.
        """
        files.lock()
        try:
            recovery = prepare(
                files, options, empty_checkpoint, new_identity, takes, Unsettled(files)
            )
            journal = cls(files, options, recovery)
        except OSError as error:
            files.unlock()
            raise _translated(error) from error
        except BaseException:
            files.unlock()
            raise
        try:
            journal._begin_session()
        except JournalFull:
            pass  # no room even so: the first append tries again
        except BaseException:
            journal.close(clean=False)
            raise
        return journal, recovery

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        """Write one record and return its number. It survives the process from here on.

        Raises JournalFull, with nothing written, when the disk is full or `max_bytes` reached.
        An `urgent` record may use the reserve. Raises PayloadTooLarge and JournalFailed.
        """
        if self._unusable is not None:
            raise self._unusable
        if len(payload) > self._options.max_payload_bytes:
            raise PayloadTooLarge(f"a record of {len(payload)} bytes is over the bound")
        if not self._session_begun:
            self._begin_session()
        number = self.next_number
        record = encode_record(self._seed, Kind.DATA, number, payload)
        self._check_bounds(len(record), urgent=urgent)
        self._put(record, urgent=urgent)
        self.next_number = number + 1
        self._new_records += 1
        self._new_bytes += len(record)
        return number

    @property
    def should_roll(self) -> bool:
        """Has the segment reached its bound, or is damage to be left behind? Then call `roll`."""
        return (
            self._new_bytes >= self._options.segment_bytes
            or self._new_records >= self._options.segment_records
            or self._roll_wanted
        )

    def roll(self, checkpoint: bytes) -> None:
        """Begin a new segment with `checkpoint`: all that the records so far amount to.

        What the checkpoint sums up is synced first: after a loss of power it must not be there
        without the records, which others may still have to read.
        May use the reserve, since rolling and then dropping is the way out of a full disk.
        When it raises JournalFull, also for want of a file descriptor, the old segment goes on
        being used.
        """
        self.sync()
        if len(checkpoint) > MAX_CHECKPOINT_BYTES:
            raise PayloadTooLarge(f"a checkpoint of {len(checkpoint)} bytes is over the bound")
        segment = Segment(self._current.serial + 1, self.next_number)
        data = encode_beginning(self.identity, segment, checkpoint) + self._mark(MarkKind.OPENED)
        self._create(segment.name, data)
        try:
            file = self._files.append_to(segment.name)
        except OSError as error:
            self._withdraw(segment.name, error)
            raise self._fail(error) from error
        self._leave_current()
        self._start_using(segment, file, len(data))

    def drop_before(self, number: int) -> None:
        """Delete the oldest segments while all their records are below `number`.

        Never the segment that is being written, nor `spare_segments` before it unless the
        journal is full. Raises JournalFailed.
        """
        self._check_usable()
        spare = 0 if self.is_full else self._options.spare_segments
        droppable = max(len(self._segments) - 1 - spare, 0)
        successors = self._segments[1 : droppable + 1]
        count = sum(1 for successor in successors if successor.first <= number)
        if count:
            self._drop(count)
        self._reserve.ensure()

    def settle(self) -> None:
        """The owner has drawn every consequence of what the Recovery said, and recorded them."""
        Unsettled(self._files).remove()

    def sync(self) -> None:
        """Return once all records would survive a loss of power. Raises JournalFailed."""
        self._check_usable()
        try:
            for segment in sorted(self._unsynced):
                self._files.sync(segment.name)
            self._unsynced.clear()
            self._file.sync()
        except OSError as error:
            raise self._fail(error) from error

    def check(self) -> None:
        """Raises JournalLost if the folder was taken away: writing would not notice. For a tick."""
        self._check_usable()
        if not self._file.in_place():
            self._unusable = JournalLost(f"{self._current.name} is no longer in its folder")
            raise self._unusable

    def close(self, *, clean: bool = True) -> None:
        """Sync, mark the journal as closed in order, and let the next writer in.

        A mark that cannot be written is left out: the next opening then takes the end for an
        unclean one. With `clean=False` nothing is written or synced.
        """
        if isinstance(self._unusable, JournalClosed):
            return
        if clean and self._unusable is None and self._session_begun:
            with contextlib.suppress(JournalError):
                self._end_session()
        self._unusable = JournalClosed("the journal is closed")
        self._file.close()
        self._files.unlock()

    @property
    def first_number(self) -> int:
        """The oldest record that has not been dropped; `next_number` when there is none."""
        return self._segments[0].first

    @property
    def size_bytes(self) -> int:
        """All segments together."""
        return self._older_bytes + self._size

    @property
    def segment_count(self) -> int:
        return len(self._segments)

    @property
    def is_full(self) -> bool:
        """Are only urgent records taken? As far as it is known without trying."""
        return not self._reserve.held or self.size_bytes >= self._options.max_bytes

    def _begin_session(self) -> None:
        """Say which run of the machine writes now. On the disk before the first record is."""
        self._reserve.ensure()
        self._put(self._mark(MarkKind.OPENED), urgent=True)
        self.sync()
        self._session_begun = True

    def _end_session(self) -> None:
        self.sync()
        self._put(self._mark(MarkKind.CLOSED), urgent=True)
        self.sync()

    def _mark(self, kind: MarkKind) -> bytes:
        mark = Mark(kind, every_append_synced=self._sync_each, boot_id=self._options.boot_id)
        return encode_record(self._seed, Kind.MARK, self.next_number, encode_mark(mark))

    def _check_usable(self) -> None:
        if self._unusable is not None:
            raise self._unusable

    def _check_bounds(self, added: int, *, urgent: bool) -> None:
        allowed = self._options.max_bytes + (self._options.reserve_bytes if urgent else 0)
        if self._older_bytes + self._size + added > allowed:
            raise JournalFull(f"the journal has reached its bound of {allowed} bytes")
        if not urgent and not self._reserve.ensure():
            raise JournalFull("the disk is full, what is left is for urgent records")

    def _put(self, record: bytes, *, urgent: bool) -> None:
        while not self._try_put(record):
            if not (urgent and self._reserve.release()):
                raise JournalFull("the disk is full")
        self._size += len(record)

    def _try_put(self, record: bytes) -> bool:
        """Append the whole record or nothing of it; False when the disk has no room."""
        try:
            written = self._file.write(record)
        except OSError as error:
            self._take_back()
            if error.errno in FULL_ERRORS:
                return False
            raise self._fail(error) from error
        if written != len(record):
            self._take_back()
            return False
        if self._sync_each:
            self._sync_append()
        return True

    def _sync_append(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            # The kernel may have dropped the pages: only reading again shows what is there.
            raise self._fail(error) from error

    def _take_back(self) -> None:
        try:
            self._file.truncate(self._size)
        except OSError as error:
            raise self._fail(error) from error

    def _create(self, name: str, data: bytes) -> None:
        while True:
            try:
                return self._files.create(name, data, sync=self._sync_each)
            except OSError as error:
                if error.errno not in FULL_ERRORS:
                    self._withdraw(name, error)
                    raise self._fail(error) from error
                if not self._reserve.release():
                    raise JournalFull("the disk has no room for a new segment") from error

    def _withdraw(self, name: str, error: OSError) -> None:
        """A segment that is there, and can't be opened now, is not begun."""
        if error.errno in NO_FILES:
            with contextlib.suppress(FileNotFoundError):
                self._files.remove(name)

    def _leave_current(self) -> None:
        self._file.close()
        self._sizes[self._current] = self._size
        self._older_bytes += self._size
        if not self._sync_each:
            self._unsynced.add(self._current)

    def _start_using(self, segment: Segment, file: SegmentFile, size: int) -> None:
        if not self._sync_each:
            self._unsynced.add(segment)
        self._segments.append(segment)
        self._current = segment
        self._file = file
        self._size = size
        self._new_records = 0
        self._new_bytes = 0
        self._roll_wanted = False
        self._session_begun = True

    def _drop(self, count: int) -> None:
        """Delete the `count` oldest. The oldest one left must be on the disk before that."""
        oldest_left = self._segments[count]
        try:
            if oldest_left in self._unsynced:
                self._files.sync(oldest_left.name)
                self._unsynced.discard(oldest_left)
            for segment in self._segments[:count]:
                with contextlib.suppress(FileNotFoundError):
                    self._files.remove(segment.name)
        except OSError as error:
            raise self._fail(error) from error
        for segment in self._segments[:count]:
            self._older_bytes -= self._sizes.pop(segment)
            self._unsynced.discard(segment)
        del self._segments[:count]

    def _fail(self, error: OSError) -> JournalError:
        """Where nothing could even be opened nothing is uncertain: it is tried again."""
        if error.errno in NO_FILES:
            return JournalFull(f"no file can be opened now: {error.strerror}")
        self._unusable = JournalFailed(f"the disk failed: {error.strerror or error}")
        return self._unusable


def _translated(error: OSError) -> JournalError:
    if error.errno in FULL_ERRORS:
        return JournalFull("the disk has no room to open the journal")
    return JournalFailed(f"the disk failed: {error.strerror or error}")
