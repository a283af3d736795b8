"""The actioner: does what is not urgent but must be reliable.

It answers `requests` from the listener's journal and the store, asks venues with sessions of its
own, and reports what they say to the listener, which alone decides what it means for an order.

A request is carried out at most once while it can still come again: its answer is kept, a repeated
one that is still under way waits for the same answer, and one whose asker gave up is not begun.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from gateway.actioner.alarm_lists import AlarmLists
from gateway.actioner.asked import Asked, kind_of
from gateway.actioner.asking import Asking
from gateway.actioner.cancel_all import CancelAll
from gateway.actioner.checking import Checking
from gateway.actioner.fates import Fates
from gateway.actioner.kept_answers import Kept, KeptAnswers, Key
from gateway.actioner.lane import Lane
from gateway.actioner.order_lists import OrderLists
from gateway.actioner.reporting import Reporter
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.streams import Streams
from gateway.actioner.surroundings import Surroundings
from gateway.actioner.view import View
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import BadInput, BadMessage, Busy, Code, TimedOut
from gateway.domain.identity import AccountId, is_name
from gateway.domain.latency import Latencies
from gateway.domain.records import FindPositions, Found, StoreFailed
from gateway.ports import Clock, LogFollower, Outlet, Store, Timers, Venue

log = logging.getLogger("gateway.actioner")

READINGS = (
    m.GetOrder,
    m.ListOrders,
    m.VenueOpenOrders,
    m.GetBalances,
    m.GetTransactions,
    m.Replay,
    m.TakeSnapshot,
    m.GetAccounts,
    m.GetMarkets,
    m.GetHealth,
    m.ListAlarms,
)
DEEDS = (m.CancelAll, m.ResolveOrder)
"""Of which a second time might not be the same as the first; all else only asks or moves on."""
TRY_AGAIN = frozenset({Code.BUSY, Code.NOT_READY, Code.STORE_DOWN, Code.TIMED_OUT, Code.INTERNAL})
"""Failures of which a repetition gets a new answer: repeating does no harm, and may succeed."""

Reply = Callable[[bytes], None]


@dataclass(slots=True)
class UnderWay:
    digest: bytes
    replies: list[Reply]
    begun_at: int  # monotonic


class Actioner:
    """Single-threaded; all that takes time comes back through callbacks."""

    def __init__(
        self,
        settings: ActionerSettings,
        *,
        journal: LogFollower,
        store: Store,
        venues: Mapping[AccountId, Venue],
        reports: Outlet,
        urgent: Outlet,
        clock: Clock,
        timers: Timers,
        instance: str,
        tag: int,
    ) -> None:
        """`venues` are sessions of its own. `instance` is a name that no earlier run had."""
        self._settings = settings
        self._store = store
        self._clock = clock
        self._timers = timers
        self._instance = instance
        self.counters: Counter[str] = Counter()
        self.took: defaultdict[str, Latencies] = defaultdict(Latencies)
        """From a request to its answer, by its type."""
        self.view = View(journal, settings, self.counters)
        self._answers = KeptAnswers(settings, clock)
        self._under_way: dict[Key, UnderWay] = {}
        self._reading = False
        self._store_problem = ""
        self._lanes = {
            account: Lane(venue, settings, clock, timers, self.counters)
            for account, venue in venues.items()
        }
        self._reporter = Reporter(reports, settings, clock, timers, self.counters, instance)
        self._checking = {
            account: Checking(lane, self.view, self._reporter, urgent, clock, self.counters, tag)
            for account, lane in self._lanes.items()
        }
        self._fates = Fates(self.view, store, clock, settings, tag)
        self._lists = OrderLists(self.view, store, settings)
        self._streams = Streams(self.view, store, settings)
        self._asking = Asking(self._lanes, self._reporter, self._fates, self.view, clock)
        self._cancel_all = CancelAll(
            self.view, urgent, settings, clock, timers, self._reporter.new_id
        )
        self._around = Surroundings(self._lanes, self.view, clock, tag)
        self._alarms = AlarmLists(self.view, store, clock, settings)

    @staticmethod
    def topics() -> tuple[str, ...]:
        """What to subscribe to on `status`."""
        return (m.HEALTH, m.STREAMS, m.HEADS, m.CHECKS)

    def start(self) -> None:
        self._read_journal()
        self._probe_store()
        self._beat()

    def problems(self) -> tuple[str, ...]:
        """Why it is not ready; empty: it is."""
        found = []
        if self.view.problem:
            found.append(f"journal_unread: {self.view.problem}; is the listener up?")
        if self._store_problem:
            found.append(f"store_down: is the database up? {self._store_problem}")
        for account, lane in self._lanes.items():
            if not lane.venue.ready:
                text = "not connected yet; does the venue answer?"
                found.append(f"venue_not_ready: account {account}: {text}")
        return tuple(found)

    @property
    def lanes(self) -> Mapping[AccountId, Lane]:
        return self._lanes

    @property
    def under_way(self) -> int:
        """Requests that are not answered yet."""
        return len(self._under_way)

    # ---- status --------------------------------------------------------------------------------

    def on_status(self, _topic: str, frame: bytes) -> None:
        try:
            message = codec.statuses.decode(frame)
        except BadMessage as error:
            self.counters[f"bad_status_{error.code}"] += 1
            return
        match message:
            case m.Checked():
                self._reporter.on_checked(message)
            case m.Head() if message.account in self._lanes:
                self.view.compare(message)
            case m.Health():
                self._around.on_health(message)
            case m.StreamState():
                self._around.on_stream(message)
            case _:
                self.counters["status_ignored"] += 1

    def _read_journal(self) -> None:
        """Slice by slice, so that a long journal holds up no request that needs it not."""
        self._reading = False
        self.view.poll()
        if self.view.is_behind:
            self._reading = True
            self._timers.after(0, self._read_journal)

    def _probe_store(self) -> None:
        query = FindPositions(journal=self.view.journal)
        self._store.ask(query, self._on_probed)

    def _on_probed(self, found: Found | StoreFailed) -> None:
        settings = self._settings
        if isinstance(found, StoreFailed):
            self._store_problem, again = found.text, settings.beat
        else:
            self._store_problem, again = "", settings.store_probe
        self._timers.after(again, self._probe_store)

    def _beat(self) -> None:
        if not self._reading:
            self._read_journal()
        own = self._health()
        self._reporter.send(
            m.Heartbeat(
                role=own.role,
                instance=own.instance,
                at=own.at,
                ready=own.ready,
                problems=own.problems,
            )
        )
        self._timers.after(self._settings.beat, self._beat)

    def _health(self) -> m.Health:
        problems = self.problems()
        return m.Health(
            role=Role.ACTIONER,
            instance=self._instance,
            at=self._clock.now(),
            ready=not problems,
            problems=problems,
        )

    # ---- requests ------------------------------------------------------------------------------

    def on_request(self, frame: bytes, reply: Reply) -> None:
        """One message of `requests`; `reply` is called once, now or later."""
        try:
            request = codec.requests.decode(frame)
            _check_names(request)
        except BadMessage as error:
            self._refuse(error.hints.get("request_id", ""), error.code, str(error), reply)
            return
        self.counters[f"requests_{kind_of(request)}"] += 1
        key = (request.client_id, request.request_id)
        digest = _digest(request)
        known = self._answers.get(key) or self._under_way.get(key)
        if known is None:
            self._begin(request, key, digest, reply)
        elif known.digest != digest:
            text = "this request_id was used before for another request"
            self._refuse(request.request_id, Code.MALFORMED, text, reply)
        elif isinstance(known, Kept):
            self.counters["repeated"] += 1
            reply(known.frame)
        else:
            self._join(known, request, reply)

    def _join(self, known: UnderWay, request: m.AnyRequest, reply: Reply) -> None:
        self.counters["repeated"] += 1
        if len(known.replies) < self._settings.max_under_way:
            known.replies.append(reply)
        else:
            text = "it is under way, and too many ask for its answer"
            self._refuse(request.request_id, Code.BUSY, text, reply)

    def _begin(self, request: m.AnyRequest, key: Key, digest: bytes, reply: Reply) -> None:
        error = self._reason_not_to_begin(request)
        if error is not None:
            self._refuse(request.request_id, error.code, str(error), reply)
            return
        self._under_way[key] = UnderWay(digest, [reply], self._clock.monotonic())
        asked = Asked(request, lambda answer: self._answer(request, key, answer), self._clock)
        asked.run(lambda: self._carry_out(asked, request))

    def _reason_not_to_begin(self, request: m.AnyRequest) -> BadInput | Busy | TimedOut | None:
        left = request.expires_at - self._clock.now()
        if left <= 0:
            return TimedOut("the asker gave up before it came: it was not carried out")
        if left > self._settings.max_life:
            text = f"expires_at may be at most {self._settings.max_life // 1_000_000_000} s away"
            return BadInput(text, Code.EXPIRES_TOO_LATE)
        if len(self._under_way) >= self._settings.max_under_way:
            return Busy("too many requests are under way; ask again")
        return None

    def _refuse(self, request_id: str, code: Code, text: str, reply: Reply) -> None:
        self.counters[f"refused_{code}"] += 1
        log.warning("request_refused request_id=%s code=%s text=%s", request_id[:64], code, text)
        reply(codec.encode(m.Failed(request_id=request_id, code=code, text=text)))

    def _answer(self, request: m.AnyRequest, key: Key, answer: m.AnyReply) -> None:
        if isinstance(answer, m.Failed):
            self._note_failed(request, answer)
        frame = codec.encode(answer)
        if len(frame) > self._settings.max_reply_bytes:
            text = "the answer is larger than the wire takes: ask for less at once"
            too_large = m.Failed(request_id=request.request_id, code=Code.TOO_LARGE, text=text)
            frame = codec.encode(too_large)
        under_way = self._under_way.pop(key)
        self.took[kind_of(request)].add(self._clock.monotonic() - under_way.begun_at)
        if self._is_kept(request, answer, len(frame)):
            is_deed = isinstance(request, DEEDS)
            self._answers.put(key, under_way.digest, frame, is_deed=is_deed)
        for reply in under_way.replies:
            reply(frame)

    def _note_failed(self, request: m.AnyRequest, answer: m.Failed) -> None:
        """Not ready is nothing to look into at each start; if it lasts, health says so."""
        self.counters[f"failed_{answer.code}"] += 1
        level = logging.INFO if answer.code is Code.NOT_READY else logging.WARNING
        log.log(
            level,
            "request_failed type=%s request_id=%s code=%s text=%s",
            kind_of(request), answer.request_id, answer.code, answer.text,
        )  # fmt: skip

    def _is_kept(self, request: m.AnyRequest, answer: m.AnyReply, size: int) -> bool:
        if isinstance(answer, m.Failed) and answer.code in TRY_AGAIN:
            return False
        return not isinstance(request, READINGS) or size <= self._settings.small_answer

    # ---- which does what -----------------------------------------------------------------------

    def _carry_out(self, asked: Asked, request: m.AnyRequest) -> None:
        match request:
            case m.GetOrder():
                self._fates.get(asked, request)
            case m.RefreshOrder():
                self._asking.refresh(asked, request)
            case m.ResolveOrder():
                self._asking.resolve(asked, request)
            case m.ListOrders():
                self._lists.list(asked, request)
            case m.ListAlarms():
                self._alarms.list(asked, request)
            case m.AcknowledgeAlarm():
                self._alarms.acknowledge(asked, request)
            case m.GetAccounts():
                self._around.accounts(asked)
            case m.GetHealth():
                self._around.health(asked, self._health())
            case _:
                self._carry_out_for_account(asked, request, self._account(request.account))

    def _carry_out_for_account(
        self, asked: Asked, request: m.AnyRequest, account: AccountId
    ) -> None:
        match request:
            case m.VenueOpenOrders():
                self._asking.open_orders(asked, account, request.symbol)
            case m.GetBalances():
                self._asking.balances(asked, account)
            case m.GetMarkets():
                self._around.markets(asked, account, request.symbol)
            case m.GetTransactions():
                self._streams.transactions(asked, account, request)
            case m.AcknowledgeTransactions():
                self._streams.acknowledge(asked, account, request)
            case m.Replay():
                self._streams.replay(asked, account, request)
            case m.TakeSnapshot():
                self._streams.snapshots.answer(asked, account, request)
            case m.CancelAll():
                self._cancel_all.cancel(asked, account, request)
            case m.CheckOrders():
                self._take_in(asked, partial(self._checking[account].check, request))
            case m.SweepAccount():
                self._take_in(asked, partial(self._checking[account].sweep, request))
            case m.SearchClosed():
                self._take_in(asked, partial(self._checking[account].search_closed, request))

    def _take_in(self, asked: Asked, take: Callable[[], str]) -> None:
        asked.answer(m.TakenReply(request_id=asked.id, report_id=take()))

    def _account(self, name: str) -> AccountId:
        account = AccountId(name)
        if account not in self._lanes:
            raise BadInput("the gateway has no such account", Code.UNKNOWN_ACCOUNT)
        return account


def _check_names(request: m.AnyRequest) -> None:
    for name in (request.client_id, request.request_id):
        if not is_name(name):
            text = "client_id and request_id have 1 to 64 letters, digits, '_', '.' or '-'"
            raise BadMessage(text, Code.MALFORMED, {"request_id": request.request_id[:64]})


def _digest(request: m.AnyRequest) -> bytes:
    """What is asked, whenever it expires: a retry may expire later."""
    return hashlib.blake2b(codec.encode(replace(request, expires_at=0)), digest_size=16).digest()
