"""The outbox: every record reaches the listener, in order, whatever is lost on the way."""

import random

import pytest
from executor_world import MILLI, SECOND, SETTINGS, World, done, started
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.codec import encode, reports
from gateway.domain.errors import Code
from gateway.journal import JournalOptions

SMALL = JournalOptions(
    boot_id="boot", segment_records=20, reserve_bytes=0, spare_segments=0, segment_bytes=1 << 20
)


def settle(world: World) -> None:
    for _ in range(5):
        world.advance(2 * SECOND)
        world.deliver()


def segments(world: World) -> list[str]:
    return [name for name in world.files.names() if name.endswith(".segment")]


def all_arrived(world: World, orders: list[str]) -> None:
    assert [i.order.order_id for i in world.listener.of(m.PlaceIntended)] == orders
    assert {a.order_id for a in world.listener.of(m.PlaceAnswered)} == set(orders)


def test_what_was_lost_on_the_way_is_sent_again() -> None:
    world = started()
    orders: list[str] = [world.placed()]
    world.listener.inbox.clear()
    settle(world)

    all_arrived(world, orders)
    assert world.executor.counters.resent > 0


def test_a_reported_gap_is_filled_at_once_and_not_for_each_report() -> None:
    world = started()
    before = world.executor.counters.resent
    orders: list[str] = [world.placed()]
    del world.listener.inbox[0]
    orders += [world.placed() for _ in range(10)]
    world.deliver()

    all_arrived(world, orders)
    assert world.executor.counters.gaps == 21
    assert world.executor.counters.resent - before == 22


def test_a_listener_that_was_away_gets_everything_a_window_at_a_time() -> None:
    world = started(replace(SETTINGS, resend_window=10))
    world.listener.up = False
    orders: list[str] = [world.placed() for _ in range(60)]
    settle(world)
    assert any(p.startswith("listener_behind") for p in world.executor.problems())
    world.listener.up = True
    world.listener.inbox.clear()
    world.advance(SECOND)
    records = [f for f in world.listener.inbox if b"outbox_record" in f]
    assert len(records) == 10

    settle(world)
    all_arrived(world, orders)
    assert world.executor.problems() == ()


def test_while_the_listener_is_away_nothing_is_read_twice_from_the_journal() -> None:
    world = started(replace(SETTINGS, resend_window=10))
    orders: list[str] = [world.placed()]  # sent, and nobody will acknowledge it
    world.listener.inbox.clear()
    world.listener.up = False
    before = world.reader.calls
    world.advance(3 * SECOND)
    orders += [world.placed() for _ in range(60)]
    world.advance(3 * SECOND)
    assert world.reader.calls - before == 1
    assert len(world.executor._outbox._fresh) == 10
    world.listener.up = True
    for _ in range(5):
        settle(world)

    all_arrived(world, orders)


def test_only_what_is_acknowledged_is_dropped_from_the_journal() -> None:
    world = started(options=SMALL)
    world.listener.up = False
    orders: list[str] = [world.placed() for _ in range(100)]
    assert world.journal.segment_count > 5
    world.listener.up = True
    for _ in range(20):
        settle(world)

    all_arrived(world, orders)
    assert world.journal.segment_count <= 2


def test_records_of_before_a_restart_are_sent_after_it() -> None:
    world = started(options=SMALL)
    world.listener.up = False
    orders: list[str] = [world.placed() for _ in range(50)]
    world.restart()
    world.listener.up = True
    for _ in range(20):
        settle(world)

    all_arrived(world, orders)
    assert len(world.listener.positions) == 1


def test_duplicated_lost_and_shuffled_records_arrive_once_and_in_order() -> None:
    world = started(replace(SETTINGS, resend_window=20))
    chance = random.Random(5)
    orders: list[str] = []
    for _ in range(100):
        orders.append(world.placed())
        inbox = world.listener.inbox
        world.listener.inbox = chance.sample(inbox * 2, k=len(inbox))
        world.deliver()
    settle(world)

    all_arrived(world, orders)


