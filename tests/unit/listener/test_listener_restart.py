"""Restarts: the same numbering, nothing lost, and a new epoch where the journal can't prove it."""

import msgspec
import pytest
from listener_kit import (
    MAIN,
    OUTBOX,
    SECOND,
    START,
    Desk,
    Died,
    an_id,
    answered,
    intended,
    order_heard,
    trade_heard,
)

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.change import Alarm
from gateway.domain.enums import OrderStatus
from gateway.domain.identity import AccountId
from gateway.domain.records import FindPositions
from gateway.journal import JournalFailed, JournalFull

MOMENT = SECOND // 10


def story(desk: Desk) -> None:
    """Two orders, one filled in two parts, one open."""
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    desk.event(trade_heard(1, 1, 4))
    desk.tell(3, intended(2))
    desk.event(trade_heard(1, 2, 6))
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    desk.tell(4, answered(2))


def test_a_restart_goes_on_with_the_next_number_case_62() -> None:
    desk = Desk()
    story(desk)
    last = desk.items()[-1]
    before = {t.order.order_id: t.order for t in desk.ledger.book.tracked()}
    desk.crash()
    desk.boot()

    assert {t.order.order_id: t.order for t in desk.ledger.book.tracked()} == before
    desk.event(trade_heard(2, 1, 1))
    assert (desk.items()[-1].epoch, desk.items()[-2].seq) == (last.epoch, last.seq + 1)


def test_death_before_any_call_of_a_port_loses_and_doubles_nothing_case_10() -> None:
    """What was not acknowledged, or is shown by the venue again, comes again."""
    plain = Desk(segment_records=3)
    story(plain)
    plain.pass_time(SECOND)
    expected = [codec.encode(item) for item in plain.items()]
    died = 0
    for fuse in range(200):
        desk = Desk(segment_records=3)
        desk.life.fuse = fuse
        steps = [
            lambda d: d.tell(1, intended(1)),
            lambda d: d.tell(2, answered(1)),
            lambda d: d.event(trade_heard(1, 1, 4)),
            lambda d: d.tell(3, intended(2)),
            lambda d: d.event(trade_heard(1, 2, 6)),
            lambda d: d.event(order_heard(1, OrderStatus.FILLED, 10)),
            lambda d: d.tell(4, answered(2)),
            lambda d: d.pass_time(SECOND),
        ]
        for step in steps:
            while not step(desk):
                died += 1
                desk.boot()
        assert desk.journaled_items == set(expected), f"fuse {fuse}"
        held = {t.order.order_id: t.order for t in desk.ledger.book.tracked()}
        assert held == {t.order.order_id: t.order for t in plain.ledger.book.tracked()}
        if desk.life.fuse is not None and desk.life.fuse > 0:
            break
    else:
        pytest.fail("the fuse never outlived the story")
    assert died > 20


def test_a_restart_from_a_checkpoint_alone_knows_all_that_the_records_did() -> None:
    desk = Desk(kept_closed=1)
    story(desk)
    desk.event(order_heard(5))
    desk.event(trade_heard(6, 1, 1, named=False))
    before = desk.ledger.state.dump(desk.ledger.state.streams)
    desk.ledger._roll(desk.ledger.state.streams)
    desk.crash()
    desk.boot()
    after = desk.ledger.state.dump(desk.ledger.state.streams)

    assert after == m.ListenerCheckpoint(**{**_fields(before), "at": after.at})
    assert before.unconfirmed
    assert before.parked


def _fields(checkpoint: m.ListenerCheckpoint) -> dict[str, object]:
    names = m.ListenerCheckpoint.__struct_fields__
    return {name: getattr(checkpoint, name) for name in names}


