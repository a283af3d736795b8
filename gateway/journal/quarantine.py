"""Where bytes go that are no records any more: beside the segments, for a person to look at."""

from __future__ import annotations

import errno

from gateway.journal.files import SegmentFiles
from gateway.journal.segments import Segment

_SUFFIXES = (".torn", ".damaged", ".unreadable")


class Quarantine:
    """A bounded set of files. A full disk never stops a boot: then nothing is kept."""

    def __init__(self, files: SegmentFiles, max_bytes: int) -> None:
        self._files = files
        self._max_bytes = max_bytes

    def is_empty(self) -> bool:
        return not self._names()

    def keep_torn(self, segment: Segment, offset: int, size: int) -> str | None:
        """Keep a tail that is about to be cut. Returns the file's name, None when not kept."""
        data = self._files.read(segment.name, offset, size)
        return self._keep(f"{segment.name}.{offset}.torn", data)

    def keep_copy(self, segment: Segment) -> str | None:
        """Keep a copy of a segment that has bad bytes between good records."""
        data = self._files.read(segment.name, 0, self._files.size(segment.name))
        return self._keep(f"{segment.name}.damaged", data)

    def take(self, segment: Segment) -> str | None:
        """Take a segment without one good record out of the journal."""
        name = f"{segment.name}.unreadable"
        self._files.rename(segment.name, name)
        self._make_room(0)
        return name if name in self._names() else None

    def _keep(self, name: str, data: bytes) -> str | None:
        if not self._make_room(len(data)):
            return None
        try:
            self._files.create(name, data, sync=False)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            return None
        return name

    def _make_room(self, size: int) -> bool:
        names = self._names()
        used = sum(self._files.size(name) for name in names)
        for name in names:
            if used + size <= self._max_bytes:
                break
            used -= self._files.size(name)
            self._files.remove(name)
        return used + size <= self._max_bytes

    def _names(self) -> list[str]:
        """Oldest segment first."""
        return [name for name in self._files.names() if name.endswith(_SUFFIXES)]


# A limit on the size of files (EFBIG) and a quota are a full disk to the process that meets them.
FULL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
