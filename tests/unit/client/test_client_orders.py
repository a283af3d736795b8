"""Places, cancels, amends, and what becomes of an order that nothing is heard of."""

from decimal import Decimal
from typing import Any

import pytest
from client_kit import EPOCH, SECOND, START, Desk, head, order, refusal, update
from msgspec.structs import replace

from gateway.client import NotSent, Refused, cancels
from gateway.client.state import reached
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Pending
from gateway.domain.errors import BadInput, Busy, Code, TimedOut
from gateway.domain.identity import order_id_tag, order_id_time

CANCELING = {"pending": Pending.CANCEL}


# ---- placing -----------------------------------------------------------------------------------


def test_a_place_has_an_id_of_the_gateways_space_and_expires_in_two_seconds() -> None:
    desk = Desk()
    order_id = desk.place()

    (sent,) = desk.orders.sent
    assert (sent.order_id, sent.client_id, sent.price) == (order_id, "desk", "5")
    assert order_id_tag(order_id) == 7
    assert order_id_time(order_id) == START
    assert sent.expires_at == START + 2 * SECOND


def test_figures_are_strings_decimals_or_whole_numbers_never_floats() -> None:
    desk = Desk()
    place = desk.protocol.new_place(
        "main", "BTC/USDT", "buy", "limit", Decimal("1E-7"), price=20_000
    )

    assert (place.quantity, place.price) == ("0.0000001", "20000")
    for wrong in (0.1, Decimal("NaN"), True):
        with pytest.raises(BadInput):
            desk.protocol.new_place("main", "BTC/USDT", "buy", "limit", wrong)  # type: ignore[arg-type]


def test_a_place_that_nobody_takes_was_never_placed() -> None:
    desk = Desk()
    desk.orders.up = False
    place = desk.protocol.new_place("main", "BTC/USDT", "buy", "market", "1")
    with pytest.raises(NotSent):
        desk.protocol.place(place)

    assert desk.protocol.followed(place.order_id) is None
    assert desk.time.armed == 0


def test_a_place_on_an_account_that_is_not_followed_is_refused_and_not_sent() -> None:
    desk = Desk()
    place = desk.protocol.new_place("other", "BTC/USDT", "buy", "market", "1")
    with pytest.raises(BadInput, match="other is not followed: this client follows main") as error:
        desk.protocol.place(place)

    assert error.value.code is Code.UNKNOWN_ACCOUNT
    assert desk.orders.sent == []
    assert desk.protocol.followed(place.order_id) is None


def test_before_it_is_connected_any_account_will_do() -> None:
    desk = Desk(connect=False)
    place = desk.protocol.new_place("other", "BTC/USDT", "buy", "market", "1")
    desk.protocol.place(place)

    assert desk.orders.sent == [place]


def test_the_same_place_again_keeps_what_is_known_of_the_order_case_8() -> None:
    desk = Desk()
    place = desk.protocol.new_place("main", "BTC/USDT", "buy", "market", "1")
    desk.protocol.place(place)
    desk.hear(update(1, order(place.order_id)))
    desk.protocol.place(place)
    desk.orders.up = False
    with pytest.raises(NotSent):
        desk.protocol.place(place)

    followed = desk.protocol.followed(place.order_id)
    assert followed is not None
    assert followed.order is not None
    assert len(desk.orders.sent) == 2


def again(desk: Desk, order_id: str, **changes: Any) -> m.Place:
    """The place of this order as it was sent first, to be sent again."""
    sent = next(place for place in desk.orders.sent if place.order_id == order_id)
    return replace(sent, command_id=desk.protocol.new_id(), **changes)


def test_a_place_that_was_never_received_and_is_sent_again_is_asked_for_anew() -> None:
    desk = Desk(kept_orders=1)
    order_id = desk.place()
    desk.pass_time(3 * SECOND)
    desk.fate("never_received")
    desk.protocol.place(again(desk, order_id, expires_at=START + 9 * SECOND))
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert reached(followed, "known") is None
    desk.hear(update(1, order(desk.place(), status=OrderStatus.FILLED)))
    desk.hear(update(2, order(desk.place(), status=OrderStatus.FILLED)))
    assert desk.protocol.followed(order_id) is followed, "it is not among the settled"
    desk.pass_time(7 * SECOND)

    assert desk.fate("never_received").expires_at_of_place == START + 9 * SECOND
    assert followed.never_received


