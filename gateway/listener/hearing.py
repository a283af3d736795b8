"""Whether the private streams say what the executor was answered.

A socket can be open, answer pings, and carry nothing any more; or one event is lost and nothing
shows it. But what the venue has accepted, canceled or amended, its stream tells of. So each such
answer is the end of a wait for an event about that order. If none comes in time, the order is
looked up; and if the stream has said nothing of any order since, it is dialled anew, after which
the account is swept as after any other fall.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.change import Alarm
from gateway.domain.enums import OrderType, Source
from gateway.domain.identity import AccountId, OrderId
from gateway.listener.ledger import Ledger
from gateway.listener.settings import SECOND, ListenerSettings

log = logging.getLogger("gateway.listener")

Answered = m.PlaceAnswered | m.CancelAnswered | m.AmendAnswered
Redial = Callable[[AccountId, str], None]

LONGEST_PAUSE = 60 * SECOND
KEPT_HEARD = 2_000
SAID_AT_ONCE = 50
SAID_AT_MOST = 3
SILENT_AGAIN = 2
"""As often in a row a stream was found silent when an alarm says so: dialling did not help."""


class _Awaited:
    """`since`: the request left after that. `ends`: only the order's end is what was answered.
    `said`: how often the order was said to be unheard. Monotonic."""

    __slots__ = ("due", "ends", "said", "since")

    def __init__(self, since: int, due: int, *, ends: bool) -> None:
        self.since = since
        self.due = due
        self.ends = ends
        self.said = 0


class _Ear:
    """One account. `silent`: how often in a row its stream was found silent."""

    def __init__(self) -> None:
        self.up_since: int | None = None
        self.spoke_at = 0
        self.silent = 0
        self.not_before = 0
        self.awaited: OrderedDict[OrderId, _Awaited] = OrderedDict()
        self._heard: OrderedDict[OrderId, tuple[int, bool]] = OrderedDict()

    def hear(self, order_id: OrderId, now: int, *, ended: bool) -> None:
        before = self._heard.pop(order_id, (0, False))
        ended = ended or before[1]
        self._heard[order_id] = now, ended
        if len(self._heard) > KEPT_HEARD:
            self._heard.popitem(last=False)
        awaited = self.awaited.get(order_id)
        if awaited is not None and (ended or not awaited.ends):
            del self.awaited[order_id]

    def has_heard(self, event: Answered, order_id: OrderId, since: int) -> bool:
        """An event is often quicker than the answer."""
        heard_at, ended = self._heard.get(order_id, (0, False))
        match event:
            case m.PlaceAnswered():
                return heard_at > 0
            case m.CancelAnswered():
                return ended
            case m.AmendAnswered():
                return heard_at >= since


class Hearing:
    """Bounded: of each account so many orders are waited for as the settings say, and further
    ones are not; those heard of last are remembered. All in memory: a start begins with a sweep."""

    def __init__(
        self, ledger: Ledger, settings: ListenerSettings, counters: Counter[str], redial: Redial
    ) -> None:
        self.on_unheard: Callable[[AccountId, tuple[OrderId, ...]], None] = lambda _a, _o: None
        """These are to be looked up."""
        self.on_alarm: Callable[[Alarm], None] = lambda _alarm: None
        self._ledger = ledger
        self._settings = settings
        self._counters = counters
        self._redial = redial
        self._ears = {
            account: _Ear()
            for account, profile in ledger.profiles.items()
            if profile.has_private_stream and profile.stream_lag is not None
        }
        self._attended_at = ledger.clock.monotonic()

    # ---- what the executor was answered --------------------------------------------------------

    def on_answered(self, event: Answered) -> None:
        """An answer that came late to here says nothing: its event may be from before our time."""
        ear = self._ears.get(event.account)
        if ear is None or ear.up_since is None or not isinstance(event.answer, v.Done):
            return
        wall, now = self._ledger.clock.now(), self._ledger.clock.monotonic()
        since = now - max(wall - event.sent_at, 0)
        patience = self._patience(event.account)
        if since < ear.up_since or wall - event.at > patience:
            return
        if not ear.has_heard(event, event.order_id, since) and self._is_told_of(event.order_id):
            self._await(ear, event, _Awaited(since, now + patience, ends=_ends(event)))

    def _is_told_of(self, order_id: OrderId) -> bool:
        """Some venues tell elsewhere of orders that wait for a price."""
        tracked = self._ledger.book.get(order_id)
        return tracked is not None and tracked.order.order_type is not OrderType.STOP_LIMIT

    def _await(self, ear: _Ear, event: Answered, awaited: _Awaited) -> None:
        before = ear.awaited.get(event.order_id)
        if before is not None:
            before.ends = before.ends or awaited.ends
        elif len(ear.awaited) < self._settings.awaited_events:
            ear.awaited[event.order_id] = awaited
        else:
            self._counters["answers_not_awaited"] += 1

    def _patience(self, account: AccountId) -> int:
        return self._settings.stream_silence + (self._ledger.profiles[account].stream_lag or 0)

    # ---- what is heard -------------------------------------------------------------------------

    def on_up(self, account: AccountId) -> None:
        ear = self._ears.get(account)
        if ear is not None:
            ear.up_since = self._ledger.clock.monotonic()
            ear.awaited.clear()

    def on_down(self, account: AccountId) -> None:
        """What it says from here on it may not have said: a sweep follows when it is up."""
        ear = self._ears.get(account)
        if ear is not None:
            ear.up_since = None
            ear.awaited.clear()

    def on_event(self, account: AccountId) -> None:
        """The stream says something of an order, whichever."""
        ear = self._ears.get(account)
        if ear is not None:
            ear.spoke_at = self._ledger.clock.monotonic()
            ear.silent = 0

    def on_named(self, account: AccountId, order_id: OrderId, fact: f.VenueFact) -> None:
        """A fact, by stream or by question, whose order is known by now."""
        ear = self._ears.get(account)
        if ear is None:
            return
        if isinstance(fact, f.TradeAmended) or fact.source is Source.STREAM:
            ended = isinstance(fact, f.Snapshot) and fact.order.status.is_closed
            ear.hear(order_id, self._ledger.clock.monotonic(), ended=ended)
            return
        awaited = ear.awaited.get(order_id)
        if awaited is not None and awaited.said:
            del ear.awaited[order_id]

    # ---- what is not heard ---------------------------------------------------------------------

    def attend(self) -> None:
        """Each second."""
        now = self._ledger.clock.monotonic()
        away = now - self._attended_at > 3 * self._settings.head_interval
        self._attended_at = now
        for account, ear in self._ears.items():
            if away:
                self._be_patient(account, ear, now)
            due = [order_id for order_id, one in ear.awaited.items() if one.due <= now]
            if due:
                self._on_due(account, ear, due, now)

    def _be_patient(self, account: AccountId, ear: _Ear, now: int) -> None:
        """This process stood still: what the stream said meanwhile has not been read yet."""
        for awaited in ear.awaited.values():
            awaited.due = max(awaited.due, now + self._patience(account))

    def _on_due(self, account: AccountId, ear: _Ear, due: list[OrderId], now: int) -> None:
        silent_since = ear.awaited[due[0]].since
        said = tuple(due[:SAID_AT_ONCE])
        for order_id in said:
            awaited = ear.awaited[order_id]
            awaited.said += 1
            awaited.due = now + self._patience(account)
            if awaited.said >= SAID_AT_MOST:
                del ear.awaited[order_id]
            self._counters["events_unheard"] += awaited.said == 1
        log.warning("event_unheard account=%s order_ids=%s", account, ",".join(said))
        self.on_unheard(account, said)
        if ear.spoke_at < silent_since and now >= ear.not_before:
            self._dial_anew(account, ear, said[0], now)

    def _dial_anew(self, account: AccountId, ear: _Ear, order_id: OrderId, now: int) -> None:
        """The pause doubles while it does not help: a venue's dials are limited, and each costs a
        sweep."""
        ear.silent += 1
        ear.not_before = now + min(self._patience(account) << ear.silent, LONGEST_PAUSE)
        self._counters["streams_silent"] += 1
        text = f"it is open, but did not tell of order {order_id} as the venue's answer did"
        log.error("stream_silent account=%s times=%d text=%s", account, ear.silent, text)
        if ear.silent == SILENT_AGAIN:
            self.on_alarm(self._alarm(account, order_id))
        self._redial(account, f"silent: {text}")

    def _alarm(self, account: AccountId, order_id: OrderId) -> Alarm:
        text = (
            "the private stream tells nothing of what the venue accepts, also after it was dialled "
            "anew: its orders are looked up one by one and swept meanwhile. Does the venue have "
            "trouble, may the key read the stream? If it never tells, raise timing.stream_silence"
        )
        return Alarm(
            kind="stream_silent",
            text=text,
            at=self._ledger.now(),
            account=account,
            order_id=order_id,
        )

    def problems(self) -> list[str]:
        return [
            f"stream_silent: account {account}: open, but it tells nothing of orders; does the "
            "venue have trouble?"
            for account, ear in self._ears.items()
            if ear.silent >= SILENT_AGAIN
        ]

    def is_silent(self, account: AccountId) -> bool:
        ear = self._ears.get(account)
        return ear is not None and ear.silent >= SILENT_AGAIN


def _ends(event: Answered) -> bool:
    return isinstance(event, m.CancelAnswered)
