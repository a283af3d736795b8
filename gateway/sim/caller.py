"""Sends requests to the simulated exchange for one instance of a process."""

from collections.abc import Callable, Mapping

from gateway.domain import venue as v
from gateway.domain.identity import AccountId, Symbol
from gateway.paper.core import PaperVenue
from gateway.paper.view import View
from gateway.ports import Clock
from gateway.sim import words
from gateway.sim.exchange import Call, Exchange, How, Reply
from gateway.sim.process import Instance
from gateway.sim.scheduler import Scheduler

SECOND = 1_000_000_000
WINDOW = 5 * SECOND

Done = Callable[[v.VenueAnswer], None]
Translate = Callable[[Reply], v.VenueAnswer]


class Caller:
    """One account. A request that has left outlives the process. `names` are the venue's names of
    the symbols, `symbols` the other way round."""

    def __init__(
        self,
        account: AccountId,
        exchange: Exchange,
        instance: Instance,
        clock: Clock,
        scheduler: Scheduler,
        timeout: int,
    ) -> None:
        self.account = account
        self.exchange = exchange
        self.instance = instance
        self.clock = clock
        self.scheduler = scheduler
        self._timeout = timeout
        listed = exchange.core.symbols()
        self.names = {each.unified: each.name for each in listed}
        self.symbols = {each.name: Symbol(each.unified) for each in listed}
        self.markets: Mapping[Symbol, v.Market] = {
            Symbol(each.unified): words.market_of(each) for each in listed
        }

    @property
    def core(self) -> PaperVenue:
        return self.exchange.core

    def send(
        self,
        operation: str,
        perform: Callable[[View], object],
        translate: Translate,
        done: Done,
        client_order_id: str = "",
        **params: str,
    ) -> None:
        """One request; `done` gets one answer, a time-out's if none comes."""
        call = Call(
            account=self.account,
            operation=operation,
            params=params,
            client_order_id=client_order_id,
            signed_at=self.clock.now(),
            window=WINDOW,
            perform=perform,
        )
        pending = [done]

        def answer(reply: Reply) -> None:
            if pending:
                pending.pop()(translate(reply))

        def finish(reply: Reply) -> None:
            self.instance.enter(lambda: answer(reply))

        self.scheduler.after(self._timeout, lambda: finish(Reply(How.CLOSED, text="time-out")))
        self.exchange.submit(call, finish)

    def later(self, done: Done, answer: v.VenueAnswer) -> None:
        self.scheduler.after(0, lambda: self.instance.enter(lambda: done(answer)))
