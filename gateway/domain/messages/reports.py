"""What is told to the listener on `reports`, by the executor, the actioner and the manager."""

from gateway.domain.enums import OrderStatus, Role
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.messages.message import Message
from gateway.domain.messages.outbox import OutboxRecord
from gateway.domain.venue import (
    Balance,
    OpenOrders,
    OrderFound,
    OrderNotFound,
    VenueOrder,
    VenueTrade,
)


class OrderChecked(Message, frozen=True, kw_only=True, tag="order_checked"):
    """The venue was asked about one order (actioner)."""

    report_id: str
    account: AccountId
    order_id: OrderId
    symbol: Symbol
    asked_at: int
    answered_at: int
    answer: OrderFound | OrderNotFound


class AccountSwept(Message, frozen=True, kw_only=True, tag="account_swept"):
    """All open orders of an account at once, with its balances (actioner)."""

    report_id: str
    account: AccountId
    asked_at: int
    answered_at: int
    open_orders: OpenOrders
    balances: tuple[Balance, ...] | None = None


class TradesFetched(Message, frozen=True, kw_only=True, tag="trades_fetched"):
    """Trades of an account in a symbol since a time; what the gateway has already is recognised."""

    report_id: str
    account: AccountId
    asked_at: int
    answered_at: int
    trades: tuple[VenueTrade, ...]
    symbol: Symbol = Symbol("")


class ClosedOrdersFetched(Message, frozen=True, kw_only=True, tag="closed_orders_fetched"):
    """Orders of ours that are closed at the venue and that were not known to be. `is_last`: the
    whole answer has been told."""

    report_id: str
    account: AccountId
    symbol: Symbol
    asked_at: int
    answered_at: int
    orders: tuple[VenueOrder, ...]
    is_last: bool = True


class Resolve(Message, frozen=True, kw_only=True, tag="resolve_report"):
    """An operator's word on an order in doubt (actioner); acknowledged by `report_id`."""

    report_id: str
    account: AccountId
    order_id: OrderId
    operator: str
    status: OrderStatus
    text: str
    at: int


class Heartbeat(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """`instance` is new at each start. `problems` say why it is not ready, and what to do.

    `carried_out`: the last halts and resumes that the executor has in its journal, as client_id and
    command_id, newest last.
    """

    role: Role
    instance: str
    at: int
    ready: bool
    problems: tuple[str, ...] = ()
    carried_out: tuple[tuple[str, str], ...] = ()


Report = (
    OutboxRecord
    | OrderChecked
    | AccountSwept
    | TradesFetched
    | ClosedOrdersFetched
    | Resolve
    | Heartbeat
)
