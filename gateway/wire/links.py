"""Binding a socket to an endpoint, or connecting it to one, with all that must be held for it."""

import asyncio
import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import zmq

from gateway.wire.base import BadEndpoint, EndpointInUse
from gateway.wire.endpoints import Address, Scheme
from gateway.wire.inproc import InprocNames
from gateway.wire.locks import check_socket_path, secure_folder, take_lock
from gateway.wire.sockets import Socket


class Binding:
    """One bound endpoint, and what is held for it while it is bound."""

    def __init__(self, endpoint: str, release: Callable[[], None]) -> None:
        self.endpoint = endpoint
        """With the port that the system chose, if it did."""
        self.release = release
        """Gives the endpoint up. Call it before closing the socket."""


def bind(socket: Socket, address: Address, names: InprocNames) -> Binding:
    """Bind, after taking the lock that the endpoint needs; closes the socket if that fails.

    Raises BadEndpoint, InsecureEndpoint, EndpointInUse.
    """
    try:
        if address.path is not None:
            return _bind_ipc(socket, address, address.path)
        if address.scheme is Scheme.INPROC:
            return _bind_inproc(socket, address, names)
        return _bind_tcp(socket, address)
    except BaseException:
        socket.close(linger=0)
        raise


def _bind_tcp(socket: Socket, address: Address) -> Binding:
    socket.set(zmq.IPV6, int(address.ipv6))
    _bind_zmq(socket, address)
    return Binding(socket.get_string(zmq.LAST_ENDPOINT).rstrip("\0"), lambda: None)


def _bind_inproc(socket: Socket, address: Address, names: InprocNames) -> Binding:
    _bind_zmq(socket, address)
    names.add(address.text)

    def release() -> None:
        names.remove(address.text)
        socket.unbind(address.text)

    return Binding(address.text, release)


def _bind_ipc(socket: Socket, address: Address, path: Path) -> Binding:
    secure_folder(path.parent)
    lock = take_lock(path.with_name(f"{path.name}.lock"), address.text)
    try:
        check_socket_path(path)
        _bind_zmq(socket, address)
    except BaseException:
        lock.release()
        raise

    def release() -> None:
        path.unlink(missing_ok=True)  # while the lock is ours: the next path may be another's
        lock.release()

    return Binding(address.text, release)


def _bind_zmq(socket: Socket, address: Address) -> None:
    try:
        socket.bind(address.text)
    except zmq.ZMQError as error:
        if error.errno == errno.EADDRINUSE:
            raise EndpointInUse(f"{address.text} is in use by another process") from error
        raise BadEndpoint(f"cannot bind {address.text}: {error.strerror}") from error


class Link:
    """A socket's connection, which libzmq keeps and makes again by itself."""

    def __init__(self, socket: Socket, address: Address) -> None:
        self._socket = socket
        self._address = address

    def open(self) -> None:
        """Connect; closes the socket if that fails. Raises BadEndpoint, InsecureEndpoint."""
        try:
            self._connect()
        except zmq.ZMQError as error:
            self._socket.close(linger=0)
            reason = f"cannot connect to {self._address.text}: {error.strerror}"
            raise BadEndpoint(reason) from error
        except BaseException:
            self._socket.close(linger=0)
            raise

    def _connect(self) -> None:
        if self._address.path is not None:
            secure_folder(self._address.path.parent)
        self._socket.set(zmq.IPV6, int(self._address.ipv6))
        self._socket.connect(self._address.text)

    def refresh(self) -> None:
        """Connect anew if that is needed. Call it before each use of the socket."""

    def follow(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        """Refresh on `loop` whenever the peer binds again, then run `then`."""

    def close(self) -> None:
        """Stop following."""


class InprocLink(Link):
    """A connection inside the process, which has to be made anew for each binding of the name."""

    def __init__(self, socket: Socket, address: Address, names: InprocNames) -> None:
        super().__init__(socket, address)
        self._names = names
        self._generation = 0
        self._watcher: Callable[[], None] | None = None

    def _connect(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        name = self._address.text
        generation = self._names.generation(name)
        if generation == self._generation:
            return
        if self._generation:
            with contextlib.suppress(zmq.ZMQError):  # its peer has closed: nothing is left of it
                self._socket.disconnect(name)
        if generation:
            self._socket.connect(name)
        self._generation = generation

    def follow(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        def refresh() -> None:
            if not self._socket.closed:
                self.refresh()
                then()

        def refresh_on_loop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(refresh)

        self._watcher = refresh_on_loop
        self._names.watch(self._address.text, refresh_on_loop)

    def close(self) -> None:
        if self._watcher is not None:
            self._names.unwatch(self._address.text, self._watcher)
            self._watcher = None


def link(socket: Socket, address: Address, names: InprocNames) -> Link:
    """Connect `socket`; the peer need not be there yet."""
    if address.scheme is Scheme.INPROC:
        made: Link = InprocLink(socket, address, names)
    else:
        made = Link(socket, address)
    made.open()
    return made
