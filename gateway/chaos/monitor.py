"""Hears all that is published, and notes when: what a state must have been true by."""

import asyncio
import time
from typing import Any

import msgspec

from gateway.wire import limits
from gateway.wire.endpoints import Endpoints
from gateway.wire.zeromq import ZmqTransport

Number = tuple[str, int, int]
_decoder = msgspec.msgpack.Decoder()


class Monitor:
    """A subscriber of its own, without the client library. What it misses it can't time."""

    def __init__(self, endpoints: Endpoints, accounts: tuple[str, ...]) -> None:
        self.published: dict[Number, int] = {}
        self.ready: dict[str, bool] = {}
        self._transport = ZmqTransport(asyncio.get_running_loop())
        subscriber = self._transport.connect_sub(endpoints.status, self._hear, limits.STATUS)
        for account in accounts:
            subscriber.subscribe(f"stream/{account}/")
        subscriber.subscribe("health/")

    def close(self) -> None:
        self._transport.close()

    def _hear(self, _topic: str, frame: bytes) -> None:
        now = time.time_ns()
        message: dict[str, Any] = _decoder.decode(frame)
        if message["type"] == "health":
            self.ready[message["role"]] = message["ready"]
            return
        number = message["account"], message["epoch"], message["seq"]
        self.published.setdefault(number, now)
