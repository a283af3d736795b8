"""What can go wrong, cut by what the caller can do about it.

GatewayError                 has a `code` and a plain sentence
├── BadInput                 the input is wrong: mend it and send it again
│   ├── BadMessage           not a message of this protocol
│   └── BadConfig            the configuration is wrong: the process does not start
├── Unavailable              not now: try again later, nothing was done
│   ├── Busy                 a bound was reached
│   └── TimedOut             no answer in time: the outcome is not known
└── Broken                   a promise of ours is broken: a bug, or damage
"""

from enum import StrEnum


class Code(StrEnum):
    """Every code that a refusal or an error can carry; `docs/codes.md` lists them."""

    # the message
    UNDECODABLE = "undecodable"
    UNKNOWN_TYPE = "unknown_type"
    UNSUPPORTED_VERSION = "unsupported_version"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    # what it names
    BAD_ORDER_ID = "bad_order_id"
    FOREIGN_ORDER_ID = "foreign_order_id"
    ORDER_ID_TOO_OLD = "order_id_too_old"
    ORDER_ID_IN_FUTURE = "order_id_in_future"
    ORDER_ID_REUSED = "order_id_reused"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_CONSUMER = "unknown_consumer"
    UNKNOWN_ALARM = "unknown_alarm"
    WRONG_ACCOUNT = "wrong_account"
    # its figures
    BAD_QUANTITY = "bad_quantity"
    BAD_PRICE = "bad_price"
    BAD_STOP_PRICE = "bad_stop_price"
    QUANTITY_PRECISION = "quantity_precision"
    PRICE_PRECISION = "price_precision"
    QUANTITY_LIMIT = "quantity_limit"
    PRICE_LIMIT = "price_limit"
    VALUE_LIMIT = "value_limit"
    BAD_COMBINATION = "bad_combination"
    # its time
    EXPIRED = "expired"
    EXPIRES_TOO_LATE = "expires_too_late"
    # the order's state
    ALREADY_CLOSED = "already_closed"
    CANCELED_BEFORE_SENT = "canceled_before_sent"
    REPLACE_PENDING = "replace_pending"
    AMEND_UNSUPPORTED = "amend_unsupported"
    NOT_IN_DOUBT = "not_in_doubt"
    # the gateway's state
    NOT_READY = "not_ready"
    HALTED = "halted"
    JOURNAL_FULL = "journal_full"
    JOURNAL_FAILED = "journal_failed"
    JOURNAL_LOST = "journal_lost"
    JOURNAL_CLOSED = "journal_closed"
    RECORDS_GONE = "records_gone"
    STORE_DOWN = "store_down"
    BUSY = "busy"
    TOO_MANY = "too_many"
    TIMED_OUT = "timed_out"
    NOT_KEPT = "not_kept"
    INTERNAL = "internal"
    # the venue's answer
    VENUE_REFUSED = "venue_refused"
    VENUE_FUNDS = "venue_funds"
    VENUE_FILTER = "venue_filter"
    VENUE_WOULD_MATCH = "venue_would_match"
    VENUE_AUTH = "venue_auth"
    VENUE_RATE_LIMIT = "venue_rate_limit"
    VENUE_CLOCK = "venue_clock"
    VENUE_ORDER_NOT_FOUND = "venue_order_not_found"
    VENUE_UNREACHABLE = "venue_unreachable"
    VENUE_QUERY_FAILED = "venue_query_failed"
    NOT_RECEIVED = "not_received"
    RESOLVED = "resolved"
    # configuration
    CONFIG = "config"


class GatewayError(Exception):
    """`code` is for programs, `str(error)` for people."""

    code: Code = Code.INTERNAL

    def __init__(self, text: str, code: Code | None = None) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code


class BadInput(GatewayError):
    code = Code.MALFORMED


class BadMessage(BadInput):
    """`hints` holds what could still be read of it: type, client_id, command_id, order_id."""

    def __init__(self, text: str, code: Code, hints: dict[str, str] | None = None) -> None:
        super().__init__(text, code)
        self.hints = hints or {}


class BadConfig(BadInput):
    code = Code.CONFIG


class Unavailable(GatewayError):
    code = Code.NOT_READY


class Busy(Unavailable):
    code = Code.BUSY


class TimedOut(Unavailable):
    code = Code.TIMED_OUT


class Broken(GatewayError):
    code = Code.INTERNAL
