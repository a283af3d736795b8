"""What a venue says, translated: the only form in which venue data travels inwards.

Adapters parse completely into these or refuse. All money is `Decimal`, all times ns UTC.
`None` means that the venue did not say.
"""

from decimal import Decimal

from msgspec import Struct

from gateway.domain.enums import Liquidity, OrderStatus, OrderType, Side, TimeInForce
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId
from gateway.domain.order import NewOrder


class Market(Struct, frozen=True, kw_only=True):
    """The venue's limits for one symbol; a limit of None is not set, a step of 0 is any."""

    symbol: Symbol
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None


class VenueOrder(Struct, frozen=True, kw_only=True):
    """A venue's picture of one order at one moment. `status` is never `pending_new` or `in_doubt`.

    `order_id` is read out of the venue's client order id; None: not an id of any gateway.
    """

    symbol: Symbol
    venue_order_id: VenueOrderId
    status: OrderStatus
    order_id: OrderId | None = None
    side: Side | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    cum_quantity: Decimal | None = None
    cum_cost: Decimal | None = None
    venue_time: int | None = None
    reason: str = ""


class VenueTrade(Struct, frozen=True, kw_only=True):
    """One fill as the venue states it. `leg` tells apart fills that share a trade id (case 34)."""

    symbol: Symbol
    venue_order_id: VenueOrderId
    side: Side
    price: Decimal
    quantity: Decimal
    trade_id: str | None = None
    leg: str = ""
    order_id: OrderId | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    liquidity: Liquidity | None = None
    venue_time: int = 0


class TradeAmendment(Struct, frozen=True, kw_only=True, tag="trade_amendment"):
    """The venue corrects (`busted` False, new figures) or busts a trade that it reported before."""

    trade: VenueTrade
    busted: bool
    amendment_id: str


class Balance(Struct, frozen=True, kw_only=True):
    currency: str
    free: Decimal
    locked: Decimal


# Requests to a venue. `Venue.start(request, done)` answers each with exactly one answer.


class PlaceOrder(Struct, frozen=True, kw_only=True, tag="place"):
    order: NewOrder


class AmendOrder(Struct, frozen=True, kw_only=True, tag="amend"):
    """In place: the order keeps its id. Figures of None stay. `expires_at` in ns UTC, 0: never."""

    order_id: OrderId
    symbol: Symbol
    venue_order_id: VenueOrderId | None
    side: Side
    order_type: OrderType
    quantity: Decimal | None
    price: Decimal | None
    expires_at: int = 0


class CancelOrder(Struct, frozen=True, kw_only=True, tag="cancel"):
    """By our id, or by the venue's where that is known; external orders have only the venue's."""

    order_id: OrderId
    symbol: Symbol
    venue_order_id: VenueOrderId | None = None


class FetchOrder(Struct, frozen=True, kw_only=True, tag="fetch_order"):
    """Looks by id, then in open orders, closed orders and trades as far as the venue needs it.

    `with_trades` asks for the order's trades too.
    """

    order_id: OrderId
    symbol: Symbol
    venue_order_id: VenueOrderId | None = None
    with_trades: bool = False


class FetchOpenOrders(Struct, frozen=True, kw_only=True, tag="fetch_open_orders"):
    """`symbols` are those in use, for a venue that can't list all of them at once; empty: all."""

    symbols: tuple[Symbol, ...] = ()


class FetchClosedOrders(Struct, frozen=True, kw_only=True, tag="fetch_closed_orders"):
    """The orders of one symbol that were placed from `since` until `until` (ns UTC) and are closed,
    filled or not; all pages. Only for a venue whose profile `lists_closed_orders`."""

    symbol: Symbol
    since: int
    until: int


class FetchTrades(Struct, frozen=True, kw_only=True, tag="fetch_trades"):
    """The account's trades of one symbol since a time (ns UTC), oldest first, all pages."""

    symbol: Symbol
    since: int


class FetchBalances(Struct, frozen=True, kw_only=True, tag="fetch_balances"):
    pass


VenueRequest = (
    PlaceOrder
    | AmendOrder
    | CancelOrder
    | FetchOrder
    | FetchOpenOrders
    | FetchClosedOrders
    | FetchTrades
    | FetchBalances
)

