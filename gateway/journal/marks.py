"""Marks: what a journal writes about itself, to tell later whether power loss cost it records."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

_MARK = struct.Struct("<BB")


class MarkKind(enum.IntEnum):
    """`OPENED` begins a session of writing, `CLOSED` ends it in order."""

    OPENED = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """`boot_id` names the run of the machine; `every_append_synced` is `durability = "disk"`."""

    kind: MarkKind
    every_append_synced: bool
    boot_id: str


def encode_mark(mark: Mark) -> bytes:
    return _MARK.pack(mark.kind, mark.every_append_synced) + mark.boot_id.encode()


def decode_mark(payload: bytes) -> Mark | None:
    """The mark, or None for one that this version does not know (it is then ignored)."""
    if len(payload) < _MARK.size:
        return None
    kind, synced = _MARK.unpack_from(payload)
    if kind not in frozenset(MarkKind):
        return None
    boot_id = payload[_MARK.size :].decode(errors="replace")
    return Mark(kind=MarkKind(kind), every_append_synced=bool(synced), boot_id=boot_id)


def tail_may_be_lost(last: Mark | None, boot_id: str) -> bool:
    """Could the machine have stopped and taken written records with it, leaving no trace?

    Not after an orderly close (it syncs), not when each append was synced, and not while the
    machine has kept running. An empty boot id is one that nobody knows: then it could.
    """
    if last is None:
        return True
    if last.kind is MarkKind.CLOSED or last.every_append_synced:
        return False
    return not boot_id or boot_id != last.boot_id
