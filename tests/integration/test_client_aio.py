"""The asyncio client on real sockets."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
from client_gateway import DEADLINE_S, SmallGateway, a_gateway, order_of

from gateway.client import AsyncClient, ClientOptions, Closed, NotSent, Refused, Restated
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import Code, GatewayError, TimedOut

PATIENT = ClientOptions(
    client_id="desk", request_timeout_s=DEADLINE_S, cancel_retry=50_000_000, ask_after=50_000_000
)
QUICK = replace(PATIENT, request_timeout_s=0.3)


@pytest.fixture
def gateway() -> Iterator[SmallGateway]:
    with a_gateway() as one:
        yield one


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def within_time() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await scenario

    asyncio.run(within_time())


def desk(gateway: SmallGateway, **more: Any) -> AsyncClient:
    return AsyncClient(gateway.endpoints, "desk", **{"options": PATIENT, **more})


def place(client: AsyncClient, **more: Any) -> Any:
    return client.place("main", "BTC/USDT", "buy", "limit", "1", price="5", **more)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def heard(updates: Any, upto: int) -> list[int]:
    """The numbers of what comes, in a loop that ends when nothing does; on a slow machine more."""
    seqs: list[int] = []
    while not seqs or seqs[-1] < upto:
        seqs += [one.seq async for one in updates]
    return seqs


async def answered(ask: Callable[[], Awaitable[Any]]) -> Any:
    """However often it timed out."""
    while True:
        try:
            return await ask()
        except GatewayError as error:
            if error.code is not Code.TIMED_OUT:
                raise


async def take(iterator: AsyncIterator[Any], count: int) -> list[Any]:
    return [await anext(iterator) for _ in range(count)]


def test_an_order_from_place_to_its_cancel(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            order_id = place(client)
            await client.wait(order_id, until="accepted")
            client.cancel(order_id)
            assert (await client.wait(order_id)).status is OrderStatus.CANCELED

    run(scenario())


def test_it_is_there_only_once_its_streams_are_whole(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: setattr(gateway, "heads", False))
        said, patience_s = "no gateway", 0.3
        while said.startswith("no gateway"):  # on a slow machine it was not even asked in time
            with pytest.raises(TimedOut) as late:
                await desk(gateway, connect_timeout=patience_s).__aenter__()
            said, patience_s = str(late.value), 2 * patience_s
        assert said.startswith("no whole stream")
        gateway.do(lambda: setattr(gateway, "heads", True))
        gateway.do(lambda: gateway.trade(5))
        async with desk(gateway) as client:
            assert client.protocol.position("main") == (1, 5)
            updates = client.updates()
            gateway.do(gateway.trade)
            assert (await anext(updates)).seq == 6  # type: ignore[union-attr]

    run(scenario())


def test_updates_begin_at_the_call_and_have_no_gap(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            updates = client.updates()
            gateway.do(lambda: gateway.trade(2))
            gateway.do(lambda: gateway.trade(2, lost=True))
            gateway.do(lambda: gateway.trade(2))
            seqs = [one.seq for one in await take(updates, 6)]
            assert seqs == [1, 2, 3, 4, 5, 6]

    run(scenario())


def test_a_lost_last_message_is_found_by_the_next_head(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            updates = client.updates()
            gateway.do(lambda: gateway.trade(1, lost=True))
            assert (await anext(updates)).seq == 1  # type: ignore[union-attr]

    run(scenario())


def test_updates_end_when_none_comes_and_go_on_in_the_next_loop(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            updates = client.updates(timeout=0.2)
            gateway.do(gateway.trade)
            assert await heard(updates, upto=1) == [1]
            gateway.do(gateway.trade)
            assert await heard(updates, upto=2) == [2]

    run(scenario())


def test_updates_that_nobody_holds_any_more_are_not_kept(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            client.updates()
            gc.collect()
            assert len(client._queues) == 0

    run(scenario())


def test_a_new_epoch_is_told_and_followed(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            order_id = place(client)
            await client.wait(order_id, until="accepted")
            updates = client.updates()
            gateway.do(gateway.renumber)
            began = await anext(updates)
            assert isinstance(began, Restated)
            assert [order.order_id for order in began.orders] == [order_id]
            gateway.do(gateway.trade)
            assert (await anext(updates)).epoch == 2

    run(scenario())


def test_a_request_that_timed_out_spoils_nothing_case_75(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway, options=QUICK) as client:
            gateway.do(lambda: gateway.deaf_to.add(m.GetHealth))
            with pytest.raises(GatewayError) as late:
                await client.health()
            assert late.value.code is Code.TIMED_OUT
            gateway.do(gateway.deaf_to.clear)
            replies = await asyncio.gather(answered(client.accounts), answered(client.health))
            assert [type(reply) for reply in replies] == [m.AccountsReply, m.HealthReply]

    run(scenario())


def test_more_questions_than_can_be_open_take_turns(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            replies = await asyncio.gather(*(client.health() for _ in range(50)))
            assert {type(reply) for reply in replies} == {m.HealthReply}

    run(scenario())


def test_whoever_waits_for_a_turn_when_it_is_closed_is_told_so(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.deaf_to.add(m.GetHealth))
        async with desk(gateway) as client:
            waiting = [asyncio.ensure_future(client.health()) for _ in range(40)]
            await until(lambda: gateway.do(lambda: _asked_health(gateway)) >= 16)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {Closed}

    run(scenario())


def _asked_health(gateway: SmallGateway) -> int:
    return sum(isinstance(request, m.GetHealth) for request in gateway.requests)


def test_an_alarm_is_acknowledged_and_no_longer_open(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            (raised,) = (await client.alarms(unacknowledged=True)).alarms
            taken = await client.acknowledge_alarm(raised.alarm_id, "me", "seen to")
            assert (taken.alarm.acknowledged_by, taken.alarm.acknowledged_text) == ("me", "seen to")
            assert (await client.alarms(unacknowledged=True)).alarms == ()
            assert (await client.alarms()).alarms == (taken.alarm,)

    run(scenario())


def test_transactions_come_page_by_page_and_then_as_they_happen_case_73(
    gateway: SmallGateway,
) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.trade(7))
        async with desk(gateway) as client:
            books = client.transactions("main", "books")
            assert [item.seq for item in await take(books, 7)] == list(range(1, 8))
            gateway.do(gateway.trade)
            assert (await anext(books)).seq == 8
            assert await client.acknowledge("main", "books", 5) == 5
            again = client.transactions("main", "books", timeout=0.2)
            assert [item.seq async for item in again] == [6, 7, 8]

    run(scenario())


def test_many_transactions_cost_few_questions(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            books = client.transactions("main", "books")
            first = asyncio.ensure_future(anext(books))
            await until(lambda: bool(gateway.do(lambda: _pages(gateway))))
            gateway.do(lambda: gateway.trade(30))
            await first
            assert [item.seq for item in await take(books, 29)] == list(range(2, 31))
            gateway.do(gateway.trade)
            assert (await anext(books)).seq == 31
            assert gateway.do(lambda: len(_pages(gateway))) < 40

    run(scenario())


def _pages(gateway: SmallGateway) -> list[m.AnyRequest]:
    return [request for request in gateway.requests if isinstance(request, m.GetTransactions)]


def test_what_will_never_be_answered_is_raised(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.fails_with.update({m.GetTransactions: Code.UNKNOWN_ACCOUNT}))
        async with desk(gateway) as client:
            with pytest.raises(GatewayError) as failed:
                await anext(client.transactions("nobody", "books"))
            assert failed.value.code is Code.UNKNOWN_ACCOUNT

    run(scenario())


def test_transactions_end_while_the_store_is_away(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.fails_with.update({m.GetTransactions: Code.STORE_DOWN}))
        async with desk(gateway) as client:
            with pytest.raises(TimedOut):
                await anext(client.transactions("main", "books", timeout=0.1))

    run(scenario())


def test_a_refused_order_ends_the_wait(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: setattr(gateway, "accepts", False))
        async with desk(gateway) as client:
            order_id = place(client)
            await until(lambda: bool(gateway.do(lambda: gateway.commands)))
            gateway.do(lambda: gateway.refuse(gateway.commands[0], Code.HALTED))
            with pytest.raises(Refused):
                await client.wait(order_id)

    run(scenario())


def test_a_halt_is_in_force_when_it_returns(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            await client.halt("main", timeout=20)
            assert gateway.do(lambda: set(gateway.halted)) == {"main"}
            await client.resume("main", timeout=20)
            assert gateway.do(lambda: set(gateway.halted)) == set()

    run(scenario())


def test_a_halt_that_does_not_show_is_not_known(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.deaf_to.add(m.Halt))
        async with desk(gateway) as client:
            await client.resume(timeout=20)
            with pytest.raises(TimedOut):
                await client.halt(timeout=0.1)

    run(scenario())


def test_an_order_whose_update_was_lost_is_found_by_asking(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: setattr(gateway, "accepts", False))
        async with desk(gateway) as client:
            gateway.do(lambda: setattr(gateway, "heads", False))
            order_id = place(client, expires_at=time.time_ns())
            await until(lambda: bool(gateway.do(lambda: gateway.commands)))
            accepted = order_of(gateway.commands[0])  # type: ignore[arg-type]
            gateway.do(lambda: gateway.update(accepted, lost=True))
            await client.wait(order_id, until="accepted")

    run(scenario())


def test_a_wait_that_times_out_leaves_the_order_alone(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            order_id = place(client)
            with pytest.raises(TimedOut):
                await client.wait(order_id, timeout=0.1)
            followed = client.protocol.followed(order_id)
            assert followed is not None
            assert followed.watchers == []

    run(scenario())


def test_closing_leaves_nobody_waiting(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        gateway.do(lambda: gateway.deaf_to.add(m.GetHealth))
        client = desk(gateway, options=ClientOptions(client_id="desk", request_timeout_s=60))
        async with client:
            order_id = place(client)
            await client.wait(order_id, until="accepted")
            client.cancel("01900000-0000-8009-8000-000000000001", "main", "BTC/USDT")
            waiting = [
                asyncio.ensure_future(client.health()),
                asyncio.ensure_future(client.wait(order_id)),
                asyncio.ensure_future(client.until_ready(Role.MANAGER)),
            ]
            updates = asyncio.ensure_future(_all(client.updates()))
            books = asyncio.ensure_future(_all(client.transactions("main", "books")))
            await until(lambda: bool(gateway.do(lambda: _pages(gateway))))
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ends] == [Closed, Closed, Closed]
        assert isinstance(await updates, list)
        assert await books == []
        with pytest.raises(NotSent):
            place(client)
        with pytest.raises(Closed):
            await client.health()

    run(scenario())


async def _all(iterator: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in iterator]


def test_a_task_group_that_is_canceled_leaves_nothing_behind(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            order_id = place(client)

            async def fail() -> None:
                await client.wait(order_id, until="accepted")
                raise RuntimeError("one of the group")

            async def work() -> None:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_all(client.updates()))
                    group.create_task(_all(client.transactions("main", "books")))
                    group.create_task(client.wait(order_id))
                    group.create_task(fail())

            with pytest.raises(ExceptionGroup):
                await work()
            gc.collect()
            followed = client.protocol.followed(order_id)
            assert followed is not None
            assert followed.watchers == []
            assert len(client.protocol._listeners) == 1
            client.cancel(order_id)
            assert (await client.wait(order_id)).is_closed

    run(scenario())


def test_it_can_wait_until_processes_are_ready(gateway: SmallGateway) -> None:
    async def scenario() -> None:
        async with desk(gateway) as client:
            await client.until_ready(Role.EXECUTOR)
            with pytest.raises(TimedOut):
                await client.until_ready(Role.MANAGER, timeout=0.2)

    run(scenario())


def test_a_gateway_that_comes_late_is_waited_for() -> None:
    async def scenario(gateway: SmallGateway) -> None:
        client = desk(gateway, connect_timeout=DEADLINE_S)
        entering = asyncio.ensure_future(client.__aenter__())
        await asyncio.sleep(0)  # it begins
        gateway.start()
        await entering
        assert client.protocol.is_live
        await client.close()

    with a_gateway(started=False) as gateway:
        run(scenario(gateway))