# Answers. To a place, amend or cancel: Done, Refused, NotSent or OutcomeUnknown.
# To a fetch: its own answer, or QueryFailed, which is never evidence of anything.


class Done(Struct, frozen=True, kw_only=True, tag="done"):
    """The venue accepted the request. `order` and `trades` as far as its answer tells them."""

    venue_order_id: VenueOrderId | None = None
    order: VenueOrder | None = None
    trades: tuple[VenueTrade, ...] = ()


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """Final: the venue has judged the request and said no."""

    code: Code
    text: str
    venue_code: str = ""


class NotSent(Struct, frozen=True, kw_only=True, tag="not_sent"):
    """Certain: not a byte of the request reached the venue."""

    code: Code
    text: str


class OutcomeUnknown(Struct, frozen=True, kw_only=True, tag="outcome_unknown"):
    """The request may be carried out, now or later."""

    text: str
    venue_code: str = ""


class OrderFound(Struct, frozen=True, kw_only=True, tag="order_found"):
    order: VenueOrder
    trades: tuple[VenueTrade, ...] = ()
    trades_asked: bool = False


class OrderNotFound(Struct, frozen=True, kw_only=True, tag="order_not_found"):
    """Authoritative: the venue itself says that it has no such order, in every place searched."""

    searched: tuple[str, ...]


class OpenOrders(Struct, frozen=True, kw_only=True, tag="open_orders"):
    """`symbols` empty: the answer covers every symbol of the account."""

    orders: tuple[VenueOrder, ...]
    symbols: tuple[Symbol, ...] = ()


class ClosedOrders(Struct, frozen=True, kw_only=True, tag="closed_orders"):
    """All that were asked for; others, also open ones, may be among them."""

    orders: tuple[VenueOrder, ...]


class Trades(Struct, frozen=True, kw_only=True, tag="trades"):
    trades: tuple[VenueTrade, ...]


class Balances(Struct, frozen=True, kw_only=True, tag="balances"):
    balances: tuple[Balance, ...]


class QueryFailed(Struct, frozen=True, kw_only=True, tag="query_failed"):
    code: Code
    text: str


CommandAnswer = Done | Refused | NotSent | OutcomeUnknown
QueryAnswer = (
    OrderFound | OrderNotFound | OpenOrders | ClosedOrders | Trades | Balances | QueryFailed
)
VenueAnswer = CommandAnswer | QueryAnswer

# What a private stream says.


class StreamUp(Struct, frozen=True, kw_only=True, tag="stream_up"):
    """Subscribed and heard of; whatever happened while it was down was not heard."""

    account: AccountId


class StreamDown(Struct, frozen=True, kw_only=True, tag="stream_down"):
    account: AccountId
    text: str


class OrderHeard(Struct, frozen=True, kw_only=True, tag="order_heard"):
    account: AccountId
    order: VenueOrder


class TradeHeard(Struct, frozen=True, kw_only=True, tag="trade_heard"):
    account: AccountId
    trade: VenueTrade


class AmendmentHeard(Struct, frozen=True, kw_only=True, tag="amendment_heard"):
    account: AccountId
    amendment: TradeAmendment


class BalancesHeard(Struct, frozen=True, kw_only=True, tag="balances_heard"):
    account: AccountId
    balances: tuple[Balance, ...]


StreamEvent = StreamUp | StreamDown | OrderHeard | TradeHeard | AmendmentHeard | BalancesHeard


class VenueProfile(Struct, frozen=True, kw_only=True):
    """What differs between venues, as far as the rules of an order's life need it. Times in ns."""

    venue: str
    visibility_lag: int  # an order may be missing from queries for this long after it landed
    receive_window: int | None  # the venue refuses a signed request after this; None: never
    can_amend: bool
    has_private_stream: bool
    lists_all_open_orders: bool = True
    stream_lag: int | None = 0  # how late its stream may tell what was answered; None: it may not
    lists_closed_orders: bool = False  # all of them, the canceled ones too
    gives_fees: bool = True  # a trade's fee can be asked for
    finds_by_venue_id: bool = True  # an order can be asked for by the venue's id alone
