"""What is wrong with a command is said with one code and one sentence, and nothing is sent."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.domain.checks import (
    SECOND,
    CheckRules,
    check_amend,
    check_cancel,
    check_place,
    repeats,
)
from gateway.domain.enums import OrderType, Side, TimeInForce
from gateway.domain.errors import BadInput, Code
from gateway.domain.identity import EXTERNAL_TAG, Symbol, external_order_id, make_order_id
from gateway.domain.messages import Amend, Cancel, Place
from gateway.domain.order import NewOrder
from gateway.domain.venue import Market

TAG = 7
NOW = 1_700_000_000 * SECOND
RULES = CheckRules()
SYMBOL = Symbol("BTC/USDT")
MARKETS = {
    SYMBOL: Market(
        symbol=SYMBOL,
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.01"),
        quantity_step=Decimal("0.0001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1000),
        min_price=Decimal(1),
        max_price=Decimal(1_000_000),
        min_cost=Decimal(5),
        max_cost=Decimal(9_000_000),
    )
}


def place(**fields: Any) -> Place:
    asked: dict[str, Any] = {
        "order_id": make_order_id(TAG, NOW, 1),
        "command_id": "c1",
        "client_id": "desk",
        "account": "acc1",
        "symbol": SYMBOL,
        "side": "buy",
        "order_type": "limit",
        "quantity": "0.5",
        "price": "30000.50",
        "expires_at": NOW + 2 * SECOND,
    }
    return Place(**{**asked, **fields})


def checked(asked: Place) -> NewOrder:
    return check_place(asked, now=NOW, tag=TAG, markets=MARKETS, rules=RULES)


def outcome(check: Callable[[], object]) -> Code | None:
    """The code of the refusal, or None; anything else that is raised is a bug."""
    try:
        check()
    except BadInput as error:
        return error.code
    return None


def id_of(seconds: float, tag: int = TAG) -> str:
    return make_order_id(tag, NOW + int(seconds * SECOND), 1)


def test_a_good_place_becomes_a_typed_order() -> None:
    order = checked(place())

    assert (order.side, order.order_type) == (Side.BUY, OrderType.LIMIT)
    assert (order.quantity, order.price) == (Decimal("0.5"), Decimal("30000.50"))
    assert order.time_in_force is TimeInForce.GTC
    assert order.client_id == "desk"
    assert order.expires_at == NOW + 2 * SECOND


REFUSALS: list[tuple[dict[str, Any], Code]] = [
    ({"client_id": ""}, Code.MALFORMED),
    ({"client_id": "a/b"}, Code.MALFORMED),
    ({"command_id": "x" * 65}, Code.MALFORMED),
    ({"account": "\x00"}, Code.MALFORMED),
    ({"order_id": "1"}, Code.BAD_ORDER_ID),
    ({"order_id": id_of(0).upper()}, Code.BAD_ORDER_ID),
    ({"order_id": id_of(0, tag=8)}, Code.FOREIGN_ORDER_ID),
    ({"order_id": id_of(0, tag=EXTERNAL_TAG)}, Code.FOREIGN_ORDER_ID),
    ({"order_id": id_of(-24 * 3600 - 1)}, Code.ORDER_ID_TOO_OLD),
    ({"order_id": id_of(1.5)}, Code.ORDER_ID_IN_FUTURE),
    ({"symbol": "DOGE/MOON"}, Code.UNKNOWN_SYMBOL),
    ({"side": "BUY"}, Code.MALFORMED),
    ({"side": "hold"}, Code.MALFORMED),
    ({"order_type": "iceberg"}, Code.MALFORMED),
    ({"time_in_force": "gtd"}, Code.MALFORMED),
    ({"price": None}, Code.BAD_COMBINATION),
    ({"stop_price": "30000"}, Code.BAD_COMBINATION),
    ({"order_type": "market"}, Code.BAD_COMBINATION),
    ({"order_type": "market", "price": None, "time_in_force": "ioc"}, Code.BAD_COMBINATION),
    ({"order_type": "market", "price": None, "post_only": True}, Code.BAD_COMBINATION),
    ({"order_type": "stop_limit"}, Code.BAD_COMBINATION),
    ({"order_type": "stop_limit", "stop_price": "3", "price": None}, Code.BAD_COMBINATION),
    (
        {"order_type": "stop_limit", "stop_price": "30000", "post_only": True},
        Code.BAD_COMBINATION,
    ),
    ({"post_only": True, "time_in_force": "ioc"}, Code.BAD_COMBINATION),
    ({"post_only": True, "time_in_force": "fok"}, Code.BAD_COMBINATION),
    ({"order_type": "stop_limit", "stop_price": "0"}, Code.BAD_STOP_PRICE),
    ({"order_type": "stop_limit", "stop_price": "nan"}, Code.BAD_STOP_PRICE),
    ({"order_type": "stop_limit", "stop_price": "30000.001"}, Code.PRICE_PRECISION),
    ({"order_type": "stop_limit", "stop_price": "0.99"}, Code.PRICE_LIMIT),
    ({"quantity": "0.50001"}, Code.QUANTITY_PRECISION),
    ({"price": "30000.505"}, Code.PRICE_PRECISION),
    ({"quantity": "0.0009"}, Code.QUANTITY_LIMIT),
    ({"quantity": "1000.0001"}, Code.QUANTITY_LIMIT),
    ({"price": "0.99"}, Code.PRICE_LIMIT),
    ({"price": "1000000.01"}, Code.PRICE_LIMIT),
    ({"quantity": "0.001", "price": "4999.99"}, Code.VALUE_LIMIT),
    ({"quantity": "1000", "price": "9000.01"}, Code.VALUE_LIMIT),
    ({"expires_at": NOW - 1}, Code.EXPIRED),
    ({"expires_at": 0}, Code.EXPIRED),
    ({"expires_at": -(2**63)}, Code.EXPIRED),
    ({"expires_at": NOW + 61 * SECOND + 1}, Code.EXPIRES_TOO_LATE),
    ({"expires_at": 2**64 - 1}, Code.EXPIRES_TOO_LATE),
]


@pytest.mark.parametrize(("fields", "code"), REFUSALS)
def test_a_wrong_field_has_its_code(fields: dict[str, Any], code: Code) -> None:
    with pytest.raises(BadInput) as caught:
        checked(place(**fields))

    assert caught.value.code is code
    assert str(caught.value)


WRONG_FIGURES = [
    "",
    "0",
    "0.0",
    "-1",
    "NaN",
    "Infinity",
    "1e3",
    "1E-3",
    "abc",
    "9" * 60,
    " 1",
    "1,0",
]


@pytest.mark.parametrize("text", WRONG_FIGURES)
@pytest.mark.parametrize(
    ("field", "code"), [("quantity", Code.BAD_QUANTITY), ("price", Code.BAD_PRICE)]
)
def test_what_is_no_figure_above_zero_is_refused(text: str, field: str, code: Code) -> None:
    with pytest.raises(BadInput) as caught:
        checked(place(**{field: text}))

    assert caught.value.code is code


@pytest.mark.parametrize(
    "fields",
    [
        {"time_in_force": "ioc"},
        {"time_in_force": "fok"},
        {"post_only": True},
        {"side": "sell"},
        {"order_type": "market", "price": None},
        {"order_type": "stop_limit", "stop_price": "29999.99"},
        {"order_type": "stop_limit", "stop_price": "29999.99", "time_in_force": "ioc"},
        {"order_id": id_of(-24 * 3600)},
        {"order_id": id_of(0.9)},
        {"expires_at": NOW},
        {"expires_at": NOW + 60 * SECOND},
        {"quantity": "1000", "price": "9000"},
        {"quantity": "0.001", "price": "5000"},
        {"quantity": "0.50000000"},
    ],
)
def test_what_goes_together_is_taken(fields: dict[str, Any]) -> None:
    assert checked(place(**fields)).order_id


def test_a_market_without_limits_takes_the_smallest_and_the_largest() -> None:
    free = Market(
        symbol=SYMBOL, base="B", quote="Q", price_step=Decimal(0), quantity_step=Decimal(0)
    )
    least, most = "0." + "0" * 17 + "1", "9" * 18 + "." + "9" * 18

    for figure in (least, most):
        asked = place(quantity=figure, price=figure)
        order = check_place(asked, now=NOW, tag=TAG, markets={SYMBOL: free}, rules=RULES)
        assert order.quantity == Decimal(figure)


def test_foreign_text_in_a_sentence_is_short_and_ascii() -> None:
    with pytest.raises(BadInput) as caught:
        checked(place(symbol="\u202e\n\x1b[31m" + "x" * 10_000))

    sentence = str(caught.value)
    assert len(sentence) < 200
    assert sentence.isascii()
    assert sentence.isprintable()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(max_size=40)
            for name in (
                *("order_id", "command_id", "client_id", "account", "symbol", "side"),
                *("order_type", "quantity", "price", "stop_price", "time_in_force"),
            )
        },
    ),
    st.integers(-(2**63), 2**64 - 1),
)
def test_any_place_is_taken_or_refused_with_a_code(fields: dict[str, str], expires: int) -> None:
    asked = place(**fields, expires_at=expires)

    assert outcome(lambda: checked(asked)) is not Code.INTERNAL


def test_the_same_place_again_is_the_same_order() -> None:
    order = checked(place())

    assert repeats(place(), order)
    assert repeats(place(quantity="0.500", price="30000.5"), order)
    assert repeats(place(expires_at=NOW + 9 * SECOND, command_id="c2"), order)


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": "0.6"},
        {"price": "30000.51"},
        {"side": "sell"},
        {"client_id": "other"},
        {"account": "acc2"},
        {"symbol": "ETH/USDT"},
        {"time_in_force": "ioc"},
        {"post_only": True},
        {"quantity": "nonsense"},
        {"side": "nonsense"},
    ],
)
def test_the_same_id_with_other_content_is_another_order(fields: dict[str, Any]) -> None:
    """Case 7."""
    assert not repeats(place(**fields), checked(place()))


def amend(**fields: Any) -> Amend:
    asked: dict[str, Any] = {
        "order_id": make_order_id(TAG, NOW, 1),
        "command_id": "c1",
        "client_id": "desk",
        "account": "acc1",
        "symbol": SYMBOL,
        "expires_at": NOW + 2 * SECOND,
        "quantity": "0.4",
    }
    return Amend(**{**asked, **fields})


def test_an_amend_says_what_changes_and_leaves_the_rest() -> None:
    figures = check_amend(amend(), now=NOW, markets=MARKETS, rules=RULES)

    assert (figures.quantity, figures.price) == (Decimal("0.4"), None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"command_id": ""}, Code.MALFORMED),
        ({"order_id": "x"}, Code.BAD_ORDER_ID),
        ({"symbol": "X/Y"}, Code.UNKNOWN_SYMBOL),
        ({"quantity": None}, Code.BAD_COMBINATION),
        ({"quantity": "0"}, Code.BAD_QUANTITY),
        ({"price": "-1"}, Code.BAD_PRICE),
        ({"quantity": "0.00001"}, Code.QUANTITY_PRECISION),
        ({"price": "1.001"}, Code.PRICE_PRECISION),
        ({"quantity": "2000"}, Code.QUANTITY_LIMIT),
        ({"price": "0.5"}, Code.PRICE_LIMIT),
        ({"price": "2"}, Code.VALUE_LIMIT),
        ({"expires_at": NOW - 1}, Code.EXPIRED),
        ({"expires_at": NOW + 3600 * SECOND}, Code.EXPIRES_TOO_LATE),
    ],
)
def test_a_wrong_amend_has_its_code(fields: dict[str, Any], code: Code) -> None:
    with pytest.raises(BadInput) as caught:
        check_amend(amend(**fields), now=NOW, markets=MARKETS, rules=RULES)

    assert caught.value.code is code


CANCEL = Cancel(
    order_id=id_of(-90 * 24 * 3600, tag=9),
    command_id="c1",
    client_id="desk",
    account="acc1",
    symbol=SYMBOL,
)


def test_a_cancel_may_name_any_id_however_old() -> None:
    assert check_cancel(CANCEL, markets=MARKETS).order_id == CANCEL.order_id


def test_an_external_order_is_canceled_by_the_venues_id() -> None:
    foreign = replace(CANCEL, order_id=external_order_id("acc1", SYMBOL, "88"))

    assert check_cancel(replace(foreign, venue_order_id="88"), markets=MARKETS).venue_order_id
    with pytest.raises(BadInput) as caught:
        check_cancel(foreign, markets=MARKETS)
    assert caught.value.code is Code.BAD_COMBINATION


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"client_id": "/"}, Code.MALFORMED),
        ({"order_id": ""}, Code.BAD_ORDER_ID),
        ({"symbol": "?"}, Code.UNKNOWN_SYMBOL),
        ({"venue_order_id": ""}, Code.BAD_ORDER_ID),
        ({"venue_order_id": "a b"}, Code.BAD_ORDER_ID),
        ({"venue_order_id": "9" * 129}, Code.BAD_ORDER_ID),
    ],
)
def test_a_wrong_cancel_has_its_code(fields: dict[str, Any], code: Code) -> None:
    with pytest.raises(BadInput) as caught:
        check_cancel(replace(CANCEL, **fields), markets=MARKETS)

    assert caught.value.code is code
