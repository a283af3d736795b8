"""The orders of one account of which only the venue's id is known: the venue is asked for them."""

from collections import Counter
from functools import partial

from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId
from gateway.manager.budget import Budget
from gateway.manager.questions import Questions
from gateway.manager.settings import ManagerSettings, Schedule
from gateway.ports import Clock


class NameWatch:
    """The listener says each second which they are, so what was said last is all that is kept: one
    that is no longer named has been told, and needs no timer to be forgotten."""

    def __init__(
        self,
        account: AccountId,
        settings: ManagerSettings,
        schedule: Schedule,
        questions: Questions,
        budget: Budget,
        clock: Clock,
        counters: Counter[str],
    ) -> None:
        self._account = account
        self._settings = settings
        self._pace = schedule.unknown
        self._questions = questions
        self._budget = budget
        self._clock = clock
        self._counters = counters
        self._attempts: dict[OrderId, int] = {}
        self._due_at: dict[OrderId, int] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    def on_unknown(self, unknown: m.UnknownOrders) -> None:
        named = {one.order_id for one in unknown.orders}
        for known in self._attempts.keys() - named:
            del self._attempts[known], self._due_at[known]
        now = self._clock.monotonic()
        due = [one for one in unknown.orders if self._due_at.get(one.order_id, now) <= now]
        room = min(self._settings.batch, self._budget.available())
        if due and room and self._questions.has_room:
            self._ask(due[:room])

    def _ask(self, orders: list[m.UnknownOrder]) -> None:
        self._budget.spend(len(orders))
        self._counters["unknown_orders"] += len(orders)
        now = self._clock.monotonic()
        for one in orders:
            attempts = self._attempts.get(one.order_id, 0)
            self._attempts[one.order_id] = attempts + 1
            self._due_at[one.order_id] = now + self._pace.delay(attempts)
        self._questions.ask(
            m.CheckOrders,
            self._settings.check_patience,
            partial(self._on_reply, tuple(one.order_id for one in orders)),
            account=self._account,
            order_ids=tuple(one.order_id for one in orders),
            symbols=tuple(one.symbol for one in orders),
            venue_order_ids=tuple(one.venue_order_id for one in orders),
            with_trades=False,
        )

    def _on_reply(self, order_ids: tuple[OrderId, ...], reply: m.AnyReply | None) -> None:
        """Refused: nothing was asked, so it does not count as an attempt."""
        if not isinstance(reply, m.Failed):
            return
        due_at = self._clock.monotonic() + self._settings.retry.delay(0)
        for order_id in order_ids:
            if order_id in self._attempts:
                self._attempts[order_id] -= 1
                self._due_at[order_id] = due_at