def test_a_refused_place_that_is_sent_again_waits_for_its_own_answer() -> None:
    desk = Desk()
    order_id = desk.place()
    first = refusal(desk.orders.sent[0].command_id, order_id)
    desk.hear(first)
    desk.protocol.place(again(desk, order_id, expires_at=START + SECOND))
    desk.hear(first)
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert reached(followed, "known") is None
    assert followed.expires_at == START + 2 * SECOND, "the first may still be on its way"
    desk.hear(refusal(desk.orders.sent[1].command_id, order_id, Code.VALUE_LIMIT))

    with pytest.raises(Refused) as refused:
        reached(followed, "known")
    assert refused.value.code is Code.VALUE_LIMIT


def test_a_place_that_nobody_takes_again_leaves_what_was_known() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(refusal(desk.orders.sent[0].command_id, order_id))
    followed = desk.protocol.followed(order_id)
    desk.orders.up = False
    with pytest.raises(NotSent):
        desk.protocol.place(again(desk, order_id, expires_at=START + 9 * SECOND))

    assert desk.protocol.followed(order_id) is followed
    assert followed is not None
    assert followed.refusal is not None
    assert followed.expires_at == START + 2 * SECOND
    assert desk.time.armed == 0


def test_an_answer_about_the_place_before_says_nothing_of_the_one_sent_again() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.protocol.cancel(order_id)
    desk.pass_time(3 * SECOND)
    asked = desk.asker.count(m.GetOrder)
    desk.protocol.place(again(desk, order_id, expires_at=START + 60 * SECOND))
    for _ in range(asked):
        desk.fate("never_received")
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert reached(followed, "known") is None
    desk.pass_time(58 * SECOND)
    while desk.asker.count(m.GetOrder):
        desk.fate("never_received")

    assert followed.never_received


def test_the_refusal_of_the_place_before_ends_no_cancel_of_the_one_sent_again() -> None:
    desk = Desk()
    order_id = desk.place()
    first = refusal(desk.orders.sent[0].command_id, order_id)
    desk.hear(first)
    desk.protocol.place(again(desk, order_id, expires_at=START + 60 * SECOND))
    desk.protocol.cancel(order_id)
    desk.pass_time(2 * SECOND)
    desk.fate("refused", refusal=first)
    count = len(desk.urgent.sent)
    desk.pass_time(60 * SECOND)
    assert len(desk.urgent.sent) > count
    while desk.asker.count(m.GetOrder):
        desk.fate("refused", refusal=first)

    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert followed.refusal == first, "the later one has expired, and nothing else is known"


def test_a_refused_place_is_no_order() -> None:
    desk = Desk()
    order_id = desk.place()
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    desk.hear(refusal(desk.orders.sent[0].command_id, order_id, Code.VALUE_LIMIT))

    with pytest.raises(Refused) as refused:
        reached(followed, "closed")
    assert refused.value.code is Code.VALUE_LIMIT
    assert followed.is_settled
    assert desk.time.armed == 0


def test_the_refusal_of_another_command_says_nothing_of_the_order() -> None:
    desk = Desk()
    order_id = desk.place()
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    desk.hear(refusal("an amend of it", order_id, Code.REPLACE_PENDING))

    assert reached(followed, "known") is None
    assert not followed.is_settled
    assert len(desk.refusals) == 1
    desk.hear(update(1, order(order_id)))
    assert reached(followed, "accepted") is not None


@pytest.mark.parametrize(
    ("status", "until", "is_reached"),
    [
        (OrderStatus.PENDING_NEW, "known", True),
        (OrderStatus.PENDING_NEW, "accepted", False),
        (OrderStatus.IN_DOUBT, "accepted", False),
        (OrderStatus.NEW, "accepted", True),
        (OrderStatus.PARTIALLY_FILLED, "closed", False),
        (OrderStatus.REJECTED, "accepted", True),
        (OrderStatus.FILLED, "closed", True),
    ],
)
def test_how_far_an_order_is(status: OrderStatus, until: str, is_reached: bool) -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id, status=status)))
    followed = desk.protocol.followed(order_id)
    assert followed is not None

    assert (reached(followed, until) is not None) is is_reached  # type: ignore[arg-type]


