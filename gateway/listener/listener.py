"""The listener's inputs, and where each of them goes."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.change import Alarm
from gateway.domain.enums import Role
from gateway.domain.errors import BadMessage
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.venue import VenueProfile
from gateway.listener.announcer import Acknowledger, Announcer
from gateway.listener.checks import Checks
from gateway.listener.hearing import Hearing, Redial
from gateway.listener.ledger import Ledger
from gateway.listener.outboxes import OutboxIntake
from gateway.listener.settings import ListenerSettings
from gateway.listener.venue_facts import VenueFacts
from gateway.listener.waiting import AskStore, Waiting
from gateway.ports import Broadcast, Clock, Log, Timers

log = logging.getLogger("gateway.listener")

Problems = Callable[[], tuple[str, ...]]


class Listener:
    """Owns the orders of all accounts. One instance per journal; single-threaded."""

    def __init__(
        self,
        settings: ListenerSettings,
        profiles: Mapping[AccountId, VenueProfile],
        *,
        journal: Log,
        status: Broadcast,
        clock: Clock,
        timers: Timers,
        ask_store: AskStore,
        instance: str,
        written: Callable[[], int],
        appended: Callable[[], None],
        more_problems: Sequence[Problems] = (),
        redial: Redial = lambda _account, _text: None,
    ) -> None:
        """`written` is the last journal record that the store has; `appended` tells its writer.
        `more_problems` are those of the parts around the listener (its writer, its claims).
        `redial` ends an account's private stream, with a reason, and dials it anew."""
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._instance = instance
        self._more_problems = more_problems
        self._streams_heard: dict[AccountId, m.StreamState] = {}
        self._lost: dict[AccountId, str] = {}
        self._unreadable = 0
        self._announcer = Announcer(status, self.counters)
        self.alarms = self._announcer.alarms
        """Raised by this process, by kind."""
        self.heard_at: dict[AccountId, int] = {}
        """When an account's private stream last said anything; monotonic."""
        self.ledger = Ledger(
            settings,
            profiles,
            journal=journal,
            clock=clock,
            announcer=self._announcer,
            counters=self.counters,
            written=written,
            appended=appended,
        )
        self._venue_facts = VenueFacts(self.ledger, timers, settings, self.counters)
        self._venue_facts.on_lost = self._on_lost
        self._outboxes = OutboxIntake(
            self.ledger,
            Acknowledger(self._announcer, timers, settings),
            settings,
            self.counters,
        )
        self._hearing = Hearing(self.ledger, settings, self.counters, redial)
        self._hearing.on_unheard = self._on_unheard
        self._hearing.on_alarm = self.note_alarm
        self.ledger.on_named = self._hearing.on_named
        self._outboxes.on_answered = self._hearing.on_answered
        self._waiting = Waiting(
            self.ledger, self._venue_facts, ask_store, timers, settings, self.counters
        )
        self._waiting.on_recalled = self._outboxes.on_recalled
        self._checks = Checks(
            self.ledger, self._venue_facts, self._announcer, timers, settings, self.counters
        )

    def boot(self, checkpoint: m.ListenerCheckpoint | None, records: Iterable[bytes]) -> None:
        """Takes up the state that the journal holds. Publishes nothing. If `ledger.is_whole` is
        False after it, the streams need new epochs: `ledger.renumber`."""
        self.ledger.boot(checkpoint, records)

    def start(self) -> None:
        """Begins to publish heads and health, each second, and goes on with what was parked."""
        self._waiting.attend()
        self._beat()

    def on_report(self, frame: bytes) -> None:
        """One message of `reports`. What can't be read is counted and logged."""
        try:
            report = codec.reports.decode(frame)
        except BadMessage as error:
            self._note_unreadable(error)
            return
        try:
            self._take_report(report)
        finally:
            self.ledger.heard()

    def _note_unreadable(self, error: BadMessage) -> None:
        """Often at first, then seldom: a stranger can repeat it at will."""
        self.counters[error.code] += 1
        self._unreadable += 1
        count = self._unreadable
        if count & (count - 1) == 0:
            log.warning("bad_report code=%s count=%d text=%s", error.code, count, error)

    def _take_report(self, report: m.Report) -> None:
        match report:
            case m.OutboxRecord():
                self.ledger.hear("outbox")
                self._outboxes.on_record(report)
            case m.Heartbeat():
                self._announcer.health(report)
            case _:
                self.ledger.hear("check")
                self._checks.on_check(report)

    def on_event(self, event: v.StreamEvent) -> None:
        """One event of an account's private stream."""
        if not isinstance(event, v.StreamDown):
            self.heard_at[event.account] = self._clock.monotonic()
        self.ledger.hear("stream")
        try:
            self._take_event(event)
        finally:
            self.ledger.heard()

    def _take_event(self, event: v.StreamEvent) -> None:
        match event:
            case v.OrderHeard() | v.TradeHeard() | v.AmendmentHeard():
                self._hearing.on_event(event.account)
                self._venue_facts.on_event(event)
            case v.StreamUp(account=account):
                self._hearing.on_up(account)
                self._on_stream(account, up=True, text="")
            case v.StreamDown(account=account, text=text):
                self._hearing.on_down(account)
                self._on_stream(account, up=False, text=text)
            case v.BalancesHeard():
                self.counters["balances_heard"] += 1

    def note_alarm(self, alarm: Alarm) -> None:
        """An alarm of a part around the listener: journaled, published and stored as its own."""
        draft = self.ledger.draft()
        draft.alarms.append(alarm)
        self.ledger.commit(draft)

    def polled(self, account: AccountId) -> None:
        """The account's venue has no private stream: the manager's sweeps are its ears."""
        self._on_stream(account, up=True, text="polled")

    def _on_stream(self, account: AccountId, *, up: bool, text: str) -> None:
        state = m.StreamState(account=account, at=self.ledger.now(), up=up, text=text)
        self._streams_heard[account] = state
        self._announcer.stream(state)

    def _on_lost(self, account: AccountId, text: str) -> None:
        """As if the stream had been down: when it is up again the account is swept."""
        if account not in self._lost:
            log.error("events_lost account=%s text=%s", account, text)
            self._lost[account] = text
            self._announcer.stream(self._state_of(account))

    def _on_unheard(self, account: AccountId, order_ids: tuple[OrderId, ...]) -> None:
        """Said with the stream's state as it stands: only the manager acts on it."""
        state = self._streams_heard.get(account)
        if state is not None:
            self._announcer.stream(replace(state, unheard=order_ids))

    def is_up(self, account: AccountId) -> bool:
        """Whether the account's private stream is heard, and nothing of it was lost."""
        state = self._streams_heard.get(account)
        is_heard = state is not None and state.up and not self._hearing.is_silent(account)
        return is_heard and account not in self._lost

    def _state_of(self, account: AccountId) -> m.StreamState:
        now, lost = self.ledger.now(), self._lost.get(account)
        if lost is not None:
            return m.StreamState(account=account, at=now, up=False, text=lost)
        return self._streams_heard[account]

    def _beat(self) -> None:
        self._timers.after(self._settings.head_interval, self._beat)
        self.ledger.attend()
        self._hearing.attend()
        now = self.ledger.now()
        for stream in self.ledger.heads:
            self._announcer.head(stream, now)
        for account in self._streams_heard:
            self._announcer.stream(self._state_of(account))
        for unknown in self._waiting.unknown_orders():
            self._announcer.wanted(unknown)
        for lost in self.ledger.losses():
            self._announcer.wanted(lost)
        problems = self.problems()
        self._announcer.health(
            m.Heartbeat(
                role=Role.LISTENER,
                instance=self._instance,
                at=now,
                ready=not problems,
                problems=problems,
            )
        )
        if not self.ledger.problem:
            self._lost.clear()  # said once more just now; what is next said is the stream's state

    def problems(self) -> tuple[str, ...]:
        """Why the listener is not ready, and what to do; empty: it is."""
        found = [self.ledger.problem] if self.ledger.problem else []
        found += [
            f"events_lost: account {account}: {text}; a sweep brings them back"
            for account, text in self._lost.items()
        ]
        for account in self.ledger.profiles:
            state = self._streams_heard.get(account)
            if state is None or not state.up:
                text = "not heard yet" if state is None else state.text
                what = f"stream_down: account {account}: {text}"
                found.append(f"{what}; does the venue answer, and take the key?")
        found += self._hearing.problems()
        for more in self._more_problems:
            found.extend(more())
        return tuple(found)
