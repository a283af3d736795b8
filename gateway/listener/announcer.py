"""Everything that goes out on `status`."""

import logging
from collections import Counter

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.life import Alarm
from gateway.listener.draft import Draft
from gateway.listener.settings import ListenerSettings
from gateway.ports import Broadcast, Timer, Timers

log = logging.getLogger("gateway.listener")


class Announcer:
    """Publishes what has been journaled, and what needs no journal. Decides nothing."""

    def __init__(self, status: Broadcast, counters: Counter[str]) -> None:
        self._status = status
        self._counters = counters

    def changes(self, draft: Draft) -> None:
        for item in draft.items:
            self.publish(m.stream_topic(item.account), item)
        for refusal in draft.refusals:
            self.publish(m.refusals_topic(refusal.client_id), refusal)
        for alarm in draft.alarms:
            self._alarm(alarm)

    def _alarm(self, alarm: Alarm) -> None:
        self._counters["alarms"] += 1
        log.error(
            "alarm kind=%s account=%s order_id=%s text=%s",
            alarm.kind, alarm.account, alarm.order_id, alarm.text,
        )  # fmt: skip
        self.publish(m.ALARMS, m.AlarmRaised(alarm=alarm))

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
        )
        self.publish(m.HEALTH, health)

    def stream(self, state: m.StreamState) -> None:
        self.publish(m.STREAMS, state)

    def checked(self, checked: m.Checked) -> None:
        self.publish(m.CHECKS, checked)

    def acknowledged(self, acknowledged: m.Acknowledged) -> None:
        self.publish(m.ACKNOWLEDGEMENTS, acknowledged)

    def publish(self, topic: str, message: m.Message) -> None:
        self._status.publish(topic, codec.encode(message))


class Acknowledger:
    """Acknowledges outbox records: a gap at once, progress a little later and all together."""

    def __init__(self, announcer: Announcer, timers: Timers, settings: ListenerSettings) -> None:
        self._announcer = announcer
        self._timers = timers
        self._delay = settings.acknowledge_delay
        self._due: dict[str, tuple[int, list[OrderId]]] = {}
        self._timer: Timer | None = None

    def gap(self, outbox: str, number: int) -> None:
        """Asks for what follows `number` again."""
        self._announcer.acknowledged(m.Acknowledged(outbox=outbox, number=number, gap=True))

    def soon(self, outbox: str, number: int, ended: OrderId | None = None) -> None:
        """`ended`: an order that the executor wants canceled and that is closed already."""
        _, endings = self._due.get(outbox, (0, []))
        if ended is not None:
            endings.append(ended)
        self._due[outbox] = (number, endings)
        if self._timer is None:
            self._timer = self._timers.after(self._delay, self._send)

    def _send(self) -> None:
        self._timer = None
        due, self._due = self._due, {}
        for outbox, (number, ended) in due.items():
            message = m.Acknowledged(outbox=outbox, number=number, ended=tuple(ended))
            self._announcer.acknowledged(message)


def alarm_of(account: AccountId, order_id: OrderId | None, kind: str, text: str, at: int) -> Alarm:
    return Alarm(kind=kind, text=text, at=at, account=account, order_id=order_id)