def test_settled_orders_are_bounded_and_open_ones_are_all_kept() -> None:
    desk = Desk(kept_orders=3)
    ids = [desk.place() for _ in range(8)]
    for seq, order_id in enumerate(ids[1:], start=1):
        desk.hear(update(seq, order(order_id, status=OrderStatus.FILLED)))

    kept = [order_id for order_id in ids if desk.protocol.followed(order_id)]
    assert kept == [ids[0], *ids[5:]]


def test_an_order_that_revived_is_not_among_the_settled() -> None:
    desk = Desk(kept_orders=1)
    first, second = desk.place(), desk.place()
    desk.hear(update(1, order(first, status=OrderStatus.REJECTED)))
    desk.hear(update(2, order(first, status=OrderStatus.NEW)))
    desk.hear(update(3, order(second, status=OrderStatus.FILLED)))

    assert desk.protocol.followed(first) is not None


def test_watchers_are_told_of_everything_new() -> None:
    desk = Desk()
    order_id = desk.place()
    told: list[int] = []

    def changed() -> None:
        told.append(1)

    desk.protocol.watch(order_id, changed)
    desk.hear(update(1, order(order_id)))
    desk.hear(refusal(desk.orders.sent[0].command_id, order_id))
    desk.protocol.unwatch(order_id, changed)
    desk.hear(update(2, order(order_id)))

    assert len(told) == 2


def test_orders_of_others_are_known_while_they_are_open() -> None:
    desk = Desk()
    theirs = order(client_id="them")
    desk.hear(update(1, theirs))
    assert desk.protocol.order(theirs.order_id) == theirs
    assert desk.protocol.open_orders("main") == (theirs,)
    desk.hear(update(2, order(theirs.order_id, status=OrderStatus.FILLED)))

    assert desk.protocol.order(theirs.order_id) is None
    assert desk.protocol.open_orders("main") == ()


# ---- an order that nothing is heard of ---------------------------------------------------------


def test_a_silent_order_is_asked_for_after_it_expired_case_76() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.pass_time(2 * SECOND)
    assert desk.asker.open == []
    desk.pass_time(SECOND)
    asked = desk.fate("never_received")

    assert (asked.order_id, asked.expires_at_of_place) == (order_id, START + 2 * SECOND)
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    with pytest.raises(Refused) as refused:
        reached(followed, "known")
    assert refused.value.code is Code.NOT_RECEIVED


def test_a_refusal_that_was_lost_is_found_by_asking() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.pass_time(4 * SECOND)
    lost = refusal("c", order_id, Code.HALTED)
    desk.fate("refused", refusal=lost)

    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert followed.refusal == lost
    assert desk.time.armed == 0


def test_as_long_as_it_can_not_be_said_it_is_asked_again_in_pauses_that_double() -> None:
    desk = Desk()
    desk.place()
    desk.pass_time(3 * SECOND)
    pauses = []
    for _ in range(8):
        desk.fate("unknown")
        pauses.append(0)
        while desk.asker.count(m.GetOrder) == 0:
            desk.pass_time(SECOND)
            pauses[-1] += 1

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_an_order_that_is_heard_of_is_not_asked_for() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id)))
    desk.pass_time(60 * SECOND)

    assert desk.asker.asked[1:] == []


def test_an_answer_that_is_older_than_the_stream_is_not_taken() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.pass_time(3 * SECOND)
    desk.hear(
        update(1, order(order_id, status=OrderStatus.PARTIALLY_FILLED, cum_quantity=Decimal("0.5")))
    )
    desk.fate("known", order(order_id))

    known = desk.protocol.order(order_id)
    assert known is not None
    assert known.status is OrderStatus.PARTIALLY_FILLED


def test_a_verdict_gives_way_to_the_order_itself() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.pass_time(3 * SECOND)
    desk.fate("never_received")
    desk.hear(update(1, order(order_id)))

    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert not followed.never_received
    assert reached(followed, "accepted") is not None


