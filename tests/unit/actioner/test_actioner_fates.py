"""What became of an order (case 76), and lists of orders."""

import pytest
from actioner_desk import ACC, BTC, ETH, SECOND, START, TAG, Desk, ids
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Origin
from gateway.domain.errors import Code
from gateway.domain.facts import CancelRequested
from gateway.domain.identity import ClientId, external_order_id, make_order_id


def refusal(order_id: str, code: Code, at: int = START) -> m.Refusal:
    return m.Refusal(
        at=at, client_id="bot", command_id="c1", code=code, text="no", order_id=order_id
    )


def test_case_76_a_known_order_is_answered_from_the_journal_with_the_store_down() -> None:
    desk = Desk()
    desk.store.down = True
    order = desk.placed()

    reply = desk.ask(m.GetOrder, order_id=order.order_id)

    assert (reply.fate, reply.order) == ("known", order)


def test_the_newest_state_wins_over_the_store() -> None:
    desk = Desk()
    order = desk.placed()
    desk.listener.write(desk.store)
    filled = desk.closed(order, OrderStatus.FILLED)

    assert desk.ask(m.GetOrder, order_id=order.order_id).order == filled


def test_an_order_that_only_its_check_has_touched_shows_the_check() -> None:
    desk = Desk()
    order = desk.placed()
    checked = replace(order, checked_at=START + SECOND)
    desk.listener.touch(checked)

    assert desk.ask(m.GetOrder, order_id=order.order_id).order == checked


def test_an_order_that_the_journal_let_go_is_found_in_the_store() -> None:
    desk = Desk(kept_closed=1)
    old = desk.closed(desk.placed())
    desk.closed(desk.placed())
    desk.closed(desk.placed())
    desk.listener.write(desk.store)
    desk.run()

    assert desk.ask(m.GetOrder, order_id=old.order_id).order == old

    desk.store.down = True
    assert desk.ask(m.GetOrder, order_id=old.order_id).code is Code.STORE_DOWN


def test_an_order_let_go_before_the_store_had_it_is_not_called_unknown() -> None:
    desk = Desk(kept_closed=0)
    order = desk.closed(desk.placed())

    answer = desk.ask(m.GetOrder, order_id=order.order_id, expires_at_of_place=START)

    assert answer.code is Code.STORE_DOWN


def test_case_76_a_refused_place_is_refused_and_a_refused_cancel_is_not() -> None:
    desk = Desk()
    refused, canceled = desk.new_id(), desk.new_id()
    place = refusal(refused, Code.QUANTITY_LIMIT)
    desk.listener.append(refusals=(place, refusal(canceled, Code.UNKNOWN_ORDER)))

    reply = desk.ask(m.GetOrder, order_id=refused)
    assert (reply.fate, reply.refusal) == ("refused", place)
    assert desk.ask(m.GetOrder, order_id=canceled).fate == "unknown"


def test_an_old_refusal_is_found_in_the_store() -> None:
    desk = Desk(kept_refusals=1)
    order_id = desk.new_id()
    place = refusal(order_id, Code.HALTED)
    desk.listener.append(refusals=(place,))
    desk.listener.append(refusals=(refusal(desk.new_id(), Code.HALTED, START + SECOND),))
    desk.listener.write(desk.store)
    desk.run()

    assert desk.ask(m.GetOrder, order_id=order_id).refusal == place

    desk.store.down = True
    assert desk.ask(m.GetOrder, order_id=order_id).code is Code.STORE_DOWN


@pytest.mark.parametrize(
    ("alive_after", "born_at", "tag", "given", "fate"),
    [
        pytest.param(5, START - SECOND * 10, TAG, True, "never_received", id="certain"),
        pytest.param(2, START - SECOND * 10, TAG, True, "unknown", id="not alive long enough"),
        pytest.param(5, START + SECOND, TAG, True, "unknown", id="outbox is younger"),
        pytest.param(5, START - SECOND * 10, TAG + 1, True, "unknown", id="another id space"),
        pytest.param(5, START - SECOND * 10, TAG, False, "unknown", id="expiry not told"),
    ],
)
def test_never_received_is_said_only_when_it_is_certain(
    alive_after: int, born_at: int, tag: int, given: bool, fate: str
) -> None:
    desk = Desk()
    order_id = make_order_id(tag, START, 99)
    desk.run(10)
    desk.listener.alive(START + alive_after * SECOND, born_at=born_at)

    expires_at = START + 2 * SECOND if given else None
    reply = desk.ask(m.GetOrder, order_id=order_id, expires_at_of_place=expires_at)

    assert reply.fate == fate


def test_an_order_that_was_heard_of_and_waits_for_the_store_was_received() -> None:
    desk = Desk()
    order_id = make_order_id(TAG, START, 99)
    desk.run(10)
    fact = CancelRequested(at=START, client_id=ClientId("bot"))
    waits = m.ParkedFact(number=7, account=ACC, at=START, fact=fact, order_id=order_id)
    desk.listener.append(parked=(waits,))
    desk.listener.alive(START + 5 * SECOND, born_at=START - SECOND * 10)

    def fate() -> str:
        expires_at = START + 2 * SECOND
        reply = desk.ask(m.GetOrder, order_id=order_id, expires_at_of_place=expires_at)
        return str(reply.fate)

    assert fate() == "unknown"
    desk.listener.append(unparked=(7,))
    assert fate() == "never_received"


