"""REQ and ROUTER in memory."""

from collections import deque
from dataclasses import dataclass

from gateway.wire.base import Envelope, Limits, OnReply, OnRequest, check_size
from gateway.wire.edge import call_guarded
from gateway.wire.limits import REQUEST_POOL_SIZE, SEND_WAIT_S
from gateway.wire.memory.network import Inbox, MemoryNetwork, MemorySocket
from gateway.wire.pump import Cancellable, Pump


@dataclass(slots=True)
class Question:
    """One request that is not answered yet."""

    frame: bytes
    timeout_s: float
    on_reply: OnReply
    timer: Cancellable | None = None
    sent: bool = False


class MemoryRequester(MemorySocket):
    """REQ. As many questions at once as the pool of the real one has sockets."""

    pattern = "req"

    def __init__(self, network: MemoryNetwork, endpoint: str, limits: Limits) -> None:
        super().__init__(network, endpoint)
        self._limits = limits
        self._name = network.new_name()
        self._count = 0
        self._questions: dict[bytes, Question] = {}
        self._replies: deque[tuple[bytes, bytes]] = deque()
        self._pump = Pump(network.scheduler, self._take_one)
        network.askers[self._name] = self
        network.requesters.setdefault(endpoint, []).append(self)

    def request(self, frame: bytes, timeout_s: float, on_reply: OnReply) -> None:
        check_size(frame, self._limits)
        question = Question(frame, timeout_s, on_reply)
        if self.closed or len(self._questions) >= REQUEST_POOL_SIZE:
            self.counters.refused += 1
            self._network.scheduler.call_soon(lambda: self._answer(question, None))
            return
        self._count += 1
        number = self._count.to_bytes(8)
        self._questions[number] = question
        wait_s = min(SEND_WAIT_S, timeout_s)
        self._arm(number, question, wait_s)
        self._try_send(number, question)

    def send_waiting(self) -> None:
        for number, question in list(self._questions.items()):
            self._try_send(number, question)

    def has_room(self, hwm: int) -> bool:
        return len(self._replies) < self._limits.hwm + hwm

    def put(self, number: bytes, frame: bytes) -> None:
        self._replies.append((number, frame))
        self._pump.schedule()

    def _arm(self, number: bytes, question: Question, wait_s: float) -> None:
        question.timer = self._network.scheduler.call_later(
            wait_s, lambda: self._on_timer(number, question, wait_s)
        )

    def _on_timer(self, number: bytes, question: Question, waited_s: float) -> None:
        left_s = question.timeout_s - waited_s
        if question.sent and left_s > 0:
            question.timeout_s = left_s
            self._arm(number, question, left_s)
            return
        if question.sent:
            self.counters.timeouts += 1
        else:
            self.counters.refused += 1
        self._finish(number, question, None)

    def _try_send(self, number: bytes, question: Question) -> None:
        router = self._network.routers.get(self.endpoint)
        if question.sent or router is None or not router.has_room(self._name, self._limits.hwm):
            return
        question.sent = True
        self.counters.sent += 1
        router.put(self._name, number, question.frame)

    def _take_one(self) -> bool:
        if not self._replies:
            return False
        number, frame = self._replies.popleft()
        self.counters.received += 1
        question = self._questions.get(number)
        if question is None:
            self.counters.late += 1
        else:
            self._finish(number, question, frame)
        return True

    def _finish(self, number: bytes, question: Question, answer: bytes | None) -> None:
        del self._questions[number]
        _stop_timer(question)
        self._answer(question, answer)

    def _answer(self, question: Question, answer: bytes | None) -> None:
        call_guarded(self.counters, self.endpoint, question.on_reply, answer)

    def _leave(self) -> None:
        self._pump.close()
        for question in self._questions.values():
            _stop_timer(question)
        self._questions.clear()
        del self._network.askers[self._name]
        requesters = self._network.requesters[self.endpoint]
        requesters.remove(self)
        if not requesters:
            del self._network.requesters[self.endpoint]


def _stop_timer(question: Question) -> None:
    if question.timer is not None:
        question.timer.cancel()


class MemoryResponder(MemorySocket):
    """ROUTER."""

    pattern = "router"

    def __init__(
        self, network: MemoryNetwork, endpoint: str, on_request: OnRequest, limits: Limits
    ) -> None:
        super().__init__(network, endpoint)
        self._on_request = on_request
        self._limits = limits
        self._inbox = Inbox[tuple[Envelope, bytes]](limits.hwm)
        self._pump = Pump(network.scheduler, self._take_one)
        network.routers[endpoint] = self
        for requester in list(network.requesters.get(endpoint, [])):
            requester.send_waiting()

    def reply(self, envelope: Envelope, frame: bytes) -> bool:
        check_size(frame, self._limits)
        asker = self._network.askers.get(envelope[0])
        if asker is None:
            self.counters.gone += 1
        if self.closed or asker is None or not asker.has_room(self._limits.hwm):
            self.counters.refused += 1
            return False
        asker.put(envelope[1], frame)
        self.counters.sent += 1
        return True

    def has_room(self, asker: bytes, hwm: int) -> bool:
        return self._inbox.has_room(asker, hwm)

    def put(self, asker: bytes, number: bytes, frame: bytes) -> None:
        self._inbox.put(asker, ((asker, number, b""), frame))
        self._pump.schedule()

    def _take_one(self) -> bool:
        request = self._inbox.take()
        if request is None:
            return False
        self.counters.received += 1
        call_guarded(self.counters, self.endpoint, self._on_request, *request)
        return True

    def _leave(self) -> None:
        self._pump.close()
        del self._network.routers[self.endpoint]
