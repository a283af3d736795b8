"""Reports to the listener, and waiting until one has taken effect."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gateway.actioner.settings import ActionerSettings
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import Busy, GatewayError, TimedOut
from gateway.ports import Clock, Outlet, Timer, Timers

log = logging.getLogger("gateway.actioner")

Confirmable = m.OrderChecked | m.Resolve


@dataclass(slots=True)
class Waiting:
    report: Confirmable
    deadline: int  # monotonic
    is_applied: Callable[[], bool]
    applied: Callable[[], None]
    failed: Callable[[TimedOut], None]
    timer: Timer | None = None


class Reporter:
    """Sends each report once, or, if somebody waits for its effect, until that is seen.

    The listener applies a report that comes twice once.
    """

    def __init__(
        self,
        reports: Outlet,
        settings: ActionerSettings,
        clock: Clock,
        timers: Timers,
        counters: Counter[str],
        instance: str,
    ) -> None:
        self._reports = reports
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._counters = counters
        self._instance = instance
        self._made = 0
        self._waiting: dict[str, Waiting] = {}

    def new_id(self) -> str:
        """Never given out before, by this or another run of the actioner."""
        self._made += 1
        return f"{self._instance}-{self._made}"

    def send(self, report: m.Report) -> bool:
        """False: the listener does not take it; whoever wants it asks the venue again."""
        try:
            taken = self._reports.send(codec.encode(report))
        except GatewayError as error:
            log.warning("report_not_sent type=%s code=%s", type(report).__name__, error.code)
            taken = False
        self._counters["reports_sent" if taken else "reports_not_taken"] += 1
        return taken

    def send_until_applied(
        self,
        report: Confirmable,
        patience: int,
        is_applied: Callable[[], bool],
        applied: Callable[[], None],
        failed: Callable[[TimedOut], None],
    ) -> None:
        """`is_applied` looks whether the effect shows, should its `checked` not be heard.

        Raises `Busy`. `patience` is in ns.
        """
        if len(self._waiting) >= self._settings.max_under_way:
            raise Busy("too many requests wait for the listener already")
        deadline = self._clock.monotonic() + patience
        waiting = Waiting(report, deadline, is_applied, applied, failed)
        self._waiting[report.report_id] = waiting
        self._send_again(waiting)

    def _send_again(self, waiting: Waiting) -> None:
        self.send(waiting.report)
        left = max(waiting.deadline - self._clock.monotonic(), 0)
        delay = min(self._settings.resend, left)
        waiting.timer = self._timers.after(delay, lambda: self._repeat(waiting))

    def _repeat(self, waiting: Waiting) -> None:
        if waiting.is_applied():
            self._end(waiting)
            waiting.applied()
        elif self._clock.monotonic() >= waiting.deadline:
            self._end(waiting)
            text = "the venue has answered, the listener has not applied it yet; ask again"
            waiting.failed(TimedOut(text))
        else:
            self._send_again(waiting)

    def _end(self, waiting: Waiting) -> None:
        del self._waiting[waiting.report.report_id]
        if waiting.timer is not None:
            waiting.timer.cancel()

    def on_checked(self, checked: m.Checked) -> None:
        waiting = self._waiting.get(checked.report_id)
        if waiting is not None:
            self._end(waiting)
            waiting.applied()
