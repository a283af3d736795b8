"""What only a real PostgreSQL can show: its constraints, its types, and its troubles."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import uvloop
from msgspec.structs import replace
from store_kit import (
    ACCOUNT,
    JOURNAL,
    NOW,
    alarm,
    batch,
    fill,
    intricate_order,
    numbers,
    order,
    order_id,
    refusal,
    update,
    wait_for,
)

from gateway.domain import enums
from gateway.domain import records as r
from gateway.domain.alarms import alarm_id_of
from gateway.domain.change import Alarm
from gateway.domain.codec import encode
from gateway.domain.errors import BadConfig, Code
from gateway.domain.messages import KnownAlarm
from gateway.domain.records import StoreFailed
from gateway.store.postgres import PostgresSettings, PostgresStore

USUAL = PostgresSettings()
HURRIED = PostgresSettings(
    ask_connections=1,
    connect_timeout_s=2,
    pool_timeout_s=0.3,
    ask_timeout_s=0.3,
    write_timeout_s=0.3,
    grace_s=0.3,
    probe_s=0.1,
    close_timeout_s=0.5,
)


@contextlib.asynccontextmanager
async def opened(
    url: str, settings: PostgresSettings = USUAL, **more: Any
) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, settings, **more)
    await store.open(migrating=True)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def run() -> Iterator[Callable[[Awaitable[None]], None]]:
    """On uvloop, as the processes do; the contract's tests run on asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


# ---- columns for people --------------------------------------------------------------------


def test_times_are_exact_beside_what_postgres_can_show(database_url: str, run: Any) -> None:
    async def scenario() -> None:
        async with opened(database_url) as store:
            assert (
                await wait_for(store.write, batch(update(1, order(0)), fill(2, order(0)))) is None
            )

    run(scenario())

    [(exact, shown)] = rows(database_url, "select created_at_ns, created_at::text from orders")
    assert exact == NOW == 1_790_000_000_123_456_789
    assert shown == "2026-09-21 14:13:20.123456+00"
    twins = "select max(abs(at_ns / 1000 - extract(epoch from at) * 1000000)) from order_events"
    assert rows(database_url, twins) == [(0,)]


def test_money_is_exact_in_its_columns(database_url: str, run: Any) -> None:
    long = Decimal("123456789012345678901234.123456789012345678901234")

    async def scenario() -> None:
        async with opened(database_url) as store:
            state = order(quantity=long, price=Decimal("-0.000000000000000001"))
            await wait_for(store.write, batch(update(1, state), fill(2, state, quantity=long)))

    run(scenario())

    assert rows(database_url, "select quantity, price, stop_price from orders") == [
        (long, Decimal("-0.000000000000000001"), None)
    ]
    assert rows(database_url, "select quantity, fee from transactions") == [
        (long, Decimal("-0.000001"))
    ]


@pytest.mark.parametrize(
    ("field", "enum"),
    [
        ("status", enums.OrderStatus),
        ("side", enums.Side),
        ("order_type", enums.OrderType),
        ("time_in_force", enums.TimeInForce),
        ("origin", enums.Origin),
        ("pending", enums.Pending),
    ],
)
def test_every_word_of_an_order_has_a_place_and_no_other(
    database_url: str, run: Any, field: str, enum: type[Any]
) -> None:
    """A new word needs a migration."""
    states = [order(n, **{field: word}) for n, word in enumerate(enum, 1)]
    foreign = order(99, **{field: "nonsense"})

    async def scenario() -> None:
        async with opened(database_url) as store:
            updates = [update(seq, state) for seq, state in enumerate([*states, foreign], 1)]
            assert await wait_for(store.write, batch(*updates)) is None

    run(scenario())

    assert rows(database_url, "select count(*) from orders") == [(len(states),)]
    assert rows(database_url, "select what from rejected_writes") == [("rejected",)]


@pytest.mark.parametrize(
    ("field", "enum"),
    [
        ("kind", enums.TransactionKind),
        ("liquidity", enums.Liquidity),
        ("source", enums.Source),
        ("side", enums.Side),
    ],
)
def test_every_word_of_a_transaction_has_a_place_and_no_other(
    database_url: str, run: Any, field: str, enum: type[Any]
) -> None:
    async def scenario() -> None:
        async with opened(database_url) as store:
            words = [*enum, "nonsense"]
            items = [fill(seq, order(), **{field: word}) for seq, word in enumerate(words, 1)]
            assert await wait_for(store.write, batch(*items)) is None

    run(scenario())

    assert rows(database_url, "select count(*) from transactions") == [(len(enum),)]
    assert rows(database_url, "select count(*) from rejected_writes") == [(1,)]


# ---- rows that the schema refuses ----------------------------------------------------------


