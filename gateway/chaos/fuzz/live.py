"""Spoilt frames on the sockets of a gateway that runs: no process falls, and orders still go."""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any

from gateway.chaos.fuzz.making import Maker, packed, spoil, spoil_bytes, type_of
from gateway.chaos.strangers import send_garbage
from gateway.cli.stage import PROGRAMS, Stage
from gateway.client import AsyncClient
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.codec import Codec
from gateway.domain.enums import Role
from gateway.domain.errors import BadMessage, TimedOut
from gateway.wire import limits
from gateway.wire.zeromq import ZmqTransport

START_S = 180.0
WAIT_S = 30.0
BURST = 200
FAMILIES: dict[str, tuple[Any, Codec[Any]]] = {
    "orders": (m.Command, codec.commands),
    "urgent": (m.Command, codec.commands),
    "reports": (m.Report, codec.reports),
}
"""Whatever one of our own processes could send is believed there: only what is refused is sent."""


async def storm(root: Path, random: Random, seconds: float) -> int:
    """How many frames were sent. Raises what shows that they did harm."""
    stage = Stage(root)
    with stage:
        client = AsyncClient(stage.endpoints, "fuzz", connect_timeout=START_S)
        async with client:
            await client.until_ready(*Role)
            before = {name: stage.pid(name) for name in PROGRAMS}
            sent = await _send(stage, random, seconds)
            after = {name: stage.pid(name) for name in PROGRAMS}
            if before != after:
                raise AssertionError(f"a process fell: {before}, then {after}")
            await _trade(client)
    return sent


async def _send(stage: Stage, random: Random, seconds: float) -> int:
    transport = ZmqTransport(asyncio.get_running_loop())
    senders = {
        name: transport.connect_push(getattr(stage.endpoints, name), limits.REPORTS)
        for name in FAMILIES
    }
    asker = transport.connect_req(stage.endpoints.requests, limits.REQUESTS)
    maker, sent = Maker(random), 0
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            for _ in range(BURST):
                name = random.choice(list(FAMILIES))
                frame = _refused(maker, random, name)
                if frame is not None and senders[name].send(frame):
                    sent += 1
            question = spoil(random, maker.made(type_of(m.AnyRequest)))
            asker.request(packed(question), 1.0, lambda _answer: None)
            await asyncio.sleep(0.02)
        await send_garbage(stage.endpoints, random)
    finally:
        transport.close()
    return sent


def _refused(maker: Maker, random: Random, name: str) -> bytes | None:
    family, decoder = FAMILIES[name]
    value = maker.made(type_of(family))
    frame = packed(spoil(random, value))
    if random.random() < 0.5:
        frame = spoil_bytes(random, packed(value))
    try:
        decoder.decode(frame)
    except BadMessage:
        return frame if len(frame) <= limits.ORDERS.max_bytes else None
    return None


async def _trade(client: AsyncClient) -> None:
    try:
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        await client.wait(order_id, until="accepted", timeout=WAIT_S)
        client.cancel(order_id)
        await client.wait(order_id, timeout=WAIT_S)
    except TimedOut as error:
        raise AssertionError(f"orders do not go any more: {error}") from error
