"""Paths as sockets need them, folders that only their owner can enter (what is in one needs no
password), and how it shows that no file can be opened."""

import errno
import os
import stat
from pathlib import Path

from gateway.domain.errors import BadConfig

NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
"""The process, or the machine, has no file descriptor left: nothing is wrong with the path."""


class NotPrivate(BadConfig):
    """Others can enter the folder, or it is somebody else's, or it is no folder."""


def plain_path(path: Path) -> Path:
    """Absolute and without `..`, so that it can be a socket's: what a link leads to matters then.

    A path without `..` stays as it was written: a link may be there because it is short.
    """
    found = path.absolute()
    return found.resolve() if ".." in found.parts else found


def make_private_folder(path: Path) -> Path:
    """Create `path` with mode 0700, or check that it is already like that.

    Raises NotPrivate: in a shared parent such as /tmp another user may have been there first. It
    never changes what it finds, since a path given by mistake may be a folder that others need,
    and makes no parents. Raises OSError if it cannot be made.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotPrivate(f"{path} must be a folder, not a link or a file")
    if found.st_uid != os.geteuid():
        raise NotPrivate(f"{path} belongs to user {found.st_uid}, not to us ({os.geteuid()})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise NotPrivate(f"others can enter {path}: close it with chmod 700, or name another")
    return path


def want_of_files(error: OSError) -> str:
    """What it was, and what to do about it. Any other error is raised again."""
    if error.errno not in NO_FILES:
        raise error
    return f"{error}: raise the limit of open files (ulimit -n, LimitNOFILE)"
