"""Disk space set aside, so that a full disk stops new orders while cancels go on."""

from __future__ import annotations

from gateway.journal.files import SegmentFiles

RESERVE_NAME = "reserve"


class Reserve:
    """A preallocated file. Releasing it makes room for urgent records."""

    def __init__(self, files: SegmentFiles, size: int) -> None:
        self._files = files
        self._size = size
        self.held = size == 0 or self._is_there()

    def ensure(self) -> bool:
        """Set the space aside again if it was released. False while the disk has no room."""
        if self.held:
            return True
        try:
            self._files.preallocate(RESERVE_NAME, self._size)
        except OSError:
            return False
        self.held = True
        return True

    def release(self) -> bool:
        """Give the space free. False when there was none left to give."""
        if not self.held or self._size == 0:
            return False
        self.held = False
        try:
            self._files.remove(RESERVE_NAME)
        except OSError:
            return False
        return True

    def _is_there(self) -> bool:
        try:
            return self._files.size(RESERVE_NAME) == self._size
        except OSError:
            return False
