"""What a program writes down of itself, line by line: it may be killed at any moment.

Each line is on its way to the disk before what it tells of is done, so a program that dies leaves
at most one line that tells of something that it did not do any more.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.sim.records import Belief, Command, Delivery, Heard


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A new life of the program: what the last one did not see to its end may be given up."""


class Gave(msgspec.Struct, frozen=True, tag="gave"):
    command: Command


class Told(msgspec.Struct, frozen=True, tag="heard"):
    """One entry of what it was given of an account's stream."""

    account: str
    entry: Heard


class Got(msgspec.Struct, frozen=True, tag="got"):
    """One step of a consumer of an account's transactions."""

    consumer: str
    account: str
    delivery: Delivery


class Believed(msgspec.Struct, frozen=True, tag="believed"):
    """All that it knows of its orders, the `count`th time that it was asked."""

    count: int
    beliefs: tuple[Belief, ...]


Line = Began | Gave | Told | Got | Believed
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class Diary:
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, b"\n")  # whoever wrote here before may have died in a line
        self.write(Began())

    def write(self, line: Line) -> None:
        os.write(self._file, _encoder.encode(line) + b"\n")

    def close(self) -> None:
        os.close(self._file)


class DiaryReader:
    """Reads on where it stopped. A line that was never finished is left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> Iterator[Line]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self._at += len(text)
                with contextlib.suppress(msgspec.DecodeError):  # cut short by its writer's death
                    yield _decoder.decode(text)