@pytest.mark.parametrize(
    "poison",
    [
        order(9, cum_quantity=Decimal(-1)),
        order(9, cum_quantity=Decimal("NaN")),
        order(9, price=Decimal("Infinity")),
        order(9, price=Decimal("1E+200000")),
        order(9, created_at=2**63),
        order(9, checked_at=-1),
        order(9, symbol="a\0b"),
        order(9, client_id=random.Random(1).randbytes(9000).hex()),
        order(9, order_id="not an id"),
    ],
    ids=lambda state: "",
)
def test_a_row_that_is_refused_is_kept_aside_and_holds_nothing_up(
    database_url: str, run: Any, poison: Any
) -> None:
    alarms: list[Alarm] = []
    good = [update(seq, order(seq)) for seq in (*range(1, 9), *range(10, 20))]
    bad = update(9, poison)
    whole = batch(*good[:8], bad, *good[8:], upto=7, refusals=(refusal(),), alarms=(alarm(),))

    async def scenario() -> None:
        async with opened(database_url, on_alarm=alarms.append) as store:
            assert await wait_for(store.write, whole) is None
            assert await wait_for(store.write, whole) is None
            found = await wait_for(
                store.ask, r.FindItems(account=ACCOUNT, from_seq=1, to_seq=99, limit=99)
            )
            assert numbers(found.items) == numbers(good)
            assert (await wait_for(store.ask, r.FindPositions(journal=JOURNAL))).upto == 7
            assert (await wait_for(store.ask, r.FindRefusal(order_id=order_id(1)))).refusal
            listed = (await wait_for(store.ask, r.FindAlarms())).alarms
            assert {each.alarm_id for each in listed} == set(map(alarm_id_of, [alarm(), *alarms]))

    run(scenario())

    assert rows(database_url, "select record, journal, upto from rejected_writes") == [
        (encode(bad), JOURNAL, 7)
    ]
    assert [(each.kind, each.account) for each in alarms] == [("write_rejected", ACCOUNT)]


def test_any_text_of_a_client_or_venue_can_be_stored(database_url: str, run: Any) -> None:
    hostile = "\0\u202e" + "x" * 9000
    told = refusal(text=hostile, order_id=hostile, command_id=hostile, account=hostile)
    raised = alarm(text=hostile)
    state = replace(intricate_order(), reason=hostile)

    async def scenario() -> None:
        async with opened(database_url) as store:
            items = (update(1, state),)
            await wait_for(store.write, batch(*items, refusals=(told,), alarms=(raised,)))
            found = await wait_for(store.ask, r.FindRefusal(order_id=hostile))
            assert found.refusal == told
            listed = (await wait_for(store.ask, r.FindAlarms())).alarms
            assert listed == (KnownAlarm.of(raised, alarm_id_of(raised)),)
            assert (await wait_for(store.ask, r.FindOrder(order_id=order_id(1)))).order == state

    run(scenario())

    assert rows(database_url, "select count(*) from rejected_writes") == [(0,)]


def test_a_question_that_makes_no_sense_is_told_so(database_url: str, run: Any) -> None:
    async def scenario() -> None:
        async with opened(database_url) as store:
            failed = await wait_for(store.ask, r.FindOrders(after=(NOW, "not an id")))
            assert failed.code is Code.MALFORMED

    run(scenario())


# ---- trouble -------------------------------------------------------------------------------


def test_a_server_gone_in_the_middle_is_a_failure_and_nothing_is_half_written(
    database_url: str, run: Any
) -> None:
    whole = batch(update(1, order()), fill(2, order()))

    async def scenario() -> None:
        async with opened(database_url) as store:
            async with blocked(database_url, "orders"):
                writing = asyncio.ensure_future(wait_for(store.write, whole))
                await until(lambda: waiting_for_locks(database_url) == 1)
                terminate_others(database_url)
                failed = await writing
            assert failed.code is Code.STORE_DOWN
            assert rows(database_url, "select count(*) from order_events") == [(0,)]

            assert await wait_for(store.write, whole) is None

    run(scenario())

    assert rows(database_url, "select count(*) from order_events") == [(1,)]


def test_after_a_restart_of_the_server_the_first_question_is_answered(
    database_url: str, run: Any
) -> None:
    async def scenario() -> None:
        async with opened(database_url) as store:
            await wait_for(store.write, batch(update(1, order())))
            terminate_others(database_url)
            found = await wait_for(store.ask, r.FindOrder(order_id=order_id(1)))
            assert found.order == order()

    run(scenario())


