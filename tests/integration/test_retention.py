"""What is old is let go of, piece by piece, and nothing that somebody still needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from store_kit import ACCOUNT, alarm, batch, fill, order, order_id, refusal, update, wait_for

from gateway.domain import records as r
from gateway.domain.enums import OrderStatus
from gateway.domain.messages import OrderUpdate, TransactionUpdate
from gateway.store import retention
from gateway.store.postgres import PostgresStore
from gateway.store.retention import Retention, Upkeep, maintain

DAY = 24 * 3600 * 1_000_000_000
NOW = int(datetime(2026, 5, 15, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
"""Not today: on some days of some months 60 days from now are in the next month."""
OLD, YOUNG = NOW - 100 * DAY, NOW - DAY
MONTH = Retention(
    order_events=30 * DAY,
    closed_orders=30 * DAY,
    transactions=30 * DAY,
    refusals=30 * DAY,
    alarms=30 * DAY,
)


class Desk:
    """A store on a real database, waited for."""

    def __init__(self, runner: asyncio.Runner, store: PostgresStore, url: str) -> None:
        self._runner = runner
        self.store = store
        self.url = url
        self._seq = 0

    def write(self, *items: Any, **more: Any) -> None:
        assert self._runner.run(wait_for(self.store.write, batch(*items, **more))) is None

    def ask(self, query: r.Query) -> Any:
        return self._runner.run(wait_for(self.store.ask, query))

    def maintain(self, keep: Retention = MONTH, now: int = NOW) -> Upkeep:
        async def work() -> Upkeep:
            async with await self.store._connect(unhurried=True) as connection:
                return await maintain(connection, keep, now, pause_s=0)

        return self._runner.run(work())

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            found = connection.execute(query.encode()).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    # ---- what is written -----------------------------------------------------------------------

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def order(self, number: int, at: int, status: OrderStatus, **changes: Any) -> OrderUpdate:
        closed_at = at if status.is_closed else None
        state = order(number, status=status, created_at=at, closed_at=closed_at, **changes)
        item = update(self._next(), state, at=at)
        self.write(item)
        return item

    def closed(self, number: int, at: int, **changes: Any) -> OrderUpdate:
        return self.order(number, at, OrderStatus.CANCELED, **changes)

    def fill(self, of: OrderUpdate) -> TransactionUpdate:
        item = replace(fill(self._next(), of.order), at=of.at)
        self.write(item)
        return item

    def stored(self) -> list[int]:
        """The orders that are there, by their numbers in these tests."""
        numbers = {order_id(number): number for number in range(1, 1_000)}
        return sorted(numbers[str(one)] for one in self.rows("select order_id from orders"))


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    await store.open(migrating=True)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def new_desk(database_url: str) -> Iterator[Desk]:
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        store = runner.run(stack.enter_async_context(opened(database_url)))
        yield Desk(runner, store, database_url)
        runner.run(stack.aclose())


@pytest.fixture
def desk(new_desk: Desk) -> Desk:
    """As if the database had been made NOW."""
    for month in months(new_desk):
        new_desk.execute(f"select drop_order_events_month('{month}')")
    for at in (NOW, NOW + 30 * DAY):
        new_desk.execute(f"select make_order_events_month({at})")
    return new_desk


def month_of(at: int) -> str:
    return f"order_events_{datetime.fromtimestamp(at / 1e9, UTC):%Y_%m}"


def months(desk: Desk) -> list[str]:
    return desk.rows("select name from order_events_months() order by name")


# ---- months --------------------------------------------------------------------------------------


def test_a_new_database_has_this_month_and_the_next_and_events_go_there(new_desk: Desk) -> None:
    (made,) = new_desk.rows(
        "select nanoseconds(applied_at) from schema_migrations where name ~ 'retention'"
    )
    this, following = months(new_desk)
    new_desk.closed(1, made)

    assert this == month_of(made)
    (end,) = new_desk.rows("select min(end_ns) from order_events_months()")
    assert following == month_of(end)
    assert new_desk.rows("select tableoid::regclass::text from order_events") == [this]


def test_months_are_made_ahead_once_each_without_any_retention(desk: Desk) -> None:
    desk.closed(1, OLD)

    done = desk.maintain(Retention())

    assert months(desk) == sorted({*months(desk), month_of(NOW + 60 * DAY)})
    assert done.months_made == [month_of(NOW + 60 * DAY)]
    assert (done.months_dropped, done.deleted) == ([], {})
    assert desk.stored() == [1]
    assert desk.maintain(Retention()).months_made == []


def test_a_months_bounds_are_those_of_utc(desk: Desk) -> None:
    at = int(datetime(2031, 12, 31, 23, 59, tzinfo=UTC).timestamp()) * 1_000_000_000

    desk.execute(f"set timezone to 'Asia/Tokyo'; select make_order_events_month({at})")

    (bounds,) = desk.rows(
        "select first_ns, end_ns from order_events_months() where name = 'order_events_2031_12'"
    )
    first, end = (datetime.fromtimestamp(ns / 1e9, UTC) for ns in bounds)
    assert (first, end) == (datetime(2031, 12, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC))


def test_a_month_that_began_in_the_default_partition_stays_there(desk: Desk) -> None:
    later = NOW + 60 * DAY
    desk.closed(1, later)

    done = desk.maintain()

    assert done.months_made == []
    assert done.postponed == []
    found = desk.ask(r.FindItems(account=ACCOUNT, from_seq=1, to_seq=9, limit=9))
    assert [item.at for item in found.items] == [later]


def test_months_are_dropped_when_all_of_them_is_old_enough(desk: Desk) -> None:
    for at in (OLD, NOW - 40 * DAY, YOUNG):
        desk.execute(f"select make_order_events_month({at})")
    desk.closed(1, OLD)
    desk.closed(2, NOW - 40 * DAY)
    desk.closed(3, YOUNG)

    done = desk.maintain(Retention(order_events=30 * DAY))

    assert month_of(OLD) in done.months_dropped
    assert month_of(OLD) not in months(desk)
    assert month_of(YOUNG) in months(desk)
    kept = desk.ask(r.FindItems(account=ACCOUNT, from_seq=1, to_seq=9, limit=9)).items
    assert 3 in [item.seq for item in kept]
    assert 1 not in [item.seq for item in kept]
    assert desk.stored() == [1, 2, 3], "the orders themselves are another matter"


def test_old_events_in_the_default_partition_go_row_by_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    for number in range(1, 6):
        desk.closed(number, OLD)
    desk.closed(6, NOW - 29 * DAY)

    done = desk.maintain(Retention(order_events=30 * DAY))

    assert done.deleted == {"order_events": 5}
    assert desk.rows("select seq from order_events") == [6]


def test_a_table_that_is_in_use_postpones_a_month_and_nothing_else(desk: Desk) -> None:
    desk.closed(1, OLD)
    with psycopg.connect(desk.url) as reader:
        reader.execute("select count(*) from order_events")

        done = desk.maintain()

    assert done.postponed == ["make_month"]
    assert done.deleted["closed_orders"] == 1
    assert desk.maintain().months_made == [month_of(NOW + 60 * DAY)]


def test_only_one_at_a_time_looks_after_a_database(desk: Desk) -> None:
    desk.closed(1, OLD)
    with psycopg.connect(desk.url) as other:
        other.execute(f"select pg_advisory_lock({retention._LOCK})".encode())

        assert desk.maintain().busy

    assert desk.stored() == [1]


# ---- orders --------------------------------------------------------------------------------------


def test_old_closed_orders_are_let_go_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    for number in range(1, 6):
        desk.closed(number, OLD)
    desk.closed(6, YOUNG)

    assert desk.maintain().deleted["closed_orders"] == 5
    assert desk.stored() == [6]


@pytest.mark.parametrize(
    "needed",
    [
        pytest.param(lambda desk: desk.order(1, OLD, OrderStatus.NEW), id="open"),
        pytest.param(lambda desk: desk.order(1, OLD, OrderStatus.IN_DOUBT), id="in doubt"),
        pytest.param(lambda desk: desk.closed(1, OLD, trades_complete=False), id="trades missing"),
    ],
)
def test_an_order_that_is_not_settled_stays_however_old(
    desk: Desk, needed: Callable[[Desk], object]
) -> None:
    needed(desk)

    desk.maintain()

    assert desk.stored() == [1]


def test_an_order_closed_lately_stays_though_it_is_old(desk: Desk) -> None:
    state = order(1, status=OrderStatus.FILLED, created_at=OLD, closed_at=YOUNG)
    desk.write(update(1, state, at=YOUNG))

    desk.maintain()

    assert desk.stored() == [1]


def test_who_asks_for_an_order_is_told_since_when_all_are_kept(desk: Desk) -> None:
    desk.closed(1, OLD)
    assert desk.ask(r.FindOrder(order_id=order_id(2))).kept_since == 0

    desk.maintain()

    assert desk.ask(r.FindOrder(order_id=order_id(1))) == r.FoundOrder(
        order=None, kept_since=NOW - 30 * DAY
    )
    desk.maintain(Retention(closed_orders=90 * DAY))
    assert desk.ask(r.FindOrder(order_id=order_id(1))).kept_since == NOW - 30 * DAY, "never falls"


# ---- transactions --------------------------------------------------------------------------------


def test_transactions_go_with_their_orders_and_not_before(desk: Desk) -> None:
    gone, kept = desk.closed(1, OLD), desk.order(2, OLD, OrderStatus.PARTIALLY_FILLED)
    desk.fill(gone)
    still = desk.fill(kept)

    assert desk.maintain().deleted["transactions"] == 1
    found = desk.ask(r.FindTransactions(account=ACCOUNT, from_seq=1, limit=9)).items
    assert found == (still,)


def test_what_a_consumer_has_not_acknowledged_stays(desk: Desk) -> None:
    first, second = desk.closed(1, OLD), desk.closed(2, OLD)
    acknowledged, waiting = desk.fill(first), desk.fill(second)
    desk.ask(r.MoveCursor(account=ACCOUNT, consumer="fast", seq=waiting.seq))
    desk.ask(r.MoveCursor(account=ACCOUNT, consumer="slow", seq=acknowledged.seq))

    desk.maintain()

    found = desk.ask(r.FindTransactions(account=ACCOUNT, from_seq=1, limit=9)).items
    assert found == (waiting,)


def test_transactions_are_kept_for_ever_unless_it_is_said(desk: Desk) -> None:
    desk.fill(desk.closed(1, OLD))

    desk.maintain(replace(MONTH, transactions=None))

    assert desk.stored() == []
    assert len(desk.ask(r.FindTransactions(account=ACCOUNT, from_seq=1, limit=9)).items) == 1


# ---- refusals and alarms -------------------------------------------------------------------------


def test_old_refusals_are_let_go_of(desk: Desk) -> None:
    desk.write(refusals=(refusal(1, at=OLD), refusal(2, at=YOUNG)))

    assert desk.maintain().deleted["refusals"] == 1
    assert desk.ask(r.FindRefusal(order_id=order_id(1))).refusal is None
    assert desk.ask(r.FindRefusal(order_id=order_id(2))).refusal is not None


def test_an_alarm_that_nobody_acknowledged_stays(desk: Desk) -> None:
    desk.write(alarms=(alarm(1, at=OLD), alarm(2, at=OLD), alarm(3, at=YOUNG)))
    desk.execute(
        "update alarms set acknowledged_at_ns = 1, acknowledged_by = 'ann', acknowledged_text = ''"
        " where text <> 'number 2'"
    )

    assert desk.maintain().deleted["alarms"] == 1
    assert desk.rows("select text from alarms order by text") == ["number 2", "number 3"]
