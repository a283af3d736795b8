"""What both stores make of a batch and of rows, without any I/O."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from gateway.domain.change import Alarm
from gateway.domain.enums import TransactionKind
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import (
    OrderUpdate,
    Refusal,
    StreamItem,
    StreamPosition,
    TrackedOrder,
)
from gateway.domain.order import Order
from gateway.domain.records import Batch
from gateway.domain.trade import TradeDigest, amended_trade_key, fee_key

HISTORY_LIMIT = 5_000
"""Updates, and transactions, of one order that a question about it brings; the newest ones."""

Place = tuple[int, int]
"""(epoch, seq): later in a stream is larger."""

P = TypeVar("P", StreamItem, StreamPosition)
Part = StreamItem | Order | Refusal | Alarm | bytes


class Trade(NamedTuple):
    """What a transaction leaves to be remembered."""

    key: str
    kind: str
    price: Decimal
    quantity: Decimal
    fee_known: bool


def place_of(item: StreamItem | StreamPosition) -> Place:
    return item.epoch, item.seq


def newest_updates(items: Iterable[StreamItem]) -> list[OrderUpdate]:
    """Of each order the last update."""
    newest: dict[OrderId, OrderUpdate] = {}
    for item in items:
        if isinstance(item, OrderUpdate):
            held = newest.get(item.order.order_id)
            if held is None or place_of(held) < place_of(item):
                newest[item.order.order_id] = item
    return list(newest.values())


def newest_touched(orders: Iterable[Order]) -> list[Order]:
    """Of each order the last check."""
    newest: dict[OrderId, Order] = {}
    for order in orders:
        held = newest.get(order.order_id)
        if held is None or check_of(held) <= check_of(order):
            newest[order.order_id] = order
    return list(newest.values())


def newest_positions(items: Iterable[P]) -> list[P]:
    """Of each account the last one."""
    newest: dict[AccountId, P] = {}
    for item in items:
        held = newest.get(item.account)
        if held is None or place_of(held) < place_of(item):
            newest[item.account] = item
    return list(newest.values())


def check_of(order: Order) -> tuple[int, int]:
    """When it was last asked about, whatever came of it: never goes back."""
    return order.checked_at, order.seen_at


def tracked(orders: Sequence[Order], trades: Iterable[tuple[str, Trade]]) -> list[TrackedOrder]:
    """Orders with what must be remembered of their trades, given by order id and in their order."""
    of_order: defaultdict[str, dict[str, TradeDigest]] = defaultdict(dict)
    for order_id, trade in trades:
        _remember(of_order[order_id], trade)
    return [TrackedOrder(order=order, digests=of_order.get(order.order_id, {})) for order in orders]


def _remember(digests: dict[str, TradeDigest], trade: Trade) -> None:
    """A late fee names the figures of its trade too, and a correction has new ones for it; under
    its own key is the most that was kept of the trade, which is what counts."""
    late_fee = trade.kind == TransactionKind.FEE
    key = trade.key.removesuffix(fee_key("")) if late_fee else trade.key
    told = TradeDigest(trade.price, trade.quantity, trade.fee_known)
    digests[key] = told
    corrected = digests.get(amended_trade_key(key))
    if trade.kind == TransactionKind.CORRECTION and corrected is not None:
        fee_known = told.fee_known or corrected.fee_known
        digests[key] = max(corrected, told, key=lambda one: one.quantity)
        digests[amended_trade_key(key)] = replace(told, fee_known=fee_known)


def split(batch: Batch) -> tuple[Batch, Batch] | None:
    """Two halves; None if there is only one thing in it."""
    parts = parts_of(batch)
    if len(parts) < 2:
        return None
    middle = len(parts) // 2
    return _with_parts(batch, parts[:middle]), _with_parts(batch, parts[middle:])


def parts_of(batch: Batch) -> list[Part]:
    return [*batch.items, *batch.touched, *batch.refusals, *batch.alarms, *batch.unreadable]


def _with_parts(batch: Batch, parts: Sequence[Part]) -> Batch:
    return replace(
        batch,
        items=tuple(part for part in parts if isinstance(part, StreamItem)),
        touched=tuple(part for part in parts if isinstance(part, Order)),
        refusals=tuple(part for part in parts if isinstance(part, Refusal)),
        alarms=tuple(part for part in parts if isinstance(part, Alarm)),
        unreadable=tuple(part for part in parts if isinstance(part, bytes)),
    )
