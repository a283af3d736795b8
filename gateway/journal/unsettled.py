"""A note in the journal's folder: what an opening found is not dealt with yet.

Repairing a journal takes away the traces of what was wrong with it. If its owner dies before it
has drawn the consequences (new epochs, a new outbox), the next opening would find all in order. So
the note is there before anything is repaired, and until the owner says that it is done. Where there
is nothing to repair there is none: who dies while it only looks has changed nothing.
"""

from __future__ import annotations

import contextlib

from gateway.journal.files import SegmentFiles

NAME = "unsettled"


class Unsettled:
    """On a disk that takes not even an empty file there is no note."""

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._is_made = False

    def is_noted(self) -> bool:
        return NAME in self._files.names()

    def note(self) -> None:
        """Call it before each repair."""
        if not self._is_made:
            with contextlib.suppress(OSError):
                self._files.create(NAME, b"", sync=True)
            self._is_made = True

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._files.remove(NAME)
