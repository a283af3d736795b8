"""What the executor counts and times of its commands and of the venue's answers."""

from executor_world import ACCOUNT, MILLI, World, done, started

from gateway.domain import venue as v
from gateway.domain.errors import Code
from gateway.domain.latency import Latencies
from gateway.executor.counters import AMEND, CANCEL, PLACE


def answered(world: World, command: str) -> Latencies:
    return world.executor.counters.timings.answered[command, ACCOUNT]


def test_an_answer_is_timed_from_its_commands_record() -> None:
    world = started()
    world.order(world.place())
    world.advance(3 * MILLI)

    world.venue.answer(done())

    assert (answered(world, PLACE).count, answered(world, PLACE).total) == (1, 3 * MILLI)
    assert world.executor.counters.timings.journaled[PLACE].count == 1


def test_answers_are_counted_by_outcome_and_a_rate_limit_by_its_code() -> None:
    world = started()
    world.placed()
    world.order(world.place())
    world.venue.answer(v.Refused(code=Code.VENUE_RATE_LIMIT, text="slow down"))
    world.order(world.place())
    world.venue.answer(v.OutcomeUnknown(text="cut"))

    assert world.executor.counters.answers == {
        (PLACE, ACCOUNT, "done", ""): 1,
        (PLACE, ACCOUNT, "refused", "venue_rate_limit"): 1,
        (PLACE, ACCOUNT, "unknown", ""): 1,
    }


def test_a_cancel_is_timed_though_its_order_was_heard_to_have_ended_before() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.advance(MILLI)
    world.deliver()

    world.venue.answer(v.Refused(code=Code.VENUE_ORDER_NOT_FOUND, text="gone"))

    assert (answered(world, CANCEL).count, answered(world, CANCEL).total) == (1, MILLI)
    assert world.executor.counters.answers[CANCEL, ACCOUNT, "refused", "venue_order_not_found"] == 1


def test_what_the_process_before_sent_is_counted_and_not_timed() -> None:
    world = started()
    world.order(world.place())
    world.kill()

    world.restart()

    assert world.executor.counters.answers == {(PLACE, ACCOUNT, "unknown", ""): 1}
    assert answered(world, PLACE).count == 0


def test_an_amend_is_counted_and_timed_on_its_own() -> None:
    world = started()
    order_id = world.placed()
    world.order(world.amend(order_id))
    world.advance(2 * MILLI)

    world.venue.answer(done())

    assert (answered(world, AMEND).count, answered(world, AMEND).total) == (1, 2 * MILLI)


def test_a_record_is_timed_until_the_listener_has_it() -> None:
    world = started()
    acknowledged = world.executor.counters.timings.acknowledged.latencies
    world.deliver()
    before = acknowledged.count

    world.placed()
    world.advance(MILLI)
    world.deliver()

    assert acknowledged.count == before + 1


def test_what_is_held_is_told() -> None:
    world = started()
    world.placed()
    world.order(world.place())
    held = world.executor.holds()

    assert (held.unanswered, held.cancels, held.ids, held.halted) == (1, 0, 2, ())
    assert held.unacknowledged > 0
    world.deliver()
    assert world.executor.holds().unacknowledged == 0
