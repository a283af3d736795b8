"""Whatever happens to the listener, it ends where one ends to which nothing happens.

A small world acts by chance: an executor that places, is answered and cancels; a venue that
trades; messages that come twice, late and out of order; crashes before any call of a port; a disk
that is full for a while, a database that is away. At the end everything is delivered that was not
acknowledged, as executor and sweeps do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listener_kit import (
    OUTBOX,
    SECOND,
    Desk,
    an_id,
    answered,
    cancel_intended,
    intended,
    order_heard,
    trade_heard,
)

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.order import Order

ORDERS = 5
BOUNDS = {"kept_closed": 2, "slice": 2, "recalls_at_once": 2, "hold": SECOND}


@dataclass
class World:
    """What the executor has recorded and the venue has said so far."""

    random: Random
    desk: Desk
    outbox: list[m.OutboxEvent] = field(default_factory=list)
    heard: list[v.StreamEvent] = field(default_factory=list)
    steps: dict[int, int] = field(default_factory=dict)
    named: dict[int, bool] = field(default_factory=dict)
    latest: int = 0

    # ---- the executor and the venue ------------------------------------------------------------

    def act(self) -> None:
        """The next thing that happens to one of the orders; the venue speaks after the intent."""
        number = self.random.randrange(1, ORDERS + 1)
        step = self.steps.get(number, 0)
        self.latest = max(self.latest, self.desk.clock.now())
        if step == 0 and self.desk.clock.now() < self.latest:
            return  # a place that expires before a time that was promised to be over is refused
        self.steps[number] = step + 1
        named = self.named.setdefault(number, self.random.random() < 0.6)
        now = self.desk.clock.now()
        match step:
            case 0:
                self.outbox.append(intended(number, now))
                self.heard.append(order_heard(number, named=named))
            case 1:
                unknown = v.OutcomeUnknown(text="time-out")
                answer = unknown if named and number == 2 else None
                self.outbox.append(answered(number, answer, now))
                self.heard.append(trade_heard(number, 1, 4, named=named))
            case 2:
                self.outbox.append(cancel_intended(number, now))
                self.heard.append(trade_heard(number, 2, 6, named=named))
            case 3:
                self.heard.append(order_heard(number, OrderStatus.FILLED, 10, named=named))
            case _:
                self.outbox.append(m.Alive(at=self.latest))

    # ---- what reaches the listener -------------------------------------------------------------

    def position(self) -> int:
        held = self.desk.ledger.outboxes.get(OUTBOX)
        return 0 if held is None else held.number

    def tell_next(self) -> None:
        number = self.position() + self.random.choice((0, 1, 1, 1, 2, 3))
        if 1 <= number <= len(self.outbox):
            self.live(lambda: self.desk.tell(number, self.outbox[number - 1]))

    def say_something(self) -> None:
        if self.heard:
            event = self.random.choice(self.heard)
            self.live(lambda: self.desk.event(event))

    def pass_time(self) -> None:
        delay = self.random.choice((0, SECOND // 10, SECOND, 4 * SECOND))
        self.live(lambda: self.desk.pass_time(delay))

    def live(self, step: Callable[[], bool]) -> None:
        if not step():
            self.desk.boot()

    # ---- what befalls it -----------------------------------------------------------------------

    def crash(self) -> None:
        self.desk.crash()
        self.desk.boot()

    def lose_power(self) -> None:
        """Segments that were left are taken to be on the disk: a checkpoint that outlives the
        records it sums up would be a loss that the listener can't see."""
        for name in self.desk.files.names():
            if name != self.desk.journal._current.name:
                self.desk.files.sync(name)
        self.desk.free_disk()
        self.desk.store.down = False
        self.desk.lose_power(self.random)
        self.desk.clock.wall += SECOND + self.random.randrange(1, SECOND)
        self.desk.boot()

    def burn(self) -> None:
        self.desk.life.fuse = self.random.randrange(12)

    def fill_or_free_disk(self) -> None:
        if self.desk.files.capacity is None:
            self.desk.fill_disk()
        else:
            self.desk.free_disk()

    def toggle_store(self) -> None:
        self.desk.store.down = not self.desk.store.down

    def step_clock(self) -> None:
        self.desk.clock.wall += self.random.choice((-5, 5)) * SECOND

    # ---- the end -------------------------------------------------------------------------------

    def heal(self) -> None:
        """All is well again: what was not acknowledged and what a sweep would find comes again."""
        desk = self.desk
        desk.free_disk()
        desk.store.down = False
        if not desk.life.alive:
            desk.boot()
        desk.life.fuse = None
        desk.clock.wall += 60 * SECOND
        for number in [number for number, step in self.steps.items() if step == 1]:
            self.steps[number] += 1
            self.outbox.append(answered(number, at=desk.clock.now()))
        self.outbox.append(m.Alive(at=desk.clock.now() + 5 * SECOND))
        for number in range(self.position() + 1, len(self.outbox) + 1):
            desk.tell(number, self.outbox[number - 1])
        for event in self.heard:
            desk.event(event)
        desk.pass_time(30 * SECOND)