def test_a_listener_that_has_more_than_the_journal_gets_a_new_outbox_and_old_ids_are_refused() -> (
    None
):
    world = started()
    (name,) = world.listener.positions
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.listener.positions[name] += 1_000
    world.order(world.place())
    settle(world)
    world.order(place)
    settle(world)

    assert len(world.listener.positions) == 2
    assert [i.order.order_id for i in world.listener.of(m.PlaceIntended)] == world.venue.places()
    assert world.refusals() == [(place.command_id, Code.ORDER_ID_TOO_OLD)]


def test_a_journal_put_back_from_an_older_copy_is_noticed_however_long_the_listener_is_away() -> (
    None
):
    """By then it has given out more numbers than the listener has seen of the other one."""
    world = started()
    world.placed()
    settle(world)
    (name,) = world.listener.positions
    copy = world.files.copy()
    lost = world.place(expires_at=world.clock.now() + 59 * SECOND)
    world.order(lost)
    settle(world)
    heard = world.listener.positions[name]
    world.kill()
    world.files.put_back(copy)
    world.listener.up = False
    world.start()
    later = [world.placed() for _ in range(3)]
    for _ in range(20):
        world.advance(SECOND)
    assert world.executor._outbox.last > heard
    world.listener.up = True
    for _ in range(5):
        settle(world)
    world.order(lost)
    settle(world)

    assert world.listener.positions[name] == heard
    assert len(world.listener.positions) == 2
    told = [intent.order.order_id for intent in world.listener.of(m.PlaceIntended)]
    assert set(later) < set(told)
    assert world.venue.places().count(lost.order_id) == 1
    assert world.refusals() == [(lost.command_id, Code.ORDER_ID_TOO_OLD)]


def test_an_order_that_an_older_copy_does_not_know_of_can_still_be_canceled() -> None:
    """Until the listener is heard, its id looks like one that never came."""
    world = started()
    world.placed()
    settle(world)
    copy = world.files.copy()
    order_id = world.placed()
    settle(world)
    world.kill()
    world.files.put_back(copy)
    world.start()
    world.urgent(world.cancel(order_id))
    assert not world.executor._outbox.is_proven
    for _ in range(3):
        settle(world)
    before = len(world.venue.cancels())
    world.urgent(world.cancel(order_id))

    assert [request.order_id for request in world.venue.cancels()[before:]] == [order_id]


def test_a_place_that_an_older_copy_does_not_know_of_is_not_sent_twice_before_that_is_clear() -> (
    None
):
    world = started()
    world.placed()
    settle(world)
    copy = world.files.copy()
    placed = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.order(placed)
    settle(world)
    world.kill()
    world.files.put_back(copy)
    world.start()
    world.order(placed)
    fresh = world.placed()
    for _ in range(3):
        settle(world)
    world.order(placed)

    assert world.venue.places().count(placed.order_id) == 1
    assert fresh in world.venue.places()


def test_an_older_copy_with_the_name_of_an_older_outbox_begins_a_new_one() -> None:
    """Since it was taken the outbox had been renamed: its numbers alone would prove nothing."""
    world = started()
    world.placed()
    settle(world)
    (name,) = world.listener.positions
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.restart()
    said = m.Acknowledged(outbox=name, number=world.listener.positions[name], superseded=True)
    world.tell(m.ACKNOWLEDGEMENTS, said)
    settle(world)
    world.order(place)
    settle(world)

    assert len(world.listener.positions) == 2
    assert world.refusals() == [(place.command_id, Code.ORDER_ID_TOO_OLD)]


def test_after_a_start_nothing_new_is_told_before_the_listener_has_said_how_far_it_is() -> None:
    world = started()
    world.placed()
    settle(world)
    (position,) = world.listener.positions.values()
    world.restart()
    world.placed()
    world.advance(SECOND)
    numbers = [
        record.number
        for record in map(reports.decode, world.listener.inbox)
        if isinstance(record, m.OutboxRecord)
    ]
    assert 0 in numbers
    assert set(numbers) == {0}
    assert position > 0
    for _ in range(3):
        settle(world)

    assert len(world.listener.positions) == 1
    assert world.executor._outbox.behind == 0


