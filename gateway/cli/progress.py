"""What a command is waiting for, on stderr while it takes, for people at a terminal."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.text import Text

T = TypeVar("T")
OFTEN = 500


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Yields what changes the text. Nothing of it stays, and elsewhere nothing is printed.

    Print to stdout after it: both may be the same terminal.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda _text: None
        return
    with console.status(Text(text)) as status:
        yield lambda text: status.update(Text(text))


def counted(items: Iterable[T], what: str) -> Iterator[T]:
    """The same items, counted while they come."""
    with progress(f"{what} ...") as say:
        for count, item in enumerate(items, start=1):
            if count % OFTEN == 0:
                say(f"{count:,} {what} ...")
            yield item
