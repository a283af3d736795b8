"""Saying no: with a code and a sentence, recorded, counted and logged."""

import logging

from msgspec import Struct

from gateway.domain.errors import BadMessage, Code, GatewayError
from gateway.domain.identity import is_name, is_order_id
from gateway.domain.messages import Cancel, Command, CommandRefused, Halt, Resume
from gateway.executor.counters import Counters
from gateway.executor.moments import Moments
from gateway.executor.outbox import JournalIsBroken, JournalIsFull, Outbox
from gateway.executor.settings import SECOND

logger = logging.getLogger(__name__)


class Addressee(Struct, frozen=True, kw_only=True):
    """Whom a refusal goes to and what it is about, as far as the command says it validly."""

    client_id: str
    command_id: str
    order_id: str = ""
    account: str = ""


class Refusals:
    """A client is told of a refusal only once it is recorded: what was refused stays refused.

    In a full journal a few a second may use the reserve; of the others the client learns that its
    order was never received.
    """

    def __init__(
        self, outbox: Outbox, moments: Moments, counters: Counters, full_per_s: int
    ) -> None:
        self._outbox = outbox
        self._moments = moments
        self._counters = counters
        self._full_per_s = full_per_s
        self._second = 0
        self._in_second = 0

    def refuse(
        self,
        command: Command,
        error: GatewayError,
        *,
        remembered: int | None = None,
        repeat_until: int = 0,
    ) -> None:
        about = "" if isinstance(command, Halt | Resume) else command.order_id
        self.tell(
            Addressee(
                client_id=command.client_id,
                command_id=command.command_id,
                order_id=about,
                account=command.account,
            ),
            error.code,
            str(error),
            remembered=remembered,
            repeat_until=repeat_until,
            urgent=isinstance(command, Cancel | Halt | Resume),
        )

    def refuse_message(self, error: BadMessage) -> None:
        """What could not be decoded: answered if it still names its sender and itself."""
        hints = error.hints
        to = Addressee(
            client_id=hints.get("client_id", ""),
            command_id=hints.get("command_id", ""),
            order_id=hints.get("order_id", ""),
            account=hints.get("account", ""),
        )
        self.tell(to, error.code, str(error))

    def tell(
        self,
        to: Addressee,
        code: Code,
        text: str,
        *,
        remembered: int | None = None,
        repeat_until: int = 0,
        urgent: bool = False,
    ) -> None:
        self._counters.refused[code] += 1
        if not (is_name(to.client_id) and is_name(to.command_id)):
            self._note_unusable(code, text)
            return
        refused = CommandRefused(
            at=self._moments.now(),
            client_id=to.client_id,
            command_id=to.command_id,
            code=code,
            text=text,
            order_id=to.order_id if is_order_id(to.order_id) else "",
            account=to.account if is_name(to.account) else "",
            remembered=remembered,
            repeat_until=repeat_until,
        )
        self._log(refused)
        self._record(refused, urgent=urgent)
        self._outbox.tell()

    def _record(self, refused: CommandRefused, *, urgent: bool) -> None:
        try:
            self._outbox.append(refused, urgent=urgent)
        except JournalIsFull:
            self._record_in_reserve(refused)
        except JournalIsBroken:
            self._counters.silent += 1

    def _record_in_reserve(self, refused: CommandRefused) -> None:
        second = self._moments.monotonic() // SECOND
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second > self._full_per_s:
            self._counters.silent += 1
            return
        try:
            self._outbox.append(refused, urgent=True)
        except (JournalIsFull, JournalIsBroken):
            self._counters.silent += 1

    def _log(self, refused: CommandRefused) -> None:
        logger.warning(
            "command_refused",
            extra={
                "code": refused.code,
                "reason": refused.text,
                "client_id": refused.client_id,
                "command_id": refused.command_id,
                "order_id": refused.order_id,
            },
        )

    def _note_unusable(self, code: Code, text: str) -> None:
        """Often at first, then seldom: a stranger can repeat it at will."""
        self._counters.unusable += 1
        count = self._counters.unusable
        if count & (count - 1) == 0:
            extra = {"code": code, "reason": text[:200], "count": count}
            logger.warning("message_without_sender", extra=extra)
