"""The tables of outcomes, row by row, and the rules around them."""

import asyncio
import json

import aiohttp
import ccxt
import pytest

from gateway.domain.errors import Code
from gateway.domain.venue import Done, NotSent, OutcomeUnknown, QueryFailed, Refused
from gateway.venues.outcomes import (
    CLASS_RULES,
    FAMILY_RULES,
    Failure,
    Rule,
    Verdict,
    classify,
    query_failed,
    venue_code,
)


def failed(error: BaseException, body: str = "", status: int | None = 400) -> Failure:
    return Failure(error=error, written=True, status=status, body=body)


def answer_of(rule: Rule) -> str:
    """A body that this row is for."""
    if not rule.code:
        return json.dumps({"error": [rule.text]})
    return json.dumps({"code": rule.code, "msg": rule.text})


ROWS = [(family, rule) for family, rules in FAMILY_RULES.items() for rule in rules]
TYPES = {
    Verdict.REFUSED: Refused,
    Verdict.ALREADY_THERE: OutcomeUnknown,
    Verdict.UNDER_WAY: Done,
    Verdict.UNKNOWN: OutcomeUnknown,
}


@pytest.mark.parametrize(("family", "rule"), ROWS, ids=lambda value: str(value)[:60])
def test_each_row_of_a_family_gives_its_outcome_whatever_class_ccxt_chose(
    family: str, rule: Rule
) -> None:
    for error in (ccxt.ExchangeError, ccxt.InvalidOrder, ccxt.DDoSProtection):
        outcome = classify(family, failed(error("venue"), answer_of(rule)))
        assert isinstance(outcome, TYPES[rule.verdict])
        if isinstance(outcome, Refused):
            assert outcome.code is rule.reason


@pytest.mark.parametrize("row", CLASS_RULES, ids=lambda row: row.error.__name__)
def test_each_class_gives_its_outcome_with_a_code_of_the_venue(row: object) -> None:
    error = row.error("venue")  # type: ignore[attr-defined]
    outcome = classify("", failed(error, '{"code":"77777"}'))
    assert isinstance(outcome, TYPES[row.verdict])  # type: ignore[attr-defined]
    bare = classify("", failed(error, "<html>"))
    expected = OutcomeUnknown if row.needs_code else type(outcome)  # type: ignore[attr-defined]
    assert isinstance(bare, expected)


def caused(error: ccxt.BaseError, cause: Exception) -> ccxt.BaseError:
    error.__cause__ = cause
    return error


UNKNOWN = {
    "time-out": failed(ccxt.RequestTimeout("binance POST"), status=None),
    "connection lost after the write": failed(
        caused(ccxt.ExchangeNotAvailable("x"), aiohttp.ServerDisconnectedError()), status=None
    ),
    "bare exchange error": failed(ccxt.ExchangeError("something")),
    "exchange error with a code nobody knows": failed(ccxt.ExchangeError("x"), '{"code":-9999}'),
    "html with 400": failed(ccxt.ExchangeNotAvailable("x"), "<html>"),
    "html with 403": failed(ccxt.ExchangeNotAvailable("x"), "<html>", 403),
    "503 with a code that is final elsewhere": failed(
        ccxt.InvalidOrder("x"), '{"code":-1013}', 503
    ),
    "401 of a proxy": failed(ccxt.AuthenticationError("x"), "<html>", 401),
    "key error while parsing": failed(KeyError("orderId"), "{}", 200),
    "arguments required while parsing": failed(ccxt.ArgumentsRequired("a type"), "{}", 200),
    "bad symbol while parsing": failed(ccxt.BadSymbol("no market"), '{"orderId":1}', 200),
    "bad response": failed(ccxt.BadResponse("x"), "", 200),
    "null response": failed(ccxt.NullResponse("x"), "", 200),
    "own time-out": failed(TimeoutError(), status=None),
    "canceled": failed(asyncio.CancelledError(), status=None),
    "socket closed": failed(ccxt.NetworkError("closing code 1006"), status=None),
    "operation failed": failed(ccxt.OperationFailed("x")),
}


