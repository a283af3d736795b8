"""The folder that a journal lives in: the port, and its real implementation."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

from gateway.journal.errors import JournalLocked

LOCK_NAME = "lock"
_NEW_SUFFIX = ".new"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SegmentFile(Protocol):
    """A file open for appending. Every method may raise OSError."""

    def write(self, data: bytes) -> int:
        """Append in one system call. Returns how many bytes went in, which may be fewer."""

    def truncate(self, size: int) -> None: ...

    def sync(self) -> None:
        """Return once the content would survive a loss of power."""

    def in_place(self) -> bool:
        """False once the folder no longer holds this very file under its name."""

    def close(self) -> None: ...


class SegmentFiles(Protocol):
    """A folder of files. A missing file is FileNotFoundError, a full disk OSError ENOSPC."""

    def lock(self) -> None:
        """Become the only writer, until `unlock` or death. Raises JournalLocked."""

    def unlock(self) -> None: ...

    def names(self) -> list[str]:
        """Every finished file, sorted. Empty when the folder does not exist."""

    def size(self, name: str) -> int: ...

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes, fewer at the end of the file."""

    def create(self, name: str, data: bytes, *, sync: bool) -> None:
        """Make or replace a whole file: afterwards, also after a crash, all of it or nothing."""

    def append_to(self, name: str) -> SegmentFile: ...

    def sync(self, name: str) -> None:
        """Make a file and its presence in the folder survive a loss of power."""

    def remove(self, name: str) -> None: ...

    def rename(self, name: str, to: str) -> None: ...

    def preallocate(self, name: str, size: int) -> None:
        """Make a file that occupies `size` bytes of disk; on failure none is left."""


class DirectoryFile:
    """A file of a real folder, open for appending."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, data: bytes) -> int:
        return os.write(self._fd, data)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def in_place(self) -> bool:
        mine = os.fstat(self._fd)
        try:
            there = self._path.stat()
        except OSError:
            return False
        return (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev)

    def close(self) -> None:
        os.close(self._fd)


class DirectoryFiles:
    """A real folder. It is made when its writer locks it; only its owner can enter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_fd: int | None = None

    def lock(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _pid_in(fd)
            os.close(fd)
            raise JournalLocked(str(self._path), pid) from error
        self._lock_fd = fd
        # On a full disk the pid cannot be written; the lock holds all the same.
        with contextlib.suppress(OSError):
            os.pwrite(fd, f"{os.getpid():<20}\n".encode(), 0)
        self._remove_unfinished()

    def unlock(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def names(self) -> list[str]:
        try:
            found = [path.name for path in self._path.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(n for n in found if n != LOCK_NAME and not n.endswith(_NEW_SUFFIX))

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        fd = os.open(self._path / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(fd, size, offset)
        finally:
            os.close(fd)

    def create(self, name: str, data: bytes, *, sync: bool) -> None:
        unfinished = self._path / (name + _NEW_SUFFIX)
        try:
            _write_whole(unfinished, data, sync=sync)
            unfinished.replace(self._path / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        if sync:
            self._sync_folder()

    def append_to(self, name: str) -> SegmentFile:
        return DirectoryFile(self._path / name)

    def sync(self, name: str) -> None:
        _sync_path(self._path / name)
        self._sync_folder()

    def remove(self, name: str) -> None:
        (self._path / name).unlink()

    def rename(self, name: str, to: str) -> None:
        (self._path / name).replace(self._path / to)

    def preallocate(self, name: str, size: int) -> None:
        path = self._path / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)

    def _sync_folder(self) -> None:
        _sync_path(self._path)

    def _remove_unfinished(self) -> None:
        for path in self._path.glob(f"*{_NEW_SUFFIX}"):
            path.unlink(missing_ok=True)


def machine_boot_id() -> str:
    """What the kernel calls this run of the machine; empty where it does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _pid_in(fd: int) -> int:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _write_whole(path: Path, data: bytes, *, sync: bool) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def _sync_path(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
