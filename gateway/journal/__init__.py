"""An append-only, checksummed journal: what was appended survives the process that did it.

    options = JournalOptions(boot_id=machine_boot_id())
    journal, recovery = Journal.open(DirectoryFiles(path), options, empty_checkpoint=EMPTY)
    state = State.load(recovery.checkpoint)
    for number, payload in recovery.records:
        state.apply(number, payload)
    number = journal.append(payload)
    if journal.should_roll:
        journal.roll(state.checkpoint())
        journal.drop_before(acknowledged + 1)

The way of a record: `writer` (format, segments) → the folder (`files`, `memory`) → `reader` in
another process, or `recovery` at the next start. The journal sees bytes; owners encode them.
"""

from gateway.journal.errors import (
    JournalClosed,
    JournalError,
    JournalFailed,
    JournalFull,
    JournalLocked,
    JournalLost,
    JournalMixed,
    JournalReplaced,
    JournalTooNew,
    PayloadTooLarge,
    RecordsGone,
)
from gateway.journal.files import (
    DirectoryFile,
    DirectoryFiles,
    SegmentFile,
    SegmentFiles,
    machine_boot_id,
)
from gateway.journal.follower import JournalFollower
from gateway.journal.format import Kind
from gateway.journal.memory import MemoryFile, MemoryFiles, ProcessDied
from gateway.journal.options import JournalOptions
from gateway.journal.reader import JournalReader, SegmentEntry, iter_segments
from gateway.journal.recovery import Damage, Recovery
from gateway.journal.writer import Journal

__all__ = [
    "Damage",
    "DirectoryFile",
    "DirectoryFiles",
    "Journal",
    "JournalClosed",
    "JournalError",
    "JournalFailed",
    "JournalFollower",
    "JournalFull",
    "JournalLocked",
    "JournalLost",
    "JournalMixed",
    "JournalOptions",
    "JournalReader",
    "JournalReplaced",
    "JournalTooNew",
    "Kind",
    "MemoryFile",
    "MemoryFiles",
    "PayloadTooLarge",
    "ProcessDied",
    "RecordsGone",
    "Recovery",
    "SegmentEntry",
    "SegmentFile",
    "SegmentFiles",
    "iter_segments",
    "machine_boot_id",
]
