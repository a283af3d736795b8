"""From the journal back to a running executor: a checkpoint, then the records after it."""

import logging
from collections.abc import Iterable

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadMessage
from gateway.executor.amends import Amends
from gateway.executor.cancels import Cancels
from gateway.executor.checkpoint import ExecutorCheckpoint
from gateway.executor.gate import Gate
from gateway.executor.outbox import OutboxName
from gateway.executor.places import Places
from gateway.executor.state import State

logger = logging.getLogger(__name__)


class Recall:
    """Nothing is sent and nothing recorded here."""

    def __init__(
        self, state: State, places: Places, amends: Amends, cancels: Cancels, gate: Gate
    ) -> None:
        self._state = state
        self._places = places
        self._amends = amends
        self._cancels = cancels
        self._gate = gate

    def dump(self) -> ExecutorCheckpoint:
        halted, halts_done = self._gate.dump()
        cancels, laid_by = self._cancels.dump()
        return ExecutorCheckpoint(
            outbox=self._state.outbox.name,
            acknowledged=self._state.outbox.acknowledged,
            latest=self._state.moments.latest(),
            floor=self._state.memory.fixed_floor,
            orders=tuple(self._state.orders),
            cancels=cancels,
            laid_by=laid_by,
            remembered=self._state.memory.dump(),
            halted=halted,
            halts_done=halts_done,
            amends=self._amends.dump(),
        )

    def load(self, saved: ExecutorCheckpoint | None, new: OutboxName) -> OutboxName:
        """Returns the outbox's name: `new` unless the checkpoint has one."""
        if saved is None:
            self._begin(new.born_at)
            return new
        state = self._state
        state.moments.not_before(saved.latest)
        state.memory.load(saved.remembered, saved.floor)
        for order in saved.orders:
            state.orders.add(order)
        self._cancels.load(saved.cancels, saved.laid_by)
        self._amends.load(saved.amends)
        self._gate.load(saved.halted, saved.halts_done)
        if saved.outbox.name:
            return saved.outbox
        self._begin(saved.outbox.born_at)
        return OutboxName(name=new.name, born_at=saved.outbox.born_at)

    def _begin(self, born_at: int) -> None:
        """An outbox before this one may have sent ids that were made before, or, by a clock that
        is ahead, shortly after this one's birth."""
        self._state.memory.raise_floor(born_at + self._state.settings.rules.clock_error)

    def replay(
        self,
        records: Iterable[tuple[int, bytes]],
        saved: ExecutorCheckpoint | None,
        name: OutboxName,
    ) -> tuple[int, int]:
        """How far the listener had acknowledged, and how many records there were."""
        acknowledged, count = saved.acknowledged if saved else 0, 0
        for _, payload in records:
            count += 1
            try:
                event = codec.outbox_events.decode(payload)
            except BadMessage:
                self._state.counters.bad_records += 1
                logger.exception("record_not_understood")
                continue
            self._apply(event)
            if isinstance(event, m.Alive) and event.acknowledged:
                acknowledged = max(acknowledged, event.acknowledged + name.base)
        return acknowledged, count

    def _apply(self, event: m.OutboxEvent) -> None:
        match event:
            case m.PlaceIntended():
                self._places.apply_intent(event)
            case m.PlaceAnswered():
                self._places.apply_answer(event)
            case m.CancelIntended():
                self._cancels.apply_intent(event)
            case m.CancelAnswered():
                self._cancels.apply_answer(event)
            case m.AmendIntended():
                self._amends.apply_intent(event)
            case m.AmendAnswered():
                self._amends.apply_answer(event)
            case m.CommandRefused():
                self._apply_refusal(event)
            case m.HaltChanged():
                self._gate.apply(event)
            case m.Alive():
                self._state.moments.not_before(event.at)

    def _apply_refusal(self, refused: m.CommandRefused) -> None:
        if refused.remembered is not None:
            self._state.memory.put(refused.order_id, refused.remembered, is_certain=False)
        if refused.repeat_until:
            self._amends.apply_refusal(refused.order_id, refused.command_id, refused.repeat_until)
        if refused.order_id:
            self._cancels.apply_refusal(refused.order_id, refused.command_id)
