"""Snapshots, replay (case 70) and transactions behind cursors (case 73)."""

from typing import Any

import pytest
from actioner_desk import ACC, START, Desk, ids, seqs
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code


def replay(desk: Desk, first: int, last: int, epoch: int = 1) -> Any:
    return desk.ask(m.Replay, account=ACC, epoch=epoch, from_seq=first, to_seq=last)


def snapshot(desk: Desk, **more: Any) -> Any:
    return desk.ask(m.TakeSnapshot, account=ACC, **more)


def transactions(desk: Desk, **more: Any) -> Any:
    return desk.ask(m.GetTransactions, account=ACC, **more)


# ---- snapshot ----------------------------------------------------------------------------------


def test_a_snapshot_holds_the_open_orders_as_of_the_last_number() -> None:
    desk = Desk()
    desk.store.down = True
    orders = [desk.placed() for _ in range(3)]
    desk.closed(orders[1])

    reply = snapshot(desk)

    assert (reply.epoch, reply.seq) == (1, 4)
    assert reply.orders == (orders[0], orders[2])


def test_a_snapshot_adds_closed_orders_without_their_trades_or_fees_when_asked() -> None:
    desk = Desk()
    order = desk.placed()
    closed = desk.closed(replace(order, trades_complete=False), OrderStatus.FILLED)
    desk.closed(desk.placed())
    without_fee = desk.closed(replace(desk.placed(), fees_missing=1), OrderStatus.FILLED)

    assert snapshot(desk).orders == ()
    assert snapshot(desk, unsettled=True).orders == (closed, without_fee)


def test_without_a_journal_nothing_is_guessed() -> None:
    desk = Desk()
    desk.files.lose()

    assert snapshot(desk).code is Code.NOT_READY
    assert "journal" in desk.actioner.problems()[0]


def test_a_journal_that_replaced_the_other_begins_a_new_picture() -> None:
    desk = Desk()
    lost = desk.placed()
    assert ids(snapshot(desk).orders) == [lost.order_id]

    desk.files.crash()
    desk.files.lose()
    desk.listener.orders.clear()
    desk.listener.epoch, desk.listener.seqs[ACC] = 2, 1_000
    desk.listener.open_journal()
    order = desk.placed()

    reply = snapshot(desk)
    assert (reply.epoch, reply.seq, reply.orders) == (2, 1_001, (order,))


def test_a_new_epoch_shows_before_its_first_item() -> None:
    desk = Desk()
    order = desk.placed()
    snapshot(desk)

    desk.listener.epoch, desk.listener.seqs[ACC] = 2, 1_000
    desk.listener.roll()

    reply = snapshot(desk)
    assert (reply.epoch, reply.seq, reply.orders) == (2, 1_000, (order,))


def test_left_behind_by_dropped_segments_the_view_goes_on_from_a_checkpoint() -> None:
    desk = Desk()
    gone, kept = desk.placed(), desk.placed()
    snapshot(desk)
    desk.listener.append()
    desk.closed(gone)
    del desk.listener.orders[gone.order_id]
    for _ in range(2):
        desk.listener.roll()
        desk.listener.append()
    desk.listener.journal.drop_before(desk.listener.journal.next_number)

    reply = snapshot(desk)

    assert (reply.seq, reply.orders) == (3, (kept,))


def test_a_damaged_record_makes_the_view_wait_for_the_next_checkpoint() -> None:
    desk = Desk()
    first = desk.placed()
    second = desk.placed()
    desk.placed()
    name = next(n for n in desk.files.names() if n.endswith(".segment"))
    content = desk.files.read(name, 0, desk.files.size(name))
    desk.files.flip(name, content.index(second.order_id.encode()))

    assert snapshot(desk).code is Code.NOT_READY
    assert "damaged" in desk.actioner.problems()[0]

    desk.listener.roll()
    assert {first.order_id, second.order_id} < set(ids(snapshot(desk).orders))


