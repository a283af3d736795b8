"""The manager: fires scheduled checks on what has been silent, so that no state grows stale.

It decides when, and nothing else: the actioner asks the venue, the listener judges the answer and
says on `status` that it has been applied. Whatever is lost on the way, the check is due again.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import BadMessage
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.venue import VenueProfile
from gateway.manager.budget import Budget
from gateway.manager.deadlines import Deadlines
from gateway.manager.loss_watch import LossWatch
from gateway.manager.name_watch import NameWatch
from gateway.manager.order_watch import OrderWatch
from gateway.manager.questions import Questions
from gateway.manager.settings import ManagerSettings
from gateway.manager.stream_watch import StreamWatch
from gateway.manager.sweep_watch import SweepWatch
from gateway.ports import Asker, Clock, Outlet, Randomness, Timers

log = logging.getLogger("gateway.manager")


NAMED = 5
"""Symbols in a sentence."""


class AccountWatch:
    """Everything that is scheduled for one account."""

    def __init__(
        self,
        account: AccountId,
        profile: VenueProfile,
        settings: ManagerSettings,
        questions: Questions,
        deadlines: Deadlines,
        clock: Clock,
        counters: Counter[str],
    ) -> None:
        schedule = settings.schedule_of(profile.venue)
        self.budget = budget = Budget(schedule.checks_per_second, schedule.burst, clock)
        self._stream_state: m.StreamState | None = None
        self.orders = OrderWatch(
            account, profile, settings, schedule, questions, deadlines, budget, counters
        )
        self.names = NameWatch(account, settings, schedule, questions, budget, clock, counters)
        self.sweeps = SweepWatch(
            account,
            profile,
            settings,
            schedule,
            self.orders,
            questions,
            deadlines,
            budget,
            clock,
            counters,
            self._on_missing,
        )
        self.losses = LossWatch(
            account,
            profile,
            settings,
            schedule,
            lambda: {*self.orders.symbols(), *self.sweeps.symbols.known()},
            questions,
            budget,
            clock,
            counters,
        )
        self.stream = StreamWatch(
            account,
            settings,
            questions,
            deadlines,
            on_snapshot=self._on_snapshot,
            on_epoch=lambda: self.sweeps.want("epoch"),
        )

    def on_item(self, item: m.StreamItem) -> None:
        if isinstance(item, m.OrderUpdate):
            self.sweeps.symbols.note(item.order.symbol)
            self.orders.take(item.order, (item.epoch, item.seq))
        else:
            self.sweeps.symbols.note(item.transaction.symbol)
        self.stream.on_item(item.epoch, item.seq)

    def _on_snapshot(self, snapshot: m.SnapshotReply) -> None:
        for order in snapshot.orders:
            self.sweeps.symbols.note(order.symbol)
            self.sweeps.symbols.note_news(max(order.checked_at, order.changed_at))
        self.sweeps.symbols.recall(snapshot.used)
        self.orders.restate(snapshot.orders, (snapshot.epoch, snapshot.seq))

    def on_checked(self, checked: m.Checked) -> None:
        if checked.order_ids:
            self.orders.on_checked(checked.order_ids)
        elif checked.closed:
            self.losses.on_checked(checked)
        else:
            self.sweeps.on_checked(checked)
            if checked.swept:
                self.losses.on_swept(checked.asked_at)

    def _on_missing(self, order_ids: tuple[OrderId, ...]) -> None:
        if not all(self.orders.knows(order_id) for order_id in order_ids):
            self.stream.resync()
        self.orders.look_up(order_ids)

    def on_stream(self, state: m.StreamState) -> None:
        """What was said while the stream was down was not heard. A short fall may show only in
        `at`, which is when the state last changed."""
        if state.unheard:
            self.orders.look_up(state.unheard)
            return
        before, self._stream_state = self._stream_state, state
        if state.up and (before is None or not before.up or before.at != state.at):
            self.sweeps.want("stream_up")


class Manager:
    """One instance watches all accounts. Single-threaded."""

    def __init__(
        self,
        settings: ManagerSettings,
        *,
        asker: Asker,
        reports: Outlet,
        clock: Clock,
        timers: Timers,
        randomness: Randomness,
        profiles: Mapping[AccountId, VenueProfile],
        instance: str,
    ) -> None:
        """`instance` is a name that no earlier run had."""
        self._settings = settings
        self._reports = reports
        self._clock = clock
        self._timers = timers
        self._instance = instance
        self.counters: Counter[str] = Counter()
        self._instances: dict[Role, str] = {}
        self.deadlines = Deadlines(clock, timers, randomness, settings.jitter, settings.tick_slice)
        questions = Questions(asker, settings, clock, self.counters, instance)
        self.accounts = {
            account: AccountWatch(
                account, profile, settings, questions, self.deadlines, clock, self.counters
            )
            for account, profile in profiles.items()
        }

    def topics(self) -> tuple[str, ...]:
        """What to subscribe to on `status`."""
        streams = (m.stream_topic(account) for account in self.accounts)
        return (*streams, m.HEADS, m.CHECKS, m.STREAMS, m.HEALTH)

    def start(self) -> None:
        """Learns the open orders, then sweeps each account."""
        for watch in self.accounts.values():
            watch.stream.resync()
        self._beat()

    @property
    def ready(self) -> bool:
        return not self._obstacles()

    def problems(self) -> tuple[str, ...]:
        """What is wrong and what to do, each beginning with a stable word."""
        found = self._obstacles()
        for account, watch in self.accounts.items():
            symbols = watch.sweeps.symbols.unsearched(self._settings.search_patience)
            if symbols:
                text = f"no search finds the trades in {_some(symbols)}: is it still traded?"
                found.append(f"trades_not_fetched: account {account}: {text}")
        return tuple(found)

    def _obstacles(self) -> list[str]:
        found = []
        for account, watch in self.accounts.items():
            if not watch.stream.is_whole:
                text = "its open orders are not known yet; does the actioner answer?"
                found.append(f"orders_unknown: account {account}: {text}")
            elif not watch.sweeps.is_covering:
                text = "no sweep has succeeded lately; does the venue answer, and take the key?"
                found.append(f"not_swept: account {account}: {text}")
        return found

    # ---- status --------------------------------------------------------------------------------

    def on_status(self, _topic: str, frame: bytes) -> None:
        try:
            message = codec.statuses.decode(frame)
        except BadMessage as error:
            self.counters[f"bad_status_{error.code}"] += 1
            log.warning("bad_status code=%s text=%s", error.code, error)
            return
        if isinstance(message, m.Health):
            self._on_health(message)
        elif isinstance(
            message,
            m.OrderUpdate
            | m.TransactionUpdate
            | m.Head
            | m.Checked
            | m.RecordsLost
            | m.UnknownOrders
            | m.StreamState,
        ):
            self._on_account(message)
        else:
            self.counters["status_ignored"] += 1

    def _on_account(
        self,
        message: m.StreamItem
        | m.Head
        | m.Checked
        | m.RecordsLost
        | m.UnknownOrders
        | m.StreamState,
    ) -> None:
        watch = self.accounts.get(message.account)
        if watch is None:
            self.counters["unknown_account"] += 1
            return
        match message:
            case m.OrderUpdate() | m.TransactionUpdate():
                watch.on_item(message)
            case m.Head():
                watch.stream.on_head(message.epoch, message.seq)
            case m.Checked():
                watch.on_checked(message)
            case m.RecordsLost():
                watch.losses.on_lost(message)
            case m.UnknownOrders():
                watch.names.on_unknown(message)
            case m.StreamState():
                watch.on_stream(message)

    def _on_health(self, health: m.Health) -> None:
        """A process that began anew may have missed what happened while it was away. The
        listener's first beat shows that `status` is heard at all: what it said of a sweep before
        then was not."""
        before = self._instances.get(health.role)
        self._instances[health.role] = health.instance
        if before is None and health.role is Role.LISTENER:
            for watch in self.accounts.values():
                watch.sweeps.lost()
        if before in (None, health.instance):
            return
        log.info("process_restarted process=%s instance=%s", health.role, health.instance)
        for watch in self.accounts.values():
            if health.role is Role.LISTENER:
                watch.stream.resync()
                watch.sweeps.symbols.doubt_last_search()
            if health.role in (Role.LISTENER, Role.EXECUTOR):
                watch.sweeps.want("restart")
            if health.role in (Role.LISTENER, Role.ACTIONER):
                watch.sweeps.lost()

    # ---- heartbeat -----------------------------------------------------------------------------

    def _beat(self) -> None:
        beat = m.Heartbeat(
            role=Role.MANAGER,
            instance=self._instance,
            at=self._clock.now(),
            ready=self.ready,
            problems=self.problems(),
        )
        if not self._reports.send(codec.encode(beat)):
            self.counters["heartbeats_not_taken"] += 1
        self._timers.after(self._settings.beat, self._beat)


def _some(symbols: Sequence[Symbol]) -> str:
    more = len(symbols) - NAMED
    return ", ".join(symbols[:NAMED]) + (f" and {more} more" if more > 0 else "")
