"""What the listener publishes on `status`, and under which topics."""

from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.enums import Role
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId
from gateway.domain.messages.message import Message
from gateway.domain.order import Order, Transaction


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
    closed already. `superseded`: another outbox has gone on after this one.
    """

    outbox: str
    number: int
    gap: bool = False
    ended: tuple[OrderId, ...] = ()
    superseded: bool = False


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
    closed: Symbol = Symbol("")  # of this symbol all that a search for closed orders found
    searched: Symbol = Symbol("")  # what this symbol's search for trades found


class RecordsLost(Message, frozen=True, kw_only=True, tag="records_lost"):
    """Orders that were placed in this time may be in no journal: one that is open shows in a sweep,
    one that has closed must be searched for. Said each second for an hour."""

    account: AccountId
    since: int
    until: int


class UnknownOrder(Struct, frozen=True, kw_only=True):
    """`order_id` is the one that it has if it turns out not to be ours."""

    order_id: OrderId
    symbol: Symbol
    venue_order_id: VenueOrderId


class UnknownOrders(Message, frozen=True, kw_only=True, tag="unknown_orders"):
    """Fills wait for these to be looked up: the venue names them by its own id only, and they may
    be ours. Said each second until it is known, the oldest first, not all of them at once."""

    account: AccountId
    orders: tuple[UnknownOrder, ...]


class StreamState(Message, frozen=True, kw_only=True, tag="stream_state"):
    """Whether the account's private stream at the venue is heard; `at`: since when it is so.

    `unheard`: orders that the venue's answers told of and the stream did not: to be looked up.
    """

    account: AccountId
    at: int
    up: bool
    text: str = ""
    unheard: tuple[OrderId, ...] = ()


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """The process's last heartbeat, as it said it."""

    role: Role
    instance: str
    at: int
    ready: bool
    problems: tuple[str, ...] = ()
    carried_out: tuple[tuple[str, str], ...] = ()


class AlarmRaised(Message, frozen=True, kw_only=True, tag="alarm"):
    """`alarm_id` acknowledges it."""

    alarm: Alarm
    alarm_id: str = ""


Status = (
    OrderUpdate
    | TransactionUpdate
    | Refusal
    | Head
    | Acknowledged
    | Checked
    | RecordsLost
    | UnknownOrders
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
