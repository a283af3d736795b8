"""What venues answer to a command, read by ccxt itself, and what it has to be called here.

`test_outcomes.py` goes through our tables; this one asks none of them, so a row that is lost shows.
"""

import json
from functools import cache
from typing import Any

import ccxt
import pytest

from gateway.domain.errors import Code
from gateway.domain.venue import Done, OutcomeUnknown, Refused
from gateway.venues.outcomes import Failure, classify
from gateway.venues.profiles import ROWS

BINANCE = "https://api.binance.com/api/v3/order"
ELSEWHERE = "https://venue/order"
"""ccxt maps some of Binance's codes only if the address is Binance's own."""


@cache
def venue_of(exchange: str) -> Any:
    return getattr(ccxt, exchange)()


def outcome_of(
    exchange: str, answer: dict[str, Any], status: int = 200, url: str = ELSEWHERE
) -> Any:
    body = json.dumps(answer)
    with pytest.raises(ccxt.BaseError) as caught:
        venue_of(exchange).handle_errors(status, "", url, "POST", {}, body, answer, {}, None)
    failure = Failure(error=caught.value, written=True, status=status, body=body)
    return classify(ROWS[exchange].family, failure)


def binance(code: int, msg: str) -> tuple[str, dict[str, Any]]:
    return "binance", {"code": code, "msg": msg}


def okx(code: str) -> tuple[str, dict[str, Any]]:
    item = {"clOrdId": "a", "ordId": "", "sCode": code, "sMsg": "said"}
    return "okx", {"code": "1", "data": [item], "msg": ""}


def bybit(code: int) -> tuple[str, dict[str, Any]]:
    return "bybit", {"retCode": code, "retMsg": "said", "result": {}}


def kraken(text: str) -> tuple[str, dict[str, Any]]:
    return "kraken", {"error": [text]}


REFUSED = (
    (binance(-2010, "Account has insufficient balance for requested action."), Code.VENUE_FUNDS),
    (binance(-2010, "Order would immediately match and take."), Code.VENUE_WOULD_MATCH),
    (binance(-1013, "Filter failure: LOT_SIZE"), Code.VENUE_FILTER),
    (binance(-2015, "Invalid API-key, IP, or permissions for action."), Code.VENUE_AUTH),
    (binance(-1021, "Timestamp for this request is outside of the window."), Code.VENUE_CLOCK),
    (binance(-1003, "Too many requests."), Code.VENUE_RATE_LIMIT),
    (binance(-1015, "Too many new orders."), Code.VENUE_RATE_LIMIT),
    (binance(-2011, "Unknown order sent."), Code.VENUE_ORDER_NOT_FOUND),
    (okx("51008"), Code.VENUE_FUNDS),
    (okx("50102"), Code.VENUE_CLOCK),
    (okx("50011"), Code.VENUE_RATE_LIMIT),
    (okx("51603"), Code.VENUE_ORDER_NOT_FOUND),
    (bybit(110007), Code.VENUE_FUNDS),
    (bybit(170131), Code.VENUE_FUNDS),
    (bybit(10002), Code.VENUE_CLOCK),
    (bybit(10006), Code.VENUE_RATE_LIMIT),
    (bybit(110001), Code.VENUE_ORDER_NOT_FOUND),
    (kraken("EOrder:Insufficient funds"), Code.VENUE_FUNDS),
    (kraken("EAPI:Invalid nonce"), Code.VENUE_CLOCK),
    (kraken("EAPI:Rate limit exceeded"), Code.VENUE_RATE_LIMIT),
    (kraken("EOrder:Unknown order"), Code.VENUE_ORDER_NOT_FOUND),
    (("bitget", {"code": "43012", "msg": "Insufficient balance"}), Code.VENUE_FUNDS),
    (("bitget", {"code": "43001", "msg": "no order"}), Code.VENUE_ORDER_NOT_FOUND),
    (("gate", {"label": "BALANCE_NOT_ENOUGH", "message": "said"}), Code.VENUE_FUNDS),
    (("gate", {"label": "ORDER_NOT_FOUND", "message": "said"}), Code.VENUE_ORDER_NOT_FOUND),
)
ALREADY_THERE = (
    binance(-2010, "Duplicate order sent."),
    okx("51016"),
    bybit(110072),
    bybit(170141),
    bybit(12141),
    bybit(10014),
    bybit(110030),
    bybit(30001),
    ("kucoin", {"code": "126044", "msg": "said"}),
    ("kucoin", {"code": "126033", "msg": "said"}),
    ("bitget", {"code": "40786", "msg": "Duplicate clientOid"}),
)
UNCLEAR = (
    binance(-1000, "An unknown error occurred while processing the request."),
    binance(-1006, "An unexpected response was received from the message bus."),
    binance(-1007, "Timeout waiting for response from backend server."),
    binance(-1008, "Server is currently overloaded with other requests."),
    okx("50004"),
    bybit(170035),
    bybit(170146),
    bybit(170147),
    bybit(170191),
    ("kucoin", {"code": "408000", "msg": "said"}),
    kraken("EService:Unavailable"),
    kraken("EGeneral:Internal error"),
)


@pytest.mark.parametrize("url", [BINANCE, ELSEWHERE])
@pytest.mark.parametrize(("answer", "code"), REFUSED, ids=str)
def test_what_a_venue_refuses_for_good_is_refused_with_its_reason(
    answer: tuple[str, dict[str, Any]], code: Code, url: str
) -> None:
    outcome = outcome_of(*answer, url=url)

    assert isinstance(outcome, Refused)
    assert outcome.code is code


@pytest.mark.parametrize("answer", [*ALREADY_THERE, *UNCLEAR], ids=str)
def test_an_id_that_is_taken_and_an_error_of_the_venue_prove_nothing_cases_4_and_6(
    answer: tuple[str, dict[str, Any]],
) -> None:
    for url in (BINANCE, ELSEWHERE):
        assert isinstance(outcome_of(*answer, url=url), OutcomeUnknown)


def test_a_cancel_that_the_venue_has_begun_is_no_failure() -> None:
    assert isinstance(outcome_of(*okx("51410")), Done)


@pytest.mark.parametrize("exchange", ["binance", "okx", "bybit", "kraken", "gate", "hyperliquid"])
@pytest.mark.parametrize(
    "status",
    [400, 401, 403, 404, 405, 407, 408, 409, 410, 422, 451, 500, 501, 502, 503, 504, 511, 520, 525],
)
def test_a_page_of_whoever_stands_before_the_venue_is_no_word_of_the_venue_case_14(
    exchange: str, status: int
) -> None:
    page = "<html>blocked</html>"
    with pytest.raises(ccxt.BaseError) as caught:
        venue_of(exchange).handle_http_status_code(status, "", ELSEWHERE, "POST", page)

    failure = Failure(error=caught.value, written=True, status=status, body=page)
    assert isinstance(classify(ROWS[exchange].family, failure), OutcomeUnknown)
