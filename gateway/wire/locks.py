"""Who owns an endpoint: a lock taken before binding, in a folder that nobody else can enter.

libzmq removes whatever lies at an ipc path before it binds there: a second gateway would silently
take over a live one's endpoint, and a wrong path would delete a file. The lock forbids the first,
a look at the path the second. Locks die with their process, so a killed one leaves nothing behind
that must be cleaned up; the lock file itself stays, since removing it would let two processes lock
two different files.
"""

import fcntl
import os
import stat
from pathlib import Path

from gateway.folders import NO_FILES, NotPrivate, make_private_folder
from gateway.wire.base import BadEndpoint, EndpointInUse, InsecureEndpoint

PID_BYTES = 32


class Lock:
    """An exclusive lock on a file, held until `release` or the death of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def take_lock(path: Path, what: str) -> Lock:
    """Lock the file at `path`, made if missing, for `what` (a role or endpoint, for the error).

    Raises EndpointInUse, naming the process that holds it: never waits. Raises OSError if this
    process can open no more files.
    """
    while True:
        descriptor = _open(path)
        try:
            _lock(descriptor, path, what)
            if _is_still_at(descriptor, path):
                _write_pid(descriptor)
                return Lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # somebody removed the file meanwhile: lock the new one


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in NO_FILES:
            raise  # nothing is wrong with the endpoint
        raise BadEndpoint(f"cannot open the lock file {path}: {error.strerror}") from error


def _lock(descriptor: int, path: Path, what: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = _read_pid(descriptor)
        holder = f"process {pid}" if pid else "another process"
        raise EndpointInUse(f"{what} is held by {holder} (lock file {path})", pid) from None


def _is_still_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _write_pid(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, PID_BYTES, 0).strip()
    return int(text) if text.isdigit() else None


def secure_folder(folder: Path) -> None:
    """Make the folder for our eyes only if it is missing; refuse one that others can enter.

    Raises InsecureEndpoint, or BadEndpoint if it cannot be made.
    """
    try:
        make_private_folder(folder)
    except NotPrivate as error:
        raise InsecureEndpoint(str(error)) from error
    except OSError as error:
        raise BadEndpoint(f"cannot use the folder {folder}: {error.strerror}") from error


def check_socket_path(path: Path) -> None:
    """Refuse to bind where something other than a socket lies: libzmq would delete it."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BadEndpoint(f"{path} exists and is not a socket: it would be overwritten")
