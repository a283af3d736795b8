"""Money neither appears nor vanishes, whatever is done."""

from contextlib import suppress
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_desk import BTC, SYMBOLS, Desk, dec

from gateway.paper import (
    Execution,
    Fees,
    Liquidity,
    MarketMaker,
    PaperVenue,
    VenueError,
)

ASSETS = ("BTC", "USDT")


def total(venue: PaperVenue, asset: str) -> Decimal:
    """All that anyone owns, what the venue took as fees included."""
    accounts = venue.engine.accounts.values()
    owned = sum((a.balances[asset].total for a in accounts if asset in a.balances), Decimal(0))
    return owned + venue.engine.fees_collected.get(asset, Decimal(0))


def locked_by_orders(venue: PaperVenue, account: str, asset: str) -> Decimal:
    side = "SELL" if asset == "BTC" else "BUY"
    return sum(
        (
            o.remaining * (Decimal(1) if side == "SELL" else o.price)
            for o in venue.open_orders(account)
            if o.side == side
        ),
        Decimal(0),
    )


steps = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "place", "cancel", "amend", "replace", "tide"]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["BUY", "SELL"]),
        st.sampled_from(["LIMIT", "LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT"]),
        st.sampled_from(["GTC", "IOC", "FOK"]),
        st.integers(1, 300000),
        st.integers(9900, 10100),
        st.sampled_from(["", "NONE", "EXPIRE_TAKER", "EXPIRE_BOTH"]),
    ),
    max_size=40,
)
Step = tuple[str, str, str, str, str, int, int, str]


def act(desk: Desk, maker: MarketMaker, rng: Random, step: Step) -> None:
    what, account, side, kind, tif, size, cents, stp = step
    quantity = str(Decimal(size) / 100000)
    price = str(Decimal(cents) / 100)
    open_orders = desk.venue.open_orders(account)
    if what == "tide":
        maker.step(desk.tick(), rng)
    elif what == "place":
        stop = price if kind == "STOP_LOSS_LIMIT" else "0"
        price = "0" if kind == "MARKET" else price
        desk.place(account, side, quantity, price, tif=tif, kind=kind, stop=stop, stp=stp)
    elif open_orders:
        order = open_orders[size % len(open_orders)]
        if what == "cancel":
            desk.venue.cancel(account, BTC, desk.tick(), order_id=order.order_id)
        elif what == "amend":
            desk.venue.amend_keep_priority(
                account, BTC, dec(quantity), desk.tick(), order_id=order.order_id
            )
        else:
            desk.venue.cancel(account, BTC, desk.tick(), client_order_id=order.client_order_id)


@settings(max_examples=150, deadline=None)
@given(steps=steps, seed=st.integers(0, 1000), fee=st.sampled_from(["0", "0.001", "0.00075"]))
def test_any_history_conserves_money_and_locks_exactly_what_is_open(
    steps: list[Step], seed: int, fee: str
) -> None:
    desk = Desk(fees=Fees(dec(fee), dec(fee)))
    maker = MarketMaker(desk.venue, BTC, Liquidity(level_notional=dec(50), volatility=0.002))
    rng = Random(seed)
    before = {asset: total(desk.venue, asset) for asset in ASSETS}

    for step in steps:
        with suppress(VenueError):
            act(desk, maker, rng, step)

    for asset in ASSETS:
        assert total(desk.venue, asset) == before[asset]
        for account in ("ann", "bob"):
            free, locked = desk.held(account, asset)
            assert free >= 0
            assert locked == locked_by_orders(desk.venue, account, asset)
    for account in ("ann", "bob"):
        check_fills(desk.venue, account)


def check_fills(venue: PaperVenue, account: str) -> None:
    """Each order's figures are the sums of its trades, and the record agrees with the books."""
    fills = venue.record.fills(account)
    for order in venue.record.orders(account):
        own = [t for t in fills if t.order_id == order.order_id]
        assert sum((t.quantity for t in own), Decimal(0)) == order.executed
        assert sum((t.quote_quantity for t in own), Decimal(0)) == order.quote_executed
        assert all(t.quote_quantity == t.price * t.quantity for t in own)
    assert venue.record.balances(account) == {
        asset: (b.free, b.locked) for asset, b in venue.balances(account).items()
    }


def test_the_same_calls_make_the_same_record() -> None:
    def history() -> list[object]:
        desk = Desk()
        maker = MarketMaker(desk.venue, BTC, Liquidity(level_notional=dec(200)))
        rng = Random(7)
        for number in range(50):
            maker.step(desk.tick(), rng)
            desk.place("ann", "BUY", "0.1", str(100 + number % 3), tif="IOC")
        return list(desk.venue.record.entries())

    first = history()

    assert first == history()
    assert any(isinstance(e, Execution) and e.trade is not None for e in first)


def test_commission_comes_from_what_a_fill_brings() -> None:
    desk = Desk(fees=Fees(maker=dec("0.001"), taker=dec("0.002")))
    desk.place("ann", "SELL", "1", "100")

    taker = desk.place("bob", "BUY", "1", "100").fills[0]

    assert (taker.commission, taker.commission_asset) == (dec("0.002"), "BTC")
    maker = desk.venue.trades("ann", BTC)[0]
    assert (maker.commission, maker.commission_asset) == (dec("0.1"), "USDT")
    assert desk.held("bob", "BTC") == (dec("10.998"), 0)


@pytest.mark.parametrize(("held", "asset"), [("1", "BNB"), ("0.0001", "BTC")])
def test_a_fee_asset_pays_while_it_lasts(held: str, asset: str) -> None:
    venue = PaperVenue(SYMBOLS)
    fees = Fees(asset="BNB", asset_prices={"BTC": dec(10)})
    venue.open_account("ann", {"BTC": dec(1)}, 1)
    venue.open_account("bob", {"USDT": dec(1000), "BNB": dec(held)}, 1, fees)
    desk = Desk()
    desk.venue = venue
    desk.place("ann", "SELL", "1", "100")

    trade = desk.place("bob", "BUY", "1", "100").fills[0]

    assert trade.commission_asset == asset
    assert trade.commission == (dec("0.01") if asset == "BNB" else dec("0.001"))


def test_background_liquidity_fills_resting_orders() -> None:
    desk = Desk()
    maker = MarketMaker(desk.venue, BTC, Liquidity(level_notional=dec(500), volatility=0.001))
    rng = Random(3)
    maker.step(desk.tick(), rng)
    desk.place("ann", "BUY", "1", str(desk.venue.depth(BTC)[0][0][0]))

    for _ in range(500):
        maker.step(desk.tick(), rng)

    trades = desk.venue.trades("ann", BTC)
    assert trades
    assert all(trade.is_maker for trade in trades)
