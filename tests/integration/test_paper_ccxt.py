"""The unmodified ccxt.pro.binance drives the paper venue."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from paper_kit import SYMBOL, Kit, run, until

from gateway.paper import Outcome


def test_an_order_lives_its_life_over_rest() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()

        placed = await exchange.create_order(
            SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "mine"}
        )
        await kit.house("SELL", "50000", "0.004")

        found = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "mine"})
        assert (found["id"], found["status"], found["filled"]) == (placed["id"], "open", 0.004)
        assert [o["id"] for o in await exchange.fetch_open_orders()] == [placed["id"]]
        trade = (await exchange.fetch_my_trades(SYMBOL))[0]
        assert (trade["order"], trade["amount"], trade["price"]) == (placed["id"], 0.004, 50000)
        assert trade["takerOrMaker"] == "maker"
        assert trade["fee"] == {"currency": "BTC", "cost": 0.000004}
        assert (await exchange.fetch_balance())["USDT"]["used"] == 300.0
        canceled = await exchange.cancel_order(placed["id"], SYMBOL)
        assert (canceled["status"], canceled["filled"]) == ("canceled", 0.004)
        assert (await exchange.fetch_balance())["USDT"]["used"] == 0.0

    run(scenario)


def test_an_order_lives_its_life_over_the_websocket() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()

        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 50000)
        assert (await exchange.fetch_order_ws(placed["id"], SYMBOL))["status"] == "open"
        assert len(await exchange.fetch_open_orders_ws(SYMBOL)) == 1
        edited = await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.02, 49000)
        assert edited["id"] != placed["id"]
        canceled = await exchange.cancel_order_ws(edited["id"], SYMBOL)
        assert canceled["status"] == "canceled"
        await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 50000)
        assert len(await exchange.cancel_all_orders_ws(SYMBOL)) == 1
        # ccxt 4.5 parses this answer as a futures one and leaves the currencies out
        balances = (await exchange.fetch_balance_ws())["info"]["balances"]
        assert {"asset": "USDT", "free": "100000000.00000000", "locked": "0.00000000"} in balances

    run(scenario)


def test_private_events_reach_watchers_and_accounts_do_not_mix() -> None:
    async def scenario(kit: Kit) -> None:
        exchange, other = kit.ccxt(), kit.ccxt("second")
        seen: list[tuple[str, str, float]] = []
        trades: list[dict[str, Any]] = []
        elsewhere: list[Any] = []

        async def orders() -> None:
            while True:
                seen.extend(
                    (o["clientOrderId"], o["status"], o["filled"])
                    for o in await exchange.watch_orders()
                )

        async def fills() -> None:
            while True:
                trades.extend(await exchange.watch_my_trades())

        async def others() -> None:
            while True:
                elsewhere.extend(await other.watch_orders())

        watchers = [asyncio.create_task(w()) for w in (orders, fills, others)]
        await until(lambda: len(kit.venue.engine.reporter.listeners.get("second", [])) == 1)
        await until(lambda: len(kit.venue.engine.reporter.listeners.get("main", [])) == 1)

        await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "a"})
        await until(lambda: ("a", "open", 0.0) in seen, "the new order")
        await kit.house("SELL", "50000", "0.004")
        await until(lambda: ("a", "open", 0.004) in seen, "the partial fill")
        await exchange.cancel_order(None, SYMBOL, {"clientOrderId": "a"})
        await until(lambda: ("a", "canceled", 0.004) in seen, "the end")

        assert [(t["amount"], t["fee"]["currency"]) for t in trades] == [(0.004, "BTC")]
        assert elsewhere == []
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    run(scenario)


def test_order_types_arrive_as_ccxt_means_them() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await kit.post("/paper/control", {"action": "step"})

        market = await exchange.create_order(SYMBOL, "market", "buy", 0.01)
        by_cost = await exchange.create_market_buy_order_with_cost(SYMBOL, 100)
        post_only = await exchange.create_order(
            SYMBOL, "limit", "buy", 0.01, 50000, {"postOnly": True}
        )
        stop = await exchange.create_order(
            SYMBOL, "limit", "sell", 0.01, 40000, {"stopLossPrice": 41000}
        )
        ioc = await exchange.create_order(
            SYMBOL, "limit", "buy", 0.01, 50000, {"timeInForce": "IOC"}
        )

        assert (market["status"], market["filled"]) == ("closed", 0.01)
        assert by_cost["status"] == "closed"
        assert by_cost["cost"] <= 100
        assert (post_only["status"], post_only["postOnly"]) == ("open", True)
        assert (ioc["status"], ioc["filled"]) == ("expired", 0.0)
        stopped = await exchange.fetch_order(stop["id"], SYMBOL)
        assert (stopped["info"]["type"], stopped["triggerPrice"]) == ("STOP_LOSS_LIMIT", 41000.0)

    run(scenario)


async def leave(kit: Kit, quote: str) -> None:
    """Take all but this much USDT from the account."""
    free = kit.venue.balances("main")["USDT"].free
    withdrawn = {"asset": "USDT", "quantity": str(Decimal(quote) - free), "account": "main"}
    await kit.post("/paper/control", {"action": "deposit", **withdrawn})


@pytest.mark.parametrize("channel", ["rest", "ws"])
@pytest.mark.parametrize(
    ("order", "exception", "code"),
    [
        (("limit", "buy", 1, 50000), ccxt.InsufficientFunds, -2010),
        (("limit", "buy", 0.00001, 50000), ccxt.BadRequest, -1013),
        (("limit", "buy", 0.01, 2000000), (ccxt.InvalidOrder, ccxt.BadRequest), -1013),
        (("limit", "buy", 0.01, 60000, {"clientOrderId": "bad id"}), ccxt.BadRequest, -1100),
        (("limit", "buy", 0.01, 60000, {"postOnly": True}), ccxt.OrderImmediatelyFillable, -2010),
        (("limit", "buy", 0.01, 50000, {"clientOrderId": "used"}), ccxt.InvalidOrder, -2010),
    ],
)
def test_each_refusal_becomes_ccxts_exception(
    channel: str, order: tuple[Any, ...], exception: Any, code: int
) -> None:
    async def scenario(kit: Kit) -> None:
        exchange, other = kit.ccxt(), kit.ccxt("second")
        await leave(kit, "50000")
        await exchange.create_order(SYMBOL, "limit", "buy", 1, 40000, {"clientOrderId": "used"})
        await other.create_order(SYMBOL, "limit", "sell", 1, 60000)
        place = exchange.create_order if channel == "rest" else exchange.create_order_ws

        with pytest.raises(exception):
            await place(SYMBOL, *order)

        outcome: Outcome = kit.outcome_of("order.place")
        assert (outcome.code, outcome.executed, outcome.answered) == (code, True, True)
        assert len(kit.venue.open_orders("main")) == 1

    run(scenario)


def test_strangers_bad_signatures_and_old_requests_are_refused() -> None:
    async def scenario(kit: Kit) -> None:
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await kit.ccxt("nobody").fetch_balance()
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await kit.ccxt(secret="wrong").fetch_balance()
        late = kit.ccxt()
        late.nonce = lambda: late.milliseconds() - 60000
        with pytest.raises(ccxt.InvalidNonce, match="outside of the recvWindow"):
            await late.fetch_balance()
        early = kit.ccxt()
        early.nonce = lambda: early.milliseconds() + 60000
        with pytest.raises(ccxt.InvalidNonce, match="ahead of the server"):
            await early.create_order_ws(SYMBOL, "limit", "buy", 0.01, 50000)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await kit.ccxt().cancel_order("77", SYMBOL)
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await kit.ccxt().fetch_order("77", SYMBOL)
        async with kit.http.get(kit.url + "/api/v3/account") as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, -2014)

    run(scenario)


def test_a_decrease_keeps_the_order_and_its_queue_place() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        placed = await exchange.create_order(
            SYMBOL, "limit", "buy", 0.02, 50000, {"clientOrderId": "mine"}
        )
        query, headers = kit.signed(
            symbol="BTCUSDT", origClientOrderId="mine", newQty="0.01", newClientOrderId="mine"
        )

        url = kit.url + "/api/v3/order/amend/keepPriority"
        async with kit.http.put(url, data=query, headers=headers) as answer:
            amended = await answer.json()

        assert amended["amendedOrder"]["orderId"] == int(placed["id"])
        found = await exchange.fetch_order(placed["id"], SYMBOL)
        assert (found["amount"], found["clientOrderId"]) == (0.01, "mine")

    run(scenario)


def test_a_half_failed_replace_says_so() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await leave(kit, "50000")
        placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.02, 50000)

        with pytest.raises(ccxt.ExchangeError, match=r"-2021|partially failed"):
            await exchange.edit_order(placed["id"], SYMBOL, "limit", "buy", 2, 50000)

        assert kit.venue.open_orders("main") == []
        with pytest.raises(ccxt.ExchangeError, match=r"-2022|cancel-replace failed"):
            await exchange.edit_order(placed["id"], SYMBOL, "limit", "buy", 1, 50000)

    run(scenario)


def test_background_liquidity_trades_with_resting_orders() -> None:
    async def scenario(kit: Kit) -> None:
        exchange = kit.ccxt()
        await kit.post("/paper/control", {"action": "step"})
        ticker = await exchange.publicGetTickerBookTicker({"symbol": "BTCUSDT"})
        await exchange.create_order(SYMBOL, "limit", "buy", 0.5, float(ticker["bidPrice"]))

        await kit.post("/paper/control", {"action": "step", "steps": 1000})

        assert await exchange.fetch_my_trades(SYMBOL)

    run(scenario)
