"""The real processes under supervisord, judged by the venue's own record."""

import asyncio
import signal

import pytest
from books import SETTLE_S, Books
from load import Load, settle
from readiness import wait_ready

from gateway.cli.stage import Stage, wait_for
from gateway.client import Client, Refused
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code


def test_an_order_rests_fills_partly_and_is_canceled(stage: Stage) -> None:
    with Client(stage.endpoints, "desk") as client:
        resting = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        assert client.wait(resting, until="accepted", timeout=60).status is OrderStatus.NEW

        seller = client.place("second", "BTC/USDT", "sell", "limit", "0.004", price="20000")
        assert client.wait(seller, timeout=60).status is OrderStatus.FILLED

        client.cancel(resting)
        ended = client.wait(resting, timeout=60)
        assert ended.status is OrderStatus.CANCELED
        assert str(ended.cum_quantity.normalize()) == "0.004"

    Books.of_stage(stage).wait_until_they_agree()


def test_a_bad_order_is_refused_with_a_code_and_never_reaches_the_venue(stage: Stage) -> None:
    before = len(stage.paper("/paper/orders"))
    with Client(stage.endpoints, "desk") as client:
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000.001")
        with pytest.raises(Refused) as refused:
            client.wait(order_id, timeout=60)
        assert refused.value.code == "price_precision"
    assert len(stage.paper("/paper/orders")) == before


@pytest.mark.timeout(400)
def test_each_process_is_killed_under_load_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    """Cases 10 and 62: SIGKILL at any moment, with orders working."""
    load = Load(stage.endpoints)

    async def trade_and_kill() -> None:
        trading = asyncio.create_task(load.run("killed-desk"))
        for program in ("executor", "listener", "actioner", "manager", "executor", "listener"):
            placed = len(load.placed)
            while len(load.placed) < placed + 40:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(stage.kill_and_wait, program)
        load.stopping = True
        await trading

    asyncio.run(trade_and_kill())

    fates = asyncio.run(settle(stage.endpoints, load.placed, SETTLE_S))
    verdict = Books.of_stage(stage).wait_until_they_agree()
    assert sum(fates.values()) == len(load.placed)
    assert verdict.orders > 100
    assert verdict.fills > 20
    Books.of_stage(stage).assert_each_id_is_there_once_at_most()


def test_a_halt_is_said_again_to_the_executor_that_follows_a_killed_one(stage: Stage) -> None:
    with Client(stage.endpoints, "risk") as client:
        client.resume(timeout=60)
        stage.signal("executor", signal.SIGSTOP)
        with client.protocol.wishing(client.protocol.compose.halt("main")) as wish:
            stage.kill_and_wait("executor")
            wait_for(lambda: client.pump(0.1) or wish.is_over, "it is carried out", 60)
            wish.result()
        wait_ready(client)

        refused = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        with pytest.raises(Refused) as said:
            client.wait(refused, timeout=60)
        assert said.value.code is Code.HALTED
        client.resume(timeout=60)


@pytest.mark.timeout(300)
def test_a_stopped_listener_goes_on_where_it_was(stage: Stage) -> None:
    load = Load(stage.endpoints)

    async def trade_and_stop() -> None:
        trading = asyncio.create_task(load.run("stopped-desk"))
        while len(load.placed) < 30:
            await asyncio.sleep(0.02)
        stage.signal("listener", signal.SIGSTOP)
        while len(load.placed) < 150:
            await asyncio.sleep(0.02)
        stage.signal("listener", signal.SIGCONT)
        load.stopping = True
        await trading

    asyncio.run(trade_and_stop())

    asyncio.run(settle(stage.endpoints, load.placed, SETTLE_S))
    Books.of_stage(stage).wait_until_they_agree()
