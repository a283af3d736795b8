"""What the wire tests share: peers in processes of their own, and waiting for a condition."""

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import uvloop

from gateway.service.embedded import free_port
from gateway.wire.curve import CurveKeys
from gateway.wire.inproc import SharedContext
from gateway.wire.zeromq import ZmqTransport

DEADLINE_S = 30.0
PEER = Path(__file__).with_name("wire_peer.py")


class Peer:
    """A running `wire_peer.py`."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PEER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": str(PEER.parents[2])},
        )
        self._unread = b""
        self.heard: list[bytes] = []
        wait_until(lambda: b"ready" in self.listen())

    @property
    def pid(self) -> int:
        return self._process.pid

    def listen(self) -> list[bytes]:
        """All lines printed so far."""
        stream = self._process.stdout
        assert stream is not None
        while select.select([stream], [], [], 0)[0]:
            chunk = os.read(stream.fileno(), 65_536)
            if not chunk:
                break
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            self.heard += lines
        return self.heard

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """For tests without a loop: poll until the condition holds, or fail."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.002)


class Side:
    """Our process's side: a loop and the transports on it."""

    def __init__(self, folder: Path) -> None:
        self.loop = uvloop.new_event_loop()
        self.folder = folder
        self.shared = SharedContext()
        self._opened: list[ZmqTransport] = []

    def transport(self, curve: CurveKeys | None = None) -> ZmqTransport:
        opened = ZmqTransport(self.loop, shared=self.shared, curve=curve)
        self._opened.append(opened)
        return opened

    def endpoint(self, scheme: str, name: str = "orders") -> str:
        if scheme == "ipc":
            return f"ipc://{self.folder / name}"
        return f"tcp://127.0.0.1:{free_port()}"

    def until(self, condition: Callable[[], bool]) -> None:
        """Run the loop until the condition holds, or fail."""

        async def wait() -> bool:
            deadline = self.loop.time() + DEADLINE_S
            while self.loop.time() < deadline:
                if condition():
                    return True
                await asyncio.sleep(0.002)
            return False

        assert self.loop.run_until_complete(wait()), "the condition never held"

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
        self.shared.close()
        self.loop.close()


@contextlib.contextmanager
def a_side() -> Iterator[Side]:
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        side = Side(Path(folder))
        try:
            yield side
        finally:
            side.close()
