"""Websocket frames: the RFC's own examples, and what a venue must not send."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.venues.fast.frames import (
    MAX_MESSAGE_BYTES,
    BadFrame,
    FrameReader,
    Opcode,
    check_upgrade,
    encode,
    upgrade_request,
)

MASK = bytes.fromhex("37fa213d")
TEXT, PING = Opcode.TEXT, Opcode.PING


def unmasked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """As a server sends it."""
    size = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + b"\x7e" + size.to_bytes(2) + payload
    return head + b"\x7f" + size.to_bytes(8) + payload


def test_the_masked_hello_of_the_rfc() -> None:
    assert encode(TEXT, b"Hello", MASK) == bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300, 65535, 65536, 70001])
def test_every_length_is_written_so_that_unmasking_gives_it_back(size: int) -> None:
    payload = bytes(i % 251 for i in range(size))
    frame = encode(TEXT, payload, MASK)
    body = frame[-size:] if size else b""
    assert bytes(b ^ MASK[i % 4] for i, b in enumerate(body)) == payload
    assert frame[:1] == b"\x81"
    assert len(frame) == size + 6 + (0 if size < 126 else 2 if size < 1 << 16 else 8)


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 40))
def test_messages_come_whole_however_the_bytes_are_cut(sent: list[bytes], cut: int) -> None:
    wire = b"".join(unmasked(TEXT, payload) for payload in sent)
    reader = FrameReader()
    heard = [m for at in range(0, len(wire), cut) for m in reader.feed(wire[at : at + cut])]
    assert heard == [(TEXT, payload) for payload in sent]


def test_fragments_are_put_together_and_a_ping_may_come_between() -> None:
    wire = (
        unmasked(TEXT, b"Hel", final=False)
        + unmasked(PING, b"?")
        + unmasked(0, b"", final=False)
        + unmasked(0, b"lo")
        + unmasked(TEXT, b"next")
    )
    assert FrameReader().feed(wire) == [(PING, b"?"), (TEXT, b"Hello"), (TEXT, b"next")]


@pytest.mark.parametrize(
    "wire",
    [
        encode(TEXT, b"masked", MASK),
        b"\xc1\x00",  # a reserved bit
        unmasked(0x3, b""),  # an opcode that nobody has defined
        unmasked(0, b"a continuation of nothing"),
        unmasked(TEXT, b"one", final=False) + unmasked(TEXT, b"another"),
        unmasked(PING, b"in pieces", final=False),
        b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8),
        unmasked(TEXT, bytes(MAX_MESSAGE_BYTES), final=False) + unmasked(0, b"+"),
    ],
)
def test_what_breaks_the_protocol_is_a_bad_frame(wire: bytes) -> None:
    with pytest.raises(BadFrame):
        FrameReader().feed(wire)


def test_the_upgrade_is_accepted_only_with_the_answer_to_our_key() -> None:
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    good = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    check_upgrade(good, key)
    assert b"Sec-WebSocket-Key: " + key in upgrade_request("venue", "/ws", key)
    other = base64.b64encode(bytes(16))
    for head, with_key in (
        (good, other),
        (good.replace(b"101", b"403"), key),
        (b"HTTP/1.1 101 X\r\n\r\n", key),
        (b"nonsense", key),
    ):
        with pytest.raises(BadFrame):
            check_upgrade(head, with_key)
