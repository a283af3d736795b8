"""What a store gives back of an order's trades, so that they are recognised when told again."""

from decimal import Decimal

from gateway.domain.enums import OrderType, Side, TransactionKind
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest, amendment_key
from gateway.store.batches import Trade, tracked

KEY = "main|BTC/USDT|7|9|"
ORDER = Order(
    order_id=OrderId("o"),
    account=AccountId("main"),
    symbol=Symbol("BTC/USDT"),
    client_id=ClientId("desk"),
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal(6),
)


def test_a_corrected_trade_is_remembered_with_the_figures_of_its_correction_case_31() -> None:
    correction = amendment_key(KEY, "0|6|100")
    told = (
        Trade(KEY, TransactionKind.FILL, Decimal(50), Decimal(3), fee_known=True),
        Trade(correction, TransactionKind.CORRECTION, Decimal(100), Decimal(6), fee_known=False),
    )

    (held,) = tracked([ORDER], [("o", one) for one in told])

    assert held.digests[KEY] == TradeDigest(Decimal(100), Decimal(6), fee_known=True)
    assert correction in held.digests


def test_what_was_kept_of_a_trade_before_it_was_corrected_to_less_is_remembered() -> None:
    less = amendment_key(KEY, "0|3|100")
    told = (
        Trade(KEY, TransactionKind.FILL, Decimal(100), Decimal(6), fee_known=True),
        Trade(less, TransactionKind.CORRECTION, Decimal(100), Decimal(3), fee_known=False),
    )

    (held,) = tracked([ORDER], [("o", one) for one in told])

    assert (held.digests[KEY].quantity, held.digests[less].quantity) == (Decimal(3), Decimal(6))


def test_a_bust_leaves_the_figures_of_its_trade() -> None:
    bust = amendment_key(KEY, "b1")
    told = (
        Trade(KEY, TransactionKind.FILL, Decimal(50), Decimal(3), fee_known=True),
        Trade(bust, TransactionKind.BUST, Decimal(50), Decimal(0), fee_known=False),
    )

    (held,) = tracked([ORDER], [("o", one) for one in told])

    assert held.digests[KEY] == TradeDigest(Decimal(50), Decimal(3), fee_known=True)
