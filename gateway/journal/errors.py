"""What can go wrong with a journal, cut by what its owner can do about it.

JournalError
├── JournalFull       refuse new work with this code; urgent records may still go in
├── JournalFailed     the disk failed: stop using this journal, open it again
├── JournalLost       the folder was taken away under a running journal
├── JournalClosed     the owner closed it
├── JournalLocked     another process writes this folder: do not start
├── JournalTooNew     written by a newer gateway: do not start
├── JournalMixed      segments of two journals in one folder: do not start
├── PayloadTooLarge   refuse this one record
├── JournalReplaced   (readers) the folder holds another journal now: forget the old numbers
└── RecordsGone       (readers) the records were dropped: take a snapshot instead
"""

from __future__ import annotations

from typing import ClassVar


class JournalError(Exception):
    """Every error of a journal. `code` is what goes into refusals, logs and counters."""

    code: ClassVar[str] = "journal_error"


class JournalFull(JournalError):
    """Nothing was written: the disk is full, or the journal has reached `max_bytes`."""

    code = "journal_full"


class JournalFailed(JournalError):
    """The disk refused a write or a sync, and what it holds now is uncertain.

    The record may or may not be there after a restart; every later call raises this too.
    """

    code = "journal_failed"


class JournalLost(JournalError):
    """The segment being written is no longer in the folder: what is written now is not kept."""

    code = "journal_lost"


class JournalClosed(JournalError):
    """The journal was closed."""

    code = "journal_closed"


class JournalLocked(JournalError):
    """Another process has this journal open for writing. `pid` is 0 when it is not known."""

    code = "journal_locked"

    def __init__(self, where: str, pid: int) -> None:
        super().__init__(f"journal {where} is already being written by process {pid or 'unknown'}")
        self.pid = pid


class JournalTooNew(JournalError):
    """A segment has a format version that this program does not know."""

    code = "journal_too_new"

    def __init__(self, segment: str, version: int, known: int) -> None:
        super().__init__(
            f"segment {segment} has format version {version}, this program reads up to {known}: "
            "start the newer program"
        )
        self.version = version


class JournalMixed(JournalError):
    """The folder holds segments of more than one journal."""

    code = "journal_mixed"


class JournalReplaced(JournalError):
    """The journal that a reader followed was replaced by another one, with numbers of its own.

    The same reader goes on with the new journal at the next call.
    """

    code = "journal_replaced"


class PayloadTooLarge(JournalError):
    """A record or checkpoint is larger than its bound."""

    code = "payload_too_large"


class RecordsGone(JournalError):
    """The wanted records were dropped. `first` is the oldest number that can still be read."""

    code = "records_gone"

    def __init__(self, wanted: int, first: int) -> None:
        super().__init__(f"record {wanted} was dropped, the oldest one left is {first}")
        self.wanted = wanted
        self.first = first
