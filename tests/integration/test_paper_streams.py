"""Faults of the private stream, seen by a plain websocket client."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from paper_kit import LIMIT_ORDER, Kit, now_ms, run, until

from gateway.paper import Fault, FaultHit, FaultKind, NewOrder
from gateway.paper.orders import Decimal

K = FaultKind
REPORT = "stream.executionReport"


class Stream:
    """A subscribed socket; `frames` is all that came, as text."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[str] = []
        self.closed = False

    async def read(self) -> None:
        async for message in self.socket:
            self.frames.append(message.data)
        self.closed = True

    def events(self, name: str = "executionReport") -> list[dict[str, Any]]:
        found = []
        for frame in self.frames:
            try:
                body = orjson.loads(frame)
            except orjson.JSONDecodeError:
                continue
            if isinstance(body, dict) and body.get("event", {}).get("e") == name:
                found.append(body["event"])
        return found

    def states(self) -> list[tuple[str, str]]:
        return [(e["x"], e["X"]) for e in self.events()]


def request(method: str, account: str = "main", **params: Any) -> str:
    sent = {k: str(v) for k, v in params.items()}
    sent |= {"apiKey": f"paper-{account}", "timestamp": str(now_ms())}
    payload = "&".join(f"{k}={sent[k]}" for k in sorted(sent))
    secret = f"paper-{account}-secret".encode()
    sent["signature"] = hmac.new(secret, payload.encode(), "sha256").hexdigest()
    return orjson.dumps({"id": 1, "method": method, "params": sent}).decode()


@asynccontextmanager
async def stream(kit: Kit) -> AsyncIterator[Stream]:
    async with kit.http.ws_connect(kit.url + "/ws-api/v3") as socket:
        listening = Stream(socket)
        reader = asyncio.create_task(listening.read())
        await socket.send_str(request("userDataStream.subscribe.signature"))
        await until(lambda: listening.frames, "the subscription")
        yield listening
        reader.cancel()


def trade(kit: Kit) -> None:
    """One order of `main`, filled by `second` in two parts."""
    clock = kit.server.service.clock
    terms = ("BTCUSDT", "BUY", "LIMIT", Decimal("0.01"), Decimal(50000), "GTC")
    kit.venue.place("main", NewOrder(*terms), clock())
    for part in ("0.004", "0.006"):
        other = NewOrder("BTCUSDT", "SELL", "LIMIT", Decimal(part), Decimal(50000), "GTC")
        kit.venue.place("second", other, clock())


WHOLE = [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED")]


def test_events_come_in_order_with_positions_between() -> None:
    async def scenario(kit: Kit) -> None:
        async with stream(kit) as s:
            trade(kit)
            await until(lambda: len(s.events("outboundAccountPosition")) == 3)

            assert s.states() == WHOLE
            kit.venue.deposit("main", "USDT", Decimal(5), kit.server.service.clock())
            update = (await until(lambda: s.events("balanceUpdate")))[0]
            assert (update["a"], update["d"]) == ("USDT", "5.00000000")

    run(scenario)


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        (Fault(K.DROP_EVENT, REPORT, skip=1, count=1), [WHOLE[0], WHOLE[2]]),
        (Fault(K.DUPLICATE_EVENT, REPORT, skip=1, count=1), [*WHOLE[:2], *WHOLE[1:]]),
        (Fault(K.REORDER_EVENT, REPORT, skip=1, count=1), WHOLE),
        (Fault(K.CORRUPT_FRAME, REPORT, skip=1, count=1), [WHOLE[0], WHOLE[2]]),
        (Fault(K.LIST_FRAME, REPORT, skip=1, count=1), WHOLE),
        (Fault(K.DELAY_EVENT, REPORT, count=1, delay_ms=50), [*WHOLE[1:], WHOLE[0]]),
        (Fault(K.CONFLICTING_TRADE, REPORT, skip=1, count=1), [*WHOLE[:2], *WHOLE[1:]]),
        (Fault(K.BAD_QUANTITY, REPORT, skip=1, count=1), WHOLE),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)
