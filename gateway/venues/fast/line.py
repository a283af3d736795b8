"""One TCP connection, with TLS or without, whose bytes leave inside the call that sends them.

An event loop's own transport keeps what is written until the loop comes round again (uvloop), or
does not say how much went out. Here the kernel has the bytes when `send` returns, and whether
it took any is known.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)

READ_BYTES = 256 * 1024
MAX_HEAD_BYTES = 16 * 1024
SEND_BUFFER_BYTES = 256 * 1024
"""Several hundred commands: a burst of cancels must not find it full."""

OnBytes = Callable[[bytes], None]
OnLost = Callable[[str], None]


class Cipher(Protocol):
    """What stands between our bytes and those on the wire."""

    may_drop: bool
    """What was sealed need not be sent."""

    def seal(self, data: bytes) -> bytes: ...

    def open(self, data: bytes) -> bytes:
        """Raises OSError where the peer has ended or broken the conversation."""

    def own_words(self) -> bytes:
        """What the cipher itself has to say to the peer."""


class Clear:
    may_drop = True

    def seal(self, data: bytes) -> bytes:
        return data

    def open(self, data: bytes) -> bytes:
        return data

    def own_words(self) -> bytes:
        return b""


class Tls:
    may_drop = False  # its records are numbered

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def greet(self, loop: asyncio.AbstractEventLoop, raw: socket.socket) -> None:
        """The handshake. Raises OSError, of which `ssl.SSLError` is one."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await loop.sock_sendall(raw, self._outgoing.read())
                heard = await loop.sock_recv(raw, READ_BYTES)
                if not heard:
                    raise ConnectionResetError("closed during the TLS handshake") from None
                self._incoming.write(heard)
            else:
                await loop.sock_sendall(raw, self._outgoing.read())
                return

    def seal(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def open(self, data: bytes) -> bytes:
        self._incoming.write(data)
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                return b"".join(pieces)
            if not piece:
                raise ConnectionResetError("the venue has ended the TLS session")
            pieces.append(piece)

    def own_words(self) -> bytes:
        return self._outgoing.read()


class Line:
    """After `listen`, bytes and the end come through the callbacks, never from inside `send`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, raw: socket.socket, cipher: Cipher) -> None:
        self._loop = loop
        self._raw = raw
        self._fd = raw.fileno()
        self._cipher = cipher
        self._rest = b""
        self._is_closed = False
        self._on_bytes: OnBytes | None = None
        self._on_lost: OnLost | None = None

    @property
    def is_clear(self) -> bool:
        """Open, and nothing waits before what is sent now."""
        return not (self._is_closed or self._rest)

    def send(self, data: bytes) -> bool:
        """True: the kernel has it, or as much as it has room for, and the rest follows by itself.
        False: not a byte of it went out or will; always so unless the line `is_clear`."""
        if not self.is_clear:
            return False
        try:
            sealed = self._cipher.seal(data)
            sent = self._send(sealed)
        except OSError as error:
            self._lose(f"the line broke: {type(error).__name__}")
            return False
        if not sent and self._cipher.may_drop:
            return False
        if sent < len(sealed):
            self._keep(sealed[sent:])
        return True

    def _send(self, sealed: bytes) -> int:
        try:
            return self._raw.send(sealed)
        except BlockingIOError:
            return 0

    # -- before `listen`

    async def ask(self, data: bytes, end: bytes) -> tuple[bytes, bytes]:
        """Sends, and returns the answer up to and with `end`, and what came behind it."""
        await self._loop.sock_sendall(self._raw, self._cipher.seal(data))
        heard = b""
        while end not in heard:
            if len(heard) > MAX_HEAD_BYTES:
                raise ConnectionError("an answer without an end")
            more = await self._loop.sock_recv(self._raw, READ_BYTES)
            if not more:
                raise ConnectionResetError("closed instead of an answer")
            heard += self._cipher.open(more)
        head, _, behind = heard.partition(end)
        return head + end, behind

    def listen(self, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self._on_bytes, self._on_lost = on_bytes, on_lost
        self._loop.add_reader(self._fd, self._read)

    def close(self) -> None:
        """Nobody is told."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._raw.close()

    # -- inside

    def _read(self) -> None:
        try:
            heard = self._raw.recv(READ_BYTES)
            opened = self._cipher.open(heard) if heard else b""
            own_words = self._cipher.own_words()
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(f"the line broke: {type(error).__name__}")
            return
        if not heard:
            self._lose("the venue has closed the line")
            return
        if own_words:
            self._keep(own_words)
        if opened and self._on_bytes is not None:
            self._on_bytes(opened)

    def _keep(self, sealed: bytes) -> None:
        """The rest of a frame whose beginning is out, or what TLS has to say; never more."""
        if not self._rest:
            self._loop.add_writer(self._fd, self._write_rest)
        self._rest += sealed

    def _write_rest(self) -> None:
        try:
            sent = self._send(self._rest)
        except OSError as error:
            self._lose(f"the line broke: {type(error).__name__}")
            return
        self._rest = self._rest[sent:]
        if not self._rest:
            self._loop.remove_writer(self._fd)

    def _lose(self, why: str) -> None:
        if self._is_closed:
            return
        self.close()
        if self._on_lost is not None:
            self._loop.call_soon(self._on_lost, why)


async def dial(
    loop: asyncio.AbstractEventLoop, host: str, port: int, tls: ssl.SSLContext | None
) -> Line:
    """The first of the host's addresses that answers. Raises OSError."""
    raw = await _connect(loop, host, port)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if tls is None:
            return Line(loop, raw, Clear())
        cipher = Tls(tls, host)
        await cipher.greet(loop, raw)
        return Line(loop, raw, cipher)
    except BaseException:
        raw.close()
        raise


async def _connect(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    failed: OSError = ConnectionError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        raw = socket.socket(family, kind, protocol)
        raw.setblocking(False)
        try:
            await loop.sock_connect(raw, address)
        except OSError as error:
            raw.close()
            failed = error
        except BaseException:
            raw.close()
            raise
        else:
            return raw
    raise failed
