"""Whether trades explain balances: a difference is named once, if no moment explains it."""

from decimal import Decimal, localcontext

import pytest

from gateway.domain.enums import Side, TransactionKind
from gateway.domain.order import Transaction
from gateway.domain.venue import Balance
from gateway.listener import balances
from gateway.listener.balances import BalanceWatch, currencies_of, settlement_of

SECOND = 1_000_000_000
SWEEP = 30 * SECOND


def fill(
    at: int,
    quantity: str,
    price: str,
    side: Side = Side.BUY,
    fee: str | None = None,
    symbol: str = "BTC/USDT",
) -> Transaction:
    return Transaction(
        key="k",
        kind=TransactionKind.FILL,
        order_id="o",
        account="main",
        symbol=symbol,
        client_id="desk",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=None if fee is None else Decimal(fee),
        fee_currency=None if fee is None else "USDT",
        venue_time=at,
    )


def held(btc: str, usdt: str) -> tuple[Balance, ...]:
    return (
        Balance(currency="BTC", free=Decimal(btc), locked=Decimal(0)),
        Balance(currency="USDT", free=Decimal(0), locked=Decimal(usdt)),
    )


class Sweeps:
    """One look after the other, each of them a second long."""

    def __init__(self) -> None:
        self.watch = BalanceWatch()
        self.now = 100 * SWEEP

    def look(self, found: tuple[Balance, ...]) -> tuple[str, ...]:
        self.now += SWEEP
        return self.watch.compare(found, self.now - SECOND, self.now)

    def trade(self, before: int, quantity: str, price: str, **more: object) -> None:
        """`before`: ns before the last look."""
        self.watch.note(fill(self.now - before, quantity, price, **more))


def test_what_the_trades_say_is_no_drift() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    sweeps.trade(-SECOND, "0.5", "20", fee="0.1")
    sweeps.trade(-SECOND, "0.1", "30", side=Side.SELL)

    assert [sweeps.look(held("1.4", "92.9")) for _ in range(3)] == [(), (), ()]


def test_long_figures_are_not_rounded() -> None:
    sweeps = Sweeps()
    sweeps.look(held("0", "0"))
    sweeps.trade(-SECOND, "0.123456789012345678", "123456789.123456789012345678")

    with localcontext(prec=120):
        cost = Decimal("0.123456789012345678") * Decimal("123456789.123456789012345678")
    exact = held("0.123456789012345678", f"-{cost}")
    assert [sweeps.look(exact) for _ in range(3)] == [(), (), ()]


def test_a_fill_that_is_told_after_the_look_that_has_it_is_not_named() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    sweeps.look(held("2", "90"))
    sweeps.trade(10 * SECOND, "1", "10")

    assert [sweeps.look(held("2", "90")) for _ in range(2)] == [(), ()]


def test_fills_while_a_look_is_taken_may_be_in_it_or_not() -> None:
    """On an account that trades all the time there are some in each look."""
    for seen in ("1", "2", "3"):
        sweeps = Sweeps()
        sweeps.look(held("1", "100"))
        sweeps.now += SWEEP
        for before in (SECOND * 3 // 4, SECOND // 4):
            sweeps.trade(before, "1", "10")
        sweeps.now -= SWEEP
        sweeps.look(held(seen, f"{100 - 10 * (int(seen) - 1)}"))

        assert [sweeps.look(held("3", "80")) for _ in range(2)] == [(), ()]


def test_fills_around_the_first_look_may_be_in_it_or_not_as_well() -> None:
    sweeps = Sweeps()
    sweeps.now += SWEEP
    sweeps.trade(SECOND // 2, "1", "10")
    sweeps.now -= SWEEP
    sweeps.look(held("1", "100"))

    assert [sweeps.look(held("2", "90")) for _ in range(3)] == [(), (), ()]


def test_a_fill_that_nobody_told_of_is_named_once() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    assert sweeps.look(held("2", "90")) == ()
    assert sweeps.look(held("2", "90")) == ("BTC", "USDT")

    assert [sweeps.look(held("2", "90")) for _ in range(2)] == [(), ()]


def test_a_fill_that_is_found_after_it_was_named_is_not_counted_against_what_follows() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    sweeps.look(held("2", "90"))
    assert sweeps.look(held("2", "90")) == ("BTC", "USDT")
    sweeps.trade(SWEEP + 10 * SECOND, "1", "10")

    assert [sweeps.look(held("2", "90")) for _ in range(3)] == [(), (), ()]


def test_a_fill_that_nobody_told_of_is_named_among_others_that_were_told() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    for before in (-5 * SECOND, -SWEEP + SECOND // 2):
        sweeps.trade(before, "1", "10")
    sweeps.look(held("3.5", "75"))

    assert sweeps.look(held("3.5", "75")) == ("BTC", "USDT")


def test_a_currency_that_is_no_longer_listed_is_zero() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "0"))
    empty: tuple[Balance, ...] = ()
    assert sweeps.look(empty) == ()

    assert sweeps.look(empty) == ("BTC",)


def test_with_more_moves_than_are_kept_looking_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balances, "MAX_MOVES", 10)
    sweeps = Sweeps()
    sweeps.look(held("0", "0"))
    for _ in range(100):
        sweeps.trade(-SECOND, "1", "10")

    assert len(sweeps.watch._moves) <= 10
    assert [sweeps.look(held("100", "-1000")) for _ in range(3)] == [(), (), ()]


def test_the_settlement_currency_is_not_part_of_the_quote() -> None:
    assert currencies_of("BTC/USDT:USDT") == ("BTC", "USDT")
    assert settlement_of("BTC/USDT:USDT-261225") == "USDT"
    assert settlement_of("BTC/USDT") == ""


def test_a_contract_moves_what_it_is_settled_in_by_no_figure_that_is_known() -> None:
    sweeps = Sweeps()
    sweeps.look(held("1", "100"))
    sweeps.trade(-SECOND, "5", "20", symbol="BTC/USDT:USDT")
    assert [sweeps.look(held("1", "93")) for _ in range(3)] == [(), (), ()]

    assert [sweeps.look(held("2", "70")) for _ in range(2)] == [(), ("BTC",)]
