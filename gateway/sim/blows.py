"""Carries out what the plan has against processes and machine, and starts again what ended."""

from collections.abc import Callable
from functools import partial

from gateway.domain.enums import Role
from gateway.journal import MemoryFiles
from gateway.sim.host import Host
from gateway.sim.network import FAIR
from gateway.sim.plan import PROCESSES, Blow, Plan, Planned
from gateway.sim.process import Process, State
from gateway.sim.randomness import chance

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RETRY = 20 * MILLISECOND
JOURNALS = {"executor": Role.EXECUTOR, "listener": Role.LISTENER}


class Blows:
    """`traders` are the users' processes, which are struck now and then too. `is_kept_elsewhere`:
    whether all that is in the journal of a process has reached the next one."""

    def __init__(
        self,
        host: Host,
        processes: dict[str, Process],
        traders: tuple[str, ...],
        is_kept_elsewhere: Callable[[str], bool],
    ) -> None:
        self._host = host
        self._processes = processes
        self._traders = traders
        self._is_kept_elsewhere = is_kept_elsewhere
        self._random = chance(host.seed, "blows")
        self._healed = False

    def start(self, plan: Plan) -> None:
        for planned in plan.blows:
            self._after(planned.at, partial(self._strike, planned))

    def on_end(self, name: str) -> None:
        """The kernel frees what the process held; its supervisor starts it again after a while."""
        role = JOURNALS.get(name)
        if role is not None:
            self._host.files[role].crash()
        random = self._random
        longest = (
            SECOND if self._healed else random.choice((SECOND, SECOND, 3 * SECOND, 12 * SECOND))
        )
        self._after(random.randrange(MILLISECOND, longest), lambda: self._start(name))

    def _start(self, name: str) -> None:
        self._processes[name].start()

    def heal(self) -> None:
        """Everything works again and is up, with its clocks as they are."""
        self._healed = True
        host = self._host
        for wire in host.network.wires():
            wire.weather = FAIR
        host.exchange.plan.replace(())
        host.store.down = host.store.answers_lost = False
        for process in self._processes.values():
            process.fuse = None
            process.resume()
            process.start()

    def _after(self, delay: int, action: Callable[[], None]) -> None:
        self._host.scheduler.after(delay, action)

    # ---- one blow ------------------------------------------------------------------------------

    def _strike(self, planned: Planned) -> None:
        if self._healed:
            return
        self._host.counters[planned.blow.value] += 1
        process = self._processes[self._target(planned)]
        match planned.blow:
            case Blow.KILL:
                process.kill()
            case Blow.KILL_IN_STEP:
                self._light(process)
            case Blow.STOP:
                process.stop()
            case Blow.PAUSE:
                self._pause(process, planned.length)
            case Blow.VENUE_CRASH:
                self._host.exchange.crash(planned.length)
            case Blow.STREAM_CUT:
                self._host.exchange.cut(self._random.choice(self._host.accounts))
            case Blow.STORE_DOWN | Blow.STORE_LIES:
                self._store_fails(planned)
            case Blow.CLOCK_STEP:
                self._step_clock()
            case Blow.POWER_LOSS:
                self._lose_power()
            case Blow.JOURNAL_PUT_BACK:
                self._put_back_later(planned.length)
            case Blow.JOURNAL_DAMAGE | Blow.JOURNAL_LOST:
                is_damage = planned.blow is Blow.JOURNAL_DAMAGE
                self._harm_journal(self._damage if is_damage else MemoryFiles.lose)

    def _target(self, planned: Planned) -> str:
        """Sometimes a user's process instead."""
        if self._traders and self._random.random() < 0.15:
            return self._random.choice(self._traders)
        return planned.target

    def _light(self, process: Process) -> None:
        """It dies at one of its next calls; if it makes none, it is spared."""
        process.fuse = self._random.choice((0, 1, 2, 3, 5, 8, 20, 60))

    def _pause(self, process: Process, length: int) -> None:
        instance = process.instance
        process.pause()

        def resume() -> None:
            if process.instance is instance and process.state is State.PAUSED:
                process.resume()

        self._after(length, resume)

    def _store_fails(self, planned: Planned) -> None:
        store = self._host.store
        self._host.trace.say("store", planned.blow.value, planned.length / 1e9)
        if planned.blow is Blow.STORE_DOWN:
            store.down = True
        else:
            store.answers_lost = True

        def recover() -> None:
            store.down = store.answers_lost = False

        self._after(planned.length, recover)

    def _step_clock(self) -> None:
        wall = self._host.wall
        wall.error = self._random.choice((-3_000, -500, 0, 300, 700)) * MILLISECOND
        self._host.trace.say("clock", "is set to an error of", wall.error / 1e9)

    # ---- blows that cost records ---------------------------------------------------------------

    def _lose_power(self) -> None:
        host = self._host
        host.losses += 1
        host.boots += 1
        host.trace.say("host", "loses power")
        for name in PROCESSES:
            self._processes[name].kill()
        for role in (Role.EXECUTOR, Role.LISTENER):
            host.files[role].lose_power(self._random)

    def _harm_journal(self, harm: Callable[[MemoryFiles], None]) -> None:
        """While its process is down, as a person or a disk would; but only when somebody else has
        what is in it. An order whose intent is nowhere any more is known by its id at the venue,
        but a fill that the venue names without that id is not."""
        name = self._random.choice(list(JOURNALS))
        if not self._is_kept_elsewhere(name):
            self._after(RETRY, lambda: None if self._healed else self._harm_journal(harm))
            return
        self._host.losses += 1
        self._processes[name].kill()
        self._host.trace.say("host", "the journal is harmed:", name)
        harm(self._host.files[JOURNALS[name]])

    def _put_back_later(self, length: int) -> None:
        """A copy of both journals is taken now, and one of them put back after a while."""
        files = self._host.files
        copies = {id(files[role]): files[role].copy() for role in JOURNALS.values()}

        def harm(harmed: MemoryFiles) -> None:
            harmed.put_back(copies[id(harmed)])
            self._host.is_put_back |= harmed is files[Role.LISTENER]

        def put_back() -> None:
            if not self._healed:
                self._harm_journal(harm)

        self._after(length, put_back)

    def _damage(self, files: MemoryFiles) -> None:
        segments = [name for name in files.names() if name.endswith(".segment")]
        if not segments:
            return
        name = self._random.choice(segments)
        size = files.size(name)
        if self._random.random() < 0.5:
            files.cut(name, self._random.randrange(size))
        else:
            files.flip(name, self._random.randrange(size), self._random.randrange(1, 256))
