"""Whether every change of an account's orders has been heard; if not, a snapshot is taken."""

from collections.abc import Callable
from functools import partial

from msgspec.structs import asdict

from gateway.domain import messages as m
from gateway.domain.identity import AccountId
from gateway.domain.snapshot_pages import SnapshotPages
from gateway.manager.deadlines import Deadlines
from gateway.manager.questions import Questions
from gateway.manager.settings import ManagerSettings


class StreamWatch:
    """Follows the numbers only. A schedule needs no replay: the orders as they are now do."""

    def __init__(
        self,
        account: AccountId,
        settings: ManagerSettings,
        questions: Questions,
        deadlines: Deadlines,
        *,
        on_snapshot: Callable[[m.SnapshotReply], None],
        on_epoch: Callable[[], None],
    ) -> None:
        """`on_epoch` follows the first snapshot, and each that shows another epoch."""
        self._account = account
        self._settings = settings
        self._questions = questions
        self._deadlines = deadlines
        self._on_snapshot = on_snapshot
        self._on_epoch = on_epoch
        self._key = ("snapshot", account)
        self._epoch: int | None = None
        self._seq = 0
        self._asking = False
        self._failures = 0
        self.is_whole = False
        """A snapshot was taken, and nothing was missed since."""

    def on_item(self, epoch: int, seq: int) -> None:
        self._note(epoch, seq, expected=self._seq + 1)

    def on_head(self, epoch: int, seq: int) -> None:
        self._note(epoch, seq, expected=self._seq)

    def _note(self, epoch: int, seq: int, expected: int) -> None:
        if epoch != self._epoch or seq > expected:
            self.resync()
        if epoch == self._epoch:
            self._seq = max(self._seq, seq)

    def resync(self) -> None:
        self.is_whole = False
        if not self._asking:
            self._deadlines.put_if_none(self._key, 0, self._ask)

    def _ask(self) -> None:
        if not self._questions.has_room:
            self._deadlines.put(self._key, self._settings.room_wait, self._ask)
            return
        self._asking = True
        self._ask_page(SnapshotPages())

    def _ask_page(self, pages: SnapshotPages) -> None:
        self._questions.ask(
            m.TakeSnapshot,
            int(self._settings.answer_timeout_s * 1e9),
            partial(self._on_page, pages),
            account=self._account,
            unsettled=True,
            **asdict(pages.wanted),
        )

    def _on_page(self, pages: SnapshotPages, reply: m.AnyReply | None) -> None:
        if not isinstance(reply, m.SnapshotReply):
            self._on_reply(None)
            return
        whole = pages.add(reply)
        if whole is None:
            self._ask_page(pages)
        else:
            self._on_reply(whole)

    def _on_reply(self, reply: m.SnapshotReply | None) -> None:
        self._asking = False
        if reply is None or self._is_too_old(reply):
            delay = self._settings.snapshot_retry.delay(self._failures)
            self._deadlines.put(self._key, delay, self._ask)
            self._failures += 1
            return
        self._failures = 0
        self.is_whole = True
        is_new = reply.epoch != self._epoch
        self._epoch, self._seq = reply.epoch, reply.seq
        self._on_snapshot(reply)
        if is_new:
            self._on_epoch()

    def _is_too_old(self, reply: m.SnapshotReply) -> bool:
        return reply.epoch == self._epoch and reply.seq < self._seq
