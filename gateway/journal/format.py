"""The bytes of a journal: format version 1.

A segment is a header and then records, nothing between them:

    header   magic 8 · version u16 · size u16 · identity 16 · serial u64 · first u64 · crc32 u32
    record   marker 4 · crc32 u32 · length u32 · kind u8 · number u64 · payload

All integers are little-endian. The header keeps this layout and its checksum in every later
version, so that an old program can tell "newer" from "damaged".

A record's checksum covers length, kind, number and payload and starts from the checksum of
the journal's identity. So a record of another journal is never taken for one of ours, and a
client cannot smuggle in a record inside a payload: it does not know the identity. The marker
is not valid UTF-8, so no text contains it; it is what a search after damage looks for.

Only data records are numbered, densely from 1. A checkpoint or mark carries the number of the
data record that comes next, and may thereby skip numbers that are known to be lost.
"""

from __future__ import annotations

import enum
import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

VERSION = 1
MAGIC = b"GWJRNL\r\n"
MARKER = b"\xff\xc0\xfeJ"
IDENTITY_BYTES = 16
MAX_CHECKPOINT_BYTES = 1 << 30

_HEADER = struct.Struct("<8sHH16sQQ")
_CRC = struct.Struct("<I")
_FRAME = struct.Struct("<4sIIBQ")
_CHECKED = struct.Struct("<IBQ")

HEADER_BYTES = _HEADER.size + _CRC.size
FRAME_BYTES = _FRAME.size
_CHECKED_FROM = len(MARKER) + _CRC.size


class Kind(enum.IntEnum):
    """What a record is. A segment begins with its checkpoint; marks tell opened and closed."""

    CHECKPOINT = 1
    DATA = 2
    MARK = 3


_KINDS = {kind.value: kind for kind in Kind}


class Record(NamedTuple):
    """One good record, and where in its segment it lies."""

    kind: Kind
    number: int
    payload: bytes
    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a segment. `serial` counts segments, `first` is its first record's number."""

    identity: bytes
    serial: int
    first: int
    version: int = VERSION


def encode_header(header: Header) -> bytes:
    body = _HEADER.pack(
        MAGIC, header.version, HEADER_BYTES, header.identity, header.serial, header.first
    )
    return body + _CRC.pack(zlib.crc32(body))


def decode_header(data: bytes) -> Header | None:
    """The header at the start of `data`, or None when it is damaged. Any version is returned."""
    if len(data) < HEADER_BYTES:
        return None
    body = data[: _HEADER.size]
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    magic, version, _, identity, serial, first = _HEADER.unpack(body)
    if magic != MAGIC or crc != zlib.crc32(body):
        return None
    return Header(identity=identity, serial=serial, first=first, version=version)


def seed_of(identity: bytes) -> int:
    """Where the checksum of each record of this journal starts."""
    return zlib.crc32(identity)


def encode_record(seed: int, kind: int, number: int, payload: bytes) -> bytes:
    length = len(payload)
    crc = zlib.crc32(payload, zlib.crc32(_CHECKED.pack(length, kind, number), seed))
    return _FRAME.pack(MARKER, crc, length, kind, number) + payload


def record_length(buffer: bytes, at: int) -> int | None:
    """Bytes of the whole record whose frame is at `at`; None when no frame is there."""
    if len(buffer) - at < FRAME_BYTES or not buffer.startswith(MARKER, at):
        return None
    (length,) = _CRC.unpack_from(buffer, at + _CHECKED_FROM)
    return FRAME_BYTES + int(length)


def decode_record(buffer: bytes, at: int, seed: int, offset: int) -> Record | None:
    """The record at `buffer[at:]`, which lies at `offset` of its segment; None when not good."""
    whole = record_length(buffer, at)
    if whole is None or len(buffer) - at < whole:
        return None
    _, crc, _, kind_value, number = _FRAME.unpack_from(buffer, at)
    kind = _KINDS.get(kind_value)
    payload = buffer[at + FRAME_BYTES : at + whole]
    head = buffer[at + _CHECKED_FROM : at + FRAME_BYTES]
    if kind is None or crc != zlib.crc32(payload, zlib.crc32(head, seed)):
        return None
    return Record(kind, number, payload, offset, offset + whole)
