"""What became of a venue call that did not simply succeed: the tables and how they are read.

A call is refused only on the venue's own word, which means a code or sentence of its own, or an
exception that ccxt raises for nothing else. It was not sent only if not a byte was written. All
else is unknown: a time-out, a page of html, a bare `ExchangeError`, an error of ours while reading
the answer. A wrong "refused" loses a live order, a wrong "unknown" costs one look-up.
"""

import asyncio
import re
from collections.abc import Mapping
from enum import StrEnum

import ccxt
from msgspec import Struct

from gateway.domain.errors import Code
from gateway.domain.venue import (
    Done,
    NotSent,
    OutcomeUnknown,
    QueryFailed,
    Refused,
)
from gateway.venues.scrub import scrub


class Verdict(StrEnum):
    REFUSED = "refused"
    ALREADY_THERE = "already_there"  # our id is taken: an earlier send of it arrived
    UNDER_WAY = "under_way"  # a cancel that the venue has taken and not finished
    UNKNOWN = "unknown"


class Rule(Struct, frozen=True):
    """One row. `code` "" is any code; `text` must be in the venue's answer, in lower case."""

    verdict: Verdict
    reason: Code
    code: str = ""
    text: str = ""


class ClassRule(Struct, frozen=True):
    """For one class of ccxt and those under it.

    `needs_code`: ccxt also raises it for a bare HTTP status, or while it reads an answer.
    """

    error: type[BaseException]
    verdict: Verdict
    reason: Code
    needs_code: bool = True


class Failure(Struct, frozen=True, kw_only=True):
    """All that is known about a failed call.

    `written`: at least one byte of it went out. `status` and `body` are of the last HTTP answer;
    None over a websocket, or where no answer came.
    """

    error: BaseException
    written: bool
    status: int | None = None
    body: str = ""


R, A, W, U = Verdict.REFUSED, Verdict.ALREADY_THERE, Verdict.UNDER_WAY, Verdict.UNKNOWN

FAMILY_RULES: Mapping[str, tuple[Rule, ...]] = {
    "binance": (
        Rule(A, Code.ORDER_ID_REUSED, "-2010", "duplicate order sent"),
        Rule(A, Code.ORDER_ID_REUSED, "-4116"),  # derivatives: client id duplicated
        Rule(A, Code.ORDER_ID_REUSED, "", "duplicate order sent"),
        Rule(R, Code.VENUE_FUNDS, "-2010", "insufficient balance"),
        Rule(R, Code.VENUE_WOULD_MATCH, "-2010", "immediately match"),
        Rule(R, Code.VENUE_REFUSED, "-2010"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "-2011"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "-2013"),
        Rule(R, Code.VENUE_REFUSED, "-2038"),  # amend refused
        Rule(R, Code.VENUE_FILTER, "-1013"),
        Rule(R, Code.VENUE_FILTER, "-1111"),
        Rule(R, Code.VENUE_AUTH, "-2015"),  # ccxt: DDoSProtection once a call has succeeded
        Rule(R, Code.VENUE_AUTH, "-2014"),
        Rule(R, Code.VENUE_AUTH, "-1022"),
        Rule(R, Code.VENUE_AUTH, "-1002"),
        Rule(R, Code.VENUE_CLOCK, "-1021"),
        Rule(R, Code.VENUE_RATE_LIMIT, "-1003"),
        Rule(R, Code.VENUE_RATE_LIMIT, "-1015"),
        Rule(R, Code.VENUE_FUNDS, "-2018"),
        Rule(R, Code.VENUE_FUNDS, "-2019"),
        Rule(R, Code.VENUE_WOULD_MATCH, "-5022"),
        Rule(U, Code.VENUE_UNREACHABLE, "-1000"),
        Rule(U, Code.VENUE_UNREACHABLE, "-1001"),
        Rule(U, Code.VENUE_UNREACHABLE, "-1006"),
        Rule(U, Code.VENUE_UNREACHABLE, "-1007"),
        Rule(U, Code.VENUE_UNREACHABLE, "-1008"),  # overloaded: no word on what it did
    ),
    "okx": (
        Rule(A, Code.ORDER_ID_REUSED, "51016"),
        Rule(W, Code.VENUE_REFUSED, "51410"),
        Rule(R, Code.VENUE_FUNDS, "51008"),
        Rule(R, Code.VENUE_RATE_LIMIT, "50011"),
        Rule(R, Code.VENUE_CLOCK, "50102"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "51603"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "51400"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "51401"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "51402"),
        Rule(U, Code.VENUE_UNREACHABLE, "50004"),  # "does not mean success or failure"
        Rule(U, Code.VENUE_UNREACHABLE, "51149"),
    ),
    "bybit": (
        Rule(A, Code.ORDER_ID_REUSED, "110072"),
        Rule(A, Code.ORDER_ID_REUSED, "170141"),
        Rule(A, Code.ORDER_ID_REUSED, "12141"),
        Rule(A, Code.ORDER_ID_REUSED, "10014"),  # "request is duplicate"
        Rule(A, Code.ORDER_ID_REUSED, "110030"),
        Rule(A, Code.ORDER_ID_REUSED, "30001"),
        Rule(U, Code.VENUE_UNREACHABLE, "170035"),  # "submitted to the system for processing"
        Rule(U, Code.VENUE_UNREACHABLE, "170146"),  # a place timed out there
        Rule(U, Code.VENUE_UNREACHABLE, "170147"),  # a cancel did
        Rule(U, Code.VENUE_UNREACHABLE, "170191"),  # "can not cancel, try again later"
        Rule(R, Code.VENUE_FUNDS, "110007"),
        Rule(R, Code.VENUE_FUNDS, "170131"),
        Rule(R, Code.VENUE_CLOCK, "10002"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "110001"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "170213"),
    ),
    "kraken": (
        Rule(R, Code.VENUE_FUNDS, "", "eorder:insufficient funds"),
        Rule(R, Code.VENUE_CLOCK, "", "eapi:invalid nonce"),
        Rule(R, Code.VENUE_RATE_LIMIT, "", "eapi:rate limit"),
        Rule(R, Code.VENUE_RATE_LIMIT, "", "eorder:rate limit"),
        Rule(R, Code.VENUE_WOULD_MATCH, "", "eorder:post only"),
        Rule(R, Code.VENUE_ORDER_NOT_FOUND, "", "eorder:unknown order"),
        Rule(A, Code.ORDER_ID_REUSED, "", "cl_ord_id already"),
    ),
    "kucoin": (
        Rule(A, Code.ORDER_ID_REUSED, "126044"),
        Rule(A, Code.ORDER_ID_REUSED, "126033"),
        Rule(U, Code.VENUE_UNREACHABLE, "408000"),  # "network timeout"
    ),
    "krakenfutures": (Rule(A, Code.ORDER_ID_REUSED, "", "clientorderidalreadyexist"),),
}
"""First match wins; then `CLASS_RULES`."""

