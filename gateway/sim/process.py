"""A process: it can be started, killed between any two calls of its ports, stopped and resumed."""

import traceback
from collections import Counter, deque
from collections.abc import Callable
from enum import Enum

from gateway.sim.scheduler import Action
from gateway.sim.trace import Trace


class Killed(BaseException):
    """The process has ended here. Not an `Exception`: no component can catch it by mistake."""


class State(Enum):
    DOWN = "down"
    UP = "up"
    PAUSED = "paused"


class Instance:
    """One life of a process. Nothing enters it after its end; while paused, what enters waits."""

    __slots__ = ("_backlog", "alive", "on_stop", "paused", "process")

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.alive = True
        self.paused = False
        self.on_stop: Action = lambda: None
        self._backlog: deque[Action] = deque()

    def enter(self, action: Action) -> None:
        """Runs one step of the process; a crash in it ends this instance."""
        if not self.alive:
            return
        if self.paused:
            self._backlog.append(action)
            return
        try:
            action()
        except Killed:
            self.process.died()
        except Exception:  # noqa: BLE001 - a process of the gateway must never fall
            self.process.fell(traceback.format_exc(limit=-4))

    def touch(self) -> None:
        """Called by each port before it has its effect: here the process may die."""
        process = self.process
        if process.fuse is not None:
            process.fuse -= 1
            if process.fuse < 0:
                raise Killed

    def resume(self) -> None:
        self.paused = False
        backlog, self._backlog = self._backlog, deque()
        for action in backlog:
            self.enter(action)

    @property
    def waiting(self) -> int:
        return len(self._backlog)


class Process:
    """`start` builds the parts into a new instance, as the real process does.

    `fuse`: how many more calls of its ports the process survives; None: it is not to die.
    `ended` is told of each end, so that what the kernel holds for the process (locks, open files)
    is freed, and that whoever supervises it starts it again.
    """

    def __init__(
        self,
        name: str,
        trace: Trace,
        counters: Counter[str],
        start: Callable[[Instance], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.fuse: int | None = None
        self.instance: Instance | None = None
        self.falls: list[str] = []
        self._trace = trace
        self._counters = counters
        self._start = start
        self._ended = ended

    @property
    def state(self) -> State:
        if self.instance is None:
            return State.DOWN
        return State.PAUSED if self.instance.paused else State.UP

    def start(self) -> None:
        if self.instance is not None:
            return
        self._trace.say(self.name, "starts")
        instance = self.instance = Instance(self)
        instance.enter(lambda: self._start(instance))

    def stop(self) -> None:
        """As by SIGTERM: it closes what it has open."""
        instance = self.instance
        if instance is None:
            return
        if instance.paused:
            self.resume()
        self._trace.say(self.name, "stops")
        self.fuse = None
        instance.enter(instance.on_stop)
        self._end()

    def kill(self) -> None:
        """As by SIGKILL, between two steps."""
        if self.instance is not None:
            self._trace.say(self.name, "is killed")
            self._end()

    def died(self) -> None:
        """Its fuse burnt down in the middle of a step."""
        self._trace.say(self.name, "dies in the middle of a step")
        self._counters["process died in a step"] += 1
        self._end()

    def fell(self, text: str) -> None:
        """An exception went through: the real process would be gone, and be started again."""
        self.falls.append(text)
        self._trace.say(self.name, "falls", text)
        self._end()

    def pause(self) -> None:
        if self.instance is not None:
            self._trace.say(self.name, "is paused")
            self.instance.paused = True

    def resume(self) -> None:
        instance = self.instance
        if instance is not None and instance.paused:
            self._trace.say(self.name, "is resumed")
            instance.resume()

    def _end(self) -> None:
        self.fuse = None
        instance, self.instance = self.instance, None
        if instance is not None:
            instance.alive = False
            self._ended()
