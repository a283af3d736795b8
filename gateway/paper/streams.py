"""Private event streams: an account's events on their way to one connection."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import orjson

from gateway.paper import distort, event_wire
from gateway.paper.connection import Connection
from gateway.paper.entries import Event
from gateway.paper.errors import SUBSCRIPTION_ACTIVE, SUBSCRIPTION_INACTIVE, VenueError
from gateway.paper.faults import STREAM_PREFIX, Fault, FaultKind, first_of
from gateway.paper.service import Service

_K = FaultKind


class Subscription:
    """One account's events on one connection, under the fault plan."""

    def __init__(self, service: Service, connection: Connection, account: str, number: int) -> None:
        self.account = account
        self.number = number
        self._service = service
        self._connection = connection
        self._held: list[bytes] = []
        self._open = True
        service.venue.listen(account, self.deliver)

    @property
    def _rng(self) -> Random:
        return self._service.rng

    def close(self) -> None:
        if self._open:
            self._open = False
            self._service.venue.unlisten(self.account, self.deliver)

    def deliver(self, event: Event) -> None:
        """Send one event, or what the plan makes of it."""
        body = event_wire.to_json(event)
        if not self._service.plan:
            self._send(self._framed(body))
            return
        operation = STREAM_PREFIX + event_wire.name_of(event)
        now = self._service.clock()
        faults = self._service.plan.decide(operation, self.account, now, self._rng, "stream")
        for fault in faults:
            record = self._service.venue.record
            record.fault(self.account, fault.kind.value, operation, event.seq, now)
        self._deliver_under(faults, body)

    def terminate(self) -> None:
        """End the stream as the venue may at any time; the socket stays open."""
        self._send(self._framed(event_wire.terminated(self._service.clock())))
        self.close()

    def _deliver_under(self, faults: list[Fault], body: dict[str, Any]) -> None:
        if first_of(faults, _K.CUT_BEFORE_EVENT):
            self._connection.cut()
        elif first_of(faults, _K.TERMINATE_STREAM):
            self.terminate()
        elif silence := first_of(faults, _K.SILENCE):
            self._connection.silence(silence.duration_ms)
        elif not first_of(faults, _K.DROP_EVENT):
            self._send_spoilt(faults, body)

    def _send_spoilt(self, faults: list[Fault], body: dict[str, Any]) -> None:
        frame = self._framed(distort.event(body, faults))
        if first_of(faults, _K.CORRUPT_FRAME):
            frame = frame[: len(frame) // 2]
        if first_of(faults, _K.LIST_FRAME):
            self._send(b"[]")
        delay = first_of(faults, _K.DELAY_EVENT)
        reorder = first_of(faults, _K.REORDER_EVENT)
        if delay is not None:
            asyncio.get_running_loop().call_later(delay.delay_ms / 1000, self._send, frame)
        elif reorder is not None:
            self._hold(frame, reorder.delay_ms)
        else:
            self._send(frame)
        if first_of(faults, _K.DUPLICATE_EVENT):
            self._send(frame)
        if first_of(faults, _K.CONFLICTING_TRADE) and (other := distort.conflict(body)):
            self._send(self._framed(other))

    def _hold(self, frame: bytes, at_most_ms: int) -> None:
        """Until the next frame has gone, or for so long if none comes."""
        self._held.append(frame)
        asyncio.get_running_loop().call_later(at_most_ms / 1000, self._release)

    def _send(self, frame: bytes) -> None:
        self._connection.send(frame)
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self._connection.send(frame)

    def _framed(self, body: dict[str, Any]) -> bytes:
        return orjson.dumps({"subscriptionId": self.number, "event": body})


class Subscriptions:
    """Those of one connection; one an account, as at Binance."""

    def __init__(self, service: Service, connection: Connection) -> None:
        self._service = service
        self._connection = connection
        self._by_number: dict[int, Subscription] = {}
        self._next = 0

    def subscribe(self, account: str) -> int:
        """Its number. Raises -2035 if the account is already subscribed here."""
        if any(s.account == account for s in self._by_number.values()):
            raise VenueError(SUBSCRIPTION_ACTIVE, "Subscription is active already.")
        number = self._next
        self._next += 1
        self._by_number[number] = Subscription(self._service, self._connection, account, number)
        return number

    def unsubscribe(self, number: int | None) -> None:
        """One, or all without a number; each ends with eventStreamTerminated. Raises -2036."""
        if number is not None and number not in self._by_number:
            raise VenueError(SUBSCRIPTION_INACTIVE, "Subscription is inactive.")
        for each in [number] if number is not None else list(self._by_number):
            self._by_number.pop(each).terminate()

    def terminate(self, account: str | None) -> None:
        for number, subscription in list(self._by_number.items()):
            if account in {None, subscription.account}:
                del self._by_number[number]
                subscription.terminate()

    def serves(self, account: str | None) -> bool:
        """Does it carry this account's events? Without an account: any connection will do."""
        return account is None or any(s.account == account for s in self._by_number.values())

    def close(self) -> None:
        for subscription in self._by_number.values():
            subscription.close()
        self._by_number.clear()
