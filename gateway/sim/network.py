"""The five wires between simulated processes, with what can happen to a message on each of them.

As over libzmq: a queue dies with its process; a send to nobody, or into a full queue, is refused
at once; a subscription takes effect only after a while, and is made again when the publisher
comes back. What libzmq does not do (reorder one connection's messages, lose one of many, deliver
one twice) can be switched on: the protocols above must not depend on it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from gateway.sim.process import Instance
from gateway.sim.randomness import below
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace

MILLISECOND = 1_000_000
SECOND = 1_000_000_000

OnFrame = Callable[[bytes], None]
OnStatus = Callable[[str, bytes], None]
OnReply = Callable[[bytes | None], None]
OnRequest = Callable[[bytes, Callable[[bytes], None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a wire does to its messages: chances from 0 to 1, delays in ns."""

    least_delay: int = MILLISECOND // 10
    most_delay: int = MILLISECOND
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    stall: float = 0.0
    """A message that takes up to `longest_stall`, and holds up those behind it."""
    longest_stall: int = 3 * SECOND


FAIR = Weather()


class Wire:
    """One endpoint. `weather` may change while it runs."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        random: Random,
        trace: Trace,
        counters: Counter[str],
    ) -> None:
        self.name = name
        self.weather = FAIR
        self.most_queued = 0
        self._scheduler = scheduler
        self._random = random
        self._trace = trace
        self._counters = counters

    def _happens(self, probability: float, what: str) -> bool:
        if self._random.random() < probability:
            self._counters[f"{self.name} {what}"] += 1
            if self._trace.on:
                self._trace.say(self.name, what)
            return True
        return False

    def _delay(self) -> int:
        weather = self.weather
        least = weather.least_delay
        delay = least + below(self._random, weather.most_delay + 1 - least)
        if weather.stall and self._happens(weather.stall, "stalled"):
            delay += self._random.randrange(weather.longest_stall)
        return delay

    def _copies(self) -> int:
        weather = self.weather
        if weather.loss and self._happens(weather.loss, "lost"):
            return 0
        if weather.duplicate and self._happens(weather.duplicate, "duplicated"):
            return 2
        return 1


class Link:
    """One connection: in order, unless the weather reorders; `queued` is bounded by its wire."""

    __slots__ = ("last_at", "queued")

    def __init__(self) -> None:
        self.last_at = 0
        self.queued = 0


class _Carrier(Wire):
    """Moves a frame over a link to an instance, with all that can happen on the way."""

    def _carry(self, link: Link, to: Instance, receive: Callable[[], None]) -> None:
        reorder = self.weather.reorder
        for _ in range(self._copies()):
            at = self._scheduler.now + self._delay()
            if not (reorder and self._happens(reorder, "reordered")):
                at = link.last_at = max(link.last_at, at)
            link.queued += 1
            self.most_queued = max(self.most_queued, link.queued)
            self._scheduler.at(at, partial(to.enter, partial(_take, link, receive)))


def _take(link: Link, receive: Callable[[], None]) -> None:
    link.queued -= 1
    receive()


class PushPull(_Carrier):
    """`orders`, `urgent`, `reports`. A send to a process that is down is refused."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        random: Random,
        trace: Trace,
        counters: Counter[str],
        hwm: int,
    ) -> None:
        super().__init__(name, scheduler, random, trace, counters)
        self.hwm = hwm
        self._receiver: tuple[Instance, OnFrame] | None = None
        self._life = 0

    def bind(self, instance: Instance, on_frame: OnFrame) -> None:
        self._receiver = (instance, on_frame)
        self._life += 1

    def outlet(self, sender: Instance) -> "SimOutlet":
        return SimOutlet(self, sender)

    @property
    def life(self) -> int:
        """Changes with each new receiver: what was queued for the last one is gone."""
        return self._life

    def send(self, link: Link, frame: bytes) -> bool:
        if self._receiver is None or not self._receiver[0].alive or link.queued >= self.hwm:
            self._counters[f"{self.name} refused a send"] += 1
            return False
        instance, on_frame = self._receiver
        self._carry(link, instance, partial(on_frame, frame))
        return True


class SimOutlet:
    """`ports.Outlet` of one instance."""

    def __init__(self, wire: PushPull, sender: Instance) -> None:
        self._wire = wire
        self._sender = sender
        self._link = Link()
        self._life = wire.life

    def send(self, frame: bytes) -> bool:
        self._sender.touch()
        if self._life != self._wire.life:
            self._life = self._wire.life
            self._link = Link()
        return self._wire.send(self._link, frame)


class _Subscriber:
    __slots__ = ("instance", "link", "on_status", "topics")

    def __init__(self, instance: Instance, on_status: OnStatus) -> None:
        self.instance = instance
        self.on_status = on_status
        self.link = Link()
        self.topics: tuple[str, ...] = ()


