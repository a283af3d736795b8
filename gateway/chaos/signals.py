"""What a program of a run is asked by signals. One that has only just been launched, and would die
of them, hears them when it is ready to."""

import contextlib
import signal
from collections.abc import Iterator

REST, BELIEVE = signal.SIGUSR1, signal.SIGUSR2
"""No new commands from now on. Write down what you know of your orders."""


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """A process that is launched within it has them wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {REST, BELIEVE})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear() -> None:
    """In the process itself: its handlers are there."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {REST, BELIEVE})
