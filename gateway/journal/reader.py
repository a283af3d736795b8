"""Reading a journal without being its writer: following it live, and dumping it whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from gateway.journal.errors import JournalReplaced, RecordsGone
from gateway.journal.files import SegmentFiles
from gateway.journal.format import IDENTITY_BYTES, Kind, Record
from gateway.journal.segments import (
    BadRange,
    Segment,
    SegmentCursor,
    find_identity,
    list_segments,
    next_segment,
)

# A segment can be dropped under the reader, and the next one while it looks for its place.
_TRIES = 100


class JournalReader:
    """Follows a journal, from this process or another. Takes no lock and writes nothing.

    Damaged records are passed over, so numbers may have holes; a record that is still being
    written is waited for. Not thread-safe.
    """

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._identity: bytes | None = None
        self._cursor: SegmentCursor | None = None
        self._continues_at = 0

    def read_from(
        self, number: int, limit: int = 1000, *, max_bytes: int = 4 << 20
    ) -> list[tuple[int, bytes]]:
        """The next records from `number` on, in order; empty when there are none yet.

        At most `limit`, and no more once `max_bytes` of payload are reached. Cheap when it goes
        on where the last call ended. Raises RecordsGone when `number` was dropped, JournalTooNew
        and JournalReplaced.
        """
        for _ in range(_TRIES):
            found: list[tuple[int, bytes]] = []
            try:
                self._read(number, limit, max_bytes, found)
            except FileNotFoundError:
                self._cursor = None
                if not found:
                    continue
            return found
        raise RecordsGone(number, self.first_number())

    def first_number(self) -> int:
        """The oldest record that can be read; 1 when there is no journal yet."""
        segments = list_segments(self._files)
        return segments[0].first if segments else 1

    @property
    def identity(self) -> bytes | None:
        """Of the journal that is being followed; None before the first record was read."""
        return self._identity

    def _read(
        self, number: int, limit: int, max_bytes: int, found: list[tuple[int, bytes]]
    ) -> None:
        if self._cursor is None or number != self._continues_at:
            self._cursor = self._seek(number)
            self._continues_at = number
        room = max_bytes
        while self._cursor and len(found) < limit and room > 0:
            record = self._next_record(self._cursor)
            if record is None:
                break
            if record.kind is Kind.DATA and record.number >= number:
                found.append((record.number, record.payload))
                self._continues_at = record.number + 1
                room -= len(record.payload)

    def _seek(self, number: int) -> SegmentCursor | None:
        """A cursor before `number`, or before where it will be; None without a journal."""
        segments = list_segments(self._files)
        if segments and segments[0].first > number:
            raise RecordsGone(number, segments[0].first)
        identity = find_identity(self._files, segments)
        if not segments or identity is None:
            return None
        self._follow(identity)
        holder = max(segment for segment in segments if segment.first <= number)
        return SegmentCursor(self._files, holder, identity)

    def _next_record(self, cursor: SegmentCursor) -> Record | None:
        """The next good record of this segment or a later one; None when there is none yet."""
        while True:
            item = cursor.next(final=False)
            if item is None:
                successor = next_segment(self._files, cursor.segment)
                if successor is None:
                    self._check_not_replaced(cursor)
                    return None
                # What was written just before the successor began may not have been seen yet.
                item = cursor.next(final=True)
                if item is None:
                    cursor = SegmentCursor(self._files, successor, cursor.identity)
                    self._cursor = cursor
            if isinstance(item, Record):
                return item

    def _check_not_replaced(self, cursor: SegmentCursor) -> None:
        identity = cursor.identity_in_place()
        if identity is not None:
            self._follow(identity)

    def _follow(self, identity: bytes) -> None:
        followed, self._identity = self._identity, identity
        if followed not in (None, identity):
            self._cursor = None
            raise JournalReplaced("another journal has taken the place of the one followed")


class SegmentEntry(NamedTuple):
    """One record as it lies in a segment, or, with `ok` false, a range of bad bytes.

    `number` of bad bytes is the one expected there, their `kind` is None.
    """

    segment: str
    offset: int
    number: int
    kind: Kind | None
    payload: bytes
    ok: bool


def iter_segments(files: SegmentFiles) -> Iterator[SegmentEntry]:
    """Everything in a journal, oldest first, good and bad, for a person to look at.

    Works beside a live writer, whose unfinished record then shows as bad bytes at the end, and
    passes over what is dropped meanwhile. Raises JournalTooNew and JournalMixed.
    """
    segments = list_segments(files)
    identity = find_identity(files, segments)
    for segment in segments:
        cursor = SegmentCursor(files, segment, identity or bytes(IDENTITY_BYTES))
        with contextlib.suppress(FileNotFoundError):
            while (item := cursor.next(final=True)) is not None:
                yield _entry(files, segment, item)


def _entry(files: SegmentFiles, segment: Segment, item: Record | BadRange) -> SegmentEntry:
    if isinstance(item, Record):
        return SegmentEntry(
            segment.name, item.offset, item.number, item.kind, item.payload, ok=True
        )
    data = files.read(segment.name, item.offset, item.end - item.offset)
    return SegmentEntry(segment.name, item.offset, item.expected, None, data, ok=False)
