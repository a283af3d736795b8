"""What the store is told and asked, as data. The store decides nothing: it keeps."""

from msgspec import Struct

from gateway.domain.change import Alarm
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.messages import (
    KnownAlarm,
    OrderUpdate,
    Refusal,
    StreamItem,
    StreamPosition,
    TrackedOrder,
    TransactionUpdate,
)
from gateway.domain.order import Order


class Batch(Struct, frozen=True, kw_only=True):
    """Consecutive records of the listener's journal, written in one transaction.

    Writing one twice, or one that overlaps an earlier one, changes nothing the second time.
    `upto` is the last record's number in the journal `journal`, `mark` the digest of that record:
    numbers can be given again after a loss of power, so a number alone does not say what was
    written. `unreadable` are records that could not be decoded: kept as they are. `streams` have
    come at least so far, whether or not there is an item with that number.
    """

    journal: str
    upto: int
    mark: bytes = b""
    items: tuple[StreamItem, ...] = ()
    touched: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    unreadable: tuple[bytes, ...] = ()
    streams: tuple[StreamPosition, ...] = ()


class Query(Struct, frozen=True, kw_only=True):
    """A question to the store."""


class FindOrder(Query, frozen=True, kw_only=True):
    """-> FoundOrder"""

    order_id: OrderId
    history: bool = False


class FindOrders(Query, frozen=True, kw_only=True):
    """-> FoundOrders with since <= created_at < until, newest `created_at` first.

    `after` is (created_at, order_id) of the last order of the page before.
    """

    account: str | None = None
    symbol: str | None = None
    owner: str | None = None
    statuses: tuple[OrderStatus, ...] = ()
    since: int | None = None
    until: int | None = None
    limit: int = 100
    after: tuple[int, str] | None = None


class FindItems(Query, frozen=True, kw_only=True):
    """-> FoundItems: the stream's items with from_seq <= seq <= to_seq in order of seq."""

    account: AccountId
    from_seq: int
    to_seq: int
    limit: int


class FindTransactions(Query, frozen=True, kw_only=True):
    """-> FoundTransactions, in order of seq from `from_seq` on."""

    account: AccountId
    from_seq: int
    limit: int


class FindRefusal(Query, frozen=True, kw_only=True):
    """-> FoundRefusal: the last refusal that names the order."""

    order_id: str


class FindCursor(Query, frozen=True, kw_only=True):
    """-> FoundCursor; 0 for a consumer that is not known."""

    account: AccountId
    consumer: str


class MoveCursor(Query, frozen=True, kw_only=True):
    """-> FoundCursor. Creates the consumer if need be; never moves back."""

    account: AccountId
    consumer: str
    seq: int


class FindPositions(Query, frozen=True, kw_only=True):
    """-> FoundPositions: how far each stream and the journal have been written."""

    journal: str


class FindOpenOrders(Query, frozen=True, kw_only=True):
    """-> FoundTracked: orders that were open, for a listener that lost its journal. Those of other
    accounts may be another gateway's."""

    accounts: tuple[AccountId, ...]
    limit: int = 100_000


class Recall(Query, frozen=True, kw_only=True):
    """-> FoundTracked (0 or 1): an order with its trades' digests, by our id, or by the venue's,
    which may be unique within a symbol only."""

    account: AccountId
    order_id: OrderId | None = None
    symbol: Symbol | None = None
    venue_order_id: str | None = None


class FindAlarms(Query, frozen=True, kw_only=True):
    """-> FoundAlarms, newest first; and which alarms out of `among` are stored, by their ids."""

    account: str | None = None
    limit: int = 100
    unacknowledged: bool = False
    among: tuple[str, ...] = ()


class NoteAcknowledged(Query, frozen=True, kw_only=True):
    """-> FoundAlarms (0 or 1), as it is then: the first acknowledgement stands."""

    alarm_id: str
    at: int
    by: str
    text: str


class FoundOrder(Struct, frozen=True, kw_only=True):
    """`kept_since`: with no order found, one made before then may have been let go of."""

    order: Order | None
    seq: int = 0  # of its last update: whichever of two has the larger is the newer
    history: tuple[OrderUpdate, ...] = ()
    transactions: tuple[TransactionUpdate, ...] = ()
    kept_since: int = 0


class FoundOrders(Struct, frozen=True, kw_only=True):
    orders: tuple[Order, ...]


class FoundItems(Struct, frozen=True, kw_only=True):
    items: tuple[StreamItem, ...]


class FoundTransactions(Struct, frozen=True, kw_only=True):
    items: tuple[TransactionUpdate, ...]


class FoundRefusal(Struct, frozen=True, kw_only=True):
    refusal: Refusal | None


class FoundCursor(Struct, frozen=True, kw_only=True):
    seq: int


class FoundPositions(Struct, frozen=True, kw_only=True):
    """`upto` is 0 for a journal that the store has nothing of; `mark`: see `Batch`."""

    upto: int
    mark: bytes = b""
    streams: tuple[StreamPosition, ...]


class FoundTracked(Struct, frozen=True, kw_only=True):
    orders: tuple[TrackedOrder, ...]


class FoundAlarms(Struct, frozen=True, kw_only=True):
    alarms: tuple[KnownAlarm, ...]
    stored: frozenset[str] = frozenset()


class StoreFailed(Struct, frozen=True, kw_only=True):
    """Not now. Nothing was written, or all of it was: writing it again is safe either way."""

    code: Code
    text: str


Found = (
    FoundOrder
    | FoundOrders
    | FoundItems
    | FoundTransactions
    | FoundRefusal
    | FoundCursor
    | FoundPositions
    | FoundTracked
    | FoundAlarms
)
