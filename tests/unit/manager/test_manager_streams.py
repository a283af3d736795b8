"""How the manager learns the orders: updates, gaps, epochs, snapshots (case 70)."""

from typing import Any

from manager_desk import ACC, START, Desk
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Pending


def watch(desk: Desk):  # type: ignore[no-untyped-def]
    return desk.manager.accounts[ACC].orders


def test_the_open_orders_are_learnt_at_start() -> None:
    desk = Desk()
    doubt = desk.put(desk.order(status=OrderStatus.IN_DOUBT), heard=False)
    filled = desk.order(status=OrderStatus.FILLED, trades_complete=False)
    desk.put(filled, heard=False)
    desk.started()
    assert desk.asked(m.TakeSnapshot)[0].unsettled

    desk.run(3)
    asked = {order_id for request in desk.asked(m.CheckOrders) for order_id in request.order_ids}
    assert asked == {doubt.order_id, filled.order_id}


def test_case_70_a_hole_in_the_numbers_is_closed_by_a_snapshot() -> None:
    desk = Desk().started()
    closed = desk.placed()
    missed = desk.put(desk.order(status=OrderStatus.IN_DOUBT), heard=False)
    desk.change(closed, heard=False, status=OrderStatus.CANCELED)
    desk.placed()
    desk.run(0.1)

    assert len(desk.asked(m.TakeSnapshot)) == 2
    assert watch(desk).knows(missed.order_id)
    assert not watch(desk).knows(closed.order_id)


def test_case_70_a_lost_last_message_shows_in_the_head() -> None:
    desk = Desk().started()
    missed = desk.put(desk.order(), heard=False)
    desk.hear_head()
    desk.run(0.1)
    assert watch(desk).knows(missed.order_id)

    desk.hear_head()
    desk.run(0.1)
    assert len(desk.asked(m.TakeSnapshot)) == 2


def test_a_new_epoch_is_learnt_anew_and_swept() -> None:
    desk = Desk().started()
    gone = desk.placed()
    desk.orders.clear()
    desk.epoch, desk.seq = 2, 1_000
    kept = desk.put(desk.order(), heard=False)
    desk.hear_head()
    desk.run(1)

    assert len(desk.asked(m.TakeSnapshot)) == 2
    assert len(desk.asked(m.SweepAccount)) == 2
    assert watch(desk).knows(kept.order_id)
    assert not watch(desk).knows(gone.order_id)


def test_an_epoch_that_is_lower_is_learnt_too() -> None:
    desk = Desk()
    desk.epoch, desk.seq = 9, 500
    desk.started()
    order = desk.placed()
    desk.epoch, desk.seq = 3, 10
    desk.change(order, heard=False, pending=Pending.CANCEL)
    desk.hear_head()
    desk.run(4)

    assert len(desk.asked(m.CheckOrders)) == 1


def test_a_snapshot_older_than_what_was_heard_is_taken_again() -> None:
    desk = Desk().started()
    desk.asker.held.add(m.TakeSnapshot)
    desk.seq += 1
    order = desk.placed()
    desk.run(0.1)
    request, _ = desk.asker.open[0]
    old = desk.snapshot(request)
    desk.change(order, status=OrderStatus.CANCELED)
    desk.asker.release(old)
    desk.asker.held.clear()
    desk.run(3)

    assert len(desk.asked(m.TakeSnapshot)) == 3
    assert not watch(desk).knows(order.order_id)


def test_what_is_heard_while_a_snapshot_is_taken_stands() -> None:
    desk = Desk().started()
    desk.asker.held.add(m.TakeSnapshot)
    desk.seq += 1
    desk.hear_head()
    desk.run(0.1)
    request, _ = desk.asker.open[0]
    snapshot = desk.snapshot(request)
    desk.asker.release(snapshot)
    late = desk.placed(status=OrderStatus.PENDING_NEW)
    desk.asker.held.clear()
    desk.run(3)

    assert watch(desk).knows(late.order_id)
    assert desk.times(m.CheckOrders, late) != []


def test_an_update_that_comes_twice_or_late_changes_nothing() -> None:
    desk = Desk().started()
    order = desk.placed(pending=Pending.CANCEL)
    update = m.OrderUpdate(
        account=ACC,
        epoch=1,
        seq=desk.seq,
        at=START,
        order=order,
        cause=m.Cause(fact="snapshot", source="stream"),
    )
    desk.change(order, pending=Pending.NONE)
    desk.hear(m.stream_topic(ACC), update)
    desk.run(10)

    assert desk.asked(m.CheckOrders) == []
    assert len(desk.asked(m.TakeSnapshot)) == 1


def test_a_snapshot_in_pages_is_taken_whole() -> None:
    desk = Desk()
    orders = [desk.put(desk.order(), heard=False) for _ in range(3)]

    def paged(request: Any) -> m.AnyReply | None:
        reply = desk.answer(request)
        if not isinstance(reply, m.SnapshotReply):
            return reply
        at = request.offset
        following = at + 1 if at + 1 < len(reply.orders) else None
        return replace(reply, orders=reply.orders[at : at + 1], next=following)

    desk.asker.answer = paged
    desk.started()

    assert all(watch(desk).knows(order.order_id) for order in orders)
    assert desk.manager.accounts[ACC].stream.is_whole


def test_an_order_that_the_stream_did_not_tell_of_is_looked_up_at_once_case_47() -> None:
    desk = Desk().started()
    desk.hear_stream(up=True, at=START)
    desk.run(1)
    order, other = desk.placed(), desk.placed()
    sweeps = len(desk.asked(m.SweepAccount))
    state = m.StreamState(account=ACC, at=START, up=True, unheard=(order.order_id,))
    desk.hear(m.STREAMS, state)
    desk.run(0.5)

    assert len(desk.times(m.CheckOrders, order)) == 1
    assert desk.times(m.CheckOrders, other) == []
    assert desk.asked(m.CheckOrders)[0].with_trades
    assert len(desk.asked(m.SweepAccount)) == sweeps


def test_snapshots_that_fail_are_asked_for_every_two_seconds_until_one_succeeds() -> None:
    """All else rests on it: a minute's backing off would be a minute without any check."""
    desk = Desk()
    desk.failing.add(m.TakeSnapshot)
    desk.started()
    desk.run(100)

    assert 40 <= len(desk.asked(m.TakeSnapshot)) <= 55
    assert desk.asked(m.SweepAccount) == []

    desk.failing.discard(m.TakeSnapshot)
    desk.run(3)
    assert desk.asked(m.SweepAccount) != []
