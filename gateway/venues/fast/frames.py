"""RFC 6455 as a client needs it, without I/O: the upgrade, and frames to and from bytes."""

import base64
import hashlib
from enum import IntEnum

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL, _RESERVED, _MASKED = 0x80, 0x70, 0x80


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class BadFrame(Exception):
    """The peer does not keep to the protocol: what follows can't be told apart."""


def upgrade_request(host: str, path: str, key: bytes) -> bytes:
    """`key`: sixteen random bytes, in base64."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def check_upgrade(head: bytes, key: bytes) -> None:
    """Raises BadFrame unless the answer agrees to this very request."""
    first, *lines = head.split(b"\r\n")
    if first.split(b" ")[1:2] != [b"101"]:
        raise BadFrame(f"no upgrade: {first[:80]!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in map(_halves, lines)}
    wanted = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - as the RFC has it
    if headers.get(b"sec-websocket-accept") != wanted:
        raise BadFrame("the answer to the upgrade is not to ours")


def _halves(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b":")


def encode(opcode: Opcode, payload: bytes, mask: bytes) -> bytes:
    """One whole frame; `mask` is four random bytes."""
    size = len(payload)
    if size < 126:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2)
    else:
        head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8)
    return head + mask + _xor(payload, mask)


def _xor(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)


class FrameReader:
    """Bytes in, messages out: fragments are put together, control frames come in between."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begun: Opcode | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[Opcode, bytes]]:
        """The messages that are whole now. Raises BadFrame."""
        self._buffer = self._buffer + data if self._buffer else data
        messages: list[tuple[Opcode, bytes]] = []
        while (frame := self._take_frame()) is not None:
            message = self._assemble(*frame)
            if message is not None:
                messages.append(message)
        return messages

    def _take_frame(self) -> tuple[bool, Opcode, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer[0] & _RESERVED or buffer[1] & _MASKED:
            raise BadFrame("reserved bits, or a masked frame from a server")
        start, size = 2, buffer[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start])
        if size + self._size > MAX_MESSAGE_BYTES:
            raise BadFrame("a message that is too large")
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        return bool(buffer[0] & _FINAL), _opcode(buffer[0] & 0x0F), buffer[start : start + size]

    def _assemble(
        self, is_final: bool, opcode: Opcode, payload: bytes
    ) -> tuple[Opcode, bytes] | None:
        if opcode >= Opcode.CLOSE:
            if not is_final:
                raise BadFrame("a control frame in pieces")
            return opcode, payload
        if (opcode is Opcode.CONTINUATION) != (self._begun is not None):
            raise BadFrame("fragments out of order")
        if is_final and self._begun is None:
            return opcode, payload
        self._begun = self._begun or opcode
        self._size += len(payload)
        if payload:
            self._parts.append(payload)
        if not is_final:
            return None
        whole = self._begun, b"".join(self._parts)
        self._begun, self._parts, self._size = None, [], 0
        return whole


def _opcode(value: int) -> Opcode:
    try:
        return Opcode(value)
    except ValueError:
        raise BadFrame(f"an unknown opcode {value}") from None
