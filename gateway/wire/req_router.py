"""REQ and ROUTER over libzmq: questions, and answers in any order.

On the ROUTER's side a request is the asker's identity, the number that CORRELATE adds, an empty
frame, and the body. All but the body is the envelope, and goes back unchanged.
"""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from gateway.wire.base import Counters, Envelope, Limits, OnReply, OnRequest, check_size
from gateway.wire.drain import Drain, Source
from gateway.wire.edge import call_guarded, note_malformed
from gateway.wire.limits import SEND_WAIT_S
from gateway.wire.links import Binding, Link
from gateway.wire.sockets import Socket, can_write

MAX_ENVELOPE_FRAMES = 8
"""Ours have three; more would be devices in between. A bound, since strangers choose it."""


@dataclass(slots=True)
class Question:
    """One request on its way: not sent yet, or waiting for its answer."""

    frame: bytes
    deadline: float
    on_reply: OnReply
    sent: bool = False


class ReqChannel:
    """One REQ socket, and at most one open question."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: Socket,
        link: Link,
        endpoint: str,
        counters: Counters,
        on_idle: Callable[["ReqChannel"], None],
    ) -> None:
        self._loop = loop
        self._socket = socket
        self._link = link
        self._endpoint = endpoint
        self._counters = counters
        self._on_idle = on_idle
        self._question: Question | None = None
        self._timer: asyncio.TimerHandle | None = None
        source = Source(socket, endpoint, self._take, on_writable=self._try_send)
        self._drain = Drain(loop, [source], counters)
        link.follow(loop, self._drain.recheck)

    def ask(self, frame: bytes, timeout_s: float, on_reply: OnReply) -> None:
        self._question = Question(frame, self._loop.time() + timeout_s, on_reply)
        self._timer = self._loop.call_later(min(SEND_WAIT_S, timeout_s), self._on_timer)
        self._link.refresh()
        self._try_send()
        self._drain.recheck()

    def close(self) -> None:
        self._question = None
        self._stop_timer()
        self._drain.close()
        self._link.close()
        self._socket.close(linger=0)

    def _try_send(self) -> bool:
        question = self._question
        if question is None or question.sent or not can_write(self._socket):
            return False
        try:
            self._socket.send(question.frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        question.sent = True
        self._counters.sent += 1
        return True

    def _take(self, frames: list[bytes]) -> None:
        question = self._question
        if question is None or not question.sent:
            self._counters.late += 1
        elif len(frames) != 1:
            note_malformed(self._counters, self._endpoint)
        else:
            self._finish(question, frames[0])

    def _on_timer(self) -> None:
        question = self._question
        if question is None:
            return
        left = question.deadline - self._loop.time()
        if question.sent and left > 0:
            self._timer = self._loop.call_later(left, self._on_timer)
            return
        if question.sent:
            self._counters.timeouts += 1
        else:
            self._counters.refused += 1
        self._finish(question, None)

    def _finish(self, question: Question, answer: bytes | None) -> None:
        self._question = None
        self._stop_timer()
        self._on_idle(self)
        call_guarded(self._counters, self._endpoint, question.on_reply, answer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class ZmqRequester:
    """A pool of REQ sockets behind one object, since each has one question open at a time."""

    pattern = "req"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        open_channel: Callable[[Counters, Callable[[ReqChannel], None]], ReqChannel],
        endpoint: str,
        limits: Limits,
        size: int,
    ) -> None:
        self.endpoint = endpoint
        self.counters = Counters()
        self._loop = loop
        self._open_channel = open_channel
        self._limits = limits
        self._size = size
        self._channels = [open_channel(self.counters, self._put_back)]
        self._idle = list(self._channels)
        self.closed = False

    def request(self, frame: bytes, timeout_s: float, on_reply: OnReply) -> None:
        check_size(frame, self._limits)
        channel = self._idle_channel()
        if channel is not None:
            channel.ask(frame, timeout_s, on_reply)
            return
        self.counters.refused += 1
        self._loop.call_soon(call_guarded, self.counters, self.endpoint, on_reply, None)

    def _idle_channel(self) -> ReqChannel | None:
        if self._idle:
            return self._idle.pop()
        if self.closed or len(self._channels) >= self._size:
            return None
        channel = self._open_channel(self.counters, self._put_back)
        self._channels.append(channel)
        return channel

    def _put_back(self, channel: ReqChannel) -> None:
        if not self.closed:
            self._idle.append(channel)

    def close(self) -> None:
        self.closed = True
        self._idle.clear()
        for channel in self._channels:
            channel.close()
        self._channels.clear()


class ZmqResponder:
    """ROUTER."""

    pattern = "router"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: Socket,
        binding: Binding,
        on_request: OnRequest,
        limits: Limits,
    ) -> None:
        self.endpoint = binding.endpoint
        self.counters = Counters()
        self._socket = socket
        self._binding = binding
        self._on_request = on_request
        self._limits = limits
        self._drain = Drain(loop, [Source(socket, self.endpoint, self._take)], self.counters)

    def reply(self, envelope: Envelope, frame: bytes) -> bool:
        check_size(frame, self._limits)
        if not self._socket.closed and self._try_send(envelope, frame):
            self.counters.sent += 1
            return True
        self.counters.refused += 1
        return False

    def _try_send(self, envelope: Envelope, frame: bytes) -> bool:
        try:
            self._socket.send_multipart([*envelope, frame], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            self.counters.gone += 1
            return False
        finally:
            self._drain.recheck()
        return True

    def _take(self, frames: list[bytes]) -> None:
        request = split_envelope(frames)
        if request is None:
            note_malformed(self.counters, self.endpoint)
            return
        self._on_request(*request)

    @property
    def closed(self) -> bool:
        return self._socket.closed

    def close(self) -> None:
        if self.closed:
            return
        self._drain.close()
        self._binding.release()
        self._socket.close()


def split_envelope(frames: list[bytes]) -> tuple[Envelope, bytes] | None:
    """The envelope (up to the empty frame) and the body, or None if there are not just these."""
    body = len(frames) - 1
    if body < 2 or body > MAX_ENVELOPE_FRAMES or frames.index(b"") != body - 1:
        return None
    return tuple(frames[:body]), frames[body]
