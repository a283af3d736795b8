"""Accountants: the real transaction feed behind a named cursor, and what they were given."""

from collections.abc import Callable
from typing import Any

from gateway.client import questions as q
from gateway.client.feed import TransactionFeed
from gateway.client.protocol import ClientOptions, ClientProtocol
from gateway.domain import messages as m
from gateway.domain.errors import GatewayError
from gateway.sim.host import Host, Surroundings
from gateway.sim.process import Instance
from gateway.sim.randomness import chance
from gateway.sim.records import Delivery

SECOND = 1_000_000_000
POLL = 2 * SECOND


class Consumer:
    """One per account. It acknowledges now and then, and begins again where the cursor is."""

    def __init__(self, name: str, account: str, host: Host) -> None:
        self.name = name
        self.account = account
        self.deliveries: list[Delivery] = []
        self._host = host
        self._random = chance(host.seed, f"{name}-{account}")
        self._around: Surroundings | None = None
        self._protocol: ClientProtocol | None = None
        self._feed = TransactionFeed(account, name)
        self._last = 0

    def start(self, instance: Instance) -> None:
        network = self._host.network
        around = self._around = self._host.surroundings(instance)
        self.deliveries.append(Delivery("restarted"))
        self._feed = TransactionFeed(self.account, self.name)
        self._last = 0
        self._protocol = ClientProtocol(
            ClientOptions(client_id=self.name),
            orders=network.orders.outlet(instance),
            urgent=network.urgent.outlet(instance),
            asker=network.requests.asker(instance),
            subscribe=lambda _topic: None,
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
        )
        self._ask_page()

    def _ask(self, question: q.Question[Any], done: Callable[[Any], None]) -> None:
        if self._protocol is not None:
            request = self._protocol.request(question.kind, **question.fields)
            self._protocol.ask(request, question.reply, done)

    def _ask_page(self) -> None:
        self._feed.nudge()
        self._ask(self._feed.page(), self._on_page)

    def _on_page(self, reply: m.TransactionsReply | GatewayError) -> None:
        if isinstance(reply, GatewayError):
            self._again(POLL // 2)
            return
        self._feed.on_page(reply)
        while (item := self._feed.take()) is not None:
            self._last = item.seq
            self.deliveries.append(Delivery("delivered", item.seq, item.transaction.key))
        if self._last and self._random.random() < 0.5:
            self._acknowledge(self._last)
        else:
            self._again(POLL)

    def _acknowledge(self, seq: int) -> None:
        self.deliveries.append(Delivery("asked", seq))

        def on_answer(reply: m.AcknowledgedReply | GatewayError) -> None:
            if isinstance(reply, m.AcknowledgedReply):
                self.deliveries.append(Delivery("acknowledged", seq))
            self._again(POLL)

        self._ask(self._feed.acknowledge(seq), on_answer)

    def _again(self, delay: int) -> None:
        if self._around is not None:
            self._around.timers.after(delay, self._ask_page)
