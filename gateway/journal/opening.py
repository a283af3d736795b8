"""Bringing a folder into a state that can be appended to, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.journal.files import SegmentFiles
from gateway.journal.format import Header, Kind, encode_header, encode_record, seed_of
from gateway.journal.options import JournalOptions
from gateway.journal.quarantine import Quarantine
from gateway.journal.recovery import Recovery, Salvage, cut_torn_tail, report, salvage
from gateway.journal.segments import (
    IDENTITY_NAME,
    Segment,
    encode_identity,
    find_identity,
    list_segments,
)
from gateway.journal.unsettled import Unsettled


def prepare(
    files: SegmentFiles,
    options: JournalOptions,
    empty_checkpoint: bytes,
    new_identity: Callable[[], bytes],
    takes: Callable[[bytes], bool],
    unsettled: Unsettled,
) -> Recovery:
    """Repair the folder. Afterwards it has an identity and a newest segment with a clean end, and a
    note if not all is proven."""
    was_unsettled = unsettled.is_noted()
    quarantine = Quarantine(files, options.quarantine_bytes)
    segments = list_segments(files)
    known = find_identity(files, segments)
    leftovers = known is not None or bool(segments) or not quarantine.is_empty()
    identity = known or new_identity()
    found = salvage(files, segments, identity, quarantine, takes, unsettled)
    if found.last is None:
        unsettled.note()
        serial = segments[-1].serial + 1 if segments else 1
        data = encode_beginning(identity, Segment(serial, found.next_number), empty_checkpoint)
        files.create(Segment(serial, found.next_number).name, data, sync=True)
        recovery = _begun(found, identity, empty_checkpoint, leftovers=leftovers)
    else:
        torn_kept = cut_torn_tail(files, found.last, quarantine, unsettled)
        recovery = report(found, identity, options.boot_id, torn_kept, quarantine)
    recovery = replace(recovery, unsettled=was_unsettled)
    if not recovery.is_proven:
        unsettled.note()
    _store_identity(files, identity)
    return recovery


def encode_beginning(identity: bytes, segment: Segment, checkpoint: bytes) -> bytes:
    """The header and first record of a new segment."""
    header = Header(identity=identity, serial=segment.serial, first=segment.first)
    record = encode_record(seed_of(identity), Kind.CHECKPOINT, segment.first, checkpoint)
    return encode_header(header) + record


def _begun(
    found: Salvage, identity: bytes, empty_checkpoint: bytes, *, leftovers: bool
) -> Recovery:
    return Recovery(
        identity=identity,
        created=True,
        checkpoint=empty_checkpoint,
        records=[],
        next_number=found.next_number,
        damaged=tuple(found.unreadable),
        may_have_lost_tail=leftovers,
    )


def _store_identity(files: SegmentFiles, identity: bytes) -> None:
    stored = encode_identity(identity)
    try:
        if files.read(IDENTITY_NAME, 0, len(stored) + 1) == stored:
            return
    except FileNotFoundError:
        pass
    files.create(IDENTITY_NAME, stored, sync=True)