def test_a_listener_that_lost_all_gets_what_is_still_there() -> None:
    world = started()
    orders: list[str] = [world.placed() for _ in range(5)]
    world.deliver()
    world.listener.positions.clear()
    world.listener.events.clear()
    settle(world)

    all_arrived(world, orders)
    assert len(world.listener.positions) == 1


def test_a_listener_that_lost_all_gets_the_open_orders_in_a_new_outbox_if_records_are_gone() -> (
    None
):
    world = started(options=SMALL)
    orders: list[str] = [world.placed() for _ in range(50)]
    world.urgent(world.cancel(orders[7]))
    settle(world)
    assert world.journal.first_number > 20
    (old,) = world.listener.positions
    world.listener.positions.clear()
    world.listener.events.clear()
    settle(world)

    all_arrived(world, orders)
    assert [c.order_id for c in world.listener.of(m.CancelIntended)][:1] == [orders[7]]
    assert set(world.listener.positions) - {old}
    settle(world)
    assert world.executor.counters.outboxes_begun == 1
    world.restart()
    late = world.placed()
    settle(world)
    assert world.listener.of(m.PlaceIntended)[-1].order.order_id == late


def test_an_old_word_of_a_gap_that_comes_late_begins_no_new_outbox() -> None:
    world = started(options=SMALL)
    for _ in range(50):
        world.placed()
    settle(world)
    assert world.journal.first_number > 20
    (name,) = world.listener.positions
    late = m.Acknowledged(outbox=name, number=3, gap=True)
    for _ in range(5):
        world.executor.on_status(m.ACKNOWLEDGEMENTS, encode(late))
        settle(world)

    assert world.executor.counters.outboxes_begun == 0


def test_old_words_of_a_gap_on_both_sides_of_a_pause_begin_no_new_outbox() -> None:
    world = started(options=SMALL)
    for _ in range(50):
        world.placed()
    settle(world)
    (name,) = world.listener.positions
    late = m.Acknowledged(outbox=name, number=3, gap=True)
    for pause in (0, 15 * SECOND):  # the process was stopped
        world.clock.pass_time(pause)
        for _ in range(10):
            world.clock.pass_time(MILLI)
            world.executor.on_status(m.ACKNOWLEDGEMENTS, encode(late))
    settle(world)

    assert world.executor.counters.outboxes_begun == 0


def test_a_journal_that_may_have_lost_its_end_goes_on_as_a_new_outbox() -> None:
    world = started()
    first = world.placed()
    world.deliver()
    untold = world.placed()
    world.kill()
    world.listener.inbox.clear()
    early = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.files.cut(segments(world)[-1], 3)
    world.start()
    world.order(early)
    world.advance(5 * SECOND)
    later = world.placed()
    settle(world)

    assert len(world.listener.positions) == 2
    arrived = [i.order.order_id for i in world.listener.of(m.PlaceIntended)]
    assert set(arrived) == {first, untold, later}
    assert (early.command_id, Code.ORDER_ID_TOO_OLD) in world.refusals()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_new_outbox_that_could_not_be_begun_at_the_start_is_begun_later(restarts: bool) -> None:
    """Until it is, the journal stays in doubt, also for a later start."""
    world = started()
    world.placed()
    early = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.kill()
    world.files.cut(segments(world)[-1], 3)
    world.files.capacity = sum(map(world.files.size, world.files.names()))
    world.start()
    assert "unsettled" in world.files.names()
    world.files.capacity = None
    if restarts:
        world.restart()
    settle(world)
    world.order(early)

    assert "unsettled" not in world.files.names()
    assert world.refusals() == [(early.command_id, Code.ORDER_ID_TOO_OLD)]
    assert len(world.listener.positions) == 2


