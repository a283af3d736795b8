"""Samples of what a store keeps, and one blocking way to use each store in tests."""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Protocol

from msgspec.structs import replace

from gateway.domain.change import Alarm
from gateway.domain.enums import (
    ClosedBy,
    Liquidity,
    OrderStatus,
    OrderType,
    Pending,
    Side,
    Source,
    TransactionKind,
)
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, VenueOrderId
from gateway.domain.messages import Cause, OrderUpdate, Refusal, StreamItem, TransactionUpdate
from gateway.domain.order import Evidence, Order, Transaction
from gateway.domain.records import Batch, Found, Query, StoreFailed
from gateway.store.memory import MemoryStore
from gateway.store.postgres import PostgresStore

NOW = 1_790_000_000_123_456_789
ACCOUNT, OTHER = AccountId("main"), AccountId("other")
JOURNAL = "0f" * 16


class Store(Protocol):
    """A store whose answers are waited for."""

    def write(self, batch: Batch) -> StoreFailed | None: ...

    def ask(self, query: Query) -> Any: ...

    def rejected(self) -> list[bytes]: ...


class WaitedMemory:
    def __init__(self, alarms: list[Alarm]) -> None:
        self.store = MemoryStore(on_alarm=alarms.append, now=lambda: NOW)

    def write(self, batch: Batch) -> StoreFailed | None:
        answers: list[StoreFailed | None] = []
        self.store.write(batch, answers.append)
        return self._answered(answers)

    def ask(self, query: Query) -> Found | StoreFailed:
        answers: list[Found | StoreFailed] = []
        self.store.ask(query, answers.append)
        return self._answered(answers)

    def rejected(self) -> list[bytes]:
        return self.store.rejected()

    def _answered(self, answers: list[Any]) -> Any:
        assert not answers, "answered from inside the call"
        self.store.run()
        (answer,) = answers
        return answer


class WaitedPostgres:
    def __init__(self, runner: asyncio.Runner, store: PostgresStore) -> None:
        self._runner = runner
        self._store = store

    def write(self, batch: Batch) -> StoreFailed | None:
        return self._runner.run(wait_for(self._store.write, batch))

    def ask(self, query: Query) -> Any:
        return self._runner.run(wait_for(self._store.ask, query))

    def rejected(self) -> list[bytes]:
        return self._runner.run(self._rejected())

    async def _rejected(self) -> list[bytes]:
        async with await self._store._connect() as connection:
            cursor = await connection.execute("select record from rejected_writes")
            return [record for (record,) in await cursor.fetchall()]


async def wait_for(call: Callable[[Any, Callable[[Any], None]], None], asked: Any) -> Any:
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    call(asked, answer.set_result)
    assert not answer.done(), "answered from inside the call"
    return await answer


def batch(*items: StreamItem, upto: int = 1, **more: Any) -> Batch:
    return Batch(journal=JOURNAL, upto=upto, items=items, **more)


def order_id(number: int) -> OrderId:
    return OrderId(f"0190{number:04x}-0000-8001-8000-{number:012x}")


def order(number: int = 1, **changes: Any) -> Order:
    plain = Order(
        order_id=order_id(number),
        account=ACCOUNT,
        symbol=Symbol("BTC/USDT"),
        client_id=ClientId("desk"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("1.50"),
        price=Decimal("20000.10"),
        status=OrderStatus.NEW,
        venue_order_id=VenueOrderId(f"v{number}"),
        created_at=NOW + number,
        changed_at=NOW + number,
        checked_at=NOW + number,
    )
    return replace(plain, **changes)


def intricate_order(number: int = 1) -> Order:
    """With something in every corner."""
    return order(
        number,
        stop_price=Decimal("1E-8"),
        status=OrderStatus.IN_DOUBT,
        pending=Pending.CANCEL,
        trades_complete=False,
        cum_quantity=Decimal("0.100000000000000000000000000001"),
        avg_price=Decimal(20000) / Decimal(3),
        reason_code=Code.VENUE_REFUSED,
        reason="said \0 and \u2603",
        reported_quantity=Decimal("0.1"),
        reported_cost=Decimal("2000.010"),
        lower_quantity=Decimal("0.0"),
        doubt="no answer",
        known_status=OrderStatus.PARTIALLY_FILLED,
        closed_by=ClosedBy.VERDICT,
        absences=(Evidence(asked_at=1, answered_at=2, searched=("by_id", "trades")),),
        revision=3,
        land_by=NOW + 7,
        acknowledged_at=NOW - 1,
        seen_at=NOW + 3,
    )


def update(seq: int, state: Order, epoch: int = 1, **changes: Any) -> OrderUpdate:
    plain = OrderUpdate(
        account=state.account,
        epoch=epoch,
        seq=seq,
        at=NOW + seq,
        order=state,
        cause=Cause(fact="snapshot", source="stream"),
    )
    return replace(plain, **changes)


def fill(seq: int, of: Order, key: str = "", epoch: int = 1, **changes: Any) -> TransactionUpdate:
    plain = Transaction(
        key=key or f"{of.account}|{of.symbol}|{of.venue_order_id}|t{seq}|",
        kind=TransactionKind.FILL,
        order_id=of.order_id,
        account=of.account,
        symbol=of.symbol,
        client_id=of.client_id,
        side=of.side,
        quantity=Decimal("0.10"),
        price=Decimal("20000.1"),
        fee=Decimal("-0.000001"),
        fee_currency="USDT",
        liquidity=Liquidity.MAKER,
        trade_id=f"t{seq}",
        venue_order_id=of.venue_order_id,
        venue_time=NOW,
        recorded_at=NOW + seq,
        source=Source.STREAM,
    )
    return TransactionUpdate(
        account=of.account,
        epoch=epoch,
        seq=seq,
        at=NOW + seq,
        transaction=replace(plain, **changes),
    )


def refusal(number: int = 1, **changes: Any) -> Refusal:
    plain = Refusal(
        at=NOW + number,
        client_id="desk",
        command_id=f"c{number}",
        code=Code.EXPIRED,
        text="too late",
        order_id=order_id(number),
        account=ACCOUNT,
    )
    return replace(plain, **changes)


def alarm(number: int = 1, **changes: Any) -> Alarm:
    plain = Alarm(
        kind="overfill", text=f"number {number}", at=NOW + number, account=ACCOUNT, order_id=None
    )
    return replace(plain, **changes)


def numbers(items: Iterable[StreamItem]) -> list[int]:
    return [item.seq for item in items]
