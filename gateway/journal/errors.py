"""What can go wrong with a journal, cut by what its owner can do about it.

JournalError
├── JournalFull       (Busy) refuse new work with this code; urgent records may still go in
├── PayloadTooLarge   (BadInput) refuse this one record
├── JournalFailed     (Broken) the disk failed: stop using this journal, open it again
│   └── JournalLost   the folder was taken away under a running journal
├── JournalClosed     (Broken) the owner closed it
├── JournalLocked     (BadConfig) another process writes this folder: do not start
├── JournalTooNew     (BadConfig) written by a newer gateway: do not start
├── JournalMixed      (BadConfig) segments of two journals in one folder: do not start
├── JournalReplaced   (Unavailable; readers) another journal is here now: forget old numbers
└── RecordsGone       (Unavailable; readers) the records were dropped: take a snapshot instead
"""

from __future__ import annotations

from gateway.domain.errors import (
    BadConfig,
    BadInput,
    Broken,
    Busy,
    Code,
    GatewayError,
    Unavailable,
)


class JournalError(GatewayError):
    """Every error of a journal."""


class JournalFull(JournalError, Busy):
    """Nothing was written: the disk is full, the journal has reached `max_bytes`, or no file can be
    opened."""

    code = Code.JOURNAL_FULL


class PayloadTooLarge(JournalError, BadInput):
    """A record or checkpoint is larger than its bound."""

    code = Code.TOO_LARGE


class JournalFailed(JournalError, Broken):
    """The disk refused a write or a sync, and what it holds now is uncertain.

    The record may or may not be there after a restart; every later call raises this too.
    """

    code = Code.JOURNAL_FAILED


class JournalLost(JournalFailed):
    """The segment being written is no longer in the folder: what is written now is not kept."""

    code = Code.JOURNAL_LOST


class JournalClosed(JournalError, Broken):
    """The journal was closed."""

    code = Code.JOURNAL_CLOSED


class JournalLocked(JournalError, BadConfig):
    """Another process has this journal open for writing. `pid` is 0 when it is not known."""

    def __init__(self, where: str, pid: int) -> None:
        super().__init__(f"journal {where} is already being written by process {pid or 'unknown'}")
        self.pid = pid


class JournalTooNew(JournalError, BadConfig):
    """A segment has a format version that this program does not know."""

    def __init__(self, segment: str, version: int, known: int) -> None:
        super().__init__(
            f"segment {segment} has format version {version}, this program reads up to {known}: "
            "start the newer program"
        )
        self.version = version


class JournalMixed(JournalError, BadConfig):
    """The folder holds segments of more than one journal."""


class JournalReplaced(JournalError, Unavailable):
    """The journal that a reader followed was replaced by another one, with numbers of its own.

    The same reader goes on with the new journal at the next call.
    """

    code = Code.NOT_KEPT


class RecordsGone(JournalError, Unavailable):
    """The wanted records were dropped. `first` is the oldest number that can still be read."""

    code = Code.RECORDS_GONE

    def __init__(self, wanted: int, first: int) -> None:
        super().__init__(f"record {wanted} was dropped, the oldest one left is {first}")
        self.wanted = wanted
        self.first = first
