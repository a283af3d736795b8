"""Reports to the listener, and waiting until one has taken effect."""

import logging
from collections import Counter, deque
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

    The listener applies a report that comes twice once. What it does not take just now (it has
    begun anew, say, and is not connected yet) waits in a line for a while: a report says itself
    when it was asked for, so it may come late.
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
        self._untaken: deque[tuple[int, bytes]] = deque()  # given up when, monotonic; frame

    def new_id(self) -> str:
        """Never given out before, by this or another run of the actioner."""
        self._made += 1
        return f"{self._instance}-{self._made}"

    def send(self, report: m.Report) -> bool:
        """Sent, or in line. False: it is given up; whoever wants it asks the venue again."""
        frame = codec.encode(report)
        try:
            taken = not self._untaken and self._is_taken(frame)
        except GatewayError as error:  # too large: it never will be
            log.warning("report_not_sent type=%s code=%s", type(report).__name__, error.code)
            return False
        if taken or isinstance(report, m.Heartbeat):  # the next beat says more than this one
            return taken
        return self._put_in_line(frame)

    def _is_taken(self, frame: bytes) -> bool:
        taken = self._reports.send(frame)
        self._counters["reports_sent" if taken else "reports_not_taken"] += 1
        return taken

    def _put_in_line(self, frame: bytes) -> bool:
        if len(self._untaken) >= self._settings.untaken_reports:
            self._counters["reports_given_up"] += 1
            return False
        if not self._untaken:
            self._timers.after(self._settings.report_retry, self._send_line)
        self._untaken.append((self._clock.monotonic() + self._settings.report_patience, frame))
        return True

    def _send_line(self) -> None:
        while self._untaken:
            until, frame = self._untaken[0]
            if self._clock.monotonic() >= until:
                self._give_up_line("nobody took them")
                return
            try:
                taken = self._is_taken(frame)
            except GatewayError as error:
                self._give_up_line(error.code)
                return
            if not taken:
                self._timers.after(self._settings.report_retry, self._send_line)
                return
            self._untaken.popleft()

    def _give_up_line(self, reason: str) -> None:
        """All of it: without its earlier pieces the last of a search would stand for the whole."""
        self._counters["reports_given_up"] += len(self._untaken)
        log.warning("reports_given_up count=%s reason=%s", len(self._untaken), reason)
        self._untaken.clear()

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
        if not self._untaken:  # it would wait in line more than once
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
