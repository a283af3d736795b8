"""A stream as it was: snapshots, replay, and the accountants' transactions behind their cursors."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.actioner.asked import Asked
from gateway.actioner.settings import ActionerSettings
from gateway.actioner.snapshots import Snapshots
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import AccountId, is_name
from gateway.domain.records import (
    FindCursor,
    FindItems,
    FindPositions,
    FindTransactions,
    FoundCursor,
    FoundItems,
    FoundPositions,
    FoundTransactions,
    MoveCursor,
)
from gateway.ports import Store

MAX_SEQ = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a replay that goes into one answer."""

    asked: Asked
    account: AccountId
    epoch: int
    first: int
    last: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """Transactions asked for: at most `limit` from `first` on."""

    asked: Asked
    account: AccountId
    first: int
    limit: int
    cursor: int


class Streams:
    """What the view holds is answered from it; the store is asked for what is older."""

    def __init__(self, view: View, store: Store, settings: ActionerSettings) -> None:
        self._view = view
        self._store = store
        self._settings = settings
        self.snapshots = Snapshots(view, settings)

    # ---- replay --------------------------------------------------------------------------------

    def replay(self, asked: Asked, account: AccountId, request: m.Replay) -> None:
        if not 1 <= request.from_seq <= request.to_seq <= MAX_SEQ:
            raise BadInput("a replay goes from from_seq >= 1 to to_seq >= from_seq")
        self._view.require()
        position = self.snapshots.position(account)
        to_seq = request.to_seq
        if position.epoch == request.epoch:
            to_seq = min(to_seq, position.seq)
        first = min(request.from_seq, to_seq + 1)
        last = min(to_seq, first + self._settings.max_page - 1)
        piece = _Piece(asked, account, request.epoch, first, last, more=last < to_seq)
        held = self._view.items(account)
        if held.epoch == request.epoch and held.first_seq <= first:
            self._answer_replay(piece, held.between(piece.first, last))
        else:
            self._ask_items(piece)

    def _ask_items(self, piece: _Piece) -> None:
        query = FindItems(
            account=piece.account,
            from_seq=piece.first,
            to_seq=piece.last,
            limit=piece.last - piece.first + 1,
        )
        piece.asked.find(
            self._store, query, FoundItems, lambda found: self._join(piece, found.items)
        )

    def _join(self, piece: _Piece, stored: Sequence[m.StreamItem]) -> None:
        held = self._view.items(piece.account)
        newer = held.between(piece.first, piece.last) if held.epoch == piece.epoch else []
        self._answer_replay(piece, (*stored, *newer))

    def _answer_replay(self, piece: _Piece, items: Sequence[m.StreamItem]) -> None:
        by_seq = {item.seq: item for item in items if item.epoch == piece.epoch}
        exact = [by_seq[seq] for seq in range(piece.first, piece.last + 1) if seq in by_seq]
        if len(exact) != piece.last - piece.first + 1:
            text = f"items {piece.first} to {piece.last} are not all kept: take a snapshot"
            raise Unavailable(text, Code.NOT_KEPT)
        piece.asked.answer(
            m.ReplayReply(request_id=piece.asked.id, items=tuple(exact), more=piece.more)
        )

    # ---- transactions --------------------------------------------------------------------------

    def transactions(self, asked: Asked, account: AccountId, request: m.GetTransactions) -> None:
        """A consumer gets only what the store has for good: what it acknowledges can't vanish with
        a journal. A reading from a number goes on into the journal."""
        limit = min(request.limit, self._settings.max_page)
        if limit < 1:
            raise BadInput("limit must be at least 1")
        from_seq = request.from_seq
        if from_seq is not None and not 0 <= from_seq <= MAX_SEQ:
            raise BadInput("from_seq must be a number of the stream")
        if request.consumer is not None:
            consumer = _checked_consumer(request.consumer)
            self._read_for_consumer(asked, account, consumer, from_seq, limit)
        elif from_seq is not None:
            self._view.require()
            self._collect(_Page(asked, account, max(from_seq, 1), limit, 0))
        else:
            raise BadInput("name a from_seq, a consumer, or both")

    def _read_for_consumer(
        self, asked: Asked, account: AccountId, consumer: str, from_seq: int | None, limit: int
    ) -> None:
        def from_cursor(found: FoundCursor) -> None:
            first = found.seq + 1 if from_seq is None else from_seq
            self._read_store(_Page(asked, account, first, limit, found.seq))

        query = FindCursor(account=account, consumer=consumer)
        asked.find(self._store, query, FoundCursor, from_cursor)

    def _read_store(self, page: _Page) -> None:
        query = FindTransactions(account=page.account, from_seq=page.first, limit=page.limit + 1)
        page.asked.find(
            self._store,
            query,
            FoundTransactions,
            lambda found: self._answer_transactions(page, found.items),
        )

    def _collect(self, page: _Page) -> None:
        held = self._view.items(page.account)
        if page.first >= held.first_seq and page.account in self._view.streams:
            self._answer_transactions(page, held.transactions(page.first, page.limit + 1))
            return
        query = FindPositions(journal=self._view.journal)
        page.asked.find(
            self._store, query, FoundPositions, lambda found: self._ask_rows(page, found.upto)
        )

    def _ask_rows(self, page: _Page, written: int) -> None:
        """The position first: the rows then hold at least all that was written up to it."""
        query = FindTransactions(account=page.account, from_seq=page.first, limit=page.limit + 1)
        page.asked.find(
            self._store,
            query,
            FoundTransactions,
            lambda found: self._join_rows(page, written, found.items),
        )

    def _join_rows(self, page: _Page, written: int, stored: Sequence[m.TransactionUpdate]) -> None:
        """Never past a hole: what is in neither the store nor the view yet is waited for."""
        held = self._view.items(page.account)
        rows = list(stored)
        if len(rows) > page.limit:
            self._answer_transactions(page, rows)
        elif written >= held.first_record - 1:
            first = rows[-1].seq + 1 if rows else page.first
            rows += held.transactions(first, page.limit + 1 - len(rows))
            self._answer_transactions(page, rows)
        elif rows:
            self._answer_transactions(page, rows, certainly_more=True)
        else:
            raise Unavailable("the store is behind; ask again", Code.STORE_DOWN)

    def _answer_transactions(
        self,
        page: _Page,
        rows: Sequence[m.TransactionUpdate],
        *,
        certainly_more: bool = False,
    ) -> None:
        page.asked.answer(
            m.TransactionsReply(
                request_id=page.asked.id,
                items=tuple(rows[: page.limit]),
                cursor=page.cursor,
                more=certainly_more or len(rows) > page.limit,
            )
        )

    # ---- cursors -------------------------------------------------------------------------------

    def acknowledge(
        self, asked: Asked, account: AccountId, request: m.AcknowledgeTransactions
    ) -> None:
        """Answered once the store has it for good. A number that the store has not got is refused:
        the cursor never moves back, and what came under it later would never be delivered."""
        consumer = _checked_consumer(request.consumer)
        if not 0 <= request.seq <= MAX_SEQ:
            raise BadInput("seq must be a number of the stream")
        query = MoveCursor(account=account, consumer=consumer, seq=request.seq)

        def moved(found: FoundCursor) -> None:
            asked.answer(m.AcknowledgedReply(request_id=asked.id, cursor=found.seq))

        def checked(found: FoundPositions) -> None:
            asked.require_time()
            written = max((p.seq for p in found.streams if p.account == account), default=0)
            if request.seq > written:
                raise BadInput("seq must be the number of an item that was delivered")
            asked.find(self._store, query, FoundCursor, moved)

        positions = FindPositions(journal=self._view.journal)
        asked.find(self._store, positions, FoundPositions, checked)


def _checked_consumer(name: str) -> str:
    if not is_name(name):
        raise BadInput("a consumer's name has 1 to 64 letters, digits, '_', '.' or '-'")
    return name
