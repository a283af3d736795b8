"""The venue's refusals, with Binance's own codes and sentences.

A `VenueError` is an answer: the request arrived, was judged and changed nothing. The only
exceptions are -2021 and -2022 of cancel-replace, whose `data` says which half took effect.
"""

from __future__ import annotations

UNKNOWN = -1000
TOO_MANY_REQUESTS = -1003
TIMEOUT = -1007
SERVER_BUSY = -1008
INVALID_MESSAGE = -1013
INVALID_TIMESTAMP = -1021
INVALID_SIGNATURE = -1022
ILLEGAL_CHARS = -1100
MANDATORY_PARAM = -1102
BAD_PRECISION = -1111
INVALID_TIF = -1115
INVALID_ORDER_TYPE = -1116
INVALID_SIDE = -1117
BAD_SYMBOL = -1121
BAD_PARAMETER_COMBINATION = -1128
INVALID_CANCEL_RESTRICTIONS = -1145
NEW_ORDER_REJECTED = -2010
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
BAD_API_KEY_FORMAT = -2014
REJECTED_KEY = -2015
CANCEL_REPLACE_PARTLY_FAILED = -2021
CANCEL_REPLACE_FAILED = -2022
SUBSCRIPTION_ACTIVE = -2035
SUBSCRIPTION_INACTIVE = -2036
AMEND_REJECTED = -2038

CLIENT_ORDER_ID_FORM = "^[a-zA-Z0-9-_]{1,36}$"


class VenueError(Exception):
    """One refusal: `code` and `msg` as they go over the wire, `data` only for -2021 and -2022."""

    def __init__(self, code: int, msg: str, data: object = None) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg
        self.data = data


def filter_failure(name: str) -> VenueError:
    """The request broke the symbol's filter `name`; it never reached the matching engine."""
    return VenueError(INVALID_MESSAGE, f"Filter failure: {name}")


def order_rejected(msg: str) -> VenueError:
    return VenueError(NEW_ORDER_REJECTED, msg)


def insufficient_balance() -> VenueError:
    return order_rejected("Account has insufficient balance for requested action.")


def duplicate_order() -> VenueError:
    return order_rejected("Duplicate order sent.")


def would_take() -> VenueError:
    return order_rejected("Order would immediately match and take.")


def would_trigger() -> VenueError:
    return order_rejected("Order would trigger immediately.")


def unknown_order() -> VenueError:
    return VenueError(CANCEL_REJECTED, "Unknown order sent.")


def no_such_order() -> VenueError:
    return VenueError(NO_SUCH_ORDER, "Order does not exist.")


def amend_rejected(msg: str) -> VenueError:
    return VenueError(AMEND_REJECTED, msg)


def bad_symbol() -> VenueError:
    return VenueError(BAD_SYMBOL, "Invalid symbol.")


def mandatory(name: str) -> VenueError:
    return VenueError(
        MANDATORY_PARAM,
        f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )


def one_of_mandatory(first: str, second: str) -> VenueError:
    return VenueError(
        MANDATORY_PARAM,
        f"Param '{first}' or '{second}' must be sent, but both were empty/null!",
    )


def illegal_characters(name: str, form: str) -> VenueError:
    return VenueError(
        ILLEGAL_CHARS,
        f"Illegal characters found in parameter '{name}'; legal range is '{form}'.",
    )


def too_precise(name: str) -> VenueError:
    return VenueError(BAD_PRECISION, f"Parameter '{name}' has too much precision.")