def test_statements_that_take_too_long_are_failures(database_url: str, run: Any) -> None:
    async def scenario() -> None:
        async with opened(database_url, HURRIED) as store:
            async with blocked(database_url, "orders"):
                written = await wait_for(store.write, batch(update(1, order())))
                found = await wait_for(store.ask, r.FindOrders())
            assert (written.code, found.code) == (Code.STORE_DOWN, Code.STORE_DOWN)
            async with asyncio.timeout(20):  # for so hurried a store it may take several questions
                while isinstance(found, StoreFailed):
                    found = await wait_for(store.ask, r.FindOrders())
            assert found.orders == ()

    run(scenario())


def test_an_exhausted_pool_is_a_failure_and_does_not_hold_up_writes(
    database_url: str, run: Any
) -> None:
    patient = replace(HURRIED, ask_timeout_s=60.0, write_timeout_s=60.0, pool_timeout_s=1.0)

    async def scenario() -> None:
        async with opened(database_url, patient) as store:
            async with blocked(database_url, "consumers"):
                cursor = r.FindCursor(account=ACCOUNT, consumer="books")
                stuck = asyncio.ensure_future(wait_for(store.ask, cursor))
                await until(lambda: waiting_for_locks(database_url) == 1)
                refused = await wait_for(store.ask, r.FindOrders())
                assert isinstance(refused, StoreFailed)
                assert refused.code is Code.STORE_DOWN
                assert await wait_for(store.write, batch(update(1, order()))) is None
            assert (await stuck).seq == 0

    run(scenario())


def test_what_is_under_way_at_the_end_is_answered(database_url: str, run: Any) -> None:
    patient = replace(HURRIED, write_timeout_s=60.0, pool_timeout_s=20.0)

    async def scenario() -> None:
        store = PostgresStore(database_url, patient)
        await store.open(migrating=True)
        async with blocked(database_url, "orders"):
            writing = asyncio.ensure_future(wait_for(store.write, batch(update(1, order()))))
            await until(lambda: waiting_for_locks(database_url) == 1)
            await store.close()
            failed = await writing
        assert failed.code is Code.STORE_DOWN
        assert (await wait_for(store.ask, r.FindOrders())).code is Code.STORE_DOWN

    run(scenario())


def test_two_writers_of_one_journal_wait_for_each_other(database_url: str, run: Any) -> None:
    items = [update(seq, order(seq % 7 + 1)) for seq in range(1, 200)]
    batches = [batch(*items[at : at + 20], upto=at + 20) for at in range(0, 199, 10)]

    async def scenario() -> None:
        async with opened(database_url) as one, opened(database_url) as other:
            answers = await asyncio.gather(
                *(wait_for(one.write, each) for each in batches),
                *(wait_for(other.write, each) for each in batches),
            )
            assert set(answers) == {None}

    run(scenario())

    assert rows(database_url, "select count(*) from order_events") == [(199,)]
    assert rows(database_url, "select count(*) from alarms") == [(0,)]
    assert rows(database_url, "select seq from orders order by seq") == [
        (seq,) for seq in range(193, 200)
    ]


def test_a_url_that_cannot_be_read_is_told_without_its_password() -> None:
    with pytest.raises(BadConfig) as caught:
        PostgresStore("postgresql://desk:s3cret@host:port/gateway?bad")

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@contextlib.asynccontextmanager
async def blocked(url: str, table: str) -> AsyncIterator[None]:
    """Nobody else gets at the table."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(f"lock table {table} in access exclusive mode".encode())
        yield


def waiting_for_locks(url: str) -> int:
    [(count,)] = rows(
        url,
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'",
    )
    return int(count)


def terminate_others(url: str) -> None:
    rows(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name = 'gateway'",
    )


def test_a_question_that_comes_in_the_moments_of_a_start_waits_for_the_database(
    database_url: str, run: Callable[[Awaitable[None]], None]
) -> None:
    async def ask_at_once() -> None:
        store = PostgresStore(database_url)
        asking = asyncio.ensure_future(wait_for(store.ask, r.FindOpenOrders(accounts=())))
        await asyncio.sleep(0)
        await store.open(migrating=True)
        found = await asking
        await store.close()
        assert found == r.FoundTracked(orders=())

    run(ask_at_once())


def test_a_question_to_a_database_that_is_known_to_be_away_is_not_held_up(
    run: Callable[[Awaitable[None]], None],
) -> None:
    patient = replace(HURRIED, pool_timeout_s=3_600.0)

    async def ask() -> None:
        store = PostgresStore("postgresql://nobody@127.0.0.1:1/nothing", patient)
        opening = asyncio.create_task(store.open())
        found = await wait_for(store.ask, r.FindOpenOrders(accounts=()))
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await store.close()
        assert isinstance(found, StoreFailed)
        assert found.code is Code.STORE_DOWN

    run(ask())
