"""Price-time matching, order types and times in force."""

import pytest
from paper_desk import BTC, Desk, dec

from gateway.paper import VenueError


def test_a_better_price_trades_before_an_older_order() -> None:
    desk = Desk()
    older = desk.place("ann", "SELL", "1", "101")
    better = desk.place("ann", "SELL", "1", "100")

    taker = desk.place("bob", "BUY", "1", "102")

    assert [(t.price, t.quantity) for t in taker.fills] == [(dec(100), dec(1))]
    assert desk.status("ann", better.order.order_id) == "FILLED"
    assert desk.status("ann", older.order.order_id) == "NEW"


def test_at_one_price_the_older_order_trades_first() -> None:
    desk = Desk()
    first = desk.place("ann", "SELL", "1", "100")
    second = desk.place("ann", "SELL", "1", "100")

    desk.place("bob", "BUY", "1.5", "100")

    assert desk.status("ann", first.order.order_id) == "FILLED"
    assert desk.status("ann", second.order.order_id) == "PARTIALLY_FILLED"


def test_both_sides_of_a_match_carry_one_trade_id_and_ids_are_dense() -> None:
    desk = Desk()
    desk.place("ann", "SELL", "1", "100")
    desk.place("ann", "SELL", "1", "100")

    desk.place("bob", "BUY", "2", "100")

    assert [t.trade_id for t in desk.venue.trades("ann", BTC)] == [1, 2]
    assert [t.trade_id for t in desk.venue.trades("bob", BTC)] == [1, 2]
    assert [t.is_maker for t in desk.venue.trades("ann", BTC)] == [True, True]
    assert desk.place("bob", "BUY", "1", "50").order.order_id == 4


@pytest.mark.parametrize(
    ("tif", "quantity", "status", "executed", "rests"),
    [
        ("GTC", "3", "PARTIALLY_FILLED", "2", True),
        ("IOC", "3", "EXPIRED", "2", False),
        ("FOK", "3", "EXPIRED", "0", False),
        ("FOK", "2", "FILLED", "2", False),
        ("IOC", "1", "FILLED", "1", False),
    ],
)
def test_what_remains_follows_the_time_in_force(
    tif: str, quantity: str, status: str, executed: str, rests: bool
) -> None:
    desk = Desk()
    desk.place("ann", "SELL", "2", "100")

    order = desk.place("bob", "BUY", quantity, "100", tif=tif).order

    assert (order.status, order.executed) == (status, dec(executed))
    assert bool(desk.venue.open_orders("bob")) is rests
    if not rests:
        assert desk.held("bob", "USDT")[1] == 0


def test_a_market_order_expires_what_the_book_cannot_give() -> None:
    desk = Desk()
    desk.place("ann", "SELL", "1", "100")

    order = desk.market("bob", "BUY", quantity="2").order

    assert (order.status, order.executed) == ("EXPIRED", dec(1))


def test_a_market_order_by_quote_amount_buys_whole_steps_for_at_most_that() -> None:
    desk = Desk()
    desk.place("ann", "SELL", "5", "99.99")

    order = desk.market("bob", "BUY", quote="100").order

    assert order.status == "FILLED"
    assert order.executed == order.quantity == dec("1.00010")
    assert order.quote_executed <= dec(100)


def test_a_limit_maker_that_would_take_is_refused_and_changes_nothing() -> None:
    desk = Desk()
    desk.place("ann", "SELL", "1", "100")
    before = desk.held("bob", "USDT")

    with pytest.raises(VenueError, match="immediately match and take") as refused:
        desk.place("bob", "BUY", "1", "100", kind="LIMIT_MAKER")

    assert refused.value.code == -2010
    assert desk.held("bob", "USDT") == before
    assert desk.place("bob", "BUY", "1", "99", kind="LIMIT_MAKER").order.status == "NEW"


def test_a_stop_waits_outside_the_book_until_the_price_comes() -> None:
    desk = Desk()
    stop = desk.place("ann", "SELL", "1", "90", kind="STOP_LOSS_LIMIT", stop="95").order
    assert (stop.is_working, desk.venue.depth(BTC)[1]) == (False, [])
    desk.place("bob", "BUY", "1", "94")
    desk.place("bob", "BUY", "1", "93")

    desk.place("ann", "SELL", "1", "94")

    triggered = desk.venue.order("ann", BTC, order_id=stop.order_id)
    assert (triggered.status, triggered.is_working) == ("FILLED", True)
    assert desk.venue.last_price(BTC) == dec(93)


def test_a_stop_that_would_trigger_at_once_is_refused() -> None:
    desk = Desk()

    with pytest.raises(VenueError, match="trigger immediately"):
        desk.place("ann", "SELL", "1", "90", kind="STOP_LOSS_LIMIT", stop="100")


@pytest.mark.parametrize(
    ("mode", "maker_status", "taker_status", "trades"),
    [
        ("", "EXPIRED_IN_MATCH", "NEW", 0),
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "NEW", 0),
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH", 0),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", 0),
        ("NONE", "FILLED", "FILLED", 2),
    ],
)
def test_an_account_trades_with_itself_only_if_it_says_so(
    mode: str, maker_status: str, taker_status: str, trades: int
) -> None:
    desk = Desk()
    maker = desk.place("ann", "SELL", "1", "100").order

    taker = desk.place("ann", "BUY", "1", "100", stp=mode).order

    assert desk.status("ann", maker.order_id) == maker_status
    assert taker.status == taker_status
    assert len(desk.venue.trades("ann", BTC)) == trades


def test_new_comes_before_trade_in_the_events() -> None:
    desk = Desk()
    desk.place("ann", "SELL", "1", "100")

    desk.place("bob", "BUY", "1", "100")

    assert desk.kinds("bob") == [(2, "NEW", "NEW"), (2, "TRADE", "FILLED")]
    assert desk.kinds("ann") == [(1, "NEW", "NEW"), (1, "TRADE", "FILLED")]
