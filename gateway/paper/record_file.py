"""The record as a file of JSON lines, which outlives the venue's process.

Each operation's entries are one write before its answer leaves, so what anybody was told is in
the file even if the process is killed (not if the machine is: there is no fsync). A torn last
line is cut when the file is opened. Above `max_bytes` the file becomes `<name>.1`, replacing the
one before, and a new file begins; so at most twice the bound is kept on disk.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.paper.entries import Entry

MAX_BYTES = 1 << 30
_MARK_EVERY = 1 << 16

_DECODER: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


class RecordFile:
    """Open for append at once. ValueError if a line other than the last is damaged."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._marks: list[tuple[int, int]] = []
        self.cut_bytes = _cut_torn_tail(path)
        self._fd = self._open()

    def _open(self) -> int:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(fd).st_size
        return fd

    @property
    def is_full(self) -> bool:
        return self._size >= self._max_bytes

    def write(self, lines: bytes) -> None:
        """Append; OSError if the disk refuses."""
        view = memoryview(lines)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def rotate(self) -> None:
        """Set the file aside and begin a new one; its head must be written next."""
        os.close(self._fd)
        self.path.replace(self._previous)
        self._marks.clear()
        self._fd = self._open()

    def close(self) -> None:
        os.close(self._fd)

    def load(self) -> Iterator[Entry]:
        """All entries of the present file, oldest first."""
        return self._read(self.path, 0, remember=True)

    def read(self, after: int, limit: int) -> list[Entry]:
        """Entries with a seq above `after`, also from the file before."""
        found: list[Entry] = []
        for path, offset in ((self._previous, 0), (self.path, self._offset_of(after))):
            for entry in self._read(path, offset):
                if entry.seq > after:
                    found.append(entry)
                if len(found) >= limit:
                    return found
        return found

    @property
    def _previous(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def _offset_of(self, seq: int) -> int:
        index = bisect_right(self._marks, (seq, 0)) - 1
        return self._marks[index][1] if index >= 0 else 0

    def _read(self, path: Path, offset: int, *, remember: bool = False) -> Iterator[Entry]:
        if not path.exists():
            return
        with path.open("rb") as lines:
            lines.seek(offset)
            marked = offset
            for line in lines:
                entry = _decode(line, path)
                yield entry
                offset += len(line)
                if remember and offset - marked >= _MARK_EVERY:
                    marked = offset
                    self._marks.append((entry.seq + 1, offset))


def _decode(line: bytes, path: Path) -> Entry:
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: damaged line: {error}") from error


def _cut_torn_tail(path: Path) -> int:
    """Drop what follows the last line end. How many bytes that were."""
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _MARK_EVERY)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        file.truncate(end)
    return size - end
