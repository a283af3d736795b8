"""Somebody at the kill switch: halts an account or all of them for a while, and resumes."""

from collections.abc import Callable
from itertools import count

from gateway.client.wishes import Wish
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadMessage
from gateway.sim.host import Host, Surroundings
from gateway.sim.network import SimOutlet
from gateway.sim.process import Instance
from gateway.sim.randomness import chance
from gateway.sim.records import Command

SECOND = 1_000_000_000
ALL = ""
NAME = "operator"
BETWEEN = (5 * SECOND, 25 * SECOND)
HALTED = (SECOND // 2, 8 * SECOND)


class Operator:
    """As a client's `halt` and `resume`."""

    def __init__(self, host: Host) -> None:
        self.commands: list[Command] = []
        self._host = host
        self._random = chance(host.seed, NAME)
        self._numbers = count(1)
        self._around: Surroundings | None = None
        self._urgent: SimOutlet | None = None
        self._wish: Wish | None = None
        self._said_at = 0
        self._resting = False

    def start(self, instance: Instance) -> None:
        network = self._host.network
        self._around = self._host.surroundings(instance)
        self._urgent = network.urgent.outlet(instance)
        network.status.subscriber(instance, self._on_status)(m.HEALTH)
        self._after(self._random.randrange(*BETWEEN), self._halt)

    def rest(self) -> None:
        """No more halts; what is halted is resumed."""
        self._resting = True

    @property
    def is_done(self) -> bool:
        return not self.commands or (self._wish is None and self.commands[-1].what == "resume")

    def _after(self, delay: int, action: Callable[[], None]) -> None:
        if self._around is not None:
            self._around.timers.after(delay, action)

    def _halt(self) -> None:
        if not self._resting:
            account = self._random.choice((ALL, *self._host.accounts))
            self._want(m.Halt(command_id=self._new_id(), client_id=NAME, account=account))

    def _resume(self) -> None:
        resume = m.Resume(command_id=self._new_id(), client_id=NAME, account=ALL)
        self._note("resume", resume, self._host.scheduler.now)
        self._want(resume)

    def _new_id(self) -> str:
        return f"switch-{next(self._numbers)}"

    def _want(self, command: m.Halt | m.Resume) -> None:
        if self._around is not None and self._urgent is not None:
            self._said_at = self._host.scheduler.now
            self._wish = Wish(command, self._urgent, self._around.timers)

    def _on_status(self, _topic: str, frame: bytes) -> None:
        try:
            health = codec.statuses.decode(frame)
        except BadMessage:
            return
        if self._wish is not None and isinstance(health, m.Health):
            self._wish.on_health(health)
            if self._wish.is_over:
                self._go_on(self._wish)

    def _go_on(self, wish: Wish) -> None:
        wish.end()
        self._wish = None
        if isinstance(wish.command, m.Halt):
            self._note("halt", wish.command, self._said_at)
            self._after(self._random.randrange(*HALTED), self._resume)
        else:
            self._after(self._random.randrange(*BETWEEN), self._halt)

    def _note(self, what: str, command: m.Halt | m.Resume, at: int) -> None:
        self.commands.append(
            Command(
                what=what,
                at=at,
                client_id=NAME,
                command_id=command.command_id,
                order_id="",
                account=command.account,
                answered_at=self._host.scheduler.now,
            )
        )
