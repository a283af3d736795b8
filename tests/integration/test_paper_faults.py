"""Each fault is visible to a client as intended, and the record says what truly happened."""

import asyncio
from typing import Any

import aiohttp
import ccxt
import pytest
from paper_kit import LIMIT_ORDER, SYMBOL, Kit, run, until

from gateway.paper import Fault, FaultHit, FaultKind, Outcome

K = FaultKind


async def place(kit: Kit, timeout_s: float = 60.0) -> tuple[int, bytes, Any]:
    """One order by plain HTTP: status, body and headers."""
    query, headers = kit.signed(**LIMIT_ORDER)
    limit = aiohttp.ClientTimeout(total=timeout_s)
    url = kit.url + "/api/v3/order"
    async with kit.http.post(url, data=query, headers=headers, timeout=limit) as answer:
        return answer.status, await answer.read(), answer.headers


def is_through(kit: Kit) -> bool:
    """The venue has done with an order what it will do."""
    return any(one.operation == "order.place" for one in kit.entries(Outcome))


def judge(kit: Kit, fault: Fault, *, executed: bool, answered: bool) -> None:
    outcome = kit.outcome_of("order.place")
    assert (outcome.executed, outcome.answered) == (executed, answered)
    assert outcome.faults == (fault.kind.value,)
    assert len(kit.venue.open_orders("main")) == (1 if executed else 0)
    assert kit.fault_kinds()[-1] == fault.kind.value


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        (Fault(K.DROP_REQUEST, "order.place"), False),
        (Fault(K.DROP_ANSWER, "order.place"), True),
    ],
)
def test_a_cut_connection_tells_nothing_about_execution(fault: Fault, executed: bool) -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(fault)

        with pytest.raises(aiohttp.ServerDisconnectedError):
            await place(kit)

        judge(kit, fault, executed=executed, answered=False)

    run(scenario)


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        (Fault(K.HANG_REQUEST, "order.place"), False),
        (Fault(K.HANG_ANSWER, "order.place"), True),
    ],
)
def test_a_hanging_request_is_never_answered(fault: Fault, executed: bool) -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(fault)

        placing = asyncio.create_task(place(kit))
        await until(lambda: is_through(kit), "its outcome")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(placing, 0.3)
        judge(kit, fault, executed=executed, answered=False)

    run(scenario)


@pytest.mark.parametrize(
    ("fault", "status", "part", "executed"),
    [
        (Fault(K.ERROR_BEFORE, "order.place", status=503, code=-1008), 503, b"-1008", False),
        (Fault(K.ERROR_AFTER, "order.place", status=503, code=-1007), 503, b"-1007", True),
        (Fault(K.ERROR_AFTER, "order.place", status=504, code=-1006), 504, b"-1006", True),
        (Fault(K.RATE_LIMIT, "order.place"), 429, b"-1003", False),
        (Fault(K.BAN, "order.place"), 418, b"-1003", False),
        (Fault(K.CDN_PAGE, "order.place"), 403, b"<html>", False),
        (Fault(K.REFUSE, "order.place", code=-2015, msg="no"), 401, b"-2015", False),
        (Fault(K.REFUSE, "order.place", code=-1021, msg="no"), 400, b"-1021", False),
        (Fault(K.BAD_BODY, "order.place"), 200, b"<html>", True),
        (Fault(K.TRUNCATED_BODY, "order.place"), 200, b'{"symbol', True),
        (Fault(K.EMPTY_BODY, "order.place"), 200, b"", True),
        (Fault(K.NO_IDS, "order.place"), 200, b'"symbol"', True),
        (Fault(K.DELAY_ANSWER, "order.place", delay_ms=1), 200, b'"orderId"', True),
        (Fault(K.DELAY_REQUEST, "order.place", delay_ms=1), 200, b'"orderId"', True),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)
def test_a_spoilt_answer_looks_as_the_plan_says(
    fault: Fault, status: int, part: bytes, executed: bool
) -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(fault)

        got, body, headers = await place(kit)

        assert got == status
        assert part in body
        assert (b"orderId" in body) is (fault.kind in {K.DELAY_ANSWER, K.DELAY_REQUEST}) or (
            fault.kind is K.TRUNCATED_BODY
        )
        assert ("Retry-After" in headers) is (fault.kind in {K.RATE_LIMIT, K.BAN})
        judge(kit, fault, executed=executed, answered=True)

    run(scenario)


def test_a_delayed_request_can_miss_its_receive_window() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.CLOCK_SKEW, "order.place", skew_ms=30000))

        status, body, _ = await place(kit)

        assert (status, b"-1021" in body) == (400, True)
        assert kit.venue.open_orders("main") == []

    run(scenario)


