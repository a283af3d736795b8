"""What is left of a journal after its writer ended, however it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.journal.files import SegmentFiles
from gateway.journal.format import Kind, Record
from gateway.journal.marks import Mark, MarkKind, decode_mark, tail_may_be_lost
from gateway.journal.quarantine import Quarantine
from gateway.journal.segments import BadRange, Segment, SegmentCursor
from gateway.journal.unsettled import Unsettled


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `offset` to `end` of a segment that held records, or should have, and are not.

    `kept` names the file in the journal's folder that keeps them, None when none could be.
    """

    segment: str
    offset: int
    end: int
    kept: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What an owner starts from: a checkpoint, then the records after it in order.

    created: no journal was here. `checkpoint` is then the owner's own empty one.
    checkpoint: None when every checkpoint is damaged: `records` is all that could be saved.
    missing: ranges (first, last) of numbers after the checkpoint that are lost to damage.
    torn_bytes: cut from the end, kept in the file `torn_kept`. At most a record whose append
        never returned, when only the process died; anything, when the machine did.
    power_loss_possible: the machine stopped while records may not have been on the disk.
    may_have_lost_tail: records may be gone from the end without any other trace.
    unsettled: an earlier opening found something of the kind, and its owner died before it had
        dealt with it (`Journal.settle`).
    """

    identity: bytes
    created: bool
    checkpoint: bytes | None
    records: list[tuple[int, bytes]]
    next_number: int
    missing: tuple[tuple[int, int], ...] = ()
    damaged: tuple[Damage, ...] = ()
    torn_bytes: int = 0
    torn_kept: str | None = None
    closed_cleanly: bool = False
    power_loss_possible: bool = False
    may_have_lost_tail: bool = False
    unsettled: bool = False

    @property
    def is_proven(self) -> bool:
        """Is this continuous, and has every earlier doubt been dealt with?"""
        return self.is_continuous and not self.unsettled

    @property
    def is_continuous(self) -> bool:
        """Is this provably all that was ever appended? If not, published sequences are in doubt.

        False for a new journal too: an older one may have been in another, lost folder.
        """
        nothing_lost = not (self.created or self.may_have_lost_tail or self.missing)
        return nothing_lost and self.checkpoint is not None


@dataclass(slots=True)
class SegmentScan:
    """One segment, read to its end."""

    segment: Segment
    next_number: int
    starts_at: int
    good_end: int = 0
    checkpoint: bytes | None = None
    records: list[tuple[int, bytes]] = field(default_factory=list)
    bad: list[BadRange] = field(default_factory=list)
    last_mark: Mark | None = None
    tail: BadRange | None = None
    checkpoint_at: BadRange | None = None

    @property
    def is_readable(self) -> bool:
        return self.good_end > 0

    def add(self, record: Record) -> None:
        self.good_end = record.end
        if record.kind is Kind.DATA:
            self.records.append((record.number, record.payload))
        elif record.kind is Kind.CHECKPOINT:
            self.checkpoint = record.payload
            self.checkpoint_at = BadRange(record.offset, record.end, record.number)
            self.starts_at = record.number
            self.records.clear()
        else:
            self.last_mark = decode_mark(record.payload) or self.last_mark

    def refuse_checkpoint(self) -> None:
        """Its owner can't read it, whatever its checksum says."""
        if self.checkpoint_at is not None:
            self.bad.insert(0, self.checkpoint_at)
        self.checkpoint = None


def scan_segment(files: SegmentFiles, segment: Segment, identity: bytes) -> SegmentScan:
    scan = SegmentScan(segment, next_number=segment.first, starts_at=segment.first)
    cursor = SegmentCursor(files, segment, identity)
    while (item := cursor.next(final=True)) is not None:
        if isinstance(item, BadRange):
            scan.bad.append(item)
        else:
            scan.add(item)
    scan.next_number = cursor.expected
    if scan.bad and scan.bad[-1].end == cursor.offset and scan.good_end < cursor.offset:
        scan.tail = scan.bad.pop()
    return scan


