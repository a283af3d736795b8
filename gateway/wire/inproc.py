"""The context that an attached gateway and its clients share, and which names are bound in it.

Two things are missing in libzmq's `inproc`: a connection to a name that is not bound yet queues as
if somebody were there, and one whose peer has closed is never made again. So who binds says so
here, and who connects looks here.
"""

import threading
from collections.abc import Callable

import zmq


class InprocNames:
    """Names bound at present, each with the number of its binding. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bound: dict[str, int] = {}
        self._count = 0
        self._watchers: dict[str, list[Callable[[], None]]] = {}

    def add(self, name: str) -> None:
        """Note that `name` is bound now, and tell those who watch it."""
        with self._lock:
            self._count += 1
            self._bound[name] = self._count
            watchers = list(self._watchers.get(name, ()))
        for watcher in watchers:
            watcher()

    def remove(self, name: str) -> None:
        with self._lock:
            self._bound.pop(name, None)

    def generation(self, name: str) -> int:
        """0 while `name` is not bound; otherwise a number that differs for each binding."""
        return self._bound.get(name, 0)

    def watch(self, name: str, watcher: Callable[[], None]) -> None:
        """Call `watcher`, in the binder's thread, each time that `name` is bound."""
        with self._lock:
            self._watchers.setdefault(name, []).append(watcher)

    def unwatch(self, name: str, watcher: Callable[[], None]) -> None:
        with self._lock:
            watchers = self._watchers.get(name, [])
            if watcher in watchers:
                watchers.remove(watcher)
            if not watchers:
                self._watchers.pop(name, None)


class SharedContext:
    """One libzmq context for all that is attached in this process. Close it last."""

    def __init__(self) -> None:
        self.zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.names = InprocNames()

    def close(self) -> None:
        """Waits for every socket of this context to be closed."""
        self.zmq.term()
