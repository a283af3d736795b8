"""Dead at any point: nothing is sent twice, and every outcome is known or said to be unknown."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from executor_world import ACCOUNT, SECOND, SYMBOL, Killed, World, done, started

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import ClientId, OrderId
from gateway.domain.order import Order
from gateway.journal import JournalOptions

# A checkpoint after every few records, so that kills fall into writing one too.
ROLLING = JournalOptions(boot_id="boot", segment_records=3, reserve_bytes=0)
MOST_CALLS = 40


def settle(world: World) -> None:
    for _ in range(4):
        world.advance(2 * SECOND)
        world.deliver()


def place_and_answer(world: World, place: m.Place) -> None:
    world.order(place)
    world.venue.answer(done())


def place_and_cancel(world: World, place: m.Place) -> None:
    world.order(place)
    world.urgent(world.cancel(place.order_id))
    world.venue.answer(done())
    world.venue.answer(v.OutcomeUnknown(text="time-out"))


def cancel_first(world: World, place: m.Place) -> None:
    world.urgent(world.cancel(place.order_id))
    world.order(place)


def place_and_amend(world: World, place: m.Place) -> None:
    world.order(place)
    world.venue.answer(done())
    world.order(world.amend(place.order_id))
    world.venue.answer(done())


def place_refused(world: World, place: m.Place) -> None:
    world.venue.ready = False
    world.order(place)
    world.venue.ready = True


def beats(world: World, place: m.Place) -> None:
    world.order(place)
    world.advance(3 * SECOND)


SCENES = [
    place_and_answer,
    place_and_cancel,
    cancel_first,
    place_and_amend,
    place_refused,
    beats,
]


def killed_in(world: World, scene: Callable[[World, m.Place], None], place: m.Place) -> bool:
    try:
        scene(world, place)
    except Killed:
        return True
    return False


def start_again(world: World, calls: int | None) -> None:
    """With a fuse also in the start itself; then once more without."""
    world.kill()
    world.fuse.calls = calls
    try:
        world.start()
    except Killed:
        world.restart()
    world.fuse.calls = None


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("calls", range(MOST_CALLS))
def test_case_10_killed_before_any_call_into_a_port(
    scene: Callable[[World, m.Place], None], calls: int
) -> None:
    world = started(options=ROLLING)
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.fuse.calls = calls
    killed_in(world, scene, place)
    world.venue.ready = True
    start_again(world, calls % 7)
    refused_before = world.refusals()
    world.order(place)
    settle(world)

    check_promises(world, place, refused_before)


def check_promises(world: World, place: m.Place, refused: list[tuple[str, str]]) -> None:
    sent, heard = world.venue.places(), world.listener
    told = {refusal.command_id for refusal in heard.of(m.CommandRefused)}
    assert len(sent) <= 1
    assert {intent.order.order_id for intent in heard.of(m.PlaceIntended)} >= set(sent)
    if (place.command_id, Code.NOT_READY) in refused:
        assert sent == []
    assert place.command_id in told or heard.of(m.PlaceIntended)
    assert place.command_id not in told or not sent
    still_open = len(world.venue.open)
    assert len(heard.of(m.PlaceAnswered)) >= len(heard.of(m.PlaceIntended)) - still_open
    assert len(heard.of(m.AmendAnswered)) >= len(heard.of(m.AmendIntended)) - still_open


def test_an_intent_without_an_answer_has_an_unknown_outcome_after_the_start() -> None:
    world = started()
    order_id = world.placed(None)
    world.restart()
    world.deliver()

    (answered,) = world.listener.of(m.PlaceAnswered)
    assert answered.order_id == order_id
    assert isinstance(answered.answer, v.OutcomeUnknown)
    assert "started again" in answered.answer.text
    assert world.venue.places() == [order_id]

    world.restart()
    world.deliver()
    assert len(world.listener.of(m.PlaceAnswered)) == 1


def test_an_intent_that_was_never_sent_is_in_doubt_too_and_never_sent() -> None:
    world = started()
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.fuse.calls = 1
    with pytest.raises(Killed):
        world.order(place)
    world.restart()
    world.order(place)

    assert world.venue.places() == []
    (answered,) = world.recorded(m.PlaceAnswered)
    assert isinstance(answered.answer, v.OutcomeUnknown)


@pytest.mark.parametrize("options", [ROLLING, JournalOptions(boot_id="boot", reserve_bytes=0)])
def test_what_is_known_is_the_same_with_and_without_checkpoints(options: JournalOptions) -> None:
    world = started(options=options)
    order_id = world.placed("v7")
    refused = world.place(quantity="0", expires_at=world.clock.now() + 50 * SECOND)
    world.order(refused)
    killed = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.urgent(world.cancel(killed.order_id))
    first = world.place(order_id, command_id="other")
    for _ in range(3):
        settle(world)
        world.restart()
    world.order(first)
    world.order(refused)
    world.order(killed)
    world.urgent(world.cancel(order_id))

    codes = {r.command_id: r.code for r in world.listener.of(m.CommandRefused)}
    world.deliver()
    codes |= {r.command_id: r.code for r in world.listener.of(m.CommandRefused)}
    assert codes == {
        refused.command_id: Code.BAD_QUANTITY,
        killed.command_id: Code.CANCELED_BEFORE_SENT,
    }
    assert world.venue.places() == [order_id]
    assert [c.venue_order_id for c in world.venue.cancels()] == ["v7"]
    assert world.executor.counters.repeated == 2


# Each record begins a new segment: a restart then has the checkpoint and next to nothing else.
CHECKPOINTS = JournalOptions(boot_id="boot", segment_records=1, reserve_bytes=0, spare_segments=0)


def test_a_checkpoint_holds_the_halts_and_which_commands_made_them() -> None:
    world = started(options=CHECKPOINTS)
    world.urgent(m.Halt(command_id="h1", client_id="desk"))
    world.urgent(m.Resume(command_id="r1", client_id="desk"))
    world.urgent(m.Halt(command_id="h2", client_id="desk"))
    settle(world)
    world.restart()
    world.urgent(m.Resume(command_id="r1", client_id="desk"))
    world.order(world.place())
    world.deliver()

    assert [r.code for r in world.listener.of(m.CommandRefused)] == [Code.HALTED]


def test_a_checkpoint_holds_the_amends_that_were_carried_out() -> None:
    world = started(options=CHECKPOINTS)
    order_id = world.placed()
    first = world.amend(order_id, price="100", expires_at=world.clock.now() + 50 * SECOND)
    for amend in (first, world.amend(order_id, price="200")):
        world.order(amend)
        world.venue.answer(done())
    settle(world)
    world.restart()
    world.order(first)

    assert [str(amend.price) for amend in world.venue.amends()] == ["100", "200"]


def test_a_checkpoint_holds_cancels_whose_order_could_open_again() -> None:
    world = started(options=CHECKPOINTS)
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.venue.answer(v.OutcomeUnknown(text="time-out"))
    world.listener.ended.add(order_id)
    settle(world)
    before = len(world.venue.cancels())
    world.restart()
    world.update(picture(order_id))

    assert len(world.venue.cancels()) == before + 1


@pytest.mark.parametrize("options", [CHECKPOINTS, JournalOptions(boot_id="boot", reserve_bytes=0)])
def test_what_was_acknowledged_is_not_sent_again_after_a_restart(options: JournalOptions) -> None:
    world = started(options=options)
    for _ in range(50):
        world.placed()
    settle(world)
    world.restart()

    assert len(world.listener.inbox) < 10
    assert world.executor.counters.outboxes_begun == 0


def picture(order_id: OrderId) -> Order:
    return Order(
        order_id=order_id,
        account=ACCOUNT,
        symbol=SYMBOL,
        client_id=ClientId("desk"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.5"),
        status=OrderStatus.NEW,
    )
