"""What a run leaves behind, as plain records: all that the checker ever sees.

Three sides speak: the venue (its own record), the gateway (what its store holds) and the users
(what they sent, received and believe). Times are ns UTC on the venue's clock, money is `Decimal`.
A record says what was seen, never what it means.
"""

from decimal import Decimal

from msgspec import Struct

OPEN, FILLED, CANCELED, EXPIRED = "open", "filled", "canceled", "expired"

# ---- the venue ---------------------------------------------------------------------------------


class VenueChange(Struct, frozen=True, gc=False):
    """The order after one change. `status`: open, filled, canceled, expired."""

    at: int
    status: str
    quantity: Decimal
    executed: Decimal
    cost: Decimal


class VenueOrder(Struct, frozen=True, gc=False):
    account: str
    symbol: str
    venue_order_id: str
    client_order_id: str
    side: str
    price: Decimal | None
    asked_quantity: Decimal
    accepted_at: int
    changes: tuple[VenueChange, ...]

    @property
    def last(self) -> VenueChange:
        return self.changes[-1]


class VenueFill(Struct, frozen=True, gc=False):
    account: str
    symbol: str
    venue_order_id: str
    trade_id: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str


class VenueRequest(Struct, frozen=True, gc=False):
    """`what`: place, cancel, amend. It arrived, whatever came of it."""

    at: int
    account: str
    symbol: str
    what: str
    client_order_id: str
    venue_order_id: str


# ---- the gateway -------------------------------------------------------------------------------


class HeldOrder(Struct, frozen=True, gc=False):
    order_id: str
    account: str
    symbol: str
    client_id: str
    side: str
    origin: str
    status: str
    pending: str
    quantity: Decimal
    cum_quantity: Decimal
    avg_price: Decimal | None
    trades_complete: bool
    venue_order_id: str | None
    reason_code: str | None
    doubt: str | None


class HeldTransaction(Struct, frozen=True, gc=False):
    key: str
    kind: str
    order_id: str
    account: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal | None
    fee_currency: str | None
    trade_id: str | None
    venue_order_id: str | None


class Item(Struct, frozen=True, gc=False):
    """One item of an account's stream. `published_at` None: nobody saw when it went out."""

    account: str
    epoch: int
    seq: int
    published_at: int | None
    order: HeldOrder | None = None
    transaction: HeldTransaction | None = None

    @property
    def number(self) -> tuple[int, int]:
        return self.epoch, self.seq


class Refusal(Struct, frozen=True, gc=False):
    client_id: str
    command_id: str
    order_id: str
    code: str


class Alarm(Struct, frozen=True, gc=False):
    kind: str
    account: str
    order_id: str
    text: str


# ---- the users ---------------------------------------------------------------------------------


class Command(Struct, frozen=True, gc=False):
    """`what`: place, cancel, amend, cancel_all, halt, resume. `kept`: whoever sent it lived to the
    end.

    Of a `halt`, an empty `account` means all, and the executor showed it in force at `answered_at`;
    a `resume` is of all, and was sent at `at`. Of a `cancel_all`, `order_id` is empty and
    `client_id` the owner whose orders it is about; `sent_at` is by the owner's clock, `named` what
    the answer of `answered_at` said was being canceled, None unless it said so of all.
    """

    what: str
    at: int
    client_id: str
    command_id: str
    order_id: str
    account: str
    symbol: str = ""
    side: str = ""
    quantity: str = ""
    price: str | None = None
    expires_at: int = 0
    venue_order_id: str | None = None
    taken: bool = True
    kept: bool = True
    sent_at: int = 0
    named: tuple[str, ...] | None = None
    answered_at: int = 0


class Belief(Struct, frozen=True, gc=False):
    """What a client knows of one order it placed, at the end."""

    client_id: str
    order_id: str
    status: str | None
    cum_quantity: Decimal | None
    refused_as: str | None
    never_received: bool


class Heard(Struct, frozen=True, gc=False):
    """One entry of what a client was given of one stream: an item, or a snapshot it began from.

    `snapshot` has the open orders and their status.
    """

    epoch: int
    seq: int
    item: Item | None = None
    snapshot: tuple[tuple[str, str], ...] | None = None


class Followed(Struct, frozen=True, gc=False):
    """What one client was given of one account's stream, in order. `live`: until the end."""

    client_id: str
    account: str
    live: bool
    entries: tuple[Heard, ...]


class Delivery(Struct, frozen=True, gc=False):
    """`what`: delivered, asked (to acknowledge), acknowledged (and answered), restarted."""

    what: str
    seq: int = 0
    key: str = ""


class Consumed(Struct, frozen=True, gc=False):
    """What one consumer got of one account's transactions, in order."""

    consumer: str
    account: str
    deliveries: tuple[Delivery, ...]


class Bound(Struct, frozen=True, gc=False):
    """Something that must not grow over its limit."""

    name: str
    size: int
    limit: int


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything of one run.

    `tag`: the gateway's id space. `receive_window`: how long after its expiry a place may land.
    `clock_error`: how far the gateway's clock was off at most, plus that of its users. `losses`:
    how often a journal lost what had been published. `blind_epochs`: those begun on a journal put
    back from an older copy while the database was away. `excused_alarms`: kinds that the faults of
    the run explain. `falls`: processes that ended by an error of their own.
    """

    tag: int
    receive_window: int
    clock_error: int = 0
    losses: int = 0
    blind_epochs: frozenset[int] = frozenset()
    excused_alarms: frozenset[str] = frozenset()
    venue_orders: tuple[VenueOrder, ...] = ()
    venue_fills: tuple[VenueFill, ...] = ()
    venue_requests: tuple[VenueRequest, ...] = ()
    orders: tuple[HeldOrder, ...] = ()
    items: tuple[Item, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    rejected_rows: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    followed: tuple[Followed, ...] = ()
    consumed: tuple[Consumed, ...] = ()
    bounds: tuple[Bound, ...] = ()
    falls: tuple[str, ...] = ()


class Violation(Struct, frozen=True, gc=False):
    """`about` names the order, stream or consumer, for the trace."""

    rule: str
    about: str
    text: str