def outcome(desk: Desk) -> dict[str, tuple[Any, ...]]:
    stored = desk.store.orders()
    return {order_id: _facts_of(order) for order_id, order in stored.items()}


def _facts_of(order: Order) -> tuple[Any, ...]:
    return (
        order.status,
        order.pending,
        order.origin,
        order.client_id,
        order.venue_order_id,
        order.cum_quantity,
        order.traded_quantity,
        order.trades_complete,
        order.doubt,
        order.conflicts,
        order.doubles,
    )


def undisturbed(world: World) -> Desk:
    desk = Desk()
    calm = World(Random(0), desk, outbox=world.outbox, heard=world.heard)
    calm.heal()
    return desk


def check_dense(desk: Desk) -> None:
    """One epoch, without a hole; and what was published is what is stored."""
    stored = {(item.epoch, item.seq): item for item in desk.store.items()}
    numbers = sorted(stored)
    assert [seq for _, seq in numbers] == list(range(1, len(numbers) + 1))
    assert len({epoch for epoch, _ in numbers}) <= 1
    for item in desk.items():
        assert stored[item.epoch, item.seq] == item


def check_streams(desk: Desk) -> None:
    """No number was given to two things, and each transaction is there once."""
    stored = {(item.epoch, item.seq): item for item in desk.store.items()}
    for item in desk.items():
        assert stored.setdefault((item.epoch, item.seq), item) == item
    found = desk.store.items()
    keys = [i.transaction.key for i in found if isinstance(i, m.TransactionUpdate)]
    assert len(keys) == len(set(keys))
    assert desk.store.rejected() == []


Action = Callable[[World], None]
ACTIONS: tuple[tuple[Action, int], ...] = (
    (World.act, 10),
    (World.tell_next, 12),
    (World.say_something, 8),
    (World.pass_time, 5),
    (World.crash, 1),
    (World.burn, 2),
    (World.fill_or_free_disk, 1),
    (World.toggle_store, 1),
    (World.step_clock, 1),
)


def run(seed: int, steps: int, more: Sequence[tuple[Action, int]] = ()) -> World:
    random = Random(seed)
    world = World(random, Desk(segment_records=random.choice((2, 5, 1000)), **BOUNDS))
    actions, weights = zip(*ACTIONS, *more, strict=True)
    for action in random.choices(actions, weights, k=steps):
        if not world.desk.life.alive:
            world.desk.boot()
        action(world)
    world.heal()
    return world


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(5, 120))
def test_it_ends_where_an_undisturbed_one_ends(seed: int, steps: int) -> None:
    world = run(seed, steps)

    check_dense(world.desk)
    check_streams(world.desk)
    assert outcome(world.desk) == outcome(undisturbed(world))
    assert len(world.desk.ledger.state.parking) == 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(5, 120))
def test_so_it_does_after_losses_of_power(seed: int, steps: int) -> None:
    world = run(seed, steps, [(World.lose_power, 2)])

    check_streams(world.desk)
    assert outcome(world.desk) == outcome(undisturbed(world))
    assert not world.desk.ledger.book.unproven


def test_the_judge_sees_a_doubled_fill() -> None:
    """A listener that forgot the digests of an order is caught."""
    world = run(3, 60)
    desk, number = world.desk, next(n for n, step in world.steps.items() if step > 1)
    desk.event(trade_heard(number, 1, 4))
    desk.pass_time(SECOND)
    desk.ledger.book.get(an_id(number)).digests.clear()
    desk.event(trade_heard(number, 1, 4))
    desk.pass_time(SECOND)

    with pytest.raises(AssertionError):
        check_streams(desk)
