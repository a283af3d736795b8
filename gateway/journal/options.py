"""What an owner may choose about its journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    """Sizes are bytes.

    durability: "process" survives the death of the process; "disk" also syncs each append.
    boot_id: names this run of the machine (`machine_boot_id()`); empty means unknown, and
        then power loss is held possible after every close that was not clean.
    segment_bytes, segment_records: `should_roll` from either on, counted after the checkpoint.
    max_bytes: all segments together. From here on appends that are not urgent raise
        JournalFull; urgent ones may go over it by `reserve_bytes`; `roll` is never refused for
        it, since rolling and then dropping is the way out.
    reserve_bytes: disk space kept aside for urgent records; 0 for none.
    spare_segments: how many segments before the last checkpoint `drop_before` leaves, so that
        a damaged checkpoint has another one behind it. None while the journal is full.
    quarantine_bytes: bound of the damaged bytes kept for inspection; the oldest go first.
    """

    durability: Literal["process", "disk"] = "process"
    boot_id: str = ""
    segment_bytes: int = 64 * MIB
    segment_records: int = 500_000
    max_bytes: int = 1024 * MIB
    max_payload_bytes: int = 16 * MIB
    reserve_bytes: int = 8 * MIB
    spare_segments: int = 1
    quarantine_bytes: int = 256 * MIB

    def __post_init__(self) -> None:
        if min(self.segment_bytes, self.segment_records, self.max_payload_bytes) < 1:
            raise ValueError("segment_bytes, segment_records and max_payload_bytes start at 1")
        if min(self.reserve_bytes, self.spare_segments, self.quarantine_bytes) < 0:
            raise ValueError("reserve_bytes, spare_segments and quarantine_bytes start at 0")
        if self.max_bytes < self.segment_bytes:
            raise ValueError("max_bytes must hold at least one segment")