def test_ccxt_returns_an_order_without_id_from_a_body_that_is_not_json() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await exchange.load_markets()
        kit.faults(Fault(K.BAD_BODY, "order.place", count=1))

        order = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)

        assert order["id"] is None
        assert len(kit.venue.open_orders("main")) == 1

    run(scenario)


def test_ccxt_sends_a_cancel_again_by_itself_when_its_answer_is_lost() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        kit.faults(Fault(K.DROP_ANSWER, "order.cancel", count=1))

        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order(placed["id"], SYMBOL)

        cancels = [o for o in kit.entries(Outcome) if o.operation == "order.cancel"]
        assert [(o.code, o.answered) for o in cancels] == [(0, False), (-2011, True)]

    run(scenario)


@pytest.mark.parametrize("kind", [K.HANG_ANSWER, K.DROP_ANSWER, K.ERROR_AFTER, K.REFUSE])
def test_faults_reach_websocket_requests_too(kind: FaultKind) -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await exchange.load_markets()
        kit.faults(Fault(kind, "order.place", channel="ws", code=-1007, msg="Timeout"))

        placing = asyncio.ensure_future(
            exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 50000)
        )
        await until(lambda: is_through(kit), "its outcome")
        with pytest.raises((ccxt.BaseError, TimeoutError)):
            await asyncio.wait_for(placing, 0.5)

        executed = kind is not K.REFUSE
        assert kit.outcome_of("order.place").executed is executed
        assert len(kit.venue.open_orders("main")) == (1 if executed else 0)

    run(scenario)


def test_young_orders_and_trades_can_be_invisible() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        await kit.house("SELL", "50000", "0.004")
        kit.faults(Fault(K.INVISIBLE, lag_ms=60000))

        with pytest.raises(ccxt.OrderNotFound):
            await exchange.fetch_order(placed["id"], SYMBOL)
        assert await exchange.fetch_open_orders(SYMBOL) == []
        assert await exchange.fetch_my_trades(SYMBOL) == []

        kit.faults(Fault(K.INVISIBLE, lag_ms=0))
        assert (await exchange.fetch_order(placed["id"], SYMBOL))["filled"] == 0.004

    run(scenario)


@pytest.mark.parametrize(
    ("kind", "filled"), [(K.STALE, 0.0), (K.WRONG_FIGURES, 0.002), (K.NO_COMMISSION, 0.004)]
)
def test_query_figures_can_be_wrong(kind: FaultKind, filled: float) -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        await kit.house("SELL", "50000", "0.004")
        kit.faults(Fault(kind, lag_ms=60000))

        assert (await exchange.fetch_order(placed["id"], SYMBOL))["filled"] == filled
        trade = (await exchange.fetch_my_trades(SYMBOL))[0]
        assert (trade["fee"]["cost"] is None) is (kind is K.NO_COMMISSION)

    run(scenario)


def test_a_trade_can_come_twice_with_other_figures() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        await kit.house("SELL", "50000", "0.004")
        kit.faults(Fault(K.CONFLICTING_TRADE, "myTrades"))
        query, headers = kit.signed(symbol="BTCUSDT")

        url = f"{kit.url}/api/v3/myTrades?{query}"
        async with kit.http.get(url, headers=headers) as answer:
            trades = await answer.json()

        assert [(t["id"], t["qty"]) for t in trades] == [(1, "0.00400000"), (1, "0.00200000")]

    run(scenario)