def test_a_spoilt_event_comes_as_the_plan_says(fault: Fault, states: list[tuple[str, str]]) -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(fault)
        async with stream(kit) as s:
            trade(kit)

            await until(lambda: len(s.events()) == len(states), f"{len(states)} events")
            await until(lambda: len(s.events("outboundAccountPosition")) == 3)
            assert s.states() == states
            assert ("[]" in s.frames) is (fault.kind is K.LIST_FRAME)
            bad = [e for e in s.events() if e["l"] == "not-a-number"]
            assert bool(bad) is (fault.kind is K.BAD_QUANTITY)
            torn = [f for f in s.frames if not f.endswith(("}", "]"))]
            assert bool(torn) is (fault.kind is K.CORRUPT_FRAME)
            hit = kit.entries(FaultHit)[-1]
            assert (hit.kind, hit.operation) == (fault.kind.value, REPORT)

    run(scenario)


def test_a_reordered_event_comes_after_the_next_frame() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.REORDER_EVENT, REPORT, count=1))
        async with stream(kit) as s:
            trade(kit)
            await until(lambda: len(s.events()) == 3)

            names = [orjson.loads(f).get("event", {}).get("e") for f in s.frames[1:3]]
            assert names == ["outboundAccountPosition", "executionReport"]

    run(scenario)


def test_a_conflicting_trade_has_the_same_id_and_other_figures() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.CONFLICTING_TRADE, REPORT))
        async with stream(kit) as s:
            trade(kit)
            await until(lambda: len(s.events()) == 5)

            figures = [(e["t"], e["l"]) for e in s.events()[1:3]]
            assert figures == [(1, "0.00400000"), (1, "0.00200000")]

    run(scenario)


def test_a_cut_socket_gets_nothing_more_and_nothing_is_replayed() -> None:
    async def scenario(kit: Kit) -> None:
        async with stream(kit) as s:
            assert await kit.post("/paper/cut?account=main", {}) == {"cut": 1}
            await until(lambda: s.closed, "the cut")
            trade(kit)
        async with stream(kit) as again:
            trade(kit)
            await until(lambda: len(again.events()) == 3)

            assert {e["i"] for e in again.events()} == {4}

    run(scenario)


def test_a_silent_socket_stays_open_and_says_nothing() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.SILENCE, REPORT, count=1, duration_ms=60000))
        async with stream(kit) as s:
            trade(kit)
            await s.socket.send_str(request("order.place", **LIMIT_ORDER))
            await until(lambda: len(kit.venue.open_orders("main")) == 1, "the order")

            pong = await s.socket.ping()
            assert pong is None
            assert len(s.frames) == 1
            assert not s.closed

    run(scenario)


def test_a_terminated_stream_says_so_once_while_the_socket_lives() -> None:
    async def scenario(kit: Kit) -> None:
        async with stream(kit) as s:
            await kit.post("/paper/control", {"action": "terminate_streams", "account": "main"})
            await until(lambda: s.events("eventStreamTerminated"), "the end of the stream")
            trade(kit)
            await s.socket.send_str(request("openOrders.status"))
            await until(lambda: len(s.frames) == 3, "an answer")

            assert s.events() == []

    run(scenario)


def test_dials_are_refused_as_long_as_the_plan_says() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.REFUSE_CONNECTION))
        for _ in range(2):
            with pytest.raises(aiohttp.ClientError):
                await kit.http.ws_connect(kit.url + "/ws-api/v3")

        kit.faults()
        async with stream(kit) as s:
            assert not s.closed

    run(scenario)


def test_a_subscription_is_one_per_account_and_can_be_refused() -> None:
    async def scenario(kit: Kit) -> None:
        async with stream(kit) as s:
            await s.socket.send_str(request("userDataStream.subscribe.signature"))
            await until(lambda: len(s.frames) == 2)
            assert orjson.loads(s.frames[1])["error"]["code"] == -2035
            kit.faults(Fault(K.REFUSE, "userDataStream.*", code=-2015, msg="no"))
            await s.socket.send_str(request("userDataStream.subscribe.signature", "second"))
            await until(lambda: len(s.frames) == 3)
            assert orjson.loads(s.frames[2])["error"]["code"] == -2015

    run(scenario)


@pytest.mark.parametrize("frame", ["", "nonsense", "[]", "{}", '{"method":"no.such","id":7}'])
def test_a_malformed_frame_is_answered_with_an_error(frame: str) -> None:
    async def scenario(kit: Kit) -> None:
        async with stream(kit) as s:
            await s.socket.send_str(frame)
            await until(lambda: len(s.frames) == 2)

            assert orjson.loads(s.frames[1])["status"] == 400

    run(scenario)
