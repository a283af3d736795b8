"""Everything that goes out on `status`."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.alarms import alarm_id_of
from gateway.domain.identity import OrderId
from gateway.domain.life import Alarm
from gateway.listener.settings import ListenerSettings
from gateway.ports import Broadcast, Timer, Timers

log = logging.getLogger("gateway.listener")

WANTED = frozenset({"halted", "resumed"})
"""Alarms that somebody meant to raise."""


class Announcer:
    """Publishes what has been journaled, and what needs no journal. Decides nothing."""

    def __init__(self, status: Broadcast, counters: Counter[str]) -> None:
        self._status = status
        self._counters = counters
        self.alarms: Counter[str] = Counter()

    def changes(self, record: m.ListenerRecord) -> None:
        """What a record of the journal says; what is lost on the way shows in the next head."""
        for item in record.items:
            self.publish(m.stream_topic(item.account), item)
            if isinstance(item, m.OrderUpdate):
                log.debug(
                    "order_changed order_id=%s account=%s seq=%d status=%s fact=%s source=%s",
                    item.order.order_id, item.account, item.seq, item.order.status,
                    item.cause.fact, item.cause.source,
                )  # fmt: skip
        for refusal in record.refusals:
            self.publish(m.refusals_topic(refusal.client_id), refusal)
        for alarm in record.alarms:
            self._alarm(alarm)

    def _alarm(self, alarm: Alarm) -> None:
        self.alarms[alarm.kind] += 1
        alarm_id = alarm_id_of(alarm)
        log.log(
            logging.WARNING if alarm.kind in WANTED else logging.ERROR,
            "alarm kind=%s account=%s order_id=%s alarm_id=%s text=%s",
            alarm.kind, alarm.account, alarm.order_id, alarm_id, alarm.text,
        )  # fmt: skip
        self.publish(m.ALARMS, m.AlarmRaised(alarm=alarm, alarm_id=alarm_id))

    def head(self, stream: m.StreamPosition, at: int) -> None:
        head = m.Head(account=stream.account, epoch=stream.epoch, seq=stream.seq, at=at)
        self.publish(m.HEADS, head)

    def health(self, beat: m.Heartbeat) -> None:
        health = m.Health(
            role=beat.role,
            instance=beat.instance,
            at=beat.at,
            ready=beat.ready,
            problems=beat.problems,
            carried_out=beat.carried_out,
        )
        self.publish(m.HEALTH, health)

    def stream(self, state: m.StreamState) -> None:
        self.publish(m.STREAMS, state)

    def checked(self, checked: m.Checked) -> None:
        self.publish(m.CHECKS, checked)

    def wanted(self, wanted: m.UnknownOrders | m.RecordsLost) -> None:
        """What the manager is to have looked up."""
        self.publish(m.CHECKS, wanted)

    def acknowledged(self, acknowledged: m.Acknowledged) -> None:
        self.publish(m.ACKNOWLEDGEMENTS, acknowledged)

    def publish(self, topic: str, message: m.Message) -> None:
        self._status.publish(topic, codec.encode(message))


@dataclass(slots=True)
class Due:
    """`dropped`: the largest number of a record that came too early and was not taken."""

    number: int = 0
    dropped: int = 0
    superseded: bool = False
    ended: dict[OrderId, None] = field(default_factory=dict)


class Acknowledger:
    """Acknowledges outbox records a little later and all together.

    Bounded by what the executor sends ahead. A lost acknowledgement is repaired by the executor's
    next resending, or its next question whether an order has ended.
    """

    def __init__(self, announcer: Announcer, timers: Timers, settings: ListenerSettings) -> None:
        self._announcer = announcer
        self._timers = timers
        self._delay = settings.acknowledge_delay
        self._due: dict[str, Due] = {}
        self._timer: Timer | None = None

    def gap(self, outbox: str, number: int, dropped: int) -> None:
        """Asks for what follows `number` again, unless `dropped` comes after all."""
        due = self._due_of(outbox, number)
        due.dropped = max(due.dropped, dropped)

    def soon(self, outbox: str, number: int, ended: OrderId | None = None) -> None:
        """`ended`: an order that the executor wants canceled and that is closed already."""
        due = self._due_of(outbox, number)
        if ended is not None:
            due.ended[ended] = None

    def duplicate(self, outbox: str, number: int, *, superseded: bool) -> None:
        due = self._due_of(outbox, number)
        due.superseded = due.superseded or superseded

    def _due_of(self, outbox: str, number: int) -> Due:
        due = self._due.setdefault(outbox, Due())
        due.number = max(due.number, number)
        if self._timer is None:
            self._timer = self._timers.after(self._delay, self._send)
        return due

    def _send(self) -> None:
        self._timer = None
        due, self._due = self._due, {}
        for outbox, one in due.items():
            message = m.Acknowledged(
                outbox=outbox,
                number=one.number,
                gap=one.dropped > one.number,
                ended=tuple(one.ended),
                superseded=one.superseded,
            )
            self._announcer.acknowledged(message)
