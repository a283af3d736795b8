"""What the processes of one world share: time, wires, disks, database, venue, chance."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from gateway.domain.enums import Role
from gateway.domain.records import Batch, Found, Query, StoreFailed
from gateway.journal import Journal, JournalOptions, MemoryFiles, ProcessDied
from gateway.sim.clock import SimClock, SimTimers, WallClock
from gateway.sim.exchange import Exchange
from gateway.sim.network import Network
from gateway.sim.process import Instance, Killed
from gateway.sim.randomness import SimRandomness, chance
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace
from gateway.sim.venue import SimVenue
from gateway.store.memory import MemoryStore

KIB = 1024
MILLISECOND = 1_000_000
TAG = 0x5A5


def database(scheduler: Scheduler, random: Random) -> MemoryStore:
    """A store that takes its time."""
    return MemoryStore(
        defer=lambda work: scheduler.after(random.randrange(MILLISECOND, 5 * MILLISECOND), work),
        now=lambda: scheduler.now,
    )


@dataclass(slots=True)
class Host:
    """One machine with the four processes on it. `boot_id` changes when it loses power."""

    seed: int
    scheduler: Scheduler
    trace: Trace
    counters: Counter[str]
    network: Network
    exchange: Exchange
    accounts: tuple[str, ...]
    wall: WallClock
    store: MemoryStore
    files: dict[Role, MemoryFiles] = field(default_factory=dict)
    tears: bool = False
    segment_records: int = 200
    spare_segments: int = 1
    boots: int = 0
    lives: int = 0
    losses: int = 0
    """How often a journal was left so that it can't prove that it holds all it was given."""
    is_put_back: bool = False
    """The listener's journal is an older copy, and the database has not told the listener so."""
    blind_epochs: set[int] = field(default_factory=set)
    """Epochs that the listener began on such a journal, with no database to ask."""

    def journal_options(self) -> JournalOptions:
        """Small segments, so that rolling and dropping happen all the time."""
        return JournalOptions(
            boot_id=f"boot-{self.boots}",
            segment_bytes=256 * KIB,
            segment_records=self.segment_records,
            spare_segments=self.spare_segments,
            max_bytes=64 * KIB * KIB,
            reserve_bytes=16 * KIB,
            quarantine_bytes=64 * KIB,
        )

    def surroundings(self, instance: Instance, wall: WallClock | None = None) -> "Surroundings":
        self.lives += 1
        name = f"{instance.process.name}-{self.lives}"
        random = chance(self.seed, name)
        origin = random.randrange(self.scheduler.now)
        return Surroundings(
            host=self,
            instance=instance,
            name=name,
            clock=SimClock(self.scheduler, wall or self.wall, origin),
            timers=SimTimers(self.scheduler, instance),
            randomness=SimRandomness(random),
        )


@dataclass(slots=True)
class Surroundings:
    """The ports of one instance of a process."""

    host: Host
    instance: Instance
    name: str
    clock: SimClock
    timers: SimTimers
    randomness: SimRandomness

    def venues(self) -> dict[str, SimVenue]:
        host = self.host
        return {
            account: SimVenue(account, host.exchange, self.instance, self.clock, host.scheduler)
            for account in host.accounts
        }

    def store(self) -> "SimStore":
        return SimStore(self.host.store, self.instance)

    def new_identity(self) -> Callable[[], bytes]:
        return lambda: self.randomness.bits(128).to_bytes(16, "big")


class SimStore:
    """`ports.Store` of one instance. What it has asked for is done even if it dies meanwhile."""

    def __init__(self, store: MemoryStore, instance: Instance) -> None:
        self._store = store
        self._instance = instance

    def write(self, batch: Batch, done: Callable[[StoreFailed | None], None]) -> None:
        self._instance.touch()
        self._store.write(batch, lambda failed: self._instance.enter(lambda: done(failed)))

    def ask(self, query: Query, done: Callable[[Found | StoreFailed], None]) -> None:
        self._instance.touch()
        self._store.ask(query, lambda found: self._instance.enter(lambda: done(found)))


class SimLog:
    """`ports.Log`: the real journal, in whose calls the process may die; also halfway through a
    write, which leaves a torn record behind."""

    def __init__(
        self, host: Host, journal: Journal, files: MemoryFiles, instance: Instance, random: Random
    ) -> None:
        self._host = host
        self._journal = journal
        self._files = files
        self._instance = instance
        self._random = random

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        self._touch(len(payload))
        try:
            return self._journal.append(payload, urgent=urgent)
        except ProcessDied:
            raise Killed from None

    @property
    def should_roll(self) -> bool:
        return self._journal.should_roll

    def roll(self, checkpoint: bytes) -> None:
        self._instance.touch()
        self._journal.roll(checkpoint)

    def drop_before(self, number: int) -> None:
        self._instance.touch()
        self._journal.drop_before(number)

    def sync(self) -> None:
        self._instance.touch()
        self._journal.sync()

    @property
    def next_number(self) -> int:
        return self._journal.next_number

    def check(self) -> None:
        self._journal.check()

    def _touch(self, size: int) -> None:
        """A death in an append falls before it, or in the middle of it."""
        try:
            self._instance.touch()
        except Killed:
            if not self._host.tears or self._random.random() < 0.5:
                raise
            self._host.losses += 1
            self._files.die_in_next_write(self._random.randrange(size))
