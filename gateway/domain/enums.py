"""The gateway's own words, in FIX's terms; never one venue's."""

from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    """What is known of an order. `IN_DOUBT` is a real state: its outcome is not known."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    IN_DOUBT = "in_doubt"

    @property
    def is_closed(self) -> bool:
        return self in CLOSED


CLOSED = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
)


class Pending(StrEnum):
    """A request under way about an order; says nothing of the order itself."""

    NONE = "none"
    CANCEL = "cancel"
    REPLACE = "replace"


class Origin(StrEnum):
    """Whose order it is, told by its id at the venue."""

    OWN = "own"
    RECOVERED = "recovered"  # our tag, but no intent of ours is known
    EXTERNAL = "external"  # placed by hand or by another program


class ClosedBy(StrEnum):
    """Whose word closed an order; only the venue's own is never revoked by later evidence."""

    VENUE = "venue"
    REFUSAL = "refusal"
    NOT_SENT = "not_sent"
    VERDICT = "verdict"
    OPERATOR = "operator"


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class Source(StrEnum):
    """How a fact about an order reached the gateway."""

    ANSWER = "answer"
    STREAM = "stream"
    QUERY = "query"
    SWEEP = "sweep"
    OPERATOR = "operator"


class TransactionKind(StrEnum):
    FILL = "fill"
    CORRECTION = "correction"
    BUST = "bust"
    FEE = "fee"


class Role(StrEnum):
    EXECUTOR = "executor"
    LISTENER = "listener"
    MANAGER = "manager"
    ACTIONER = "actioner"