@dataclass(slots=True)
class Salvage:
    """The segments back to the newest good checkpoint, with what was unreadable put aside."""

    scans: list[SegmentScan]
    unreadable: list[Damage]
    next_number: int

    @property
    def last(self) -> SegmentScan | None:
        return self.scans[-1] if self.scans else None


def salvage(
    files: SegmentFiles,
    segments: list[Segment],
    identity: bytes,
    quarantine: Quarantine,
    takes: Callable[[bytes], bool],
    unsettled: Unsettled,
) -> Salvage:
    """Read back to the newest good checkpoint that its owner `takes`. Unreadable newest segments
    leave the journal, of which there is a note before."""
    found = Salvage([], [], next_number=1)
    for segment in reversed(segments):
        scan = scan_segment(files, segment, identity)
        found.next_number = max(found.next_number, scan.next_number)
        if scan.is_readable or found.scans:
            found.scans.insert(0, scan)
        else:
            unsettled.note()
            found.unreadable.append(_put_aside(files, segment, quarantine))
        if scan.checkpoint is not None and not takes(scan.checkpoint):
            scan.refuse_checkpoint()
        if scan.checkpoint is not None:
            break
    return found


def cut_torn_tail(
    files: SegmentFiles, scan: SegmentScan, quarantine: Quarantine, unsettled: Unsettled
) -> str | None:
    """Cut the newest segment after its last good record, of which there is a note before. Returns
    the file that keeps the rest."""
    if scan.tail is None:
        return None
    unsettled.note()
    kept = quarantine.keep_torn(scan.segment, scan.tail.offset, scan.tail.end - scan.tail.offset)
    file = files.append_to(scan.segment.name)
    try:
        file.truncate(scan.good_end)
        file.sync()
    finally:
        file.close()
    return kept


def report(
    found: Salvage, identity: bytes, boot_id: str, torn_kept: str | None, quarantine: Quarantine
) -> Recovery:
    """Put into one answer what the salvaged segments hold. At least one scan must be there."""
    last = found.scans[-1]
    mark = last.last_mark
    power_loss = tail_may_be_lost(mark, boot_id)
    torn = last.tail.end - last.tail.offset if last.tail else 0
    records = [record for scan in found.scans for record in scan.records]
    starts_at = found.scans[0].starts_at
    return Recovery(
        identity=identity,
        created=False,
        checkpoint=found.scans[0].checkpoint,
        records=records,
        next_number=found.next_number,
        missing=_missing(records, starts_at, found.next_number),
        damaged=(*found.unreadable, *_damages(found.scans, quarantine)),
        torn_bytes=torn,
        torn_kept=torn_kept,
        closed_cleanly=mark is not None and mark.kind is MarkKind.CLOSED,
        power_loss_possible=power_loss,
        may_have_lost_tail=power_loss or torn > 0 or bool(found.unreadable),
    )


def _put_aside(files: SegmentFiles, segment: Segment, quarantine: Quarantine) -> Damage:
    size = files.size(segment.name)
    return Damage(segment.name, 0, size, quarantine.take(segment))


def _damages(scans: list[SegmentScan], quarantine: Quarantine) -> list[Damage]:
    damages = []
    for scan in scans:
        ended_badly = scan.tail is not None and scan is not scans[-1]
        bad = [*scan.bad, scan.tail] if ended_badly and scan.tail else scan.bad
        if bad:
            kept = quarantine.keep_copy(scan.segment)
            damages += [Damage(scan.segment.name, b.offset, b.end, kept) for b in bad]
    return damages


def _missing(
    records: list[tuple[int, bytes]], starts_at: int, next_number: int
) -> tuple[tuple[int, int], ...]:
    missing = []
    expected = starts_at
    for number in (*(number for number, _ in records), next_number):
        if number > expected:
            missing.append((expected, number - 1))
        expected = number + 1
    return tuple(missing)