def test_a_damaged_record_does_not_hold_up_those_behind_it() -> None:
    world = started()
    world.listener.up = False
    orders: list[str] = [world.placed() for _ in range(10)]
    world.kill()
    (segment,) = segments(world)
    world.files.flip(segment, world.files.size(segment) // 2)
    world.start()
    world.listener.up = True
    settle(world)

    arrived = [i.order.order_id for i in world.listener.of(m.PlaceIntended)]
    assert len(arrived) >= 9
    assert set(arrived) <= set(orders)
    assert world.listener.events[-1] == world.recorded(m.Alive)[-1]


def full_world() -> World:
    """A journal that has reached its bound; the reserve is for what must be recorded."""
    options = JournalOptions(
        boot_id="boot",
        segment_bytes=10_000,
        max_bytes=20_000,
        reserve_bytes=20_000,
        spare_segments=0,
    )
    world = started(options=options)
    world.listener.up = False
    for _ in range(1_000):
        world.order(world.place())
        if world.venue.open:
            world.venue.answer(done())
        if world.executor.counters.refused[Code.JOURNAL_FULL]:
            return world
    raise AssertionError("it never fills")


def test_a_full_journal_refuses_new_orders_with_a_code_and_lets_cancels_go_on() -> None:
    world = full_world()
    placed = len(world.venue.places())
    order_id = world.venue.places()[-1]
    world.urgent(world.cancel(order_id))
    world.order(world.place())

    assert len(world.venue.places()) == placed
    assert [c.order_id for c in world.venue.cancels()] == [order_id]
    assert [c.order_id for c in world.recorded(m.CancelIntended)] == [order_id]
    assert not world.executor.ready
    assert any(p.startswith("journal_full") for p in world.executor.problems())


def test_a_flood_of_refusals_in_a_full_journal_leaves_the_reserve_alone() -> None:
    world = full_world()
    before = world.journal.next_number
    for _ in range(500):
        world.order(world.place())

    assert world.journal.next_number - before <= SETTINGS.full_refusals_per_s
    assert world.executor.counters.silent >= 490


def test_a_full_journal_takes_orders_again_once_the_listener_has_caught_up() -> None:
    world = full_world()
    world.listener.up = True
    for _ in range(20):
        settle(world)
    assert world.executor.ready
    world.order(world.place())
    settle(world)

    assert {i.order.order_id for i in world.listener.of(m.PlaceIntended)} == set(
        world.venue.places()
    )


def test_answers_wait_for_a_disk_without_any_room_and_are_recorded_later() -> None:
    world = started()
    orders = [world.placed(None) for _ in range(3)]
    world.files.capacity = 0
    for _ in orders:
        world.venue.answer(done())
    world.urgent(world.cancel(orders[0]))
    assert len(world.venue.cancels()) == 1
    world.order(world.place())
    assert len(world.venue.places()) == 3

    world.files.capacity = None
    settle(world)
    assert {a.order_id for a in world.listener.of(m.PlaceAnswered)} == set(orders)
    assert [c.order_id for c in world.listener.of(m.CancelIntended)] == [orders[0]]


def test_a_journal_whose_disk_died_takes_no_orders_and_cancels_still_go_out() -> None:
    world = started(options=JournalOptions(boot_id="b", reserve_bytes=0, durability="disk"))
    order_id = world.placed()
    world.files.sync_fails = True
    world.order(world.place())
    world.urgent(world.cancel(order_id))
    world.advance(3 * SECOND)

    assert len(world.venue.places()) == 1
    assert len(world.venue.cancels()) >= 1
    assert not world.executor.ready
    assert any(problem.startswith("journal_failed: ") for problem in world.executor.problems())


def test_a_checkpoint_nobody_can_read_costs_trust_and_no_order() -> None:
    world = started()
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.order(place)
    late = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.kill()
    world.start(spoil_checkpoint=True)
    world.order(place)
    world.order(late)
    settle(world)

    assert world.venue.places() == [place.order_id]
    assert world.refusals() == [(late.command_id, Code.ORDER_ID_TOO_OLD)]
    assert len(world.listener.positions) == 2


def test_the_answer_of_the_venue_is_told_with_all_that_it_says() -> None:
    world = started()
    world.placed(None)
    refused = v.Refused(code=Code.VENUE_FUNDS, text="no money", venue_code="-2010")
    world.venue.answer(refused)
    world.deliver()

    assert [a.answer for a in world.listener.of(m.PlaceAnswered)] == [refused]
