"""Whether trades explain balances: a drift is named when it stays, and once."""

from decimal import Decimal, localcontext

from gateway.domain.enums import Side, TransactionKind
from gateway.domain.order import Transaction
from gateway.domain.venue import Balance
from gateway.listener.balances import BalanceWatch, currencies_of


def fill(quantity: str, price: str, side: Side = Side.BUY, fee: str | None = None) -> Transaction:
    return Transaction(
        key="k",
        kind=TransactionKind.FILL,
        order_id="o",
        account="main",
        symbol="BTC/USDT",
        client_id="desk",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=None if fee is None else Decimal(fee),
        fee_currency=None if fee is None else "USDT",
    )


def held(btc: str, usdt: str) -> tuple[Balance, ...]:
    return (
        Balance(currency="BTC", free=Decimal(btc), locked=Decimal(0)),
        Balance(currency="USDT", free=Decimal(0), locked=Decimal(usdt)),
    )


def test_what_the_trades_say_is_no_drift() -> None:
    watch = BalanceWatch()
    assert watch.compare(held("1", "100")) == ()
    watch.note(fill("0.5", "20", fee="0.1"))
    watch.note(fill("0.1", "30", Side.SELL))

    assert watch.compare(held("1.4", "92.9")) == ()
    assert watch.compare(held("1.4", "92.9")) == ()


def test_long_figures_are_not_rounded() -> None:
    watch = BalanceWatch()
    watch.compare(held("0", "0"))
    watch.note(fill("0.123456789012345678", "123456789.123456789012345678"))

    with localcontext(prec=120):
        cost = Decimal("0.123456789012345678") * Decimal("123456789.123456789012345678")
    exact = watch.compare(held("0.123456789012345678", f"-{cost}"))
    assert exact == ()
    assert watch.compare(held("0.123456789012345678", f"-{cost}")) == ()


def test_a_fill_on_its_way_is_not_named() -> None:
    watch = BalanceWatch()
    watch.compare(held("1", "100"))
    assert watch.compare(held("2", "90")) == ()
    watch.note(fill("1", "10"))

    assert watch.compare(held("2", "90")) == ()


def test_a_fill_that_nobody_told_of_is_named_once() -> None:
    watch = BalanceWatch()
    watch.compare(held("1", "100"))
    assert watch.compare(held("2", "90")) == ()
    assert watch.compare(held("2", "90")) == ("BTC", "USDT")

    assert watch.compare(held("2", "90")) == ()


def test_a_drift_that_keeps_moving_is_named_too() -> None:
    watch = BalanceWatch()
    watch.compare(held("0", "0"))
    named = [watch.compare(held(str(amount), "0")) for amount in (1, 3, 6)]

    assert named == [(), (), ("BTC",)]


def test_a_currency_that_is_no_longer_listed_is_zero() -> None:
    watch = BalanceWatch()
    watch.compare(held("1", "0"))
    empty: tuple[Balance, ...] = ()
    assert watch.compare(empty) == ()

    assert watch.compare(empty) == ("BTC",)


def test_the_settlement_currency_is_not_part_of_the_quote() -> None:
    assert currencies_of("BTC/USDT:USDT") == ("BTC", "USDT")
