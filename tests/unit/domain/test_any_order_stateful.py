"""Venue and gateway side by side: things happen, and are heard of, when the machine likes."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from order_histories import LAG, LAND_BY, MS, Gateway, Learnt, VenueModel, figures, moments

from gateway.domain.enums import OrderStatus, Source

ENDS = [OrderStatus.CANCELED, OrderStatus.EXPIRED]
ANSWERS = st.sampled_from(["heard", "lost"])


class OneOrder(RuleBasedStateMachine):
    """Every step of `Gateway` checks what must always hold; the end is compared with the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.venue = VenueModel()
        self.gateway = Gateway()
        self.sent = 0
        self.under_way: list[Learnt] = []
        self.heard: list[Learnt] = []
        self.venue.intend()

    def collect(self) -> None:
        self.under_way += self.venue.learnt[self.sent :]
        self.sent = len(self.venue.learnt)

    # ---- the venue

    @precondition(lambda self: self.venue.landed_at is None)
    @rule(delay=st.integers(1, LAND_BY // MS // 4), answered=st.booleans())
    def land(self, delay: int, answered: bool) -> None:
        self.venue.now += delay * MS
        if self.venue.now < LAND_BY:
            self.venue.land()
            self.venue.answer_place(answered)

    @precondition(lambda self: self.venue.is_open)
    @rule(quantity=figures, price=figures, delay=moments)
    def fill(self, quantity: Any, price: Any, delay: int) -> None:
        self.venue.now += delay
        self.venue.fill(quantity, price)

    @precondition(lambda self: self.venue.is_open)
    @rule(status=st.sampled_from(ENDS), delay=moments)
    def end(self, status: OrderStatus, delay: int) -> None:
        self.venue.now += delay
        self.venue.end(status)

    @precondition(lambda self: self.venue.landed_at is not None)
    @rule(answer=ANSWERS, done=st.booleans(), delay=moments)
    def cancel(self, answer: str, done: bool, delay: int) -> None:
        self.venue.now += delay
        self.venue.request_cancel(answer, done)

    @precondition(lambda self: self.venue.landed_at is not None)
    @rule(quantity=st.integers(1, 15), answer=ANSWERS, done=st.booleans(), delay=moments)
    def amend(self, quantity: Any, answer: str, done: bool, delay: int) -> None:
        self.venue.now += delay
        self.venue.request_amend(type(self.venue.quantity)(quantity), answer, done)

    @rule(
        source=st.sampled_from([Source.QUERY, Source.SWEEP]),
        staleness=st.integers(0, LAG // MS - 1),
        with_trades=st.booleans(),
    )
    def ask(self, source: Source, staleness: int, with_trades: bool) -> None:
        self.venue.ask(source, staleness * MS, with_trades)

    # ---- the gateway

    @rule(choice=st.integers(0, 30))
    def hear(self, choice: int) -> None:
        """Any word of the venue; the outbox's in their order."""
        self.collect()
        if self.under_way:
            one = self.under_way[choice % len(self.under_way)]
            if one.from_outbox:
                one = next(first for first in self.under_way if first.from_outbox)
            self.deliver(one)

    @precondition(lambda self: self.heard)
    @rule(choice=st.integers(0, 30))
    def hear_again(self, choice: int) -> None:
        self.gateway.deliver(self.heard[choice % len(self.heard)])

    def deliver(self, one: Learnt) -> None:
        if self.gateway.deliver(one) is None:
            return  # it can't begin an order: it waits
        self.under_way.remove(one)
        if not one.from_outbox:
            self.heard.append(one)

    @invariant()
    def every_fill_heard_counts_once(self) -> None:
        quantities = [transaction.quantity for transaction in self.gateway.transactions]
        keys = {transaction.key for transaction in self.gateway.transactions}
        assert len(keys) == len(quantities)
        if self.gateway.order is not None:
            assert sum(quantities) == self.gateway.order.traded_quantity

    def teardown(self) -> None:
        self.collect()
        while self.under_way:
            for one in list(self.under_way):
                self.deliver(one)
        if self.venue.landed_at is not None:
            self.look_once_more()
            self.compare()

    def look_once_more(self) -> None:
        self.venue.now = max(self.venue.now, self.gateway.clock) + LAND_BY + 2 * LAG
        self.venue.ask(Source.QUERY, 0, with_trades=True)
        for one in self.venue.learnt[self.sent :]:
            self.gateway.deliver(one)

    def compare(self) -> None:
        order, venue = self.gateway.order, self.venue
        assert order is not None
        assert order.status == venue.status
        assert order.cum_quantity == order.traded_quantity == venue.filled
        assert order.traded_cost == venue.cost
        assert order.quantity == venue.quantity
        assert order.trades_complete


TestOneOrder = OneOrder.TestCase
TestOneOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
