"""Facts in any order, and twice: the end depends on what is known, not on how it came."""

from hypothesis import given, settings
from hypothesis import strategies as st
from order_histories import (
    ACCOUNT,
    LAG,
    LAND_BY,
    Gateway,
    VenueModel,
    deliver_all,
    histories,
    shuffles,
)

from gateway.domain.enums import OrderStatus, Source
from gateway.domain.trade import trade_key

CONFLICTS = {
    "bad_move",
    "doubled",
    "filled_less_at_venue",
    "overfill",
    "refused_but_live",
    "rejected_with_fills",
    "revived",
    "trade_conflict",
    "vanished",
}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_order_of_the_same_facts_ends_in_the_same_state(data: st.DataObject) -> None:
    venue = data.draw(histories(amends=False))

    in_order = deliver_all(venue.learnt)
    shuffled = deliver_all(data.draw(shuffles(venue.learnt)))

    assert shuffled.settled == in_order.settled
    assert not CONFLICTS & {alarm.kind for alarm in shuffled.alarms + in_order.alarms}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_order_ends_in_the_same_state_with_amends_whose_answers_are_heard(
    data: st.DataObject,
) -> None:
    venue = data.draw(histories(losses=False))

    in_order = deliver_all(venue.learnt)
    shuffled = deliver_all(data.draw(shuffles(venue.learnt)))

    assert shuffled.settled == in_order.settled


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_after_one_last_look_the_order_is_as_the_venue_has_it(data: st.DataObject) -> None:
    venue = data.draw(histories())
    gateway = deliver_all(data.draw(shuffles(venue.learnt)))
    if venue.landed_at is None:
        return

    look_once_more(gateway, venue)

    order = gateway.order
    assert order is not None
    assert order.status == venue.status
    assert order.cum_quantity == venue.filled == order.traded_quantity
    assert order.quantity == venue.quantity
    assert order.is_closed or order.price == venue.price
    assert order.traded_cost == venue.cost
    assert order.avg_price == (venue.cost / venue.filled if venue.filled else None)
    assert order.trades_complete
    assert not CONFLICTS - {"overfill"} & {alarm.kind for alarm in gateway.alarms}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_trade_counts_exactly_once(data: st.DataObject) -> None:
    venue = data.draw(histories())

    gateway = deliver_all(data.draw(shuffles(venue.learnt)))

    keys = [transaction.key for transaction in gateway.transactions]
    assert sorted(keys) == sorted(trade_key(ACCOUNT, trade) for trade in venue.trades)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_never_landed_is_in_doubt_or_rejected_and_never_anything_else(
    data: st.DataObject,
) -> None:
    venue = data.draw(histories().filter(lambda model: model.landed_at is None))

    gateway = deliver_all(data.draw(shuffles(venue.learnt)))

    assert gateway.order is not None
    assert gateway.order.status in {
        OrderStatus.PENDING_NEW,
        OrderStatus.IN_DOUBT,
        OrderStatus.REJECTED,
    }
    assert gateway.order.acknowledged_at is None


def look_once_more(gateway: Gateway, venue: VenueModel) -> None:
    """As the manager does: after everything is under way no longer, and with the trades."""
    venue.now = max(venue.now, gateway.clock) + LAND_BY + 2 * LAG
    told = len(venue.learnt)
    venue.ask(Source.QUERY, 0, with_trades=True)
    for learnt in venue.learnt[told:]:
        gateway.deliver(learnt)
