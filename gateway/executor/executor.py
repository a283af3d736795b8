"""The executor: commands in, requests to the venues out, everything recorded on the way.

The way of an order: `on_order` → `Places` (checks, memory, journal, venue) → `Places.on_answer` →
journal → the listener. Every call into a port may be the last one of this process: what must
survive is recorded before what it permits is done, and a start goes on from the records alone.
"""

import logging
from collections.abc import Callable, Iterable, Mapping

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import BadMessage, Code, GatewayError
from gateway.domain.identity import AccountId
from gateway.executor.amends import Amends
from gateway.executor.cancels import Cancels
from gateway.executor.checkpoint import decode_checkpoint
from gateway.executor.counters import Counters, Holds
from gateway.executor.gate import Gate
from gateway.executor.heard import Heard
from gateway.executor.memory import IdMemory
from gateway.executor.moments import Moments
from gateway.executor.orders import PlacedOrder, PlacedOrders
from gateway.executor.outbox import JournalIsBroken, JournalIsFull, Outbox, OutboxName
from gateway.executor.places import RESTARTED, SILENT, Places
from gateway.executor.recall import Recall
from gateway.executor.refusals import Refusals
from gateway.executor.settings import SECOND, ExecutorSettings
from gateway.executor.state import State
from gateway.ports import Clock, Log, LogReader, Outlet, Randomness, Timers, Venue

logger = logging.getLogger(__name__)

BEAT = SECOND


