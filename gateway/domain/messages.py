"""Every message of the five endpoints, and of the two journals.

One message is one MessagePack map with `type` and `version`. Unknown fields are ignored, unknown
types and newer versions refused. Money is a decimal string, time an integer of ns UTC.

Commands carry their figures as plain text: `gateway.domain.checks` turns them into `NewOrder` and
gives every wrong figure a code of its own.
"""

from typing import Any, Literal

from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import Code
from gateway.domain.facts import Fact
from gateway.domain.identity import AccountId, ClientId, CommandId, OrderId, Symbol, VenueOrderId
from gateway.domain.order import NewOrder, Order, Transaction
from gateway.domain.trade import TradeDigest
from gateway.domain.venue import (
    Balance,
    CommandAnswer,
    Market,
    OpenOrders,
    OrderFound,
    OrderNotFound,
    VenueOrder,
    VenueTrade,
)

VERSION = 1


class Message(Struct, frozen=True, kw_only=True):
    version: int = VERSION


# ---- commands: `orders` and `urgent` (trading program -> executor) -----------------------------


class Place(Message, frozen=True, kw_only=True, tag="place"):
    """`quantity`, `price` and `stop_price` are plain decimal strings in the base and quote asset.

    The same place may be sent again: it is one order. After `expires_at` it is refused.
    """

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    side: str
    order_type: str
    quantity: str
    expires_at: int
    price: str | None = None
    stop_price: str | None = None
    time_in_force: str = "gtc"
    post_only: bool = False


class Amend(Message, frozen=True, kw_only=True, tag="amend"):
    """New quantity and/or price of an open order, in place; what is None stays."""

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    expires_at: int
    quantity: str | None = None
    price: str | None = None


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Sticky: no expiry, repeated until the order's end is evidenced. Any id, however old."""

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    venue_order_id: str | None = None


class Halt(Message, frozen=True, kw_only=True, tag="halt"):
    """Refuse new orders and amends of an account (empty: all) until `resume`; cancels go on."""

    command_id: str
    client_id: str
    account: str = ""


class Resume(Message, frozen=True, kw_only=True, tag="resume"):
    command_id: str
    client_id: str
    account: str = ""


Command = Place | Amend | Cancel | Halt | Resume

# ---- the executor's outbox (its journal, and `reports`) ----------------------------------------


class PlaceIntended(Struct, frozen=True, kw_only=True, tag="place_intended"):
    """Recorded before the first byte goes to the venue. `land_by`: it can't land after this."""

    at: int
    command_id: CommandId
    order: NewOrder
    land_by: int