def test_a_crash_drops_what_is_in_flight_and_the_venue_comes_back() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.DELAY_REQUEST, "order.place", delay_ms=60000))
        in_flight = asyncio.create_task(place(kit))
        await until(lambda: K.DELAY_REQUEST.value in kit.fault_kinds(), "the request to wait")

        kit.server.crash(1_000)

        with pytest.raises(aiohttp.ClientError):
            await in_flight
        with pytest.raises(aiohttp.ClientConnectorError):
            await kit.get("/api/v3/ping")
        kit.faults()
        await until(lambda: kit.server._listening is not None, "the venue to come back")
        assert (await place(kit))[0] == 200
        assert not kit.entries(Outcome)[0].executed

    run(scenario)


@pytest.mark.parametrize(("kind", "executed"), [(K.CRASH_BEFORE, False), (K.CRASH_AFTER, True)])
def test_a_crash_in_the_middle_of_a_request_is_before_or_after_its_execution(
    kind: FaultKind, executed: bool
) -> None:
    async def scenario(kit: Kit) -> None:
        fault = Fault(kind, "order.place", count=1, duration_ms=20)
        kit.faults(fault)

        with pytest.raises(aiohttp.ClientError):
            await place(kit)

        outcome = kit.outcome_of("order.place")
        assert (outcome.executed, outcome.answered) == (executed, False)
        await until(lambda: kit.server._listening is not None, "the venue to come back")
        assert len(kit.venue.open_orders("main")) == (1 if executed else 0)
        assert (await place(kit))[0] == 200

    run(scenario)


def test_a_delayed_request_is_executed_although_its_caller_has_gone() -> None:
    async def scenario(kit: Kit) -> None:
        kit.faults(Fault(K.DELAY_REQUEST, "order.place", delay_ms=300))

        caller = asyncio.create_task(place(kit))
        await until(lambda: kit.entries(FaultHit), "the request to wait")
        assert kit.venue.open_orders("main") == []
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

        await until(lambda: len(kit.venue.open_orders("main")) == 1, "the late order")

    run(scenario)


def test_the_plan_and_the_record_can_be_reached_over_http() -> None:
    async def scenario(kit: Kit) -> None:
        await kit.post("/paper/faults", [{"kind": "error_after", "operation": "order.place"}])
        assert (await place(kit))[0] == 503

        plan = await kit.get("/paper/faults")
        assert [(p["fault"]["kind"], p["hits"]) for p in plan] == [("error_after", 1)]
        page = await kit.get("/paper/record?after=0&limit=1000")
        assert page["next_after"] == page["last_seq"] == len(page["entries"])
        types = {entry["type"] for entry in page["entries"]}
        assert {"request", "execution", "position", "outcome", "fault", "deposit"} <= types
        orders = await kit.get("/paper/orders?account=main")
        assert [o["status"] for o in orders] == ["NEW"]
        assert await kit.get("/paper/fills?account=main") == []
        assert (await kit.get("/paper/balances?account=main"))["main"]["USDT"]["locked"] == "500.00"
        async with kit.http.get(kit.url + "/paper/record?format=lines&limit=2") as answer:
            assert len((await answer.text()).splitlines()) == 2
        async with kit.http.post(kit.url + "/paper/faults", data=b'[{"kind":"x"}]') as answer:
            assert answer.status == 400
        async with kit.http.delete(kit.url + "/paper/faults") as answer:
            assert answer.status == 200
        assert (await place(kit))[0] == 200

    run(scenario)


def test_an_unknown_switch_is_refused_with_those_that_exist() -> None:
    async def scenario(kit: Kit) -> None:
        url = kit.url + "/paper/control"
        async with kit.http.post(url, data=b'{"action": "explode"}') as answer:
            assert answer.status == 400
            assert "terminate_streams" in await answer.text()

    run(scenario)


def test_a_paused_venue_answers_when_it_is_resumed() -> None:
    async def scenario(kit: Kit) -> None:
        await kit.post("/paper/control", {"action": "pause"})
        waiting = asyncio.create_task(place(kit))
        await until(lambda: kit.venue.record.entries()[-1].time and len(kit.entries(Outcome)) == 0)

        await kit.post("/paper/control", {"action": "resume"})

        assert (await waiting)[0] == 200

    run(scenario)
