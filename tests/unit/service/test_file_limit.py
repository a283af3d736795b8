"""A desk with many programs needs many sockets."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.enums import Role
from gateway.service.around import Around
from gateway.service.runner import MOST_FILES, allow_files, run


@pytest.fixture
def hard_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_takes_as_many_descriptors_as_it_may(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard_limit))

    allow_files()

    most = MOST_FILES if hard_limit == resource.RLIM_INFINITY else min(hard_limit, MOST_FILES)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, hard_limit)


def test_a_limit_that_is_higher_already_stays(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))

    allow_files()

    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard_limit


class WithoutFiles:
    def __init__(self, _: Around) -> None: ...

    async def start(self) -> None:
        raise OSError(errno.EMFILE, "no socket: Too many open files")

    async def close(self) -> None: ...


def test_a_process_without_descriptors_says_so_and_what_to_do(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_HOME", str(short_folder / "files"))

    assert run(Role.EXECUTOR, WithoutFiles, None) == 1
    said = capfd.readouterr()
    assert "stopped reason=too_many: " in said.out + said.err
    assert "raise the limit of open files" in said.out + said.err


WITHOUT_FILES = """
import resource
from gateway.domain import codec
from gateway.domain.errors import BadMessage
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    codec.commands.decode(b"\\x07\\x08")
except BadMessage as error:
    print(error.code)
"""


def test_a_bad_message_is_refused_also_without_descriptors() -> None:
    command = [sys.executable, "-c", WITHOUT_FILES]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert said.stdout.split() == ["undecodable"], said.stderr


def test_a_process_that_can_not_even_lock_its_place_says_so_too(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Found by a chaos run: it called its configuration wrong."""
    monkeypatch.setenv("GATEWAY_HOME", str(short_folder / "gw"))
    opened = os.open

    def none_left(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith(".lock"):
            raise OSError(errno.EMFILE, "Too many open files", path)
        return opened(path, *more, **named)

    monkeypatch.setattr("gateway.wire.locks.os.open", none_left)
    code = run(Role.MANAGER, WithoutFiles, None)
    said = capfd.readouterr()

    assert code == 1
    assert "cannot_start code=too_many" in said.out + said.err
    assert "raise the limit of open files" in said.out + said.err
