"""Puts a bug in the place of what is right, and takes it out again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Patches:
    """What was put in the place of something, to be put back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    @property
    def count(self) -> int:
        return len(self._undo)

    def set(self, owner: Any, name: str, value: Any) -> None:
        before = getattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, before))
        setattr(owner, name, value)

    def item(self, table: Any, key: Any, value: Any) -> None:
        before = table[key]
        self._undo.append(lambda: table.__setitem__(key, before))
        table[key] = value

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


Bug = Callable[[Patches], None]


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    patches = Patches()
    try:
        bug(patches)
        yield
    finally:
        patches.undo()
