"""Decimal figures are read strictly and added exactly."""

from decimal import Context, Decimal
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.money import ZERO, is_multiple, parse_positive, plain, plus, times

figures = st.decimals(min_value=0, max_value=10**17, places=18, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("0.10", "0.1"),
        ("00012.5", "12.5"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
    ],
)
def test_a_plain_figure_is_read(text: str, value: str) -> None:
    assert parse_positive(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0.0", "-1", "+1", "1e5", "1E-5", "NaN", "sNaN", "Infinity", ".5", "5.", "1,5"),
        *(" 1", "1 ", "1\n", "1_000", "0x10", "\u0661", "1" * 19, "0." + "1" * 19, "9" * 5_000),
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert parse_positive(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_figure_above_zero_or_none(text: str) -> None:
    value = parse_positive(text)

    assert value is None or value > ZERO


@given(st.lists(st.tuples(figures, figures), max_size=8), st.randoms())
def test_a_sum_of_products_does_not_depend_on_its_order(
    pairs: list[tuple[Decimal, Decimal]], shuffler: Random
) -> None:
    costs = [times(quantity, price) for quantity, price in pairs]
    mixed = list(costs)
    shuffler.shuffle(mixed)

    assert (
        list(accumulate(costs, plus, initial=ZERO))[-1]
        == (list(accumulate(mixed, plus, initial=ZERO))[-1])
    )


@pytest.mark.parametrize(
    ("value", "step", "multiple"),
    [
        ("0.3", "0.1", True),
        ("0.35", "0.1", False),
        ("7", "0", True),
        ("999999999999999999.999999999999999999", "0.000000000000000001", True),
        ("999999999999999999.999999999999999999", "0.00000000000000001", False),
        ("1000000", "1E+3", True),
        ("12.5", "2.5", True),
    ],
)
def test_multiples_of_a_step(value: str, step: str, multiple: bool) -> None:
    assert is_multiple(Decimal(value), Decimal(step)) is multiple


@given(figures)
def test_the_plain_form_is_the_same_figure_without_exponent(value: Decimal) -> None:
    text = plain(value)

    assert Decimal(text) == value
    assert "E" not in text
    assert plain(value.normalize(Context(prec=60))) == text


@pytest.mark.parametrize(("value", "text"), [("1E+3", "1000"), ("-0", "0"), ("0.00", "0")])
def test_plain_forms(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