def test_a_journal_longer_than_a_slice_is_read_before_anything_is_answered() -> None:
    desk = Desk(read_slice=3, read_slices=1)
    for _ in range(10):
        desk.placed()

    assert snapshot(desk).code is Code.NOT_READY
    desk.actioner.start()
    desk.run()
    assert len(snapshot(desk).orders) == 10


def test_a_head_ahead_of_the_journal_is_a_problem_until_the_journal_has_it() -> None:
    desk = Desk()
    desk.placed()
    desk.hear(m.HEADS, m.Head(account=ACC, epoch=1, seq=9, at=START))
    assert snapshot(desk).code is Code.NOT_READY

    desk.hear(m.HEADS, m.Head(account=ACC, epoch=1, seq=1, at=START))
    assert snapshot(desk).seq == 1


def test_the_journal_of_an_unstarted_listener_has_no_stream_yet() -> None:
    desk = Desk()
    desk.files.crash()
    desk.files.lose()
    desk.listener.seqs.clear()
    desk.listener.open_journal()

    assert snapshot(desk).code is Code.NOT_READY


# ---- replay ------------------------------------------------------------------------------------


def test_case_70_a_range_is_replayed_from_the_journal_alone() -> None:
    desk = Desk()
    desk.store.down = True
    for _ in range(5):
        desk.placed()

    reply = replay(desk, 2, 4)

    assert (seqs(reply.items), reply.more) == ([2, 3, 4], False)


def test_case_70_a_range_is_joined_from_store_and_journal() -> None:
    desk = Desk(kept_items=3)
    for number in range(9):
        desk.placed()
        if number == 6:
            desk.listener.write(desk.store)
    desk.run()

    assert seqs(replay(desk, 3, 9).items) == [3, 4, 5, 6, 7, 8, 9]
    desk.store.down = True
    assert seqs(replay(desk, 7, 9).items) == [7, 8, 9]
    assert replay(desk, 6, 9).code is Code.STORE_DOWN


def test_a_range_with_a_hole_is_not_kept() -> None:
    desk = Desk(kept_items=2)
    for _ in range(5):
        desk.placed()

    assert replay(desk, 2, 5).code is Code.NOT_KEPT


def test_items_of_an_earlier_epoch_come_from_the_store_and_are_not_mixed() -> None:
    desk = Desk()
    desk.placed()
    desk.placed()
    desk.listener.write(desk.store)
    desk.run()
    desk.listener.epoch, desk.listener.seqs[ACC] = 2, 100
    desk.listener.roll()
    desk.placed()

    assert seqs(replay(desk, 1, 2).items) == [1, 2]
    assert seqs(replay(desk, 101, 101, epoch=2).items) == [101]
    assert replay(desk, 1, 2, epoch=2).code is Code.NOT_KEPT
    assert replay(desk, 2, 3).code is Code.NOT_KEPT


def test_a_long_range_comes_in_pieces_and_never_beyond_the_head() -> None:
    desk = Desk(max_page=3)
    for _ in range(5):
        desk.placed()

    first = replay(desk, 1, 50)
    assert (seqs(first.items), first.more) == ([1, 2, 3], True)
    rest = replay(desk, 4, 50)
    assert (seqs(rest.items), rest.more) == ([4, 5], False)
    assert replay(desk, 6, 50).items == ()
    assert replay(desk, 9, 50).items == ()


@pytest.mark.parametrize(("first", "last"), [(0, 5), (5, 4), (1, 1 << 63)])
def test_a_range_that_makes_no_sense_is_refused(first: int, last: int) -> None:
    desk = Desk()
    assert replay(desk, first, last).code is Code.MALFORMED


# ---- transactions ------------------------------------------------------------------------------


def filled_desk(**settings: Any) -> Desk:
    """Six fills, numbers 2, 4, ... 12; the store has the first three."""
    desk = Desk(**settings)
    for number in range(6):
        order = desk.placed()
        desk.listener.fill(order, f"t{number}")
        if number == 2:
            desk.listener.write(desk.store)
    desk.run()
    return desk


