"""The private stream of one account, as the real adapter keeps it open."""

from collections.abc import Callable

from gateway.domain import venue as v
from gateway.domain.identity import AccountId, Symbol
from gateway.paper.entries import Event, Execution, Position
from gateway.paper.faults import Fault, FaultKind
from gateway.sim import words
from gateway.sim.exchange import Exchange, Line
from gateway.sim.process import Instance
from gateway.sim.scheduler import Scheduler

SECOND = 1_000_000_000
FIRST_PAUSE, LONGEST_PAUSE = SECOND // 10, 5 * SECOND


class PrivateStream:
    """Dials, hears, notices the end, and dials again after a pause that doubles."""

    def __init__(
        self,
        account: AccountId,
        exchange: Exchange,
        instance: Instance,
        scheduler: Scheduler,
        on_event: Callable[[v.StreamEvent], None],
    ) -> None:
        self._account = account
        self._exchange = exchange
        self._instance = instance
        self._scheduler = scheduler
        self._on_event = on_event
        self._line: Line | None = None
        self._heard_up: bool | None = None
        self._pause = FIRST_PAUSE
        self._symbols = {each.name: Symbol(each.unified) for each in exchange.core.symbols()}

    def dial(self) -> None:
        self._scheduler.after(self._exchange.travel() * 2, self._dialed)

    def _dialed(self) -> None:
        if not self._instance.alive:
            return
        line = self._line = self._exchange.dial(
            self._account, lambda event, faults: self._heard(line, event, faults)
        )
        if line is None:
            self._went_down("connection refused")
        else:
            self._heard_up = True
            self._pause = FIRST_PAUSE
            self._tell(v.StreamUp(account=self._account))

    def redial(self, reason: str) -> None:
        if self._line is not None:
            self._exchange.hang_up(self._line)
            self._went_down(reason)

    def _went_down(self, text: str) -> None:
        self._line = None
        if self._heard_up is not False:
            self._heard_up = False
            self._tell(v.StreamDown(account=self._account, text=text))
        self._scheduler.after(self._pause, self.dial)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _heard(self, line: Line | None, event: Event | None, faults: tuple[Fault, ...]) -> None:
        if line is None or line is not self._line:
            return
        if not self._instance.alive:
            self._exchange.hang_up(line)
        elif event is None:
            self._went_down("the connection was closed")
        elif isinstance(event, Execution):
            self._on_execution(event, faults)
        elif isinstance(event, Position):
            self._tell(
                v.BalancesHeard(
                    account=self._account,
                    balances=tuple(
                        v.Balance(currency=held.asset, free=held.free, locked=held.locked)
                        for held in event.balances
                    ),
                )
            )

    def _on_execution(self, event: Execution, faults: tuple[Fault, ...]) -> None:
        symbol = self._symbols[event.order.symbol]
        if event.trade is not None:
            trade = words.venue_trade(event.trade, symbol, faults)
            self._tell(v.TradeHeard(account=self._account, trade=trade))
            if words.has(faults, FaultKind.CONFLICTING_TRADE):
                other = words.conflicting(trade)
                self._tell(v.TradeHeard(account=self._account, trade=other))
        order = words.venue_order(event.order, symbol, faults)
        self._tell(v.OrderHeard(account=self._account, order=order))

    def _tell(self, event: v.StreamEvent) -> None:
        self._instance.enter(lambda: self._on_event(event))
