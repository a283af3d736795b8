"""A folder in memory, with every fault that a real one has. For tests and the simulation."""

from __future__ import annotations

import errno
import random

from gateway.journal.errors import JournalLocked


class ProcessDied(Exception):
    """The planned death of the process, in the middle of a write."""


class MemoryFiles:
    """SegmentFiles in memory. Its methods below `# faults` are what can happen to a folder.

    capacity: bytes that all files together may take; None for no bound.
    sync_fails: from now on, as from a dying disk, every sync is an error.
    opens_left: how many files can still be opened, for want of descriptors; None for any number.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self.capacity = capacity
        self.sync_fails = False
        self.opens_left: int | None = None
        self._contents: dict[str, bytearray] = {}
        self._synced: dict[str, int] = {}
        self._locked = False
        self._life = 0
        self._kept_of_last_write: int | None = None

    def lock(self) -> None:
        if self._locked:
            raise JournalLocked("in memory", 0)
        self._locked = True

    def unlock(self) -> None:
        self._locked = False

    def names(self) -> list[str]:
        self._open()
        return sorted(self._contents)

    def size(self, name: str) -> int:
        return len(self._content(name))

    def read(self, name: str, offset: int, size: int) -> bytes:
        self._open()
        return bytes(self._content(name)[offset : offset + size])

    def create(self, name: str, data: bytes, *, sync: bool) -> None:
        self._open()
        if self._free() < len(data):
            raise _disk_full()
        self._contents[name] = bytearray(data)
        self._synced.pop(name, None)
        if sync:
            self.flush(name)
            self._open()  # the folder, to sync it as well

    def append_to(self, name: str) -> MemoryFile:
        self._open()
        return MemoryFile(self, name, self._content(name), self._life)

    def sync(self, name: str) -> None:
        self._open()
        self.flush(name)

    def flush(self, name: str) -> None:
        """For MemoryFile, which is open."""
        content = self._content(name)
        if self.sync_fails:
            raise OSError(errno.EIO, "input/output error")
        self._synced[name] = len(content)

    def remove(self, name: str) -> None:
        self._content(name)
        del self._contents[name]
        self._synced.pop(name, None)

    def rename(self, name: str, to: str) -> None:
        self._contents[to] = self._content(name)
        self._synced[to] = self._synced.get(name, 0)
        self.remove(name)

    def preallocate(self, name: str, size: int) -> None:
        self.create(name, bytes(size), sync=True)

    # faults

    def crash(self) -> None:
        """The process dies: its lock is free, its open files are of no more use."""
        self._life += 1
        self._locked = False
        self._kept_of_last_write = None

    def die_in_next_write(self, kept_bytes: int) -> None:
        """The next append writes only so many bytes, then raises ProcessDied."""
        self._kept_of_last_write = kept_bytes

    def lose_power(self, chance: random.Random | None = None) -> None:
        """The machine stops: what was not synced is lost, or by `chance` some of it stays."""
        self.crash()
        for name in sorted(self._contents):
            synced = self._synced.get(name)
            if synced is None and (chance is None or chance.random() < 0.5):
                del self._contents[name]
            else:
                self._lose_unsynced(name, synced or 0, chance)

    def cut(self, name: str, count: int) -> None:
        """A torn tail: the last `count` bytes of a file are gone."""
        content = self._content(name)
        del content[max(len(content) - count, 0) :]
        self._synced[name] = min(self._synced.get(name, 0), len(content))

    def flip(self, name: str, offset: int, mask: int = 1) -> None:
        """A damaged byte."""
        self._content(name)[offset] ^= mask

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        """A damaged range; it never makes the file longer."""
        content = self._content(name)
        end = min(offset + len(data), len(content))
        content[offset:end] = data[: end - offset]

    def copy(self) -> dict[str, bytes]:
        """As somebody's backup of the folder would have it."""
        return {name: bytes(content) for name, content in self._contents.items()}

    def put_back(self, copy: dict[str, bytes]) -> None:
        """An older copy takes the folder's place."""
        self._contents = {name: bytearray(content) for name, content in copy.items()}
        self._synced = {name: len(content) for name, content in copy.items()}

    def lose(self) -> None:
        """The folder is gone with all that was in it."""
        self._contents.clear()
        self._synced.clear()

    def write(self, name: str, content: bytearray, data: bytes, life: int) -> int:
        """For MemoryFile."""
        if life != self._life:
            raise OSError(errno.EBADF, "the process that opened this file is dead")
        if self._kept_of_last_write is not None:
            content += data[: self._kept_of_last_write]
            self._kept_of_last_write = None
            raise ProcessDied(name)
        room = min(self._free(), len(data))
        if room == 0 and data:
            raise _disk_full()
        content += data[:room]
        return room

    def holds(self, name: str, content: bytearray) -> bool:
        """For MemoryFile."""
        return self._contents.get(name) is content

    def _open(self) -> None:
        if self.opens_left is not None:
            if self.opens_left == 0:
                raise OSError(errno.EMFILE, "too many open files")
            self.opens_left -= 1

    def _content(self, name: str) -> bytearray:
        try:
            return self._contents[name]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "no such file", name) from None

    def _free(self) -> int:
        if self.capacity is None:
            return 1 << 62
        used = sum(len(content) for content in self._contents.values())
        return max(self.capacity - used, 0)

    def _lose_unsynced(self, name: str, synced: int, chance: random.Random | None) -> None:
        content = self._contents[name]
        unsynced = len(content) - synced
        kept = 0 if chance is None else chance.randint(0, unsynced)
        zeros = 0 if chance is None else chance.randint(0, kept) * (chance.random() < 0.3)
        # A file system may keep the new length of a file and not its bytes: they read as zeros.
        content[synced + kept - zeros :] = bytes(zeros)
        self._synced[name] = len(content)


class MemoryFile:
    """A file of MemoryFiles, open for appending."""

    def __init__(self, folder: MemoryFiles, name: str, content: bytearray, life: int) -> None:
        self._folder = folder
        self._name = name
        self._content = content
        self._life = life

    def write(self, data: bytes) -> int:
        return self._folder.write(self._name, self._content, data, self._life)

    def truncate(self, size: int) -> None:
        del self._content[size:]

    def sync(self) -> None:
        if self.in_place():
            self._folder.flush(self._name)

    def in_place(self) -> bool:
        return self._folder.holds(self._name, self._content)

    def close(self) -> None:
        """Nothing to give back."""


def _disk_full() -> OSError:
    return OSError(errno.ENOSPC, "no space left on device")
