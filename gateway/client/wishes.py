"""Halts and resumes: said again and again until they are carried out."""

from gateway.client.cancels import NOT_NOW
from gateway.client.errors import NotSent, Refused
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import TimedOut
from gateway.domain.identity import CommandId
from gateway.ports import Outlet, Timer, Timers

PAUSE = 1_000_000_000
UNTIL_TAKEN = PAUSE // 20


class Wish:
    """One halt or resume, until the executor's health names it or it is refused; `end` it."""

    def __init__(self, command: m.Halt | m.Resume, urgent: Outlet, timers: Timers) -> None:
        self.command = command
        self._urgent = urgent
        self._timers = timers
        self._frame = codec.encode(command)
        self._timer: Timer | None = None
        self._was_taken = False
        self._carried_out = False
        self._refusal: m.Refusal | None = None
        self._say()

    def _say(self) -> None:
        taken = self._urgent.send(self._frame)
        self._was_taken = self._was_taken or taken
        self._timer = self._timers.after(PAUSE if taken else UNTIL_TAKEN, self._say)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def is_over(self) -> bool:
        return self._carried_out or self._refusal is not None

    def result(self) -> CommandId:
        """Raises Refused, NotSent if nobody took it so far, TimedOut if it does not show yet."""
        if self._refusal is not None:
            raise Refused(self._refusal)
        if not self._was_taken:
            raise NotSent("nobody takes commands: is the executor running?")
        if not self._carried_out:
            raise TimedOut("no word that it is carried out: it may be, or may still come to it")
        return CommandId(self.command.command_id)

    def on_health(self, health: m.Health) -> None:
        if (self.command.client_id, self.command.command_id) in health.carried_out:
            self._carried_out = True

    def on_refusal(self, refusal: m.Refusal) -> None:
        if refusal.command_id == self.command.command_id and refusal.code not in NOT_NOW:
            self._refusal = refusal
