"""A process at the other end of the wires, for the tests of killed, stopped and rival peers.

    wire_peer.py pull ENDPOINT              prints each frame
    wire_peer.py sub ENDPOINT TOPIC         prints each frame
    wire_peer.py serve FOLDER               all of a gateway's endpoints, echoing:
                                            orders and urgent come back on status, requests as
                                            "re: ..." (but "silence" is never answered)

It prints "ready" first, and ends when its standard input is closed.
"""

import asyncio
import sys

import uvloop

from gateway.wire import limits
from gateway.wire.base import Envelope, PullInput
from gateway.wire.endpoints import Endpoints
from gateway.wire.zeromq import ZmqTransport


def say(frame: bytes) -> None:
    sys.stdout.buffer.write(frame + b"\n")
    sys.stdout.buffer.flush()


def pull(transport: ZmqTransport, endpoint: str) -> None:
    transport.bind_pull(endpoint, say, limits.ORDERS)


def sub(transport: ZmqTransport, endpoint: str, topic: str) -> None:
    subscriber = transport.connect_sub(endpoint, lambda _, frame: say(frame), limits.STATUS)
    subscriber.subscribe(topic)


def serve(transport: ZmqTransport, folder: str) -> None:
    endpoints = Endpoints.ipc(folder)
    status = transport.bind_pub(endpoints.status, limits.STATUS)

    def echo(frame: bytes) -> None:
        status.publish("echo/", frame)

    def on_request(envelope: Envelope, frame: bytes) -> None:
        if frame != b"silence":
            responder.reply(envelope, b"re: " + frame)

    urgent = PullInput(endpoints.urgent, echo, limits.URGENT)
    transport.bind_pulls([urgent, PullInput(endpoints.orders, echo, limits.ORDERS)])
    responder = transport.bind_router(endpoints.requests, on_request, limits.REQUESTS)


async def main(role: str, *arguments: str) -> None:
    loop = asyncio.get_running_loop()
    transport = ZmqTransport(loop)
    {"pull": pull, "sub": sub, "serve": serve}[role](transport, *arguments)
    say(b"ready")
    await loop.run_in_executor(None, sys.stdin.read)
    transport.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
