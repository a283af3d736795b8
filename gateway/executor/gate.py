"""Whether new orders and amends are taken at all. Cancels never ask."""

from functools import partial

from gateway.domain.enums import Role
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import ClientId, CommandId, is_name
from gateway.domain.messages import Halt, HaltChanged, Health, Resume
from gateway.executor.state import State
from gateway.ports import Venue

ALL = ""
REMEMBERED_HALTS = 1_000
"""Halts and resumes recognised when they come twice; of more, the oldest are forgotten."""
SHOWN = 20
"""The last of them are in the executor's health: one that comes again is among them again."""


class Gate:
    """Halts survive a restart: they are in the outbox.

    `_unsure` are those of which that is not certain yet; True: recorded, and only to be synced.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._halted: dict[str, None] = {}
        self._done: dict[tuple[str, str], None] = {}
        self._unsure: dict[tuple[str, str], bool] = {}
        self._store_down = ""

    def check(self, venue: Venue) -> None:
        """Raises `Unavailable` if no order may go to this account now."""
        if ALL in self._halted or venue.account in self._halted:
            raise Unavailable("new orders are halted until somebody resumes", Code.HALTED)
        if self._store_down and self._state.settings.on_store_down == "halt":
            raise Unavailable(f"the listener says: {self._store_down}", Code.STORE_DOWN)
        if not venue.ready:
            raise Unavailable("the account's venue is not ready yet", Code.NOT_READY)

    def on_command(self, command: Halt | Resume) -> None:
        """Takes effect even if it can't be recorded now; then it is not called carried out, so that
        who wants it says it again, also to the next process. Raises `BadInput`."""
        if not (is_name(command.client_id) and is_name(command.command_id)):
            raise BadInput("client_id and command_id must be names: see the protocol")
        if command.account != ALL:
            self._state.venue(command.account)
        name = command.client_id, command.command_id
        if name in self._done:
            self._state.counters.repeated += 1
            self._done[name] = self._done.pop(name)
            return
        changed = HaltChanged(
            at=self._state.moments.now(),
            client_id=ClientId(command.client_id),
            command_id=CommandId(command.command_id),
            account=command.account,
            halted=isinstance(command, Halt),
        )
        self.apply(changed)
        self._unsure[name] = False
        self._state.outbox.keep(changed, partial(self._on_recorded, name))
        self._state.outbox.tell()
        self.attend()

    def _on_recorded(self, name: tuple[str, str]) -> None:
        if name in self._unsure:
            self._unsure[name] = True

    def attend(self) -> None:
        """A loss of power must not undo what is called carried out. They are few: each waits for
        the disk."""
        if any(self._unsure.values()) and self._state.outbox.sync():
            self._unsure = {name: done for name, done in self._unsure.items() if not done}

    def apply(self, changed: HaltChanged) -> None:
        self._done[changed.client_id, changed.command_id] = None
        if len(self._done) > REMEMBERED_HALTS:
            oldest = next(iter(self._done))
            del self._done[oldest]
            self._unsure.pop(oldest, None)
        if changed.halted:
            self._halted[changed.account] = None
        elif changed.account == ALL:
            self._halted.clear()
        else:
            self._halted.pop(changed.account, None)

    @property
    def halted(self) -> tuple[str, ...]:
        return tuple(self._halted)

    @property
    def carried_out(self) -> tuple[tuple[str, str], ...]:
        """As client_id and command_id, newest last; only what outlives this process."""
        return tuple(name for name in self._done if name not in self._unsure)[-SHOWN:]

    def on_health(self, health: Health) -> None:
        if health.role is Role.LISTENER:
            said = [text for text in health.problems if text.startswith("store_down")]
            self._store_down = said[0] if said else ""

    def problems(self) -> tuple[str, ...]:
        found = [
            f"halted: new orders of {account or 'all accounts'} are refused until a resume"
            for account in self._halted
        ]
        if self._unsure:
            found.append(
                f"halt_unrecorded: {len(self._unsure)} halts or resumes are in force and not in "
                "the journal: a restart undoes them; mend the journal, or say them again after it"
            )
        if self._store_down and self._state.settings.on_store_down == "halt":
            found.append(self._store_down)
        return tuple(found)

    def dump(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        return self.halted, tuple(self._done)

    def load(self, halted: tuple[str, ...], done: tuple[tuple[str, str], ...]) -> None:
        self._halted = dict.fromkeys(halted)
        self._done = dict.fromkeys(done)