class Executor:
    """`outbox` and `born_at` name the outbox of a journal that has no checkpoint yet; `instance`
    is new at each start of the process. Call `boot`, then `start`, then the `on_` methods.

    `settled` is called once all that `boot` concludes from a journal that is not `continuous` is on
    record: until then a later start must come to the same conclusion.
    """

    def __init__(
        self,
        settings: ExecutorSettings,
        *,
        log: Log,
        reader: LogReader,
        venues: Mapping[AccountId, Venue],
        reports: Outlet,
        clock: Clock,
        timers: Timers,
        randomness: Randomness,
        instance: str,
        outbox: str,
        born_at: int,
        settled: Callable[[], None],
    ) -> None:
        self.counters = Counters()
        self._settings = settings
        self._log = log
        self._reports = reports
        self._instance = instance
        self._settled = settled
        self._is_settled = False
        self._new_name = OutboxName(name=outbox, born_at=born_at)
        self._moments = Moments(clock)
        self._outbox = Outbox(settings, log, reader, reports, self._moments, self.counters)
        self._state = self._build_state(venues, timers, randomness)
        self._gate = Gate(self._state)
        self._cancels = Cancels(self._state)
        self._places = Places(self._state, self._gate, self._cancels)
        self._amends = Amends(self._state, self._gate, self._cancels)
        self._heard = Heard(self._state, self._cancels)
        self._recall = Recall(self._state, self._places, self._amends, self._cancels, self._gate)
        self._started = False
        self._may_roll = True

    def _build_state(
        self, venues: Mapping[AccountId, Venue], timers: Timers, randomness: Randomness
    ) -> State:
        settings, rules = self._settings, self._settings.rules
        least = 2 * rules.max_expiry + 2 * rules.clock_error
        return State(
            settings=settings,
            venues=venues,
            moments=self._moments,
            timers=timers,
            randomness=randomness,
            outbox=self._outbox,
            refusals=Refusals(
                self._outbox, self._moments, self.counters, settings.full_refusals_per_s
            ),
            memory=IdMemory(settings.max_remembered, rules.dedupe_horizon, least),
            orders=PlacedOrders(settings.max_orders, settings.max_unanswered),
            counters=self.counters,
        )

    # ---- start ---------------------------------------------------------------------------------

    def boot(
        self,
        checkpoint: bytes | None,
        records: Iterable[tuple[int, bytes]],
        *,
        continuous: bool = True,
    ) -> None:
        """Takes up what the journal holds; the same at the first start and at any other.

        `continuous`: the journal proves that nothing is gone from its end. If it can't, ids made
        before now are refused, and the outbox goes on under a new name. Requests without an answer
        get one here: their outcome is unknown. Raises `CheckpointTooNew`.
        """
        saved = decode_checkpoint(checkpoint)
        name = self._recall.load(saved, self._new_name)
        acknowledged, count = self._recall.replay(records, saved, name)
        self._outbox.open(name, acknowledged)
        if not continuous or (saved is None and count):
            self._forget_trust()
            self._rename_outbox()
        elif saved is None:
            self._roll()
        for order in self._state.orders.waiting():
            self._give_up(order, RESTARTED)
        self._settle()
        self._keep_house()

    def start(self) -> None:
        """Sends the cancels that are not evidenced again, and begins to beat."""
        self._started = True
        self._cancels.send_all()
        self._beat()

    # ---- inputs --------------------------------------------------------------------------------

    def on_order(self, frame: bytes) -> None:
        """One message of `orders`. Bad ones are refused, counted and logged, never raised."""
        self._moments.received = self._moments.monotonic()
        try:
            command = codec.commands.decode(frame)
        except BadMessage as error:
            self._state.refusals.refuse_message(error)
        else:
            self._carry_out(command)
        self._keep_house()

    def on_urgent(self, frame: bytes) -> None:
        """One message of `urgent`; to be called before any waiting one of `orders`."""
        self.on_order(frame)

    def _carry_out(self, command: m.Command) -> None:
        match command:
            case m.Place():
                self._places.on_place(command)
            case m.Cancel():
                self._cancels.on_cancel(command)
            case m.Amend():
                self._amends.on_amend(command)
            case m.Halt() | m.Resume():
                self._on_halt(command)

    def _on_halt(self, command: m.Halt | m.Resume) -> None:
        """Health follows at once, also of one that came again: it is said until that names it."""
        try:
            self._gate.on_command(command)
        except GatewayError as error:
            self._state.refusals.refuse(command, error)
        else:
            self._tell_health()

    def topics(self) -> tuple[str, ...]:
        """What to subscribe to on `status`."""
        return (m.ACKNOWLEDGEMENTS, m.HEALTH, *map(m.stream_topic, self._state.venues))

    def on_status(self, topic: str, frame: bytes) -> None:
        """One message of `status`."""
        try:
            said = codec.statuses.decode(frame)
        except BadMessage as error:
            self.counters.bad_status += 1
            logger.warning("bad_status", extra={"topic": topic, "reason": str(error)})
            return
        match said:
            case m.Acknowledged(outbox=name) if name == self._outbox.name.name:
                self._on_acknowledged(said)
            case m.OrderUpdate():
                self._heard.on_update(said)
            case m.Health():
                self._gate.on_health(said)
        self._keep_house()

    def _on_acknowledged(self, said: m.Acknowledged) -> None:
        for order_id in said.ended:
            self._heard.on_ended(order_id)
        if self._outbox.on_acknowledged(said):
            self._state.memory.trust()
            return
        if self._outbox.has_lost(said):
            extra = {"outbox": said.outbox, "listener_has": said.number}
            logger.error("outbox_behind_listener", extra=extra)
            self._forget_trust()
            self._state.memory.distrust()
            self._rename_outbox()
            return
        self._rename_outbox()
        for order in self._state.orders:
            self._places.tell_again(order)
        self._cancels.tell_all()

    # ---- the outbox ----------------------------------------------------------------------------

    def _forget_trust(self) -> None:
        """Records may be gone, so orders may have been sent that are not remembered: no id made
        until now is taken for a new one."""
        floor = self._moments.latest() + self._settings.rules.clock_error
        self._state.memory.raise_floor(floor)

    def _rename_outbox(self) -> None:
        name = f"{self._state.randomness.bits(128):032x}"
        self._outbox.rename(name, self._moments.now())
        self._roll()

    def _keep_house(self) -> None:
        """Writes a checkpoint when one is due; what fails is tried again at the next beat."""
        if self._log.should_roll and self._may_roll:
            self._roll()

    def _roll(self) -> None:
        self._may_roll = self._outbox.roll(codec.encode(self._recall.dump()))
        if self._may_roll:
            self._outbox.let_go()

    def _settle(self) -> None:
        """A new outbox that could not be begun, for want of room or of anything, is begun later."""
        if not (self._is_settled or self._outbox.renaming):
            self._is_settled = True
            self._settled()

    # ---- each second ---------------------------------------------------------------------------

    def _beat(self) -> None:
        self._state.timers.after(BEAT, self._beat)
        self._may_roll = True
        if self._outbox.renaming:
            self._roll()
        self._settle()
        self._keep_house()
        self._record_alive()
        self._outbox.attend()
        self._gate.attend()
        self._forget_old()
        self._tell_health()

    def _record_alive(self) -> None:
        acknowledged = self._outbox.acknowledged - self._outbox.name.base
        alive = m.Alive(at=self._moments.latest(), acknowledged=acknowledged)
        try:
            self._outbox.append(alive)
        except JournalIsFull:
            self._record_alive_in_reserve(alive)
        except JournalIsBroken:
            pass

    def _record_alive_in_reserve(self, alive: m.Alive) -> None:
        try:
            self._outbox.append(alive, urgent=True)
        except (JournalIsFull, JournalIsBroken):
            logger.warning("alive_not_recorded")

    def _forget_old(self) -> None:
        now = self._moments.latest()
        self._state.memory.forget_old(now)
        self._amends.forget_old(now)
        oldest = self._moments.monotonic() - self._settings.answer_timeout
        for order in self._state.orders.waiting():
            if order.waits_since < oldest:
                self._give_up(order, SILENT)

    def _give_up(self, order: PlacedOrder, why: str) -> None:
        if not order.answered:
            self._places.give_up(order, why)
        if not order.amend_answered:
            self._amends.give_up(order, why)

    def _tell_health(self) -> None:
        beat = m.Heartbeat(
            role=Role.EXECUTOR,
            instance=self._instance,
            at=self._moments.now(),
            ready=self.ready,
            problems=self.problems(),
            carried_out=self._gate.carried_out,
        )
        self._reports.send(codec.encode(beat))

    def holds(self) -> Holds:
        """For metrics."""
        return Holds(
            unacknowledged=self._outbox.behind,
            unanswered=len(self._state.orders.waiting()),
            cancels=len(self._cancels),
            ids=len(self._state.memory),
            halted=self._gate.halted,
        )

    # ---- health --------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """It can take new orders of every account. Halted is ready: somebody wants it so."""
        return self._started and not self._obstacles()

    def problems(self) -> tuple[str, ...]:
        """What is wrong and what to do, each beginning with a stable word."""
        found = [*self._obstacles(), *self._gate.problems()]
        if self._outbox.behind > self._settings.resend_window:
            found.append(
                f"listener_behind: {self._outbox.behind} records wait for the listener: is it up?"
            )
        if self._outbox.unread:
            found.append(
                f"journal_unread: the listener can't be told what is in the journal: "
                f"{self._outbox.unread}; look after the disk and the file descriptors"
            )
        return tuple(found)

    def _obstacles(self) -> list[str]:
        found = self._journal_obstacles()
        back = self._moments.step_back()
        if back > self._settings.rules.clock_error:
            found.append(
                f"clock_back: the clock is {back // SECOND} s behind an earlier time: orders that "
                "expire before it are refused; mend the clock"
            )
        wait = self._state.memory.fixed_floor - self._moments.latest()
        if wait > 0:
            found.append(
                f"outbox_new: the journal may lack orders that were sent: ids made in the next "
                f"{wait / SECOND:.1f} s are refused; wait"
            )
        found += [
            f"venue_not_ready: account {account}: not connected yet; does the venue answer?"
            for account, venue in self._state.venues.items()
            if not venue.ready
        ]
        return found

    def _journal_obstacles(self) -> list[str]:
        if self._outbox.failure:
            failure = self._outbox.failure
            return [f"{Code.JOURNAL_FAILED}: {failure}; start the executor again"]
        if self._outbox.full or self._outbox.renaming:
            text = "make room for the journal, or start the listener"
            return [f"{Code.JOURNAL_FULL}: new orders are refused; {text}"]
        return []