def written_desk() -> Desk:
    desk = filled_desk()
    desk.listener.write(desk.store)
    desk.run()
    return desk


def test_case_73_a_consumer_gets_everything_behind_its_cursor_until_it_acknowledges() -> None:
    desk = written_desk()

    first = transactions(desk, consumer="books", limit=4)
    assert (seqs(first.items), first.cursor, first.more) == ([2, 4, 6, 8], 0, True)
    again = transactions(desk, consumer="books", limit=4)
    assert again.items == first.items

    acknowledged = desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=8)
    assert acknowledged.cursor == 8
    rest = transactions(desk, consumer="books", limit=4)
    assert (seqs(rest.items), rest.cursor, rest.more) == ([10, 12], 8, False)


def test_a_consumer_gets_nothing_that_could_still_vanish_with_the_journal() -> None:
    desk = filled_desk()
    reply = transactions(desk, consumer="books")
    assert (seqs(reply.items), reply.more) == ([2, 4, 6], False)

    beyond = desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=8)
    assert beyond.code is Code.MALFORMED

    desk.files.lose()
    assert seqs(transactions(desk, consumer="books").items) == [2, 4, 6]


def test_case_73_the_cursor_outlives_the_actioner() -> None:
    desk = written_desk()
    desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=10)
    desk.start_actioner("run-2")

    reply = transactions(desk, consumer="books")

    assert (seqs(reply.items), reply.cursor) == ([12], 10)


def test_a_cursor_never_moves_back_nor_beyond_what_was_delivered() -> None:
    desk = written_desk()
    desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=10)

    back = desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=4)
    assert back.cursor == 10
    beyond = desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=13)
    assert beyond.code is Code.MALFORMED


def test_an_acknowledgement_is_not_given_before_the_store_has_it() -> None:
    desk = filled_desk()
    desk.store.down = True

    answer = desk.ask(m.AcknowledgeTransactions, account=ACC, consumer="books", seq=10)

    assert answer.code is Code.STORE_DOWN


def test_transactions_in_the_journal_need_no_store() -> None:
    desk = filled_desk()
    desk.store.down = True

    assert seqs(transactions(desk, from_seq=0).items) == [2, 4, 6, 8, 10, 12]
    assert seqs(transactions(desk, from_seq=12).items) == [12]


def test_no_transaction_is_skipped_while_the_store_is_behind() -> None:
    desk = filled_desk(kept_items=2)  # numbers 7 to 10 are neither in the store nor in memory

    first = transactions(desk, from_seq=1)
    assert (seqs(first.items), first.more) == ([2, 4, 6], True)
    assert transactions(desk, from_seq=7).code is Code.STORE_DOWN

    desk.listener.write(desk.store)
    desk.run()
    assert seqs(transactions(desk, from_seq=7).items) == [8, 10, 12]


def test_numbers_that_jumped_are_not_taken_for_a_hole() -> None:
    desk = filled_desk()
    desk.listener.write(desk.store)
    desk.run()
    desk.listener.epoch, desk.listener.seqs[ACC] = 2, 1_000
    desk.listener.roll()
    desk.start_actioner("run-2")

    reply = transactions(desk, from_seq=7)
    assert (seqs(reply.items), reply.more) == ([8, 10, 12], False)


@pytest.mark.parametrize(
    "wrong", [{}, {"from_seq": -1}, {"from_seq": 1, "limit": 0}, {"consumer": "no spaces"}]
)
def test_a_reading_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    assert transactions(Desk(), **wrong).code is Code.MALFORMED


def test_an_unknown_account_is_refused() -> None:
    desk = Desk()
    answer = desk.ask(m.GetTransactions, account="nobody", from_seq=1)
    assert answer.code is Code.UNKNOWN_ACCOUNT
