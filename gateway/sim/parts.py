"""The four processes, put together as the real ones are: the same classes, in the same order.

What differs is what is around them (`gateway.service`): there asyncio, sockets, ccxt, PostgreSQL
and folders, here virtual time, `network`, `venue`, memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.actioner import Actioner, ActionerSettings
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import records as r
from gateway.domain.enums import Role
from gateway.domain.identity import AccountId
from gateway.executor import Executor, ExecutorSettings, first_checkpoint
from gateway.journal import Journal, JournalFollower, JournalReader, Recovery
from gateway.listener import CheckpointReader, Listener, ListenerSettings
from gateway.manager import Manager, ManagerSettings
from gateway.sim.host import TAG, Host, SimLog, SimStore, Surroundings
from gateway.sim.process import Instance
from gateway.sim.randomness import chance
from gateway.sim.venue import PROFILE
from gateway.writer import Writer

SECOND = 1_000_000_000
STORE_RETRY = SECOND
STORE_PATIENCE = 5 * SECOND
EMPTY = codec.encode(m.ListenerCheckpoint(at=0, streams=(), outboxes=(), orders=()))


@dataclass(frozen=True, slots=True)
class Components:
    """The classes that the parts are made of; a planted bug puts another in a place."""

    executor: type[Executor] = Executor
    listener: type[Listener] = Listener
    actioner: type[Actioner] = Actioner
    manager: type[Manager] = Manager
    writer: type[Writer] = Writer


def open_journal(
    around: Surroundings,
    role: Role,
    empty_checkpoint: bytes,
    takes: Callable[[bytes], bool] = lambda _checkpoint: True,
) -> tuple[Journal, SimLog, Recovery]:
    host = around.host
    files = host.files[role]
    journal, recovery = Journal.open(
        files,
        host.journal_options(),
        empty_checkpoint=empty_checkpoint,
        new_identity=around.new_identity(),
        takes=takes,
    )
    log = SimLog(host, journal, files, around.instance, chance(host.seed, f"tears-{around.name}"))
    return journal, log, recovery


class ExecutorPart:
    """The hot way in."""

    def __init__(self, host: Host, components: Components) -> None:
        self._host = host
        self._components = components
        self.executor: Executor | None = None

    def start(self, instance: Instance) -> None:
        host = self._host
        around = host.surroundings(instance)
        born_at = around.clock.now()
        journal, log, recovery = open_journal(around, Role.EXECUTOR, first_checkpoint(born_at))
        instance.on_stop = journal.close
        executor = self.executor = self._components.executor(
            ExecutorSettings(tag=TAG),
            log=log,
            reader=JournalReader(host.files[Role.EXECUTOR]),
            venues={AccountId(name): venue for name, venue in around.venues().items()},
            reports=host.network.reports.outlet(instance),
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
            instance=around.name,
            outbox=journal.identity.hex(),
            born_at=born_at,
            settled=journal.settle,
        )
        continuous = recovery.created or recovery.is_proven
        executor.boot(recovery.checkpoint, recovery.records, continuous=continuous)
        subscribe = host.network.status.subscriber(instance, executor.on_status)
        for topic in executor.topics():
            subscribe(topic)
        executor.start()
        host.network.urgent.bind(instance, executor.on_urgent)
        host.network.orders.bind(instance, executor.on_order)

    @property
    def is_acknowledged(self) -> bool:
        """The listener has everything that is in the outbox, and nothing waits for an answer."""
        executor = self.executor
        if executor is None or executor._outbox.behind:
            return False
        return not executor._state.orders.waiting()


class ListenerPart:
    """Owns the state, and has it written."""

    def __init__(self, host: Host, components: Components) -> None:
        self._host = host
        self._components = components
        self.listener: Listener | None = None
        self.writer: Writer | None = None

    def start(self, instance: Instance) -> None:
        host = self._host
        around = host.surroundings(instance)
        self.writer = None
        checkpoints = CheckpointReader()
        journal, log, recovery = open_journal(around, Role.LISTENER, EMPTY, checkpoints.takes)

        def stop() -> None:
            if self.writer is not None:
                self.writer.stop()
            journal.close()

        instance.on_stop = stop
        venues = around.venues()
        store = around.store()
        listener = self.listener = self._components.listener(
            ListenerSettings(tag=TAG),
            {AccountId(account): venue.profile for account, venue in venues.items()},
            journal=log,
            status=host.network.status.bind(instance),
            clock=around.clock,
            timers=around.timers,
            ask_store=store.ask,
            instance=around.name,
            written=lambda: 0 if self.writer is None else self.writer.written,
            appended=lambda: None if self.writer is None else self.writer.on_appended(),
            more_problems=(self._problems,),
            redial=lambda account, reason: venues[account].redial(reason),
        )
        listener.boot(checkpoints.last, (payload for _, payload in recovery.records))

        def listen() -> None:
            host.network.reports.bind(instance, listener.on_report)
            listener.start()
            for venue in venues.values():
                venue.listen(listener.on_event)

        opening = _StoreOpening(self, around, store, journal, log, listener)
        if recovery.is_proven and listener.ledger.is_whole:
            opening.open_or_jump(then=listen)
        else:
            opening.open(renumber=True, then=listen)

    def start_writer(
        self,
        around: Surroundings,
        store: SimStore,
        journal: Journal,
        log: SimLog,
        listener: Listener,
    ) -> None:
        self.writer = self._components.writer(
            journal.identity.hex(),
            log=log,
            reader=JournalReader(self._host.files[Role.LISTENER]),
            store=store,
            timers=around.timers,
            clock=around.clock,
            on_alarm=listener.note_alarm,
        )
        self.writer.start()

    def _problems(self) -> tuple[str, ...]:
        if self.writer is None:
            return ("store_down: the database has not answered yet",)
        return self.writer.problems()


class _StoreOpening:
    """Asks the database how far it is, until it answers; begins new epochs where need be."""

    def __init__(
        self,
        part: ListenerPart,
        around: Surroundings,
        store: SimStore,
        journal: Journal,
        log: SimLog,
        listener: Listener,
    ) -> None:
        self._part = part
        self._around = around
        self._store = store
        self._journal = journal
        self._log = log
        self._listener = listener

    def open_or_jump(self, *, then: Callable[[], None]) -> None:
        """Does not wait for the database for long: then the numbers jump."""
        waiting = True

        def go_on() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                then()

        def jump() -> None:
            if waiting:
                self._listener.ledger.jump()
                self._note_blindness()
                go_on()

        if not self._listener.ledger.has_history:
            go_on()
        self.open(renumber=False, then=go_on)
        self._around.timers.after(STORE_PATIENCE, jump)

    def _note_blindness(self) -> None:
        host, streams = self._around.host, self._listener.ledger.streams
        if host.is_put_back:
            host.blind_epochs.update(stream.epoch for stream in streams.values())

    def open(self, *, renumber: bool, then: Callable[[], None]) -> None:
        def on_positions(found: r.Found | r.StoreFailed) -> None:
            if not isinstance(found, r.FoundPositions):
                self._again(lambda: self.open(renumber=renumber, then=then))
            elif renumber or self._listener.ledger.is_behind(found.streams):
                self._renumber(found, then)
            else:
                self._finish(found, then)

        self._store.ask(r.FindPositions(journal=self._journal.identity.hex()), on_positions)

    def _renumber(self, positions: r.FoundPositions, then: Callable[[], None]) -> None:
        def on_orders(found: r.Found | r.StoreFailed) -> None:
            if not isinstance(found, r.FoundTracked):
                self._again(lambda: self._renumber(positions, then))
                return
            ledger = self._listener.ledger
            if positions.streams or found.orders or ledger.has_history:
                ledger.renumber(positions.streams, found.orders)
            self._finish(positions, then)

        ours = tuple(sorted(self._listener.ledger.accounts))
        self._store.ask(r.FindOpenOrders(accounts=ours), on_orders)

    def _finish(self, positions: r.FoundPositions, then: Callable[[], None]) -> None:
        self._around.host.is_put_back = False
        self._listener.ledger.note_stored(positions.streams)
        self._journal.settle()
        self._part.start_writer(self._around, self._store, self._journal, self._log, self._listener)
        then()

    def _again(self, action: Callable[[], None]) -> None:
        self._around.timers.after(STORE_RETRY, action)


class ActionerPart:
    """Answers questions, asks venues."""

    def __init__(self, host: Host, components: Components) -> None:
        self._host = host
        self._components = components
        self.actioner: Actioner | None = None

    def start(self, instance: Instance) -> None:
        host = self._host
        around = host.surroundings(instance)
        actioner = self.actioner = self._components.actioner(
            ActionerSettings(),
            journal=JournalFollower(host.files[Role.LISTENER]),
            store=around.store(),
            venues={AccountId(name): venue for name, venue in around.venues().items()},
            reports=host.network.reports.outlet(instance),
            urgent=host.network.urgent.outlet(instance),
            clock=around.clock,
            timers=around.timers,
            instance=around.name,
            tag=TAG,
        )
        subscribe = host.network.status.subscriber(instance, actioner.on_status)
        for topic in actioner.topics():
            subscribe(topic)
        actioner.start()
        host.network.requests.bind(instance, actioner.on_request)


class ManagerPart:
    """Sees to it that nothing grows stale."""

    def __init__(self, host: Host, components: Components) -> None:
        self._host = host
        self._components = components
        self.manager: Manager | None = None

    def start(self, instance: Instance) -> None:
        host = self._host
        around = host.surroundings(instance)
        manager = self.manager = self._components.manager(
            ManagerSettings(),
            asker=host.network.requests.asker(instance),
            reports=host.network.reports.outlet(instance),
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
            profiles={AccountId(name): PROFILE for name in host.accounts},
            instance=around.name,
        )
        subscribe = host.network.status.subscriber(instance, manager.on_status)
        for topic in manager.topics():
            subscribe(topic)
        manager.start()
