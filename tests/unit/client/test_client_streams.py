"""A stream is made whole again: in order, without a hole, each item once."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from client_kit import EPOCH, MAIN, SECOND, START, Desk, head, order, transaction, update
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client import follower as follower_module
from gateway.client.follower import StreamFollower
from gateway.client.updates import Restated
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import make_order_id


def test_heads_are_subscribed_to_last_so_that_one_shows_that_all_is_heard() -> None:
    desk = Desk(connect=False)
    desk.protocol.connect(("main", "other"), tag=1)

    assert desk.topics[-1] == "heads/"
    assert {"stream/main/", "stream/other/", "refusals/desk/", "health/", "alarms/"} < set(
        desk.topics
    )


def test_it_is_live_once_a_snapshot_reaches_the_head() -> None:
    desk = Desk(connect=False)
    desk.protocol.connect((MAIN,), tag=1)
    assert not desk.protocol.is_live
    desk.hear(head(5))
    assert not desk.protocol.is_live
    desk.snapshot(5, order())

    assert desk.protocol.is_live
    assert desk.protocol.position(MAIN) == (EPOCH, 5)
    assert len(desk.restated) == 1


def test_items_that_come_before_the_snapshot_are_kept_for_after_it() -> None:
    desk = Desk(connect=False)
    desk.protocol.connect((MAIN,), tag=1)
    for seq in (4, 5, 6):
        desk.hear(update(seq))
    desk.snapshot(4)

    assert desk.seqs() == [5, 6]


def test_a_hole_is_asked_for_and_replayed_in_order_case_70() -> None:
    desk = Desk()
    for seq in (1, 2, 5, 6):
        desk.hear(update(seq))
    assert desk.seqs() == [1, 2]
    assert not desk.protocol.is_live
    asked = desk.replay(update(3), update(4))

    assert (asked.from_seq, asked.to_seq, asked.epoch) == (3, 4, EPOCH)
    assert desk.seqs() == [1, 2, 3, 4, 5, 6]
    assert [replayed for _, replayed in desk.items] == [False, False, True, True, False, False]
    assert desk.protocol.is_live


def test_a_lost_last_message_shows_in_the_head() -> None:
    desk = Desk()
    desk.hear(update(1))
    desk.hear(head(3))
    assert not desk.protocol.is_live
    desk.replay(update(2), update(3))

    assert desk.seqs() == [1, 2, 3]
    assert desk.protocol.is_live


def test_a_long_hole_is_replayed_page_by_page_without_waiting_for_another_head() -> None:
    desk = Desk()
    desk.hear(head(2_500))
    pages = [desk.replay(*_range(desk)) for _ in range(3)]

    assert [(page.from_seq, page.to_seq) for page in pages] == [
        (1, 1_000),
        (1_001, 2_000),
        (2_001, 2_500),
    ]
    assert desk.protocol.is_live


def _range(desk: Desk) -> list[m.OrderUpdate]:
    request = desk.asker.open[0][0]
    return [update(seq) for seq in range(request.from_seq, request.to_seq + 1)]


def test_a_part_of_a_replay_is_taken_and_the_rest_asked_for() -> None:
    desk = Desk()
    desk.hear(head(5))
    desk.replay(update(1), update(2), more=True)
    desk.replay(update(3), update(4), update(5))

    assert desk.seqs() == [1, 2, 3, 4, 5]


def test_an_answer_without_news_is_not_asked_for_again_at_once() -> None:
    desk = Desk()
    desk.hear(head(5))
    desk.replay()
    assert desk.asker.open == []
    desk.hear(head(5))

    assert desk.asker.count(m.Replay) == 1


def test_a_question_that_was_not_answered_is_asked_again_with_the_next_head() -> None:
    desk = Desk()
    desk.hear(head(2))
    _, answer = desk.asker.take(m.Replay)
    answer(None)
    assert desk.asker.open == []
    desk.hear(head(2))
    desk.replay(update(1), update(2))

    assert desk.seqs() == [1, 2]


def test_one_question_is_open_at_a_time() -> None:
    desk = Desk()
    for seq in (3, 5, 7, 9):
        desk.hear(update(seq))
        desk.hear(head(seq))

    assert len(desk.asker.open) == 1


def test_what_comes_twice_is_delivered_once() -> None:
    desk = Desk()
    for seq in (1, 1, 2, 1, 2, 3):
        desk.hear(update(seq))

    assert desk.seqs() == [1, 2, 3]
    assert desk.protocol.is_live


def test_a_range_that_is_not_kept_is_stepped_over_with_a_snapshot() -> None:
    desk = Desk()
    desk.hear(head(9))
    _, answer = desk.asker.take(m.Replay)
    answer(m.Failed(request_id="r", code=Code.NOT_KEPT, text="gone"))
    desk.snapshot(9, order())
    desk.hear(update(10))

    assert desk.seqs() == [10]
    assert len(desk.restated) == 2


def test_a_snapshot_in_pages_counts_when_its_last_page_is_here() -> None:
    desk = Desk(connect=False)
    desk.protocol.connect((MAIN,), tag=7)
    desk.hear(head(5))
    first, second, third = (order(make_order_id(7, START, n)) for n in range(1, 4))
    for orders, following in (((first,), 1), ((second,), 2)):
        request, answer = desk.asker.take(m.TakeSnapshot)
        assert request.offset == following - 1
        answer(m.SnapshotReply(request_id="r", epoch=EPOCH, seq=5, orders=orders, next=following))
    desk.hear(update(6, second))
    assert not desk.protocol.is_live
    assert desk.restated == []
    request, answer = desk.asker.take(m.TakeSnapshot)
    assert (request.offset, request.epoch, request.seq) == (2, EPOCH, 5)
    answer(m.SnapshotReply(request_id="r", epoch=EPOCH, seq=5, orders=(third,)))

    assert desk.restated == [(first.order_id, second.order_id, third.order_id)]
    assert desk.seqs() == [6]
    assert desk.protocol.is_live


def test_a_snapshot_whose_pages_are_gone_is_begun_anew_with_the_next_head() -> None:
    desk = Desk(connect=False)
    desk.protocol.connect((MAIN,), tag=7)
    desk.hear(head(5))
    _, answer = desk.asker.take(m.TakeSnapshot)
    answer(m.SnapshotReply(request_id="r", epoch=EPOCH, seq=5, orders=(order(),), next=1))
    _, answer = desk.asker.take(m.TakeSnapshot)
    answer(m.Failed(request_id="r", code=Code.NOT_KEPT, text="gone"))
    desk.hear(head(5))
    request, _ = desk.asker.take(m.TakeSnapshot)

    assert (request.offset, request.epoch) == (0, 0)


def test_a_snapshot_that_does_not_help_is_not_asked_for_again_at_once() -> None:
    desk = Desk()
    desk.hear(head(9))
    for _ in range(3):
        _, answer = desk.asker.take(m.Replay)
        answer(m.Failed(request_id="r", code=Code.NOT_KEPT, text="gone"))
        desk.snapshot(0)
        assert desk.asker.open == []
        desk.hear(head(9))


def test_a_new_epoch_begins_with_a_snapshot_and_drops_what_is_left_of_the_old() -> None:
    desk = Desk()
    desk.hear(update(1))
    desk.hear(update(3))
    desk.hear(update(2, epoch=EPOCH + 1))
    desk.hear(update(2))
    _, answer = desk.asker.take(m.Replay)
    answer(m.Failed(request_id="r", code=Code.NOT_READY, text="later"))
    desk.hear(update(3, epoch=EPOCH + 1))
    desk.snapshot(1, epoch=EPOCH + 1)

    assert [(item.epoch, item.seq) for item, _ in desk.items] == [
        (EPOCH, 1),
        (EPOCH + 1, 2),
        (EPOCH + 1, 3),
    ]
    assert desk.protocol.is_live


def test_a_snapshot_older_than_what_was_delivered_is_not_taken() -> None:
    desk = Desk()
    desk.hear(update(1))
    desk.hear(head(4))
    _, answer = desk.asker.take(m.Replay)
    answer(m.Failed(request_id="r", code=Code.NOT_KEPT, text="gone"))
    desk.snapshot(0)
    assert desk.protocol.position(MAIN) == (EPOCH, 1)
    desk.hear(head(4))
    desk.snapshot(4)

    assert desk.protocol.position(MAIN) == (EPOCH, 4)


def test_what_does_not_fit_the_buffer_is_asked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "MAX_BUFFERED", 2)
    desk = Desk()
    for seq in (2, 3, 4, 5):
        desk.hear(update(seq))
    desk.replay(update(1))
    assert desk.seqs() == [1, 2, 3]
    asked = desk.replay(update(4), update(5))

    assert (asked.from_seq, asked.to_seq) == (4, 5)
    assert desk.protocol.is_live


def test_other_accounts_are_not_followed() -> None:
    desk = Desk()
    item = m.OrderUpdate(
        account="other", epoch=1, seq=1, at=1, order=order(), cause=m.Cause(fact="x", source="")
    )
    desk.hear(item)
    desk.hear(m.Head(account="other", epoch=1, seq=1, at=1))

    assert desk.items == []
    assert desk.asker.open == []


def test_an_unreadable_message_is_counted_case_77() -> None:
    desk = Desk()
    desk.protocol.on_status("stream/main/", b"\xc1")

    assert desk.protocol.counters == {"undecodable": 1}


def test_listeners_are_told_items_and_beginnings_until_they_leave() -> None:
    desk = Desk()
    told: list[Any] = []
    leave = desk.protocol.listen(told.append)
    desk.hear(update(1))
    desk.hear(head(1, epoch=EPOCH + 1))
    desk.snapshot(1, order(), epoch=EPOCH + 1)
    leave()
    desk.hear(update(2, epoch=EPOCH + 1))

    assert [type(one) for one in told] == [m.OrderUpdate, Restated]
    assert (told[1].epoch, told[1].seq, len(told[1].orders)) == (EPOCH + 1, 1, 1)


# ---- whatever the wires do ---------------------------------------------------------------------


class Model:
    """A stream as it was published: epochs of dense numbers, and what is open at each place."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.epoch, self.seq = 1, random.randrange(5)
        self.items: dict[tuple[int, int], m.StreamItem] = {}

    def publish(self) -> m.StreamItem:
        self.seq += 1
        item = transaction(self.seq, epoch=self.epoch)
        self.items[self.epoch, self.seq] = item
        return item

    def renumber(self) -> None:
        self.epoch += 1
        self.seq += self.random.choice((-2, 0, 3))
        self.seq = max(self.seq, 0)

    def answer(self, request: tuple[Any, ...]) -> Callable[[StreamFollower], None]:
        """As of now; it may come later."""
        if request[0] == "snapshot":
            reply = m.SnapshotReply(request_id="r", epoch=self.epoch, seq=self.seq, orders=())
            return lambda follower: follower.on_snapshot(reply)
        _, epoch, first, last = request
        found = [self.items.get((epoch, seq)) for seq in range(first, last + 1)]
        if None in found or self.random.random() < 0.1:
            return lambda follower: follower.not_kept()
        part = [item for item in found if item is not None]
        if self.random.random() < 0.3:
            part = part[: self.random.randrange(len(part) + 1)]
        return lambda follower: follower.on_replay(part)