def test_orders_that_closed_while_the_stream_began_anew_are_asked_for_a_few_at_a_time() -> None:
    desk = Desk()
    ids = [desk.place() for _ in range(20)]
    for seq, order_id in enumerate(ids, start=1):
        desk.hear(update(seq, order(order_id)))
    desk.hear(head(99, epoch=EPOCH + 1))
    desk.snapshot(99, order(ids[0]), epoch=EPOCH + 1)
    assert desk.asker.count(m.GetOrder) == 8
    while desk.asker.count(m.GetOrder):
        asked = desk.asker.open[0][0].order_id
        desk.fate("known", order(asked, status=OrderStatus.CANCELED))

    left = [i for i in ids if desk.protocol.order(i).status is OrderStatus.NEW]  # type: ignore[union-attr]
    assert left == [ids[0]]


# ---- cancels -----------------------------------------------------------------------------------


def test_a_cancel_is_said_until_its_order_has_a_cancel_pending() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id)))
    command_id = desk.protocol.cancel(order_id)
    desk.pass_time(2 * SECOND)
    assert [c.command_id for c in desk.urgent.sent] == [command_id] * 3
    desk.hear(update(2, order(order_id, **CANCELING)))
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 3


def test_it_is_said_also_while_nobody_takes_it() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.urgent.up = False
    desk.protocol.cancel(order_id)
    desk.pass_time(5 * SECOND)
    desk.urgent.up = True
    desk.pass_time(60 * SECOND)

    assert desk.urgent.sent


def test_a_second_cancel_is_the_first_one_case_22() -> None:
    desk = Desk()
    order_id = desk.place()

    assert desk.protocol.cancel(order_id) == desk.protocol.cancel(order_id)
    assert len(desk.urgent.sent) == 1


def test_a_cancel_ends_with_its_order_case_15() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.protocol.cancel(order_id)
    desk.hear(update(1, order(order_id, status=OrderStatus.FILLED)))
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 1


def test_a_refused_cancel_ends_and_the_order_goes_on_case_21() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id)))
    command_id = desk.protocol.cancel(order_id)
    desk.hear(refusal(command_id, order_id, Code.UNKNOWN_ORDER))
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 1
    followed = desk.protocol.followed(order_id)
    assert followed is not None
    assert reached(followed, "accepted") is not None


def test_a_refusal_that_is_about_the_moment_does_not_end_it() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id)))
    command_id = desk.protocol.cancel(order_id)
    desk.hear(refusal(command_id, order_id, Code.TOO_MANY))
    desk.pass_time(SECOND)

    assert len(desk.urgent.sent) == 2


def test_the_refusal_of_another_command_does_not_end_it() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id)))
    desk.protocol.cancel(order_id)
    desk.hear(refusal("another", order_id, Code.REPLACE_PENDING))
    desk.pass_time(SECOND)

    assert len(desk.urgent.sent) == 2


def test_a_cancel_that_killed_its_place_ends_with_the_places_refusal_case_19() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.protocol.cancel(order_id)
    desk.hear(refusal(desk.orders.sent[0].command_id, order_id, Code.CANCELED_BEFORE_SENT))
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 1


def test_a_cancel_of_an_order_that_was_never_received_ends() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.protocol.cancel(order_id)
    desk.pass_time(3 * SECOND)
    desk.fate("never_received")
    count = len(desk.urgent.sent)
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == count


@pytest.mark.parametrize("state", [{"status": OrderStatus.FILLED}, CANCELING])
def test_a_cancel_that_no_update_could_end_is_said_once(state: dict[str, object]) -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id, **state)))
    desk.protocol.cancel(order_id)
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 1
    assert desk.time.armed == 0


def test_an_amended_order_is_canceled_as_any_other() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.hear(update(1, order(order_id, pending=Pending.REPLACE)))
    desk.protocol.cancel(order_id)
    desk.hear(update(2, order(order_id, pending=Pending.REPLACE)))
    desk.pass_time(SECOND)
    assert len(desk.urgent.sent) == 2
    desk.hear(update(3, order(order_id, **CANCELING)))
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == 2


