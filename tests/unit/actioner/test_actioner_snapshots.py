"""Snapshots that do not fit into one answer: page by page, all of one moment."""

from typing import Any

from actioner_desk import ACC, Desk
from msgspec.structs import asdict, replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, Symbol
from gateway.domain.order import Order
from gateway.domain.snapshot_pages import SnapshotPages

MANY = 20_000


def with_open_orders(count: int, **settings: Any) -> tuple[Desk, list[Order]]:
    desk = Desk(**settings)
    orders = [desk.order() for _ in range(count)]
    desk.listener.orders = {order.order_id: order for order in orders}
    desk.listener.roll()
    return desk, orders


def page(desk: Desk, pages: SnapshotPages, **more: Any) -> Any:
    return desk.ask(m.TakeSnapshot, account=ACC, **asdict(pages.wanted), **more)


def test_twenty_thousand_open_orders_are_told_page_by_page() -> None:
    desk, orders = with_open_orders(MANY)
    assert desk.ask(m.TakeSnapshot, account=ACC).code is Code.TOO_LARGE

    pages, whole, asked = SnapshotPages(), None, 0
    while whole is None:
        reply = page(desk, pages)
        assert len(codec.encode(reply)) < desk.settings.max_reply_bytes
        whole = pages.add(reply)
        asked += 1

    assert [order.order_id for order in whole.orders] == [order.order_id for order in orders]
    assert asked > 3


def test_all_pages_are_of_the_moment_of_the_first_whatever_changes_meanwhile() -> None:
    desk, orders = with_open_orders(100, max_reply_bytes=40_000)
    pages, whole, changed = SnapshotPages(), None, iter(orders[50:])
    while whole is None:
        whole = pages.add(page(desk, pages))
        desk.closed(next(changed))
        desk.placed()

    assert (whole.epoch, whole.seq) == (1, 0)
    assert whole.orders == tuple(orders)
    again = SnapshotPages()
    assert again.add(page(desk, again)) is None
    assert again.wanted.seq == desk.listener.seqs[ACC]


def test_a_snapshot_with_those_that_lack_trades_is_another_one() -> None:
    desk, orders = with_open_orders(100, max_reply_bytes=40_000)
    lacking = desk.closed(replace(orders[0], trades_complete=False))
    pages, whole = SnapshotPages(), None
    plain = SnapshotPages()
    plain.add(page(desk, plain))
    while whole is None:
        whole = pages.add(page(desk, pages, unsettled=True))

    assert whole.orders == (*orders[1:], lacking)
    assert page(desk, plain).orders[0] != lacking


def test_two_who_read_the_pages_of_one_moment_get_the_same_orders() -> None:
    """Another account's closed orders push this one's out of memory, without a number of its."""
    desk, _ = with_open_orders(4, max_reply_bytes=4_000, kept_closed=60)
    other = AccountId("other")
    desk.listener.seqs[other] = 0
    for _ in range(60):
        desk.closed(replace(desk.placed(), trades_complete=False))
    first, second, whole = SnapshotPages(), SnapshotPages(), None
    for _ in range(4):
        first.add(page(desk, first, unsettled=True))
    desk.closed(desk.placed(account=other))
    second.add(page(desk, second, unsettled=True))
    while whole is None:
        whole = first.add(page(desk, first, unsettled=True))

    assert len(whole.orders) == 64


def test_a_page_of_a_snapshot_that_is_gone_is_not_kept() -> None:
    desk, _ = with_open_orders(100, max_reply_bytes=40_000)
    first = SnapshotPages()
    first.add(page(desk, first))
    for _ in range(20):
        desk.placed()
        other = SnapshotPages()
        other.add(page(desk, other))

    assert page(desk, first).code is Code.NOT_KEPT


def test_a_page_that_no_page_named_is_refused() -> None:
    desk, _ = with_open_orders(100, max_reply_bytes=40_000)
    first = SnapshotPages()
    first.add(page(desk, first))
    beyond = desk.ask(m.TakeSnapshot, account=ACC, offset=100, epoch=1, seq=0)

    assert beyond.code is Code.MALFORMED
    assert desk.ask(m.TakeSnapshot, account=ACC, offset=-1).code is Code.NOT_KEPT


def test_one_order_larger_than_a_page_is_a_page() -> None:
    desk, orders = with_open_orders(3, max_reply_bytes=900)
    pages, whole, asked = SnapshotPages(), None, 0
    while whole is None:
        whole = pages.add(page(desk, pages))
        asked += 1

    assert whole.orders == tuple(orders)
    assert asked == 3


def test_few_orders_are_one_page_and_nothing_is_kept_for_them() -> None:
    desk, orders = with_open_orders(3)
    reply = desk.ask(m.TakeSnapshot, account=ACC, offset=0)

    assert (reply.next, reply.orders) == (None, tuple(orders))
    assert desk.actioner._streams.snapshots._kept == {}


def test_with_the_last_page_come_the_symbols_of_closed_orders_those_used_last_first() -> None:
    desk, orders = with_open_orders(100, max_reply_bytes=40_000)
    for at, (order, symbol) in enumerate(zip(orders, ("A/B", "C/D", "A/B"), strict=False)):
        ended = replace(order, symbol=Symbol(symbol), changed_at=at + 1)
        desk.listener.put(replace(ended, status=OrderStatus.CANCELED))
    pages, whole = SnapshotPages(), None
    first = page(desk, pages, unsettled=True)
    assert first.next is not None
    assert first.used == {}
    while whole is None:
        whole = pages.add(page(desk, pages, unsettled=True))

    assert list(whole.used.items()) == [("A/B", 3), ("C/D", 2)]
    assert desk.ask(m.TakeSnapshot, account=ACC, offset=0).used == {}
