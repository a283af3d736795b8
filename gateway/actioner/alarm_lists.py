"""Alarms: listed, and acknowledged by somebody."""

import logging
from collections.abc import Sequence

from gateway.actioner.asked import Asked, expect
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain.alarms import alarm_id_of, is_alarm_id
from gateway.domain.change import Alarm
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import is_name
from gateway.domain.records import FindAlarms, Found, FoundAlarms, NoteAcknowledged, StoreFailed
from gateway.ports import Clock, Store

log = logging.getLogger("gateway.actioner")

MAX_TEXT = 500


class AlarmLists:
    """The view has those that the store lacks still. Only the store knows what was acknowledged:
    while it is away, alarms are listed as if nobody had."""

    def __init__(self, view: View, store: Store, clock: Clock, settings: ActionerSettings) -> None:
        self._view = view
        self._store = store
        self._clock = clock
        self._max_page = settings.max_page

    # ---- listing -------------------------------------------------------------------------------

    def list(self, asked: Asked, request: m.ListAlarms) -> None:
        if request.limit < 1:
            raise BadInput("limit must be at least 1")
        self._view.poll()
        limit = min(request.limit, self._max_page)
        held = self._held(request.account)
        query = FindAlarms(
            account=request.account,
            limit=limit,
            unacknowledged=request.unacknowledged,
            among=tuple(held),
        )
        self._store.ask(
            query, asked.then(lambda found: asked.answer(_reply(asked.id, limit, held, found)))
        )

    def _held(self, account: str | None) -> dict[str, Alarm]:
        alarms = (alarm for alarm in self._view.alarms if account in (None, alarm.account))
        return {alarm_id_of(alarm): alarm for alarm in alarms}

    # ---- acknowledging -------------------------------------------------------------------------

    def acknowledge(self, asked: Asked, request: m.AcknowledgeAlarm) -> None:
        if not is_name(request.operator) or len(request.text) > MAX_TEXT:
            raise BadInput(f"operator must be a name, text at most {MAX_TEXT} characters long")
        if not is_alarm_id(request.alarm_id):
            raise BadInput("alarm_id must be that of an alarm in the list", Code.UNKNOWN_ALARM)
        self._view.poll()
        query = NoteAcknowledged(
            alarm_id=request.alarm_id,
            at=self._clock.now(),
            by=request.operator,
            text=request.text,
        )
        asked.find(
            self._store, query, FoundAlarms, lambda found: self._acknowledged(asked, request, found)
        )

    def _acknowledged(self, asked: Asked, request: m.AcknowledgeAlarm, found: FoundAlarms) -> None:
        if not found.alarms:
            if request.alarm_id in self._held(None):
                raise Unavailable("the alarm is not in the store yet; ask again", Code.STORE_DOWN)
            raise BadInput("there is no such alarm", Code.UNKNOWN_ALARM)
        (alarm,) = found.alarms
        log.info("alarm_acknowledged alarm_id=%s by=%s", alarm.alarm_id, alarm.acknowledged_by)
        asked.answer(m.AlarmReply(request_id=asked.id, alarm=alarm))


def _reply(
    request_id: str, limit: int, held: dict[str, Alarm], found: Found | StoreFailed
) -> m.AlarmsReply:
    stored: Sequence[m.KnownAlarm] = ()
    missing = held
    if not isinstance(found, StoreFailed) or len(held) < limit:
        answer = expect(found, FoundAlarms)
        stored = answer.alarms
        missing = {one: alarm for one, alarm in held.items() if one not in answer.stored}
    fresh = [m.KnownAlarm.of(alarm, alarm_id) for alarm_id, alarm in missing.items()]
    every = sorted([*fresh, *stored], key=lambda alarm: alarm.at, reverse=True)
    return m.AlarmsReply(request_id=request_id, alarms=tuple(every[:limit]))