@pytest.mark.parametrize("failure", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_proves_nothing_is_unknown(failure: Failure) -> None:
    for family in ("binance", "okx", ""):
        assert isinstance(classify(family, failure), OutcomeUnknown)


NOT_SENT = {
    ccxt.ArgumentsRequired: Code.VENUE_REFUSED,
    ccxt.NotSupported: Code.VENUE_REFUSED,
    ccxt.BadSymbol: Code.UNKNOWN_SYMBOL,
    ccxt.InvalidOrder: Code.VENUE_FILTER,
    ccxt.AuthenticationError: Code.VENUE_AUTH,
    ccxt.ExchangeNotAvailable: Code.VENUE_UNREACHABLE,
    ccxt.RequestTimeout: Code.VENUE_UNREACHABLE,
    ConnectionError: Code.VENUE_UNREACHABLE,
    TimeoutError: Code.TIMED_OUT,
    KeyError: Code.INTERNAL,
}


@pytest.mark.parametrize(("error", "code"), NOT_SENT.items())
def test_without_a_byte_written_it_was_not_sent(error: type[Exception], code: Code) -> None:
    outcome = classify("binance", Failure(error=error("x"), written=False))
    assert isinstance(outcome, NotSent)
    assert outcome.code is code


def test_a_bare_429_is_a_refusal_only_where_the_venue_limits_before_executing() -> None:
    failure = failed(ccxt.DDoSProtection("429 Too Many Requests"), "", 429)
    refused = classify("binance", failure)
    assert isinstance(refused, Refused)
    assert refused.code is Code.VENUE_RATE_LIMIT
    assert isinstance(classify("okx", failure), OutcomeUnknown)


def test_a_websocket_refusal_needs_no_code_where_the_class_has_only_one_meaning() -> None:
    error = ccxt.InsufficientFunds("binance Account has insufficient balance")
    outcome = classify("binance", failed(error, status=None))
    assert isinstance(outcome, Refused)
    assert outcome.code is Code.VENUE_FUNDS


CODES = {
    '{"code":-2010,"msg":"x"}': "-2010",
    '{"code":"1","data":[{"sCode":"51008","sMsg":"x"}]}': "51008",
    '{"retCode":110007,"retMsg":"x"}': "110007",
    '{"label":"BALANCE_NOT_ENOUGH","message":"x"}': "BALANCE_NOT_ENOUGH",
    '{"error":["EOrder:Insufficient funds"]}': "EOrder:Insufficient funds",
    '{"code":"0","data":[]}': "",
    '{"retCode":0}': "",
    "<html>code</html>": "",
    "": "",
}


@pytest.mark.parametrize(("body", "code"), CODES.items())
def test_a_venues_code_is_read_from_its_answer(body: str, code: str) -> None:
    assert venue_code(body) == code


QUERIES = {
    ccxt.RequestTimeout: Code.TIMED_OUT,
    ccxt.DDoSProtection: Code.VENUE_RATE_LIMIT,
    ccxt.ExchangeNotAvailable: Code.VENUE_UNREACHABLE,
    ccxt.AuthenticationError: Code.VENUE_AUTH,
    ccxt.InvalidNonce: Code.VENUE_CLOCK,
    ccxt.ExchangeError: Code.VENUE_QUERY_FAILED,
    KeyError: Code.VENUE_QUERY_FAILED,
}


@pytest.mark.parametrize(("error", "code"), QUERIES.items())
def test_a_failed_question_says_why(error: type[Exception], code: Code) -> None:
    outcome = query_failed("okx", failed(error("x"), status=None))
    assert isinstance(outcome, QueryFailed)
    assert outcome.code is code


def test_a_failed_question_with_a_bad_key_is_not_taken_for_a_rate_limit() -> None:
    failure = failed(ccxt.DDoSProtection('binance {"code":-2015,"msg":"Invalid API-key"}'))
    assert query_failed("binance", failure).code is Code.VENUE_AUTH