def test_a_cancel_of_a_strangers_order_needs_its_account_and_symbol() -> None:
    desk = Desk()
    stranger = order().order_id
    with pytest.raises(BadInput, match="name its account and symbol"):
        desk.protocol.cancel(stranger)
    desk.protocol.cancel(stranger, "main", "BTC/USDT")

    assert (desk.urgent.sent[0].account, desk.urgent.sent[0].symbol) == ("main", "BTC/USDT")


def test_an_order_that_is_open_on_a_followed_account_is_canceled_by_its_id_alone() -> None:
    desk = Desk()
    theirs = order(client_id="them", venue_order_id="v9")
    desk.hear(update(1, theirs))
    desk.protocol.cancel(theirs.order_id)

    sent = desk.urgent.sent[0]
    assert (sent.account, sent.symbol, sent.venue_order_id) == ("main", "BTC/USDT", "v9")


def test_an_end_from_before_our_time_is_found_by_asking_and_ends_the_cancel() -> None:
    desk = Desk()
    stranger = order(status=OrderStatus.CANCELED)
    desk.protocol.cancel(stranger.order_id, "main", "BTC/USDT")
    desk.pass_time(3 * SECOND)
    desk.fate("known", stranger)
    count = len(desk.urgent.sent)
    desk.pass_time(60 * SECOND)

    assert len(desk.urgent.sent) == count


def test_a_cancel_without_effect_slows_down() -> None:
    desk = Desk()
    desk.protocol.cancel(order().order_id, "main", "BTC/USDT")
    desk.pass_time(600 * SECOND)

    assert 15 < len(desk.urgent.sent) < 40


def test_cancels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancels, "MAX_CANCELS", 2)
    desk = Desk()
    ids = [desk.place() for _ in range(3)]
    desk.protocol.cancel(ids[0])
    desk.protocol.cancel(ids[1])
    with pytest.raises(Busy) as refused:
        desk.protocol.cancel(ids[2])

    assert refused.value.code is Code.TOO_MANY


# ---- amends, and the rest ----------------------------------------------------------------------


def test_an_amend_takes_account_and_symbol_from_what_is_known() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.protocol.amend(desk.protocol.new_amend(order_id, quantity=Decimal("0.50")))

    sent = desk.orders.sent[1]
    assert (sent.account, sent.symbol, sent.quantity, sent.price) == (
        "main",
        "BTC/USDT",
        "0.5",
        None,
    )
    with pytest.raises(BadInput):
        desk.protocol.new_amend(order().order_id, price="1")


def test_an_amend_that_nobody_takes_is_said_so() -> None:
    desk = Desk()
    order_id = desk.place()
    desk.orders.up = False
    with pytest.raises(NotSent):
        desk.protocol.amend(desk.protocol.new_amend(order_id, price="1"))


def test_no_answer_is_a_time_out_and_a_wrong_one_is_an_error() -> None:
    desk = Desk()
    replies: list[object] = []
    for _ in range(3):
        desk.protocol.ask(desk.protocol.request(m.GetHealth), m.HealthReply, replies.append)
    answers = [desk.asker.take(m.GetHealth)[1] for _ in range(3)]
    answers[0](None)
    answers[1](m.AccountsReply(request_id="r", accounts=()))
    answers[2](m.Failed(request_id="r", code=Code.BUSY, text="later"))

    assert isinstance(replies[0], TimedOut)
    assert [one.code for one in replies] == [Code.TIMED_OUT, Code.UNKNOWN_TYPE, Code.BUSY]  # type: ignore[attr-defined]


def test_the_health_of_each_process_is_remembered() -> None:
    desk = Desk()
    desk.hear(m.Health(role="executor", instance="i", at=1, ready=False, problems=("x",)))
    desk.hear(m.Health(role="executor", instance="i", at=2, ready=True))

    assert [h.ready for h in desk.protocol.health.values()] == [True]


def test_a_closed_client_leaves_no_timer() -> None:
    desk = Desk()
    desk.protocol.cancel(desk.place())
    desk.place()
    assert desk.time.armed == 3
    with desk.protocol.wishing(desk.protocol.compose.halt("main")):
        desk.protocol.close()

        assert desk.time.armed == 0
