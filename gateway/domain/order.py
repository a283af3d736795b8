"""The order: what was asked, what is known of it, and where that knowledge comes from."""

from decimal import Decimal

from msgspec import Struct

from gateway.domain.enums import (
    ClosedBy,
    Liquidity,
    OrderStatus,
    OrderType,
    Origin,
    Pending,
    Side,
    Source,
    TimeInForce,
    TransactionKind,
)
from gateway.domain.errors import Code
from gateway.domain.identity import (
    AccountId,
    ClientId,
    OrderId,
    Symbol,
    VenueOrderId,
)
from gateway.domain.money import ZERO


class NewOrder(Struct, frozen=True, kw_only=True):
    """What a trading program asked for, checked and typed. Times in ns UTC."""

    order_id: OrderId
    account: AccountId
    symbol: Symbol
    client_id: ClientId
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    expires_at: int = 0  # after this the order is refused, whatever it waited in


class Evidence(Struct, frozen=True, kw_only=True):
    """One authoritative "no such order" of the venue; kept with the verdict it led to."""

    asked_at: int
    answered_at: int
    searched: tuple[str, ...]  # "by_id", "open_orders", "closed_orders", "trades"


class Dispute(Struct, frozen=True, kw_only=True):
    """A trade, by its key, that was told with other figures than are held. `asked_at`: when the
    venue was asked, or told it of itself; what it is asked later decides. 0: any answer does."""

    trade: str
    asked_at: int = 0


class Order(Struct, frozen=True, kw_only=True):
    """The whole state of one order; derived anew for each fact, never edited.

    `status` is derived by `life.settle` from the fields below it. `cum_quantity` is FIX's CumQty:
    the larger of what the venue said (`reported_quantity`) and what its trades add up to
    (`traded_quantity`); it never falls.
    """

    order_id: OrderId
    account: AccountId
    symbol: Symbol
    client_id: ClientId
    side: Side
    order_type: OrderType
    quantity: Decimal  # 0: not known (an external order of which only trades were heard)
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    origin: Origin = Origin.OWN

    status: OrderStatus = OrderStatus.PENDING_NEW
    pending: Pending = Pending.NONE
    trades_complete: bool = True
    cum_quantity: Decimal = ZERO
    avg_price: Decimal | None = None
    venue_order_id: VenueOrderId | None = None
    reason_code: Code | None = None
    reason: str = ""

    reported_quantity: Decimal = ZERO
    reported_cost: Decimal | None = None
    traded_quantity: Decimal = ZERO
    traded_cost: Decimal = ZERO
    ceiling: Decimal = ZERO  # the largest quantity ever asked for: more filled is an overfill
    lower_quantity: Decimal | None = None  # the venue says less than we hold: both are kept
    fees_missing: int = 0  # trades of which the venue has not told the fee
    conflicts: int = 0  # trades reported again with other figures: the first ones are kept
    disputed: tuple[Dispute, ...] = ()  # those about which the venue has still to be asked
    doubles: tuple[VenueOrderId, ...] = ()  # further orders of the venue's under this order id
    closed_as: OrderStatus | None = None
    closed_by: ClosedBy | None = None
    closed_quantity: Decimal | None = None  # as the venue stated it with the end
    doubt: str | None = None  # why the outcome is not known
    known_status: OrderStatus | None = None  # the last status known, beside the doubt
    vanished_at: int | None = None  # asked then, the venue no longer knew an acknowledged order
    absences: tuple[Evidence, ...] = ()

    amend_asked: bool = False  # whatever became of it: the venue's figures may be newer than ours
    revision: int = 0  # amends acknowledged
    created_at: int = 0
    land_by: int = 0  # the place can't reach the venue's book after this
    acknowledged_at: int | None = None  # first evidence that the venue has it
    amended_at: int = 0
    restated_at: int = 0  # asked then, the venue showed figures that no answer had told
    pending_at: int = 0
    changed_at: int = 0  # last fact that changed anything
    checked_at: int = 0  # last time the venue was asked, though nothing changed
    seen_at: int = 0  # last time the venue was asked and had it
    closed_at: int | None = None

    @property
    def is_closed(self) -> bool:
        return self.status.is_closed

    @property
    def leaves_quantity(self) -> Decimal:
        """FIX's LeavesQty: what can still fill."""
        if self.is_closed:
            return ZERO
        return max(self.quantity - self.cum_quantity, ZERO)


class Transaction(Struct, frozen=True, kw_only=True):
    """A fact about money. Appended, never edited; `key` makes it unique for ever.

    A `fill` moves the quantity and may carry its fee; `fee` is a fee that came later; `correction`
    and `bust` state the venue's new figures for the trade `trade_id` in full; without a fee, the
    fee stays as it was told.
    """

    key: str
    kind: TransactionKind
    order_id: OrderId
    account: AccountId
    symbol: Symbol
    client_id: ClientId
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal | None = None
    fee_currency: str | None = None
    liquidity: Liquidity | None = None
    trade_id: str | None = None
    venue_order_id: VenueOrderId | None = None
    venue_time: int = 0
    recorded_at: int = 0
    source: Source = Source.STREAM