class PubSub(_Carrier):
    """`status`. What a subscriber's full queue can't take is dropped for that one only."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        random: Random,
        trace: Trace,
        counters: Counter[str],
        hwm: int,
        slow_join: int,
    ) -> None:
        super().__init__(name, scheduler, random, trace, counters)
        self.hwm = hwm
        self._slow_join = slow_join
        self._publisher: Instance | None = None
        self.on_publish: OnStatus = lambda _topic, _frame: None
        self._wanted: list[tuple[_Subscriber, str]] = []
        self._subscribers: list[_Subscriber] = []

    def bind(self, instance: Instance) -> "SimBroadcast":
        """A new publisher knows no subscriptions: each subscriber makes its own again."""
        self._publisher = instance
        self._subscribers = []
        self._wanted = [(one, topic) for one, topic in self._wanted if one.instance.alive]
        for subscriber, topic in self._wanted:
            subscriber.link = Link()
            subscriber.topics = ()
            self._join(subscriber, topic)
        return SimBroadcast(self, instance)

    def subscriber(self, instance: Instance, on_status: OnStatus) -> Callable[[str], None]:
        """What subscribes to a topic, for one instance."""
        subscriber = _Subscriber(instance, on_status)

        def subscribe(topic: str) -> None:
            self._wanted.append((subscriber, topic))
            self._join(subscriber, topic)

        return subscribe

    def _join(self, subscriber: _Subscriber, topic: str) -> None:
        publisher = self._publisher
        delay = self._random.randrange(self._slow_join)

        def join() -> None:
            if publisher is not self._publisher or not subscriber.instance.alive:
                return
            subscriber.topics = (*subscriber.topics, topic)
            if subscriber not in self._subscribers:
                self._subscribers.append(subscriber)

        self._scheduler.after(delay, join)

    def publish(self, topic: str, frame: bytes) -> None:
        self.on_publish(topic, frame)
        for subscriber in self._subscribers:
            if topic.startswith(subscriber.topics) and subscriber.instance.alive:
                self._offer(subscriber, topic, frame)

    def _offer(self, subscriber: _Subscriber, topic: str, frame: bytes) -> None:
        if subscriber.link.queued >= self.hwm:
            self._counters[f"{self.name} dropped at the bound"] += 1
            return
        receive = partial(subscriber.on_status, topic, frame)
        self._carry(subscriber.link, subscriber.instance, receive)


class SimBroadcast:
    """`ports.Broadcast` of one instance."""

    def __init__(self, wire: PubSub, sender: Instance) -> None:
        self._wire = wire
        self._sender = sender

    def publish(self, topic: str, frame: bytes) -> None:
        self._sender.touch()
        self._wire.publish(topic, frame)


class ReqRouter(Wire):
    """`requests`. A question that is not answered in time gets None; a late answer is dropped."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        random: Random,
        trace: Trace,
        counters: Counter[str],
    ) -> None:
        super().__init__(name, scheduler, random, trace, counters)
        self._server: tuple[Instance, OnRequest] | None = None

    def bind(self, instance: Instance, on_request: OnRequest) -> None:
        self._server = (instance, on_request)

    def asker(self, instance: Instance) -> "SimAsker":
        return SimAsker(self, instance)

    def ask(self, asker: Instance, frame: bytes, timeout: int, on_reply: OnReply) -> None:
        pending = [on_reply]

        def take(answer: bytes | None) -> None:
            if pending:
                pending.pop()(answer)

        def finish(answer: bytes | None) -> None:
            asker.enter(lambda: take(answer))

        self._scheduler.after(timeout, lambda: finish(None))
        if self._server is None or not self._server[0].alive:
            return
        server, on_request = self._server
        for _ in range(self._copies()):
            self._scheduler.after(
                self._delay(),
                lambda: server.enter(
                    lambda: on_request(frame, lambda answer: self._answer(server, answer, finish))
                ),
            )

    def _answer(
        self, server: Instance, answer: bytes, finish: Callable[[bytes | None], None]
    ) -> None:
        server.touch()
        for _ in range(self._copies()):
            self._scheduler.after(self._delay(), lambda: finish(answer))


class SimAsker:
    """`ports.Asker` of one instance."""

    def __init__(self, wire: ReqRouter, instance: Instance) -> None:
        self._wire = wire
        self._instance = instance

    def request(self, frame: bytes, timeout_s: float, on_reply: OnReply) -> None:
        self._instance.touch()
        self._wire.ask(self._instance, frame, int(timeout_s * SECOND), on_reply)


@dataclass(slots=True)
class Network:
    """All five."""

    orders: PushPull
    urgent: PushPull
    reports: PushPull
    status: PubSub
    requests: ReqRouter

    def wires(self) -> tuple[Wire, ...]:
        return self.orders, self.urgent, self.reports, self.status, self.requests
