"""Requests, on `requests`: from trading programs and the manager to the actioner."""

from gateway.domain.enums import OrderStatus
from gateway.domain.messages.message import Message


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

    `unsettled` adds the closed ones whose trades, or their fees, are not all here yet, as far as
    they are kept, and the symbols in which orders have closed.
    `offset` None: all in one answer, which may be too large. 0: as many as one page takes; then the
    `next` of each page for the one after it, with the `epoch` and `seq` of the first, of whose
    moment they all are.
    """

    account: str
    unsettled: bool = False
    offset: int | None = None
    epoch: int = 0
    seq: int = 0


class CancelAll(Request, frozen=True, kw_only=True, tag="cancel_all"):
    """Open orders placed before `sent_at`, of `owner` if given; external ones only if asked.

    Those on their way through the gateway belong to them: the answer comes when the executor's
    journal shows that there can be no more, normally after one to one and a half seconds.
    Those of others than the asker may have been placed a little later, as clocks differ.
    """

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
    """Newest first. `unacknowledged`: only those that nobody has acknowledged."""

    account: str | None = None
    limit: int = 100
    unacknowledged: bool = False


class AcknowledgeAlarm(Request, frozen=True, kw_only=True, tag="acknowledge_alarm"):
    """Somebody has seen to it. The first one's name and text stand."""

    alarm_id: str
    operator: str
    text: str = ""


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
    """From the manager. Answered as soon as it is taken in. Trades are fetched since a time:
    each symbol's own, if `since` has them."""

    account: str
    symbols: tuple[str, ...]
    trades_since: int
    since: tuple[int, ...] = ()


class SearchClosed(Request, frozen=True, kw_only=True, tag="search_closed"):
    """From the manager: look for closed orders of ours that were placed between these times.
    Answered as soon as it is taken in."""

    account: str
    symbol: str
    since: int
    until: int


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
    | AcknowledgeAlarm
    | ResolveOrder
    | CheckOrders
    | SweepAccount
    | SearchClosed
)