class Wires:
    """Between the model and a follower: what is under way is lost, doubled, late, disordered."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.model = Model(random)
        self.given_out: list[tuple[str, int, int]] = []
        self.asked: list[tuple[Any, ...]] = []
        self.answers: list[Callable[[StreamFollower], None]] = []
        self.under_way: list[m.StreamItem | m.Head] = []
        self.follower = StreamFollower(
            MAIN,
            deliver=lambda item, _: self.given_out.append(("item", item.epoch, item.seq)),
            restate=lambda _, __: self.given_out.append(("snapshot", *self.place())),
            ask_replay=lambda _, epoch, first, last: self.asked.append(
                ("replay", epoch, first, last)
            ),
            ask_snapshot=lambda _: self.asked.append(("snapshot",)),
        )

    def place(self) -> tuple[int, int]:
        return self.follower.epoch, self.follower.seq

    def publish(self) -> None:
        self.under_way.append(self.model.publish())

    def head(self) -> None:
        self.under_way.append(
            m.Head(account=MAIN, epoch=self.model.epoch, seq=self.model.seq, at=1)
        )

    def deliver(self) -> None:
        if not self.under_way:
            return
        in_order = self.random.random() < 0.7
        message = self.under_way.pop(0 if in_order else self.random.randrange(len(self.under_way)))
        if self.random.random() < 0.2:
            self.under_way.append(message)  # it comes once more, later
        if self.random.random() < 0.25:
            return
        if isinstance(message, m.Head):
            self.follower.on_head(message)
        else:
            self.follower.on_item(message)

    def answer(self) -> None:
        """As of now; it may arrive later, or never."""
        if not self.asked:
            return
        request = self.asked.pop(0)
        if self.random.random() < 0.2:
            self.answers.append(lambda follower: follower.failed())
        else:
            self.answers.append(self.model.answer(request))

    def hand_over(self) -> None:
        if self.answers:
            self.answers.pop(0)(self.follower)

    def settle(self) -> None:
        """Nothing new is published, and heads and answers come again and again."""
        for _ in range(400):
            while self.asked or self.answers:
                if self.asked:
                    self.answers.append(self.model.answer(self.asked.pop(0)))
                self.hand_over()
            if self.follower.live and self.place() == (self.model.epoch, self.model.seq):
                return
            self.follower.on_head(
                m.Head(account=MAIN, epoch=self.model.epoch, seq=self.model.seq, at=1)
            )


def follow(seed: int, steps: int) -> Wires:
    random = Random(seed)
    wires = Wires(random)
    actions = (
        (wires.publish, 40),
        (wires.model.renumber, 2),
        (wires.head, 8),
        (wires.deliver, 30),
        (wires.answer, 10),
        (wires.hand_over, 10),
    )
    chosen = random.choices([a for a, _ in actions], [weight for _, weight in actions], k=steps)
    for action in chosen:
        action()
        assert len(wires.asked) + len(wires.answers) <= 1, "more than one question is open"
    wires.settle()
    return wires


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 300))
def test_what_is_delivered_is_the_stream_itself_from_each_snapshot_on(
    seed: int, steps: int
) -> None:
    wires = follow(seed, steps)
    model = wires.model

    assert wires.follower.live
    assert wires.place() == (model.epoch, model.seq)
    at: tuple[int, int] | None = None
    for what, epoch, seq in wires.given_out:
        if what == "snapshot":
            assert at is None or (epoch, seq) >= at, "it went back"
        else:
            assert at == (epoch, seq - 1), "out of order, twice, or with a hole"
            assert (epoch, seq) in model.items
        at = (epoch, seq)
    assert at == (model.epoch, model.seq)


def test_a_closed_order_is_not_open_after_a_new_beginning() -> None:
    desk = Desk()
    desk.hear(update(1, order(status=OrderStatus.NEW)))
    assert len(desk.protocol.open_orders("main")) == 1
    desk.hear(head(1, epoch=EPOCH + 1))
    desk.snapshot(1, epoch=EPOCH + 1)

    assert desk.protocol.open_orders("main") == ()
    desk.pass_time(SECOND)