@pytest.mark.parametrize(
    ("kept_since", "fate"), [(START - SECOND, "never_received"), (START, "unknown")]
)
def test_of_an_order_that_the_store_may_have_let_go_of_nothing_is_certain(
    kept_since: int, fate: str
) -> None:
    desk = Desk(kept_closed=1)
    order_id = make_order_id(TAG, START + SECOND // 2, 99)
    desk.run(10)
    for _ in range(3):
        desk.closed(desk.placed())
    desk.listener.write(desk.store)
    desk.listener.alive(START + 9 * SECOND, born_at=START - 10 * SECOND)
    desk.store.kept_since = kept_since

    reply = desk.ask(m.GetOrder, order_id=order_id, expires_at_of_place=START + 2 * SECOND)

    assert reply.fate == fate


def test_an_older_outbox_does_not_speak_for_the_present_one() -> None:
    desk = Desk()
    order_id = desk.new_id()
    desk.run(10)
    desk.listener.alive(START + 9 * SECOND, outbox="old", born_at=START - 60 * SECOND)
    desk.listener.alive(START + 9 * SECOND, outbox="new", born_at=START + 5 * SECOND)

    reply = desk.ask(m.GetOrder, order_id=order_id, expires_at_of_place=START + SECOND)

    assert reply.fate == "unknown"


def test_a_wrong_order_id_is_refused() -> None:
    assert Desk().ask(m.GetOrder, order_id="nonsense").code is Code.BAD_ORDER_ID


def test_the_history_joins_the_store_with_what_it_lacks() -> None:
    desk = Desk()
    order = desk.placed()
    fill = desk.listener.fill(order, "t1")
    desk.listener.write(desk.store)
    desk.run()
    desk.closed(order)

    reply = desk.ask(m.GetOrder, order_id=order.order_id, history=True)

    assert [update.order.status for update in reply.history] == ["new", "canceled"]
    assert reply.transactions == (fill,)


def test_without_the_store_a_history_is_whole_or_refused() -> None:
    desk = Desk()
    first = desk.placed()
    desk.run(1)
    second = desk.placed()
    desk.store.down = True

    whole = desk.ask(m.GetOrder, order_id=second.order_id, history=True)
    assert ids(update.order for update in whole.history) == [second.order_id]
    partial = desk.ask(m.GetOrder, order_id=first.order_id, history=True)
    assert partial.code is Code.STORE_DOWN


# ---- lists -------------------------------------------------------------------------------------


def test_open_orders_are_listed_without_the_store_newest_first() -> None:
    desk = Desk()
    orders = []
    for symbol in (BTC, ETH, BTC):
        desk.run(1)
        orders.append(desk.placed(symbol=symbol))
    desk.closed(desk.placed())
    desk.listener.roll(evicted_upto=START, evicted_any=True)
    desk.store.down = True

    reply = desk.ask(m.ListOrders, open_only=True, symbol=BTC)

    assert ids(reply.orders) == [orders[2].order_id, orders[0].order_id]
    assert reply.next is None
    assert desk.ask(m.ListOrders).code is Code.STORE_DOWN


def test_pages_go_through_store_and_journal_without_a_hole_or_a_repetition() -> None:
    desk = Desk(kept_closed=2)
    everything = []
    for number in range(9):
        desk.run(1)
        order = desk.placed(client_id="bot" if number % 2 else "other")
        everything.append(desk.closed(order) if number < 6 else order)
    desk.listener.write(desk.store)
    desk.run()
    everything[-1] = desk.closed(everything[-1])  # the store still calls it open

    found, after = [], None
    for _ in range(10):
        reply = desk.ask(m.ListOrders, limit=2, after=after)
        found += reply.orders
        after = reply.next
        if after is None:
            break

    assert found == everything[::-1]
    canceled = desk.ask(m.ListOrders, statuses=(OrderStatus.CANCELED,), limit=100)
    assert len(canceled.orders) == 7
    still_open = desk.ask(m.ListOrders, statuses=(OrderStatus.NEW,), limit=100)
    assert ids(still_open.orders) == ids(everything[7:5:-1])
    assert len(desk.ask(m.ListOrders, owner="bot").orders) == 4
    middle = desk.ask(m.ListOrders, since=everything[2].created_at, until=everything[4].created_at)
    assert ids(middle.orders) == ids([everything[3], everything[2]])


@pytest.mark.parametrize(
    "wrong",
    [{"limit": 0}, {"after": "x:y"}, {"open_only": True, "statuses": (OrderStatus.FILLED,)}],
)
def test_a_list_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    assert Desk().ask(m.ListOrders, **wrong).code is Code.MALFORMED


def test_case_64_external_orders_are_known_too() -> None:
    desk = Desk()
    order = desk.placed(
        order_id=external_order_id(ACC, BTC, "v9"), origin=Origin.EXTERNAL, client_id=""
    )
    assert desk.ask(m.GetOrder, order_id=order.order_id).order == order
