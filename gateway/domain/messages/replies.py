"""Replies to requests, by the actioner."""

from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import asdict

from gateway.domain.change import Alarm
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.messages.message import Message
from gateway.domain.messages.status import (
    Health,
    OrderUpdate,
    Refusal,
    StreamItem,
    StreamState,
    TransactionUpdate,
)
from gateway.domain.order import Order
from gateway.domain.venue import Balance, Market, VenueOrder


class Reply(Message, frozen=True, kw_only=True):
    request_id: str


class Failed(Reply, frozen=True, kw_only=True, tag="failed"):
    code: Code
    text: str


Fate = Literal["known", "refused", "never_received", "unknown"]


class OrderReply(Reply, frozen=True, kw_only=True, tag="order_reply"):
    """`unknown`: it can't be said yet whether the executor received it. Ask again."""

    fate: Fate
    order: Order | None = None
    refusal: Refusal | None = None
    history: tuple[OrderUpdate, ...] = ()
    transactions: tuple[TransactionUpdate, ...] = ()


class OrdersReply(Reply, frozen=True, kw_only=True, tag="orders_reply"):
    orders: tuple[Order, ...]
    next: str | None = None


class VenueOrdersReply(Reply, frozen=True, kw_only=True, tag="venue_orders_reply"):
    orders: tuple[VenueOrder, ...]
    asked_at: int


class BalancesReply(Reply, frozen=True, kw_only=True, tag="balances_reply"):
    balances: tuple[Balance, ...]
    asked_at: int


class TransactionsReply(Reply, frozen=True, kw_only=True, tag="transactions_reply"):
    """`cursor` is the consumer's acknowledged seq; `more`: ask again from the last item's seq."""

    items: tuple[TransactionUpdate, ...]
    cursor: int
    more: bool


class AcknowledgedReply(Reply, frozen=True, kw_only=True, tag="acknowledged_reply"):
    cursor: int


class ReplayReply(Reply, frozen=True, kw_only=True, tag="replay_reply"):
    items: tuple[StreamItem, ...]
    more: bool


class SnapshotReply(Reply, frozen=True, kw_only=True, tag="snapshot_reply"):
    """`next`: the offset of the page that follows; None: there is none. `used`, with the last page
    of a snapshot with the `unsettled` ones: symbols of closed orders that are kept, and when (ns
    UTC) the last of each changed; those used last come first."""

    epoch: int
    seq: int
    orders: tuple[Order, ...]
    next: int | None = None
    used: dict[Symbol, int] = field(default_factory=dict)


class CancelResult(Struct, frozen=True, kw_only=True):
    order_id: OrderId
    status: OrderStatus
    sent: bool
    code: Code | None = None
    text: str = ""


class CancelAllReply(Reply, frozen=True, kw_only=True, tag="cancel_all_reply"):
    """One result per order; `sent`: the executor has recorded its cancel, or the order has ended.
    One that is not is to be sent again; `code` says why.

    Unless one could not be sent, they are all. Where that can't be said in time the answer is
    `Failed`, `timed_out` or `not_ready`; what was found has then been sent all the same.
    """

    results: tuple[CancelResult, ...]


class AccountInfo(Struct, frozen=True, kw_only=True):
    account: AccountId
    venue: str
    epoch: int
    seq: int
    stream_up: bool


class AccountsReply(Reply, frozen=True, kw_only=True, tag="accounts_reply"):
    """`tag`: the id space that new order ids are made in."""

    accounts: tuple[AccountInfo, ...]
    tag: int = 0


class MarketsReply(Reply, frozen=True, kw_only=True, tag="markets_reply"):
    markets: tuple[Market, ...]


class HealthReply(Reply, frozen=True, kw_only=True, tag="health_reply"):
    processes: tuple[Health, ...]
    streams: tuple[StreamState, ...]


class KnownAlarm(Alarm, frozen=True, kw_only=True):
    """An alarm, and who has seen to it; `acknowledged_at` None: nobody."""

    alarm_id: str = ""
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    acknowledged_text: str = ""

    @classmethod
    def of(cls, alarm: Alarm, alarm_id: str, **more: Any) -> "KnownAlarm":
        return cls(**asdict(alarm), alarm_id=alarm_id, **more)


class AlarmsReply(Reply, frozen=True, kw_only=True, tag="alarms_reply"):
    alarms: tuple[KnownAlarm, ...]


class AlarmReply(Reply, frozen=True, kw_only=True, tag="alarm_reply"):
    """The alarm as it is now acknowledged."""

    alarm: KnownAlarm


class TakenReply(Reply, frozen=True, kw_only=True, tag="taken_reply"):
    """The check has been taken in (`report_id` will be on its `checked`)."""

    report_id: str


AnyReply = (
    Failed
    | OrderReply
    | OrdersReply
    | VenueOrdersReply
    | BalancesReply
    | TransactionsReply
    | AcknowledgedReply
    | ReplayReply
    | SnapshotReply
    | CancelAllReply
    | AccountsReply
    | MarketsReply
    | HealthReply
    | AlarmsReply
    | AlarmReply
    | TakenReply
)
