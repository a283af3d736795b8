"""What the actioner knows of the rest: accounts, markets, health."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.actioner.asked import Asked
from gateway.actioner.lane import Lane
from gateway.actioner.view import View
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import BadInput, Code, Unavailable
from gateway.domain.identity import AccountId, Symbol
from gateway.ports import Clock

SILENT = 3_000_000_000
"""Ns without a sign of life after which a process is not called ready; it gives one a second."""


class Surroundings:
    """Health and streams as they were last heard on `status`."""

    def __init__(
        self,
        lanes: Mapping[AccountId, Lane],
        view: View,
        clock: Clock,
        tag: int,
    ) -> None:
        self._tag = tag
        self._lanes = lanes
        self._view = view
        self._clock = clock
        self._health: dict[Role, tuple[int, m.Health]] = {}
        self._streams: dict[AccountId, m.StreamState] = {}

    def on_health(self, health: m.Health) -> None:
        self._health[health.role] = (self._clock.monotonic(), health)

    def on_stream(self, state: m.StreamState) -> None:
        if state.account in self._lanes:
            self._streams[state.account] = state

    def accounts(self, asked: Asked) -> None:
        self._view.poll()
        infos = tuple(self._account(account, lane) for account, lane in self._lanes.items())
        asked.answer(m.AccountsReply(request_id=asked.id, accounts=infos, tag=self._tag))

    def _account(self, account: AccountId, lane: Lane) -> m.AccountInfo:
        position = self._view.streams.get(account)
        stream = self._streams.get(account)
        return m.AccountInfo(
            account=account,
            venue=lane.venue.profile.venue,
            epoch=0 if position is None else position.epoch,
            seq=0 if position is None else position.seq,
            stream_up=stream is not None and stream.up,
        )

    def markets(self, asked: Asked, account: AccountId, symbol: str | None) -> None:
        venue = self._lanes[account].venue
        if not venue.ready:
            raise Unavailable("the venue's markets are not loaded yet; ask again", Code.NOT_READY)
        if symbol is None:
            markets = tuple(venue.markets.values())
        elif Symbol(symbol) in venue.markets:
            markets = (venue.markets[Symbol(symbol)],)
        else:
            raise BadInput("the account's venue has no such market", Code.UNKNOWN_SYMBOL)
        asked.answer(m.MarketsReply(request_id=asked.id, markets=markets))

    def health(self, asked: Asked, own: m.Health) -> None:
        """`own` is the actioner's, fresh; the others' are as fresh as they were heard."""
        heard = [self._as_of_now(*one) for role, one in self._health.items() if role != own.role]
        asked.answer(
            m.HealthReply(
                request_id=asked.id,
                processes=(*heard, own),
                streams=tuple(self._streams.values()),
            )
        )

    def _as_of_now(self, heard_at: int, health: m.Health) -> m.Health:
        silence = self._clock.monotonic() - heard_at
        if silence <= SILENT:
            return health
        text = f"silent: nothing was heard of it for {silence // 1_000_000_000} s; is it running?"
        return replace(health, ready=False, problems=(*health.problems, text))
