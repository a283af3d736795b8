"""One run: begin, trouble, dust settling, verdict."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gateway.chaos import judging, plan, recovery, signals, weather
from gateway.chaos.books import Books, Unreachable
from gateway.chaos.clocks import ROLES
from gateway.chaos.falls import falls_of
from gateway.chaos.monitor import Monitor
from gateway.chaos.plan import OF_PROCESSES, Planned
from gateway.chaos.recovery import Sample
from gateway.chaos.scene import Scene
from gateway.chaos.striking import Striker, Struck
from gateway.chaos.venue_record import VenueRecord, VenueSwitches
from gateway.sim.randomness import chance
from gateway.sim.records import Evidence, Violation

TAG = 1
ACCOUNTS = ("main", "second")
TRADERS = ("trader-1", "trader-2", "trader-3")
HAND, OPERATOR = "hand", "operator"
ACCOUNTANTS = {"accounts-1": ("ledger", "tax"), "accounts-2": ("risk",)}
READY_S = 120.0
POLL_S = 0.5
FOLLOW_S = 2.0
BELIEF_S = 15.0
LAST_LOOKS = 6


@dataclass(frozen=True, slots=True)
class Settings:
    seed: int
    seconds: float
    orders_per_second: float
    blows_per_minute: float
    strength: float
    settle_s: float
    longest_life_s: float = 30.0
    without: frozenset[str] = frozenset()
    planned: tuple[Planned, ...] | None = None
    """In place of those that are drawn from the seed."""


@dataclass(slots=True)
class Outcome:
    """What a run showed. `settled_s`: from the end of the trouble to the last right state."""

    settings: Settings
    evidence: Evidence
    violations: list[Violation]
    struck: list[Struck]
    settled_s: float
    venue_faults: Counter[str]
    samples: list[Sample]

    @property
    def process_faults(self) -> int:
        return sum(one.blow in OF_PROCESSES for one in self.struck)


class Run:
    def __init__(self, scene: Scene, settings: Settings, say: Callable[[str], None]) -> None:
        self._scene = scene
        self._settings = settings
        self._say = say
        self._striker = Striker(scene, chance(settings.seed, "striker"))
        self._switches = VenueSwitches(scene.stage.paper_url)
        self.record = VenueRecord(scene.stage.paper_url)
        self.books = Books(scene.store_url)
        self._striking: set[asyncio.Task[None]] = set()

    async def run(self) -> Outcome:
        """The scene is started."""
        self._monitor = Monitor(self._scene.stage.endpoints, ACCOUNTS)
        following = asyncio.create_task(self._follow_record())
        try:
            await self._begin()
            await self._trouble()
            ended = time.monotonic()
            await self._calm()
            evidence, violations = await self._settle()
            settled_s = time.monotonic() - ended
            samples = await asyncio.to_thread(self._samples, evidence)
        finally:
            following.cancel()
            self._monitor.close()
        faults = Counter(hit.kind for hit in self.record.faults())
        return Outcome(
            self._settings,
            evidence,
            violations,
            self._striker.struck,
            settled_s,
            faults,
            samples,
        )

    def _samples(self, evidence: Evidence) -> list[Sample]:
        updates = self.books.updates(self._monitor.published)
        at_venue = {order.client_order_id for order in evidence.venue_orders}
        struck, entries = self._striker.struck, self.record.entries
        return [
            *recovery.samples(evidence.venue_orders, updates, entries, struck),
            *recovery.verdicts(updates, at_venue),
        ]

    async def _follow_record(self) -> None:
        while True:
            await asyncio.to_thread(self.record.follow)
            await asyncio.sleep(FOLLOW_S)

    # ---- the beginning -------------------------------------------------------------------------

    async def _begin(self) -> None:
        settings, scene = self._settings, self._scene
        await self._until(self._is_ready, READY_S, "the gateway is ready")
        rate = settings.orders_per_second / len(TRADERS)
        for name in TRADERS:
            scene.add_trader(name, settings.seed, rate, settings.longest_life_s)
        for name, consumers in ACCOUNTANTS.items():
            scene.add_accountant(name, consumers)
        scene.add_hand(HAND, settings.seed)
        scene.add_operator(OPERATOR, settings.seed)
        await self._until(self._all_trade, READY_S, "every program trades")

    def _is_ready(self) -> bool:
        ready = self._monitor.ready
        return len(ready) == len(ROLES) and all(ready.values())

    def _all_trade(self) -> bool:
        return all(self._scene.diary_of(name).exists() for name in self._scene.users)

    # ---- trouble -------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        settings = self._settings
        self._say(f"trouble for {settings.seconds:g} s")
        changing = asyncio.create_task(self._change_weather())
        try:
            await self._strike()
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)

    async def _change_weather(self) -> None:
        settings = self._settings
        random = chance(settings.seed, "weather")
        while True:
            spell = weather.spell(random, settings.strength, settings.without)
            await asyncio.to_thread(self._switches.set_faults, spell)
            await asyncio.sleep(weather.SPELL_S)

    async def _strike(self) -> None:
        settings = self._settings
        planned = settings.planned
        if planned is None:
            planned = plan.blows(
                settings.seed,
                settings.seconds,
                settings.blows_per_minute,
                self._scene.users,
                settings.without,
            )
        began = time.monotonic()
        for one in planned:
            await asyncio.sleep(max(began + one.at_s - time.monotonic(), 0))
            task = asyncio.create_task(self._striker.strike(one))
            self._striking.add(task)
            task.add_done_callback(self._striking.discard)
        await asyncio.sleep(max(began + settings.seconds - time.monotonic(), 0))

    # ---- the dust settles ----------------------------------------------------------------------

    async def _calm(self) -> None:
        """Everybody stops asking for more; every fault is taken away; every process is up."""
        self._say("the dust settles")
        await asyncio.gather(*self._striking)
        await asyncio.to_thread(self._scene.put_right)
        await self._striker.calm_venue()
        for name in (*TRADERS, HAND, OPERATOR):
            self._signal(name, signals.REST)

    def _signal(self, name: str, number: signal.Signals) -> None:
        program = self._scene.program(name)
        if program is not None:
            program.send_signal(number)

    async def _settle(self) -> tuple[Evidence, list[Violation]]:
        """Until there is nothing to object to, or the time for it is over: then until there is
        nothing new to object to, since the market goes on while the judge reads."""
        deadline = time.monotonic() + self._settings.settle_s
        archive = judging.Archive(
            {name: self._scene.diary_of(name) for name in self._scene.users},
            self.record,
            self.books,
        )
        before: list[Violation] = []
        looks = LAST_LOOKS
        while True:
            await self._until_quiet(deadline)
            await self._ask_beliefs(archive)
            falls = await asyncio.to_thread(self._falls)
            try:
                evidence = await asyncio.to_thread(
                    archive.evidence, TAG, dict(self._monitor.published), falls
                )
            except Unreachable as error:
                self._say(f"the database does not answer: {error}")
                await asyncio.sleep(POLL_S)
                continue
            violations = await asyncio.to_thread(judging.verdict, evidence)
            if not violations:
                return evidence, violations
            standing, fresh = judging.parted(violations, before)
            if time.monotonic() > deadline:
                looks -= 1
                if not fresh or looks == 0:
                    return evidence, standing
            before = violations
            self._say(f"not yet: {dict(judging.by_rule(violations))}")
            await asyncio.sleep(2.0)

    def _falls(self) -> list[str]:
        scene = self._scene
        falls = falls_of(scene.stage.home.log, self._striker.struck)
        return [*falls, *scene.fallen(), *scene.left_behind()]

    async def _until_quiet(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if await asyncio.to_thread(self.books.unsettled) == 0:
                return
            await asyncio.sleep(POLL_S)

    async def _ask_beliefs(self, archive: judging.Archive) -> None:
        """Each trader writes down what it knows now."""
        archive.read()
        before = {name: archive.told[name].believed for name in TRADERS}
        for name in TRADERS:
            self._signal(name, signals.BELIEVE)
        deadline = time.monotonic() + BELIEF_S
        while time.monotonic() < deadline:
            archive.read()
            if all(archive.told[name].believed is not before[name] for name in TRADERS):
                return
            await asyncio.sleep(0.1)

    async def _until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_s:g} s, and not: {what}")
            await asyncio.sleep(0.1)
