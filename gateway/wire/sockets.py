"""How every libzmq socket of the gateway is set up.

The options are tables, so that the socket rules can be read in one place:

- PUSH: IMMEDIATE, so that only a live, greeted peer has a queue, and a dead one is an error at
  once. Its queue dies with the connection: senders that need more keep an outbox.
- REQ: RELAXED and CORRELATE, so that a time-out does not wedge the socket, and a late reply is not
  taken for the next one; IMMEDIATE for the same reason as PUSH; no linger.
- ROUTER: MANDATORY, so that a reply to an asker who left is seen.
- XPUB without NODROP: a slow subscriber misses messages, and nobody waits for it. VERBOSER reports
  each subscription and its end, so that they can be counted and greeted.
- All: heartbeats, TCP keepalive, a largest message, bounded queues, bounded handshakes.
"""

from typing import TypeAlias, cast

import zmq

from gateway.wire import limits
from gateway.wire.base import Limits

Socket: TypeAlias = zmq.Socket[bytes]

COMMON = {
    zmq.LINGER: limits.LINGER_MS,
    zmq.HEARTBEAT_IVL: limits.HEARTBEAT_INTERVAL_MS,
    zmq.HEARTBEAT_TIMEOUT: limits.HEARTBEAT_TIMEOUT_MS,
    zmq.HEARTBEAT_TTL: limits.HEARTBEAT_TIMEOUT_MS,
    zmq.HANDSHAKE_IVL: limits.HANDSHAKE_TIMEOUT_MS,
    zmq.RECONNECT_IVL: limits.RECONNECT_MS,
    zmq.RECONNECT_IVL_MAX: limits.RECONNECT_MAX_MS,
    zmq.BACKLOG: limits.LISTEN_BACKLOG,
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: limits.KEEPALIVE_IDLE_S,
    zmq.TCP_KEEPALIVE_INTVL: limits.KEEPALIVE_INTERVAL_S,
    zmq.TCP_KEEPALIVE_CNT: limits.KEEPALIVE_PROBES,
}

BY_KIND: dict[int, dict[int, int]] = {
    zmq.PUSH: {zmq.IMMEDIATE: 1, zmq.SNDBUF: limits.KERNEL_BUFFER_BYTES},
    zmq.PULL: {zmq.RCVBUF: limits.KERNEL_BUFFER_BYTES},
    zmq.REQ: {
        zmq.REQ_RELAXED: 1,
        zmq.REQ_CORRELATE: 1,
        zmq.IMMEDIATE: 1,
        zmq.LINGER: 0,
        zmq.SNDTIMEO: int(limits.SEND_WAIT_S * 1000),
    },
    zmq.ROUTER: {zmq.ROUTER_MANDATORY: 1},
    zmq.XPUB: {zmq.XPUB_NODROP: 0, zmq.XPUB_VERBOSER: 1},
    zmq.SUB: {},
}


def open_socket(context: zmq.Context[Socket], kind: int, bounds: Limits) -> Socket:
    """A socket with every rule of its kind, neither bound nor connected yet. Raises OSError where
    the process has no file descriptor left for it."""
    try:
        socket = context.socket(kind)
    except zmq.ZMQError as error:
        raise OSError(error.errno, f"no socket: {error.strerror}") from error
    socket.set(zmq.SNDHWM, bounds.hwm)
    socket.set(zmq.RCVHWM, bounds.hwm)
    socket.set(zmq.MAXMSGSIZE, bounds.max_bytes + limits.CURVE_OVERHEAD_BYTES)
    for option, value in (COMMON | BY_KIND[kind]).items():
        socket.set(option, value)
    return socket


def look(socket: Socket) -> int:
    """POLLIN if a message waits, POLLOUT if a live peer has room.

    It also brings the socket's own state up to date, which a bare non-blocking send or receive
    does at most once a millisecond; and it takes in what the file descriptor would have told, so
    that whoever looks must act on both answers.
    """
    return cast("int", socket.get(zmq.EVENTS))


def can_write(socket: Socket) -> bool:
    return bool(look(socket) & zmq.POLLOUT)