LIMITED_BEFORE_EXECUTING = frozenset({"binance"})
"""Families whose bare 418 and 429 say that nothing was executed."""

CLASS_RULES: tuple[ClassRule, ...] = (
    ClassRule(ccxt.DuplicateOrderId, A, Code.ORDER_ID_REUSED, needs_code=False),
    ClassRule(ccxt.OrderNotFound, R, Code.VENUE_ORDER_NOT_FOUND, needs_code=False),
    ClassRule(ccxt.CancelPending, W, Code.VENUE_REFUSED, needs_code=False),
    ClassRule(ccxt.InsufficientFunds, R, Code.VENUE_FUNDS, needs_code=False),
    ClassRule(ccxt.OrderImmediatelyFillable, R, Code.VENUE_WOULD_MATCH, needs_code=False),
    ClassRule(ccxt.OrderNotFillable, R, Code.VENUE_REFUSED, needs_code=False),
    ClassRule(ccxt.InvalidOrder, R, Code.VENUE_REFUSED),
    ClassRule(ccxt.BadSymbol, R, Code.UNKNOWN_SYMBOL),
    ClassRule(ccxt.BadRequest, R, Code.VENUE_REFUSED),
    ClassRule(ccxt.OperationRejected, R, Code.VENUE_REFUSED),
    ClassRule(ccxt.AuthenticationError, R, Code.VENUE_AUTH),
    ClassRule(ccxt.RateLimitExceeded, R, Code.VENUE_RATE_LIMIT),
    ClassRule(ccxt.InvalidNonce, R, Code.VENUE_CLOCK),
)

_NOT_SENT: tuple[tuple[type[BaseException], Code], ...] = (
    (ccxt.InsufficientFunds, Code.VENUE_FUNDS),
    (ccxt.BadSymbol, Code.UNKNOWN_SYMBOL),
    (ccxt.InvalidOrder, Code.VENUE_FILTER),
    (ccxt.AuthenticationError, Code.VENUE_AUTH),
    (ccxt.NetworkError, Code.VENUE_UNREACHABLE),
    (ConnectionError, Code.VENUE_UNREACHABLE),
    (TimeoutError, Code.TIMED_OUT),
    (asyncio.CancelledError, Code.NOT_READY),
    (ccxt.BaseError, Code.VENUE_REFUSED),
)
"""Raised before a byte was written: our own checks, ccxt's, or no connection."""