def test_a_checkpoint_may_be_larger_than_any_message() -> None:
    desk = Desk()
    desk.tell(1, intended())
    order = desk.order(an_id(1))
    tracked = m.TrackedOrder(order=order, digests={})
    size = len(codec.encode(tracked))
    many = (tracked,) * (codec.MAX_MESSAGE_BYTES // size + 1)
    checkpoint = m.ListenerCheckpoint(at=0, streams=(), outboxes=(), orders=many)

    assert len(codec.listener_checkpoints.decode(codec.encode(checkpoint)).orders) == len(many)


def test_a_new_account_keeps_its_first_epoch_even_if_the_clock_steps_back() -> None:
    desk = Desk()
    desk.pass_time(SECOND)
    (first,) = {head.epoch for head in desk.heard(m.Head) if head.account == MAIN}
    desk.crash()
    desk.clock.wall -= 3600 * SECOND
    desk.boot()
    desk.pass_time(SECOND)

    assert {head.epoch for head in desk.heard(m.Head) if head.account == MAIN} == {first}


def test_a_stream_is_not_announced_before_its_epoch_is_in_the_journal() -> None:
    desk = Desk()
    desk.crash()
    desk.files.lose()
    desk.said.clear()
    failing = True

    class FullAtFirst(type(desk.log)):  # type: ignore[misc]
        def roll(self, checkpoint: bytes) -> None:
            if failing:
                raise JournalFull("no room")
            super().roll(checkpoint)

    patched, kit = FullAtFirst, desk.boot.__globals__
    original = kit["WatchedLog"]
    kit["WatchedLog"] = patched
    try:
        desk.boot()
    finally:
        kit["WatchedLog"] = original
    desk.pass_time(3 * SECOND)
    assert desk.heard(m.Head) == []
    failing = False
    desk.pass_time(3 * SECOND)

    assert desk.heard(m.Head)


def test_heads_show_the_last_number_each_second() -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    last = desk.items()[-1]

    head = [h for h in desk.heard(m.Head) if h.account == MAIN][-1]
    assert (head.epoch, head.seq) == (last.epoch, last.seq)


# ---- a journal that can't prove its end --------------------------------------------------------


def test_after_a_loss_of_power_a_new_epoch_begins_far_above_all_that_was_numbered() -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    last = desk.items()[-1]
    desk.lose_power()
    desk.boot()
    desk.tell(1, intended(3))
    desk.pass_time(MOMENT)

    item = desk.items()[-1]
    assert item.epoch > last.epoch
    assert item.seq > last.seq


def test_an_order_that_was_closed_in_the_store_only_does_not_take_its_trade_twice() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    desk.journal.sync()
    desk.event(trade_heard(1, 1, 10))
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    desk.pass_time(SECOND)
    desk.lose_power()
    desk.boot()
    desk.event(trade_heard(1, 1, 10))
    desk.pass_time(SECOND)

    assert desk.order(an_id(1)).status is OrderStatus.FILLED
    assert len(desk.heard(m.TransactionUpdate)) == 1
    assert not desk.ledger.book.unproven


def test_what_the_store_does_not_have_stays_as_the_journal_has_it() -> None:
    desk = Desk()
    desk.store.down = True
    story(desk)
    desk.journal.sync()
    desk.lose_power()
    desk.store.down = False
    desk.boot()
    desk.event(trade_heard(1, 1, 4))
    desk.event(trade_heard(2, 1, 1))
    desk.pass_time(SECOND)

    assert desk.order(an_id(1)).cum_quantity == 10
    assert desk.order(an_id(2)).cum_quantity == 1
    assert len(desk.heard(m.TransactionUpdate)) == 3


def test_a_lost_journal_is_made_good_from_the_store_and_the_executor() -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    fills = len(desk.heard(m.TransactionUpdate))
    desk.crash()
    desk.files.lose()
    desk.boot()
    assert desk.order(an_id(2)).status is OrderStatus.NEW
    desk.tell(5, m.Alive(at=START))
    desk.pass_time(MOMENT)
    assert desk.heard(m.Acknowledged)[-1].gap
    desk.tell(1, intended(2), outbox="0c" * 16)
    desk.tell(2, intended(1), outbox="0c" * 16)
    for trade, quantity in ((1, 4), (2, 6)):
        desk.event(trade_heard(1, trade, quantity))
    desk.pass_time(SECOND)

    assert desk.order(an_id(1)).status is OrderStatus.FILLED
    assert len(desk.heard(m.TransactionUpdate)) == fills


def test_a_record_that_can_not_be_read_is_passed_over_and_begins_a_new_epoch_case_69() -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    epoch = desk.items()[-1].epoch
    desk.journal.append(b"\xc1 nothing of ours")
    desk.crash()
    desk.boot()
    desk.event(trade_heard(2, 1, 1))

    assert desk.listener.counters["records_unreadable"] == 1
    assert desk.items()[-1].epoch > epoch


def spoilt(payload: bytes) -> bytes:
    """A map, as a newer gateway might write it, with a good checksum."""
    found: dict[str, object] = msgspec.msgpack.decode(payload)
    return codec.encode({**found, "orders": "nothing that is known here"})


def roll_unreadable(desk: Desk) -> None:
    state = desk.ledger.state
    desk.journal.roll(spoilt(codec.encode(state.dump(state.streams))))


def test_a_checkpoint_that_can_not_be_read_is_gone_behind_case_69() -> None:
    """The older one and all records since are there: nothing is lost, and no number jumps."""
    desk = Desk()
    desk.writing = False
    desk.tell(1, intended(1))
    desk.ledger._roll(desk.ledger.state.streams)
    desk.tell(2, answered(1))
    desk.event(trade_heard(1, 1, 4))
    roll_unreadable(desk)
    desk.tell(3, intended(2))
    before = {t.order.order_id: t.order for t in desk.ledger.book.tracked()}
    last = desk.items()[-1]
    desk.crash()
    desk.boot()

    assert desk.checkpoints.refused == 1
    assert {t.order.order_id: t.order for t in desk.ledger.book.tracked()} == before
    (raised,) = desk.heard(m.AlarmRaised)
    assert raised.alarm.kind == "checkpoint_unreadable"
    assert any(name.endswith(".damaged") for name in desk.files.names())
    desk.tell(3, intended(2))
    desk.event(trade_heard(2, 1, 1))
    assert (desk.items()[-1].epoch, desk.items()[-2].seq) == (last.epoch, last.seq + 1)

    desk.pass_time(2 * SECOND)
    desk.crash()
    desk.boot()
    assert desk.checkpoints.refused == 0
    assert desk.order(an_id(2)).cum_quantity == 1


def test_without_any_checkpoint_that_can_be_read_the_store_has_what_the_journal_has_not() -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    fills = len(desk.heard(m.TransactionUpdate))
    last = desk.items()[-1]
    for _ in range(3):
        roll_unreadable(desk)
        desk.pass_time(SECOND)
        desk.journal.drop_before(desk.journal.next_number)
    desk.crash()
    desk.boot()

    assert desk.checkpoints.refused >= 2
    assert desk.order(an_id(2)).status is OrderStatus.NEW
    desk.tell(5, m.Alive(at=START))
    desk.event(trade_heard(1, 1, 4))
    desk.event(trade_heard(2, 1, 1))
    desk.pass_time(SECOND)
    assert len(desk.heard(m.TransactionUpdate)) == fills + 1
    assert desk.items()[-1].epoch > last.epoch
    assert desk.items()[-1].seq > last.seq
    assert "checkpoint_unreadable" in {a.alarm.kind for a in desk.heard(m.AlarmRaised)}


def test_on_a_disk_that_fails_nothing_is_said_that_is_not_recorded() -> None:
    """The process is ended for it; what was not acknowledged comes again."""
    desk = Desk()
    desk.tell(1, intended(1))
    desk.pass_time(SECOND)
    desk.files.sync_fails = True
    with pytest.raises(JournalFailed):
        desk.journal.sync()
    said = len(desk.items())
    acknowledged = [a.number for a in desk.heard(m.Acknowledged)]
    desk.tell(2, answered(1))
    desk.event(trade_heard(1, 1, 4))
    desk.pass_time(5 * SECOND)

    assert len(desk.items()) == said
    assert [a.number for a in desk.heard(m.Acknowledged)] == acknowledged
    assert desk.listener.problems()[0].startswith("journal_failed: ")
    with pytest.raises(JournalFailed):
        desk.journal.check()

    desk.files.sync_fails = False
    desk.crash()
    desk.boot()
    desk.tell(2, answered(1))
    desk.event(trade_heard(1, 1, 4))
    assert desk.order(an_id(1)).cum_quantity == 4
    assert desk.heard(m.Acknowledged) != []


def test_a_full_disk_is_waited_for_and_the_stream_is_not_lost() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    desk.pass_time(SECOND)
    desk.fill_disk()
    said = len(desk.items())
    desk.event(trade_heard(1, 1, 4))
    desk.tell(3, intended(2))
    desk.pass_time(5 * SECOND)
    assert len(desk.items()) == said
    assert max(a.number for a in desk.heard(m.Acknowledged)) == 2
    desk.journal.check()

    desk.free_disk()
    desk.pass_time(2 * SECOND)
    assert desk.order(an_id(1)).cum_quantity == 4
    desk.tell(3, intended(2))
    assert desk.order(an_id(2)).status is OrderStatus.PENDING_NEW


def test_a_renumbering_that_can_not_be_recorded_changes_nothing() -> None:
    desk = Desk()
    story(desk)
    streams = dict(desk.ledger.streams)
    desk.fill_disk()
    with pytest.raises(JournalFull):
        desk.renumber()
    assert dict(desk.ledger.streams) == streams
    desk.free_disk()
    desk.renumber()

    assert desk.ledger.streams[MAIN].epoch > streams[MAIN].epoch


def put_back_older_copy(desk: Desk) -> m.StreamPosition:
    """The listener's folder, as it was before what the store has by now. Where it was by then."""
    story(desk)
    desk.pass_time(SECOND)
    copy = desk.files.copy()
    for number in range(10, 20):
        desk.tell(number - 5, intended(number))
    desk.pass_time(SECOND)
    position = desk.ledger.streams[MAIN]
    desk.crash()
    desk.files.put_back(copy)
    desk.writing = False
    desk.boot()
    assert desk.ledger.streams[MAIN].seq < position.seq
    return position


def test_an_older_copy_of_the_journal_is_behind_however_much_was_numbered_since() -> None:
    desk = Desk()
    position = put_back_older_copy(desk)
    found = desk.ask(FindPositions(journal=desk.journal.identity.hex()))
    assert desk.ledger.is_behind(found.streams)
    for number in range(30, 60):
        desk.tell(number - 25, intended(number))
    assert desk.ledger.streams[MAIN].seq > position.seq
    assert desk.ledger.is_behind(found.streams)

    desk.renumber()
    assert not desk.ledger.is_behind(found.streams)
    assert desk.ledger.streams[MAIN].epoch > position.epoch
    assert desk.ledger.streams[MAIN].seq > position.seq


def test_a_journal_that_has_all_is_not_behind_nor_is_another_gateways_account_its_business() -> (
    None
):
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    desk.crash()
    desk.boot()
    found = desk.ask(FindPositions(journal=desk.journal.identity.hex()))
    stranger = m.StreamPosition(account=AccountId("theirs"), epoch=START, seq=9)

    assert not desk.ledger.is_behind((*found.streams, stranger))


def test_while_the_store_can_not_tell_numbers_jump_and_none_is_given_out_twice() -> None:
    desk = Desk()
    put_back_older_copy(desk)
    published = {(i.account, i.epoch, i.seq) for i in desk.items()}
    before = len(desk.items())
    desk.ledger.jump()
    desk.tell(5, intended(70))
    desk.event(trade_heard(2, 1, 1))
    new = [(i.account, i.epoch, i.seq) for i in desk.items()[before:]]
    assert len(new) == 3
    assert not published & set(new)

    desk.crash()
    desk.boot()
    desk.event(trade_heard(2, 2, 1))
    assert desk.items()[-1].epoch == new[-1][1]
    assert desk.items()[-1].seq == new[-1][2] + 2


@pytest.mark.parametrize("begin", ["jump", "renumber"])
def test_an_older_copy_is_behind_though_nothing_was_published_in_the_epochs_it_lacks(
    begin: str,
) -> None:
    desk = Desk()
    story(desk)
    desk.pass_time(SECOND)
    copy = desk.files.copy()
    stored = desk.ask(FindPositions(journal=desk.journal.identity.hex()))
    if begin == "jump":
        desk.ledger.jump()
    else:
        desk.ledger.renumber(stored.streams, ())
    announced = desk.ledger.streams[MAIN]
    desk.ledger.note_stored(stored.streams)
    desk.pass_time(SECOND)
    desk.crash()
    desk.files.put_back(copy)
    desk.boot()

    found = desk.ask(FindPositions(journal=desk.journal.identity.hex()))
    assert announced in found.streams
    assert desk.ledger.is_behind(found.streams)
    desk.renumber()
    assert desk.ledger.streams[MAIN].epoch > announced.epoch
    assert desk.ledger.streams[MAIN].seq > announced.seq


def test_of_epochs_that_the_store_knows_or_that_never_had_a_number_it_is_told_nothing() -> None:
    desk = Desk()
    appends = desk.appends
    desk.ledger.note_stored(())
    assert desk.appends == appends

    story(desk)
    desk.pass_time(SECOND)
    appends = desk.appends
    found = desk.ask(FindPositions(journal=desk.journal.identity.hex()))
    desk.ledger.note_stored(found.streams)
    assert desk.appends == appends


def test_a_consumers_cursor_can_not_be_ahead_of_a_new_number() -> None:
    desk = Desk(epoch_gap=100)
    story(desk)
    position = desk.ledger.streams[MAIN]
    ahead = m.StreamPosition(account=MAIN, epoch=position.epoch + 7, seq=position.seq + 50)
    desk.ledger.renumber((ahead,), ())

    assert desk.ledger.streams[MAIN].seq == position.seq + 150
    assert desk.ledger.streams[MAIN].epoch == position.epoch + 8


def test_what_another_gateway_has_in_the_store_is_not_taken_over() -> None:
    desk = Desk(epoch_gap=100)
    story(desk)
    theirs = AccountId("theirs")
    position = m.StreamPosition(account=theirs, epoch=START, seq=70)
    desk.ledger.renumber((position,), ())
    desk.ledger.note_stored((position,))

    assert theirs not in desk.ledger.streams
    assert theirs not in {head.account for head in desk.ledger.heads}


def test_an_account_that_is_opened_later_goes_on_behind_what_the_store_has_of_it() -> None:
    desk = Desk(epoch_gap=100)
    story(desk)
    old = AccountId("old")
    desk.ledger.note_stored((m.StreamPosition(account=old, epoch=START, seq=70),))
    desk.ledger.open_account(old)

    assert desk.ledger.streams[old].seq == 170
    assert desk.ledger.streams[old].epoch > START


# ---- the process itself ------------------------------------------------------------------------


def test_it_is_ready_when_every_stream_is_heard_case_68() -> None:
    desk = Desk()
    assert len(desk.listener.problems()) == 2
    desk.event(v.StreamUp(account="main"))
    desk.listener.polled("other")
    assert desk.listener.problems() == ()
    desk.event(v.StreamDown(account="main", text="cut"))

    (problem,) = desk.listener.problems()
    assert problem.startswith("stream_down: account main: cut; does the venue answer, and take")
    states = [(s.account, s.up) for s in desk.heard(m.StreamState)]
    assert states == [("main", True), ("other", True), ("main", False)]


def test_the_beat_goes_on_if_something_around_the_listener_fails() -> None:
    desk = Desk()

    def broken() -> tuple[str, ...]:
        raise RuntimeError("a part around it")

    desk.listener._more_problems = (broken,)
    with pytest.raises(RuntimeError):
        desk.pass_time(SECOND)
    desk.listener._more_problems = ()
    heads = len(desk.heard(m.Head))
    desk.pass_time(2 * SECOND)

    assert len(desk.heard(m.Head)) > heads


def test_an_alarm_of_another_part_is_journaled_and_published() -> None:
    desk = Desk()
    desk.tell(1, intended())
    alarm = desk.listener.ledger.draft()
    assert alarm.is_empty
    desk.listener.note_alarm(
        Alarm(kind="write_failed", text="x", at=START, account=MAIN, order_id=None)
    )

    assert [a.alarm.kind for a in desk.heard(m.AlarmRaised)] == ["write_failed"]
    assert OUTBOX in desk.ledger.outboxes


def test_a_dead_life_does_nothing_more() -> None:
    desk = Desk()
    desk.crash()
    with pytest.raises(Died):
        desk.life.touch()
