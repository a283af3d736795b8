"""Segments by name and identity, and a cursor that reads one from front to back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.journal.errors import JournalMixed, JournalTooNew
from gateway.journal.files import SegmentFiles
from gateway.journal.format import (
    FRAME_BYTES,
    HEADER_BYTES,
    IDENTITY_BYTES,
    MARKER,
    VERSION,
    Header,
    Kind,
    Record,
    decode_header,
    decode_record,
    record_length,
    seed_of,
)

IDENTITY_NAME = "identity"
_NAME = re.compile(r"(\d{10})-(\d{20})\.segment")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A segment as its file name tells it: `serial` counts segments, so names never repeat."""

    serial: int
    first: int

    @property
    def name(self) -> str:
        return f"{self.serial:010}-{self.first:020}.segment"


class BadRange(NamedTuple):
    """Bytes that are no record. `expected` is the number that should have come at `offset`."""

    offset: int
    end: int
    expected: int


def list_segments(files: SegmentFiles) -> list[Segment]:
    """Oldest first."""
    matches = (_NAME.fullmatch(name) for name in files.names())
    return sorted(Segment(int(m[1]), int(m[2])) for m in matches if m)


def next_segment(files: SegmentFiles, segment: Segment) -> Segment | None:
    """The one behind it. Their names sort as their serials do."""
    own = segment.name
    matches = (_NAME.fullmatch(name) for name in files.names() if name > own)
    later = (Segment(int(m[1]), int(m[2])) for m in matches if m)
    return min((one for one in later if one.serial > segment.serial), default=None)


def find_identity(files: SegmentFiles, segments: list[Segment]) -> bytes | None:
    """The journal's identity, from its own file and the headers: one damaged copy is no loss.

    Raises JournalTooNew and JournalMixed. None when there is no journal, or nothing left of it
    that tells the identity.
    """
    identities = {header.identity for header in _readable_headers(files, segments)}
    stored = _stored_identity(files)
    if stored is not None:
        identities.add(stored)
    if len(identities) > 1:
        names = ", ".join(sorted(identity.hex() for identity in identities))
        raise JournalMixed(f"files of more than one journal are in one folder: {names}")
    return next(iter(identities), None)


def encode_identity(identity: bytes) -> bytes:
    return f"{identity.hex()} {seed_of(identity):08x}\n".encode()


def _stored_identity(files: SegmentFiles) -> bytes | None:
    try:
        stored = files.read(IDENTITY_NAME, 0, 256)
        identity = bytes.fromhex(stored[: 2 * IDENTITY_BYTES].decode())
    except (FileNotFoundError, ValueError):
        return None
    return identity if stored == encode_identity(identity) else None


def _readable_headers(files: SegmentFiles, segments: list[Segment]) -> Iterator[Header]:
    for segment in segments:
        try:
            header = decode_header(files.read(segment.name, 0, HEADER_BYTES))
        except FileNotFoundError:  # dropped by the writer since the listing
            continue
        if header is None:
            continue
        if header.version > VERSION:
            raise JournalTooNew(segment.name, header.version, VERSION)
        yield header


class SegmentCursor:
    """Reads a segment's records in order, in chunks, also while the segment is being written."""

    def __init__(self, files: SegmentFiles, segment: Segment, identity: bytes) -> None:
        self.segment = segment
        self.name = segment.name
        self.offset = 0
        self.expected = segment.first
        self._files = files
        self.identity = identity
        self._seed = seed_of(identity)
        self._buffer = b""
        self._base = 0
        self._good_header: bytes | None = None

    def next(self, *, final: bool) -> Record | BadRange | None:
        """The next good record, a range of bad bytes, or None at the end.

        Bad bytes with no good record behind them may be a record that is being written: they
        are an end, unless `final` says that nobody writes here any more. Raises
        FileNotFoundError once the segment was dropped.
        """
        if self.offset == 0 and self._header_is_good():
            self.offset = HEADER_BYTES
        record = self._record_at(self.offset) if self.offset else None
        if record is not None and self._follows(record):
            return self._advance(record)
        return self._pass_bad_bytes(final=final)

    def _header_is_good(self) -> bool:
        data = self._files.read(self.name, 0, HEADER_BYTES)
        header = decode_header(data)
        mine = (self.identity, self.segment.serial, self.segment.first)
        if header is None or (header.identity, header.serial, header.first) != mine:
            return False
        self._good_header = data
        return True

    def identity_in_place(self) -> bytes | None:
        """Whose segment has this name now; None when its header is damaged."""
        data = self._files.read(self.name, 0, HEADER_BYTES)
        if data == self._good_header:
            return self.identity
        header = decode_header(data)
        return header.identity if header else None

    def _follows(self, record: Record) -> bool:
        if record.kind is Kind.DATA:
            return record.number == self.expected
        return record.number >= self.expected

    def _advance(self, record: Record) -> Record:
        self.offset = record.end
        self.expected = record.number + (record.kind is Kind.DATA)
        return record

    def _pass_bad_bytes(self, *, final: bool) -> BadRange | None:
        size = self._files.size(self.name)
        if self.offset >= size:
            return None
        good = self._search(self.offset, size)
        if good is None and not final:
            return None
        bad = BadRange(self.offset, size if good is None else good.offset, self.expected)
        self.offset = bad.end
        if good is not None:
            self.expected = good.number
        return bad

    def _search(self, start: int, size: int) -> Record | None:
        """The first good record at or after `start` whose number can come next."""
        while start < size:
            chunk = self._files.read(self.name, start, _CHUNK)
            at = chunk.find(MARKER)
            while at >= 0:
                record = self._record_at(start + at)
                if record is not None and record.number >= self.expected:
                    return record
                at = chunk.find(MARKER, at + 1)
            # A marker may lie across the border of two chunks.
            start += max(len(chunk) - len(MARKER) + 1, 1)
        return None

    def _record_at(self, offset: int) -> Record | None:
        at = offset - self._base
        record = decode_record(self._buffer, at, self._seed, offset) if at >= 0 else None
        if record is not None:
            return record
        # The buffer ends here, or holds what has been rewritten since: look at the file.
        self._load(offset)
        return decode_record(self._buffer, 0, self._seed, offset)

    def _load(self, offset: int) -> None:
        self._base = offset
        self._buffer = self._files.read(self.name, offset, _CHUNK)
        whole = record_length(self._buffer, 0) or FRAME_BYTES
        if len(self._buffer) < whole and offset + whole <= self._files.size(self.name):
            self._buffer = self._files.read(self.name, offset, whole)
