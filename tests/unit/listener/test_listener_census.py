"""What is counted of orders: what is there at once, what happens only once it happens."""

from store_kit import ACCOUNT, order

from gateway.domain.enums import OrderStatus, Origin
from gateway.listener.book import Book
from gateway.listener.census import Census

PENDING = {"status": OrderStatus.PENDING_NEW, "acknowledged_at": None, "created_at": 1_000}
ACCEPTED = {"status": OrderStatus.NEW, "acknowledged_at": 5_000, "created_at": 1_000}


def book() -> tuple[Book, Census]:
    made = Book(kept_closed=10, kept_trades=10, monotonic=lambda: 0)
    return made, made.census


def test_open_orders_are_counted_by_state_also_those_of_a_journal_read_again() -> None:
    orders, census = book()
    orders.change(order(1, **PENDING), record=1)
    orders.change(order(2, **PENDING), record=2)
    orders.change(order(1, **ACCEPTED), record=3)

    assert +census.open == {
        (ACCOUNT, OrderStatus.NEW): 1,
        (ACCOUNT, OrderStatus.PENDING_NEW): 1,
    }
    assert census.outcomes == {}
    assert census.accepted == {}


def test_outcomes_are_counted_once_each_from_the_start_on() -> None:
    orders, census = book()
    closed = order(1, status=OrderStatus.FILLED)
    orders.change(closed, record=1)
    census.begin()
    orders.change(order(2, **ACCEPTED), record=2)
    orders.change(order(2, status=OrderStatus.CANCELED), record=3)
    orders.change(order(2, status=OrderStatus.CANCELED, checked_at=9), record=4)
    orders.change(closed, record=5)

    assert census.outcomes == {(ACCOUNT, OrderStatus.CANCELED): 1}
    assert +census.open == {}


def test_doubts_are_known_by_when_they_began() -> None:
    orders, census = book()
    doubtful = order(1, status=OrderStatus.IN_DOUBT, changed_at=70)
    orders.change(order(1, **PENDING), record=1)
    orders.change(doubtful, record=2)
    orders.change(order(1, status=OrderStatus.IN_DOUBT, changed_at=90), record=3)

    assert census.doubts == {doubtful.order_id: (ACCOUNT, 70)}
    orders.change(order(1, status=OrderStatus.REJECTED), record=4)
    assert census.doubts == {}


def test_acceptance_is_timed_by_the_orders_own_times_and_only_for_orders_of_ours() -> None:
    orders, census = book()
    census.begin()
    orders.change(order(1, **PENDING), record=1)
    orders.change(order(1, **ACCEPTED), record=2)
    orders.change(order(1, **ACCEPTED, checked_at=8_000), record=3)
    orders.change(order(2, **PENDING, origin=Origin.EXTERNAL), record=4)
    orders.change(order(2, **ACCEPTED, origin=Origin.EXTERNAL), record=5)

    took = census.accepted[ACCOUNT]
    assert (took.count, took.total) == (1, 4_000)