_QUERY: tuple[tuple[type[BaseException], Code], ...] = (
    (ccxt.DDoSProtection, Code.VENUE_RATE_LIMIT),
    (ccxt.RateLimitExceeded, Code.VENUE_RATE_LIMIT),
    (ccxt.InvalidNonce, Code.VENUE_CLOCK),
    (ccxt.RequestTimeout, Code.TIMED_OUT),
    (ccxt.NetworkError, Code.VENUE_UNREACHABLE),
    (ccxt.AuthenticationError, Code.VENUE_AUTH),
    (ccxt.BadSymbol, Code.UNKNOWN_SYMBOL),
    (TimeoutError, Code.TIMED_OUT),
    (asyncio.CancelledError, Code.NOT_READY),
)

_JSON_CODE = re.compile(r'"(sCode|code|retCode|label|error_code)"\s*:\s*"?(-?[A-Za-z0-9_]+)')
_KRAKEN_CODE = re.compile(r"\b(E(?:General|API|Order|Trade|Service|Auth|Query):[A-Za-z ]+)")
_ENVELOPE = frozenset({"0", "00000", "200000", "200", "1", "2"})
"""Success, or "see the items"."""


def venue_code(text: str) -> str:
    """The venue's own error code in its answer, or "". A code of one item beats the envelope's."""
    found: dict[str, str] = dict(reversed(_JSON_CODE.findall(text)))
    for name in ("sCode", "code", "retCode", "label", "error_code"):
        if found.get(name, "0") not in _ENVELOPE:
            return found[name]
    kraken = _KRAKEN_CODE.search(text)
    return kraken.group(1) if kraken else ""


def classify(family: str, failure: Failure) -> Refused | NotSent | OutcomeUnknown | Done:
    """The outcome of a failed command. `Done` only for a cancel that is already under way."""
    error, said = failure.error, _said(failure)
    if not failure.written:
        return NotSent(code=_first(_NOT_SENT, error, Code.INTERNAL), text=said)
    code = venue_code(failure.body) or venue_code(str(error))
    rule = _judge(family, failure, code)
    match rule.verdict:
        case Verdict.REFUSED:
            return Refused(code=rule.reason, text=said, venue_code=code)
        case Verdict.UNDER_WAY:
            return Done()
        case _:
            return OutcomeUnknown(text=said, venue_code=code)


def query_failed(family: str, failure: Failure) -> QueryFailed:
    """Why a question was not answered: for people and for backing off, never evidence."""
    code = venue_code(failure.body) or venue_code(str(failure.error))
    rule = _family_rule(family, failure, code)
    if rule is not None and rule.verdict is Verdict.REFUSED:
        return QueryFailed(code=rule.reason, text=_said(failure))
    reason = _first(_QUERY, failure.error, Code.VENUE_QUERY_FAILED)
    return QueryFailed(code=reason, text=_said(failure))


_UNKNOWN = Rule(U, Code.VENUE_UNREACHABLE)


def _judge(family: str, failure: Failure, code: str) -> Rule:
    status = failure.status
    if not isinstance(failure.error, ccxt.BaseError) or (status is not None and status >= 500):
        return _UNKNOWN
    by_family = _family_rule(family, failure, code)
    if by_family is not None:
        return by_family
    if not code and status in (418, 429):
        limited = family in LIMITED_BEFORE_EXECUTING
        return Rule(R, Code.VENUE_RATE_LIMIT) if limited else _UNKNOWN
    return _class_rule(failure, code) or _UNKNOWN


def _family_rule(family: str, failure: Failure, code: str) -> Rule | None:
    text = f"{failure.body} {failure.error}".lower()
    for rule in FAMILY_RULES.get(family, ()):
        if (not rule.code or rule.code == code) and rule.text in text:
            return rule
    return None


def _class_rule(failure: Failure, code: str) -> Rule | None:
    """Over a websocket, and for a class that has only one meaning, no code is needed."""
    proven = bool(code) or failure.status is None
    for row in CLASS_RULES:
        if isinstance(failure.error, row.error):
            return Rule(row.verdict, row.reason) if proven or not row.needs_code else None
    return None


def _first(
    rows: tuple[tuple[type[BaseException], Code], ...], error: BaseException, otherwise: Code
) -> Code:
    return next((code for kind, code in rows if isinstance(error, kind)), otherwise)


def _said(failure: Failure) -> str:
    error = failure.error
    cause = error.__cause__
    because = f" ({type(cause).__name__})" if cause is not None else ""
    return scrub(f"{type(error).__name__}: {error}{because}")
