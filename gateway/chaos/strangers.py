"""Those who mean no good, or can't do better: garbage on every endpoint, subscribers that break."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from random import Random

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.wire import limits
from gateway.wire.base import FrameTooLarge
from gateway.wire.endpoints import Endpoints
from gateway.wire.zeromq import ZmqTransport

NAMES = ("orders", "urgent", "reports", "requests")
GREETING = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
"""How a ZMTP 3 peer begins; what follows it here is never what should."""
FRAMES = 60
PEERS = 8


async def send_garbage(endpoints: Endpoints, random: Random) -> None:
    """Frames that nobody can read, and some that almost can be; then bytes that are no frames."""
    transport = ZmqTransport(asyncio.get_running_loop())
    try:
        senders = [
            transport.connect_push(getattr(endpoints, name), limits.REPORTS) for name in NAMES[:3]
        ]
        asker = transport.connect_req(endpoints.requests, limits.REQUESTS)
        await asyncio.sleep(0.2)
        for _ in range(FRAMES):
            frame = spoilt_frame(random)
            with contextlib.suppress(FrameTooLarge):
                random.choice(senders).send(frame)
            if random.random() < 0.2:
                asker.request(frame, 1.0, lambda _answer: None)
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)
    finally:
        transport.close()
    await asyncio.to_thread(_speak_out_of_turn, endpoints, random)


def spoilt_frame(random: Random) -> bytes:
    if random.random() < 0.3:
        return random.randbytes(random.randrange(300))
    frame = bytearray(codec.encode(_cancel(random)))
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(frame))
        change = random.randrange(3)
        if change == 0:
            frame[at] ^= 1 << random.randrange(8)
        elif change == 1:
            del frame[at:]
            frame += b"\xc1"
        else:
            frame[at:at] = random.randbytes(3)
    frame[:1] = b"\xc1"  # never a message: nothing here may be taken for a command
    return bytes(frame)


def _cancel(random: Random) -> m.Cancel:
    return m.Cancel(
        order_id=f"{random.getrandbits(128):032x}",
        command_id="garbage",
        client_id="garbage",
        account="main",
        symbol="BTC/USDT",
    )


def _speak_out_of_turn(endpoints: Endpoints, random: Random) -> None:
    for name in (*NAMES, "status"):
        _say(_path(getattr(endpoints, name)), random.randbytes(random.randrange(1, 400)))
        _say(_path(getattr(endpoints, name)), GREETING + random.randbytes(64))


async def break_subscribers(endpoints: Endpoints, random: Random, seconds: float) -> None:
    """Peers that greet and fall silent, that never read, that leave in the middle."""
    path = _path(endpoints.status)
    opened: list[socket.socket] = []
    ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
    for _ in range(PEERS):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(1)
        try:
            peer.connect(os.fspath(path))
            peer.sendall(GREETING + (ready + b"\x00\x01\x01" if random.random() < 0.7 else b""))
        except OSError:
            peer.close()
            continue
        opened.append(peer)
    await asyncio.sleep(seconds)  # as long as the trouble lasts
    for peer in opened:
        peer.close()


def _path(endpoint: str) -> Path:
    return Path(endpoint.removeprefix("ipc://"))


def _say(path: Path, words: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(1)
        with contextlib.suppress(OSError):
            peer.connect(os.fspath(path))
            peer.sendall(words)
            peer.recv(64)