class PlaceAnswered(Struct, frozen=True, kw_only=True, tag="place_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    answer: CommandAnswer


class CancelIntended(Struct, frozen=True, kw_only=True, tag="cancel_intended"):
    at: int
    command_id: CommandId
    client_id: ClientId
    order_id: OrderId
    account: AccountId
    symbol: Symbol
    venue_order_id: VenueOrderId | None = None


class CancelAnswered(Struct, frozen=True, kw_only=True, tag="cancel_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    answer: CommandAnswer


class AmendIntended(Struct, frozen=True, kw_only=True, tag="amend_intended"):
    at: int
    command_id: CommandId
    client_id: ClientId
    order_id: OrderId
    account: AccountId
    symbol: Symbol
    quantity: str | None
    price: str | None
    land_by: int


class AmendAnswered(Struct, frozen=True, kw_only=True, tag="amend_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    quantity: str | None
    price: str | None
    answer: CommandAnswer


class CommandRefused(Struct, frozen=True, kw_only=True, tag="command_refused"):
    """Nothing was sent. It answers a command, it is not the end of an order.

    What was refused once is not carried out when it comes again: `remembered` is what the executor
    keeps of the order id (None: nothing), `repeat_until` how long it keeps the command's own id.
    """

    at: int
    client_id: str
    command_id: str
    code: Code
    text: str
    order_id: str = ""
    account: str = ""
    remembered: int | None = None
    repeat_until: int = 0


class HaltChanged(Struct, frozen=True, kw_only=True, tag="halt_changed"):
    """New orders and amends of `account` (empty: all) are refused, or taken again."""

    at: int
    client_id: ClientId
    command_id: CommandId
    account: str
    halted: bool


class Alive(Struct, frozen=True, kw_only=True, tag="alive"):
    """Whatever the executor took in before `at` is in the outbox before this record.

    `acknowledged`: up to which record, as far as the executor knows, the listener has it.
    """

    at: int
    acknowledged: int = 0


OutboxEvent = (
    PlaceIntended
    | PlaceAnswered
    | CancelIntended
    | CancelAnswered
    | AmendIntended
    | AmendAnswered
    | CommandRefused
    | HaltChanged
    | Alive
)


class OutboxRecord(Message, frozen=True, kw_only=True, tag="outbox_record"):
    """Record `number` (dense from 1) of the outbox `outbox`, which began at `born_at`.

    The listener applies records of one outbox strictly in order of their numbers.
    """

    outbox: str
    born_at: int
    number: int
    event: OutboxEvent


# ---- what else goes to `reports` ---------------------------------------------------------------


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
    """Trades of an account since a time; what the gateway has already is recognised."""

    report_id: str
    account: AccountId
    asked_at: int
    answered_at: int
    trades: tuple[VenueTrade, ...]


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
    """`instance` is new at each start. `problems` say why it is not ready, and what to do."""

    role: Role
    instance: str
    at: int
    ready: bool
    problems: tuple[str, ...] = ()


Report = OutboxRecord | OrderChecked | AccountSwept | TradesFetched | Resolve | Heartbeat

# ---- `status` (listener -> everyone) -----------------------------------------------------------


class Cause(Struct, frozen=True, kw_only=True):
    """The fact behind a change, for the order's history."""

    fact: str
    source: str
    text: str = ""


class OrderUpdate(Message, frozen=True, kw_only=True, tag="order_update"):
    """The order's whole state after a change. `seq` is dense per account within an `epoch`."""

    account: AccountId
    epoch: int
    seq: int
    at: int
    order: Order
    cause: Cause


class TransactionUpdate(Message, frozen=True, kw_only=True, tag="transaction_update"):
    """A fill, correction, bust or late fee. Shares the account's `seq` with order updates."""

    account: AccountId
    epoch: int
    seq: int
    at: int
    transaction: Transaction


StreamItem = OrderUpdate | TransactionUpdate


class Refusal(Message, frozen=True, kw_only=True, tag="refusal"):
    """A command was refused and nothing was sent for it."""

    at: int
    client_id: str
    command_id: str
    code: Code
    text: str
    order_id: str = ""
    account: str = ""


class Head(Message, frozen=True, kw_only=True, tag="head"):
    """The last `seq` of an account's stream; each second, so that a lost last message shows."""

    account: AccountId
    epoch: int
    seq: int
    at: int


class Acknowledged(Message, frozen=True, kw_only=True, tag="acknowledged"):
    """Every record of `outbox` up to `number` is in the listener's journal.

    `gap` asks for what follows to be sent again. `ended` are orders named in a cancel that are
    closed already.
    """

    outbox: str
    number: int
    gap: bool = False
    ended: tuple[OrderId, ...] = ()


class Checked(Message, frozen=True, kw_only=True, tag="checked"):
    """A check of an account (`swept`) or of the `order_ids` has been applied.

    `missing` are open orders that a sweep of all open orders did not list: to be looked up.
    `balances_moved` are currencies whose change the known trades do not explain.
    """

    account: AccountId
    asked_at: int
    report_id: str
    swept: bool = False
    order_ids: tuple[OrderId, ...] = ()
    missing: tuple[OrderId, ...] = ()
    balances_moved: tuple[str, ...] = ()


class StreamState(Message, frozen=True, kw_only=True, tag="stream_state"):
    """Whether the account's private stream at the venue is heard. `suspect_since` 0: it is."""

    account: AccountId
    at: int
    up: bool
    text: str = ""


class Health(Message, frozen=True, kw_only=True, tag="health"):
    role: Role
    instance: str
    at: int
    ready: bool
    problems: tuple[str, ...] = ()


class AlarmRaised(Message, frozen=True, kw_only=True, tag="alarm"):
    alarm: Alarm


Status = (
    OrderUpdate
    | TransactionUpdate
    | Refusal
    | Head
    | Acknowledged
    | Checked
    | StreamState
    | Health
    | AlarmRaised
)


def stream_topic(account: str) -> str:
    return f"stream/{account}/"


def refusals_topic(client_id: str) -> str:
    return f"refusals/{client_id}/"


HEADS, ACKNOWLEDGEMENTS, HEALTH = "heads/", "acknowledgements/", "health/"
ALARMS, CHECKS, STREAMS = "alarms/", "checks/", "streams/"

# ---- `requests` (anyone -> actioner) -----------------------------------------------------------


class Request(Message, frozen=True, kw_only=True):
    """`request_id` makes a retry safe: it gets the first one's answer and does nothing twice.

    After `expires_at` (ns UTC) the asker has given up and the request is not carried out.
    """

    request_id: str
    client_id: str
    expires_at: int


class GetOrder(Request, frozen=True, kw_only=True, tag="get_order"):
    """`expires_at_of_place`: lets the answer say `never_received` of an order that is not known."""

    order_id: str
    expires_at_of_place: int | None = None
    history: bool = False


class RefreshOrder(Request, frozen=True, kw_only=True, tag="refresh_order"):
    """Asks the venue now; answers with the order as it is after that answer was applied."""

    order_id: str


class ListOrders(Request, frozen=True, kw_only=True, tag="list_orders"):
    """Newest first. `after` is the `next` of the page before."""

    account: str | None = None
    symbol: str | None = None
    owner: str | None = None  # client_id of the orders
    statuses: tuple[OrderStatus, ...] = ()
    open_only: bool = False
    since: int | None = None
    until: int | None = None
    limit: int = 100
    after: str | None = None


class VenueOpenOrders(Request, frozen=True, kw_only=True, tag="open_orders"):
    account: str
    symbol: str | None = None


class GetBalances(Request, frozen=True, kw_only=True, tag="balances"):
    account: str


class GetTransactions(Request, frozen=True, kw_only=True, tag="transactions"):
    """From `from_seq` (inclusive), or what follows the cursor of `consumer`."""

    account: str
    from_seq: int | None = None
    consumer: str | None = None
    limit: int = 500


class AcknowledgeTransactions(Request, frozen=True, kw_only=True, tag="acknowledge"):
    """Moves the consumer's cursor to `seq`: all up to it are dealt with. Never moves back."""

    account: str
    consumer: str
    seq: int


class Replay(Request, frozen=True, kw_only=True, tag="replay"):
    """The stream's items from_seq..to_seq, both inclusive."""

    account: str
    epoch: int
    from_seq: int
    to_seq: int


class TakeSnapshot(Request, frozen=True, kw_only=True, tag="snapshot"):
    """All open orders of an account as of one `seq`.

    `unsettled` adds the closed ones whose trades are not all here yet, as far as they are kept.
    """

    account: str
    unsettled: bool = False


class CancelAll(Request, frozen=True, kw_only=True, tag="cancel_all"):
    """Open orders placed before `sent_at`, of `owner` if given; external ones only if asked."""

    account: str
    sent_at: int
    symbol: str | None = None
    owner: str | None = None
    include_external: bool = False


class GetAccounts(Request, frozen=True, kw_only=True, tag="accounts"):
    pass


class GetMarkets(Request, frozen=True, kw_only=True, tag="markets"):
    account: str
    symbol: str | None = None


class GetHealth(Request, frozen=True, kw_only=True, tag="health_request"):
    pass


class ListAlarms(Request, frozen=True, kw_only=True, tag="alarms"):
    account: str | None = None
    limit: int = 100


class ResolveOrder(Request, frozen=True, kw_only=True, tag="resolve"):
    """An operator ends an order in doubt: `canceled`, `rejected` or `expired`; audited."""

    order_id: str
    operator: str
    status: OrderStatus
    text: str


class CheckOrders(Request, frozen=True, kw_only=True, tag="check_orders"):
    """From the manager: look these up. Answered as soon as they are taken in."""

    account: str
    order_ids: tuple[str, ...]
    symbols: tuple[str, ...]
    venue_order_ids: tuple[str | None, ...]
    with_trades: bool = False


class SweepAccount(Request, frozen=True, kw_only=True, tag="sweep"):
    """From the manager. Answered as soon as it is taken in. Trades are fetched since a time."""

    account: str
    symbols: tuple[str, ...]
    trades_since: int


AnyRequest = (
    GetOrder
    | RefreshOrder
    | ListOrders
    | VenueOpenOrders
    | GetBalances
    | GetTransactions
    | AcknowledgeTransactions
    | Replay
    | TakeSnapshot
    | CancelAll
    | GetAccounts
    | GetMarkets
    | GetHealth
    | ListAlarms
    | ResolveOrder
    | CheckOrders
    | SweepAccount
)


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
    epoch: int
    seq: int
    orders: tuple[Order, ...]


class CancelResult(Struct, frozen=True, kw_only=True):
    order_id: OrderId
    status: OrderStatus
    sent: bool
    code: Code | None = None
    text: str = ""


class CancelAllReply(Reply, frozen=True, kw_only=True, tag="cancel_all_reply"):
    """One result per order; `sent`: its cancel is on its way to the executor."""

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


class AlarmsReply(Reply, frozen=True, kw_only=True, tag="alarms_reply"):
    alarms: tuple[Alarm, ...]


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
    | TakenReply
)

# ---- the listener's journal --------------------------------------------------------------------


class OutboxPosition(Struct, frozen=True, kw_only=True):
    """How far an outbox has been applied, and until when its executor is known to have lived."""

    outbox: str
    born_at: int
    number: int
    alive_at: int = 0


class TrackedOrder(Struct, frozen=True, kw_only=True):
    order: Order
    digests: dict[str, TradeDigest]


class ParkedFact(Struct, frozen=True, kw_only=True):
    """A fact that can't be applied yet. `number` names it until it is unparked.

    With an `order_id` it waits for the store to be asked for that order; without one, until it is
    known whether the venue's id in it is that of one of our orders. `at`: when it was taken in.
    """

    number: int
    account: AccountId
    at: int
    fact: Fact
    order_id: OrderId | None = None


class ListenerRecord(Struct, frozen=True, kw_only=True, tag="listener_record"):
    """All that one input changed, in one append: it happened wholly or not at all.

    `recalled` orders came from the store, where they were newer than here, before anything else of
    this happened to them.
    `items` are published in this order. `touched` are orders of which only `checked_at` moved.
    `digests`: what to remember of new trades, by order id and trade key. `unparked` facts have
    been dealt with, before the new `parked` ones.
    """

    at: int
    position: OutboxPosition | None = None
    items: tuple[StreamItem, ...] = ()
    touched: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    digests: dict[str, dict[str, TradeDigest]] = {}
    recalled: tuple[TrackedOrder, ...] = ()
    parked: tuple[ParkedFact, ...] = ()
    unparked: tuple[int, ...] = ()


class StreamPosition(Struct, frozen=True, kw_only=True):
    account: AccountId
    epoch: int
    seq: int


class Unconfirmed(Struct, frozen=True, kw_only=True):
    """An order with an id of ours, heard of at the venue, whose intent has not come so far."""

    order_id: OrderId
    account: AccountId
    heard_at: int


class ListenerCheckpoint(Struct, frozen=True, kw_only=True, tag="listener_checkpoint"):
    """Everything the listener needs to go on from here without reading older records."""

    at: int
    streams: tuple[StreamPosition, ...]
    outboxes: tuple[OutboxPosition, ...]
    orders: tuple[TrackedOrder, ...]
    refusals: tuple[Refusal, ...] = ()
    evicted_upto: int = 0  # orders of ours made up to then may be in the store only
    evicted_any: bool = False
    parked: tuple[ParkedFact, ...] = ()
    unconfirmed: tuple[Unconfirmed, ...] = ()
    unproven: tuple[OrderId, ...] = ()  # the store may have a newer state of these


def hints_of(raw: Any) -> dict[str, str]:
    """What can be read of a message that is not valid, to answer it: its ids and its type."""
    if not isinstance(raw, dict):
        return {}
    names = ("type", "client_id", "command_id", "order_id", "account", "request_id")
    return {name: raw[name] for name in names if isinstance(raw.get(name), str)}
