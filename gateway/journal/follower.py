"""Following a journal with its checkpoints, for a process that keeps its own picture from it."""

from __future__ import annotations

from gateway.journal.files import SegmentFiles
from gateway.journal.format import Kind, Record
from gateway.journal.segments import SegmentCursor, find_identity, list_segments, next_segment
from gateway.ports import LogEntry

# A segment can be dropped while it is read, and the next one while the first is looked for.
_TRIES = 100


class JournalFollower:
    """A LogFollower of a folder, in this process or another. Takes no lock and writes nothing.

    Damaged records are passed over, so numbers may have holes. Not thread-safe.
    """

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._cursor: SegmentCursor | None = None

    def read(self, limit: int, *, max_bytes: int = 4 << 20) -> list[LogEntry]:
        """At most `limit` entries, and no more once `max_bytes` of payload are reached.

        Raises JournalTooNew and JournalMixed.
        """
        found: list[LogEntry] = []
        for _ in range(_TRIES):
            try:
                self._read(limit, max_bytes, found)
            except FileNotFoundError:
                self._cursor = None
                if not found:
                    continue
            break
        return found

    def _read(self, limit: int, max_bytes: int, found: list[LogEntry]) -> None:
        if self._cursor is None or self._was_replaced(self._cursor):
            self._cursor = self._begin()
        room = max_bytes
        while self._cursor is not None and len(found) < limit and room > 0:
            record = self._next_record(self._cursor)
            if record is None:
                return
            if record.kind is not Kind.MARK:
                found.append(_entry(self._cursor.identity, record))
                room -= len(record.payload)

    def _begin(self) -> SegmentCursor | None:
        segments = list_segments(self._files)
        identity = find_identity(self._files, segments)
        if not segments or identity is None:
            return None
        return SegmentCursor(self._files, segments[0], identity)

    def _was_replaced(self, cursor: SegmentCursor) -> bool:
        """Whether another journal, or an older copy of this one, has taken the segment's place."""
        if self._files.size(cursor.name) < cursor.offset:
            return True
        identity = cursor.identity_in_place()
        return identity is not None and identity != cursor.identity

    def _next_record(self, cursor: SegmentCursor) -> Record | None:
        while True:
            item = cursor.next(final=False)
            if item is None:
                successor = next_segment(self._files, cursor.segment)
                if successor is None:
                    return None
                # What was written just before the successor began may not have been seen yet.
                item = cursor.next(final=True)
                if item is None:
                    cursor = SegmentCursor(self._files, successor, cursor.identity)
                    self._cursor = cursor
            if isinstance(item, Record):
                return item


def _entry(identity: bytes, record: Record) -> LogEntry:
    is_checkpoint = record.kind is Kind.CHECKPOINT
    return LogEntry(identity, record.number, is_checkpoint, record.payload)
