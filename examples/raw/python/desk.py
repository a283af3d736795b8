"""A trading program without the gateway's client: only pyzmq and msgpack.

    python desk.py ipc:///path/to/var/run
    python desk.py tcp://127.0.0.1:7701

It follows an account's stream and closes every gap, places an order, cancels it, and asks what
became of it. Every message is in schemas/messages/; docs/raw-sockets.md explains the rules.
"""

import argparse
import json
import secrets
import time
from typing import Any, TextIO

import msgpack
import zmq

Message = dict[str, Any]
Options = dict[Any, int]
SECOND = 1_000_000_000
NAMES = ("orders", "urgent", "reports", "status", "requests")
ASK_TIMEOUT_S = 5
EXPIRY_S = 2
CANCEL_AGAIN_S = 1.0
PATIENCE_S = 60.0
CLOSED = {"filled", "canceled", "rejected", "expired"}


class Unanswered(Exception):
    """No answer in time. The question may have arrived all the same."""


class Wires:
    """The four sockets of a trading program. `trace` gets every message as a line of JSON."""

    def __init__(self, base: str, client_id: str, trace: TextIO | None) -> None:
        self.client_id = client_id
        self._trace = trace
        context: zmq.Context[Any] = zmq.Context.instance()
        # IMMEDIATE: without it a PUSH queues for a gateway that is not there, and the order would
        # leave minutes later. With it, a send that nobody takes fails at once.
        options: Options = {zmq.IMMEDIATE: 1, zmq.LINGER: 500, zmq.SNDTIMEO: 0}
        self.orders = _connected(context, zmq.PUSH, endpoint(base, "orders"), options)
        self.urgent = _connected(context, zmq.PUSH, endpoint(base, "urgent"), options)
        self.status = _connected(context, zmq.SUB, endpoint(base, "status"), {zmq.RCVHWM: 50_000})
        # RELAXED and CORRELATE: without them a REQ is stuck for ever after one missing answer.
        options = {zmq.REQ_RELAXED: 1, zmq.REQ_CORRELATE: 1, zmq.LINGER: 0}
        options |= {zmq.RCVTIMEO: ASK_TIMEOUT_S * 1000, zmq.SNDTIMEO: 1000}
        self.requests = _connected(context, zmq.REQ, endpoint(base, "requests"), options)

    def send(self, socket: Any, message: Message) -> bool:
        """False: nobody took it, it has not left this program."""
        message = {**message, "version": 1, "client_id": self.client_id}
        try:
            socket.send(msgpack.packb(message))
        except zmq.Again:
            return False
        self._note("sent", message)
        return True

    def ask(self, question: str, **fields: Any) -> Message:
        """The answer. Raises Unanswered; an answer of type `failed` has a `code` and a `text`."""
        message = {
            "type": question,
            "request_id": secrets.token_hex(12),
            "expires_at": time.time_ns() + ASK_TIMEOUT_S * SECOND,
            **fields,
        }
        if not self.send(self.requests, message):
            raise Unanswered(f"nobody answers {question}: is the actioner running?")
        try:
            return self._read(self.requests.recv())
        except zmq.Again:
            raise Unanswered(f"no answer to {question} in {ASK_TIMEOUT_S} s") from None

    def hear(self, wait_s: float) -> Message | None:
        """The next message of `status`, if one comes in time."""
        if not self.status.poll(int(wait_s * 1000)):
            return None
        _topic, frame = self.status.recv_multipart()
        return self._read(frame)

    def _read(self, frame: bytes) -> Message:
        message: Message = msgpack.unpackb(frame)
        if message["version"] > 1:
            raise SystemExit(f"the gateway speaks version {message['version']}, this program 1")
        self._note("received", message)
        return message

    def _note(self, way: str, message: Message) -> None:
        if self._trace is not None:
            print(json.dumps({"way": way, "message": message}), file=self._trace, flush=True)


class Stream:
    """One account's stream without a gap: orders by id, as of `epoch` and `seq`.

    Items are numbered 1, 2, 3 ... within an epoch. A missing number is asked for with `replay`.
    What is no longer kept, or a new epoch, is begun anew from a `snapshot`. Heads, each second,
    show that the last item was lost.
    """

    def __init__(self, wires: Wires, account: str) -> None:
        self.orders: dict[str, Message] = {}
        self.gaps_closed = 0
        self._wires = wires
        self._account = account
        self._epoch = 0
        self._seq = 0

    def on_message(self, message: Message) -> None:
        if message.get("account") != self._account:
            return
        if message["type"] in {"order_update", "transaction_update"}:
            self._on_item(message)
        elif message["type"] == "head":
            self._catch_up(message["epoch"], message["seq"])

    def snapshot(self) -> None:
        answer = self._wires.ask("snapshot", account=self._account)
        if answer["type"] == "failed":
            raise Unanswered(answer["text"])
        self._epoch, self._seq = answer["epoch"], answer["seq"]
        self.orders |= {order["order_id"]: order for order in answer["orders"]}

    def _on_item(self, item: Message) -> None:
        self._catch_up(item["epoch"], item["seq"] - 1)
        if item["epoch"] == self._epoch and item["seq"] == self._seq + 1:
            self._apply(item)

    def _apply(self, item: Message) -> None:
        self._seq = item["seq"]
        if item["type"] == "order_update":
            self.orders[item["order"]["order_id"]] = item["order"]
        else:
            say("transaction", **item["transaction"])

    def _catch_up(self, epoch: int, last: int) -> None:
        """Asks until everything up to `last` has been applied."""
        if epoch > self._epoch:
            self.snapshot()
        while epoch == self._epoch and self._seq < last:
            answer = self._wires.ask(
                "replay", account=self._account, epoch=epoch, from_seq=self._seq + 1, to_seq=last
            )
            if answer["type"] == "failed" or not answer["items"]:
                self.snapshot()  # these numbers are no longer kept, or of another epoch
                return
            for item in answer["items"]:
                self._apply(item)
            self.gaps_closed += 1


class Desk:
    """Places and cancels, and knows what became of it."""

    def __init__(self, wires: Wires, account: str, lose: int) -> None:
        self._wires = wires
        self._account = account
        self._stream = Stream(wires, account)
        self._refused: dict[str, Message] = {}
        self._lose = lose
        """So many items are thrown away, as a network might."""

    def start(self) -> int:
        """Subscribes, and returns the gateway's tag. A subscription takes time to be in force,
        and nothing says when it is: a first head shows it."""
        topics = [f"stream/{self._account}/", f"refusals/{self._wires.client_id}/", "heads/"]
        for topic in topics:
            self._wires.status.subscribe(topic)
        tag: int = self._until_answered("accounts")["tag"]
        self._until(lambda message: message["type"] == "head", "a head of the stream")
        self._stream.snapshot()
        return tag

    def place(self, tag: int, side: str, symbol: str, quantity: str, price: str) -> str:
        """The same `place`, sent again, would be the same order: its id tells."""
        order_id = make_order_id(tag, time.time_ns())
        message = {
            "type": "place",
            "order_id": order_id,
            "command_id": secrets.token_hex(12),
            "account": self._account,
            "symbol": symbol,
            "side": side,
            "order_type": "limit",
            "quantity": quantity,  # figures are text: a float is refused
            "price": price,
            "expires_at": time.time_ns() + EXPIRY_S * SECOND,
        }
        if not self._wires.send(self._wires.orders, message):
            raise SystemExit("nobody takes orders: is the executor running?")
        self._until(lambda _: self._is_decided(order_id), "what became of the order")
        return order_id

    def cancel(self, order_id: str, symbol: str) -> Message:
        """Repeated until its effect is seen; the order as it ended."""
        message = {
            "type": "cancel",
            "order_id": order_id,
            "command_id": secrets.token_hex(12),
            "account": self._account,
            "symbol": symbol,
        }
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_closed(order_id) and time.monotonic() < deadline:
            self._wires.send(self._wires.urgent, message)
            self._pump(CANCEL_AGAIN_S, lambda: self._is_closed(order_id))
        return self._stream.orders[order_id]

    def look_up(self, order_id: str) -> Message:
        """What the gateway has stored; also for an order of which nothing was ever heard. (Then
        with `expires_at_of_place`, and the fate can be `never_received`.)"""
        return self._until_answered("get_order", order_id=order_id)

    @property
    def gaps_closed(self) -> int:
        return self._stream.gaps_closed

    def order(self, order_id: str) -> Message:
        return self._stream.orders[order_id]

    def _is_decided(self, order_id: str) -> bool:
        if order_id in self._refused:
            refusal = self._refused[order_id]
            raise SystemExit(f"refused: {refusal['code']}: {refusal['text']}")
        order = self._stream.orders.get(order_id)
        return order is not None and order["status"] not in {"pending_new", "in_doubt"}

    def _is_closed(self, order_id: str) -> bool:
        return self._stream.orders[order_id]["status"] in CLOSED

    def _until_answered(self, question: str, **fields: Any) -> Message:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._wires.ask(question, **fields)
                if answer["type"] != "failed":
                    return answer
            except Unanswered as error:
                answer = {"text": str(error)}
            if time.monotonic() > deadline:
                raise SystemExit(answer["text"])
            time.sleep(0.2)

    def _until(self, is_it: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = self._wires.hear(1.0)
            if message is not None:
                self._take(message)
                if is_it(message):
                    return
        raise SystemExit(f"{what} did not come")

    def _pump(self, seconds: float, is_enough: Any) -> None:
        deadline = time.monotonic() + seconds
        while not is_enough() and (left := deadline - time.monotonic()) > 0:
            message = self._wires.hear(left)
            if message is not None:
                self._take(message)

    def _take(self, message: Message) -> None:
        if message["type"] == "refusal":
            self._refused[message["order_id"]] = message
        elif self._lose > 0 and message["type"] == "order_update":
            self._lose -= 1
        else:
            self._stream.on_message(message)


def make_order_id(tag: int, now_ns: int) -> str:
    """A UUIDv8: 48 bits of ms, the gateway's 12-bit tag, 62 random bits. Time and tag matter: an
    id that is too old, or of another gateway, is refused."""
    milliseconds = now_ns // 1_000_000
    digits = f"{milliseconds:012x}8{tag:03x}{0b10 << 62 | secrets.randbits(62):016x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def endpoint(base: str, name: str) -> str:
    """`ipc`: a socket in the folder; `tcp`: five ports in a row."""
    if base.startswith("ipc://"):
        return f"{base.rstrip('/')}/{name}"
    host, _, port = base.rpartition(":")
    return f"{host}:{int(port) + NAMES.index(name)}"


def _connected(context: "zmq.Context[Any]", kind: int, where: str, options: Options) -> Any:
    socket = context.socket(kind)
    for option, value in options.items():
        socket.set(option, value)
    socket.connect(where)
    return socket


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Place, follow, cancel and ask.")
    parser.add_argument("base", help="ipc:///folder of the sockets, or tcp://host:first-port")
    parser.add_argument("--account", default="main")
    parser.add_argument("--symbol", default="BTC/USDT")
    parser.add_argument("--quantity", default="0.01")
    parser.add_argument("--price", default="20000")
    parser.add_argument("--client-id", default="raw-python")
    parser.add_argument("--lose", type=int, default=0, help="Throw so many updates away.")
    parser.add_argument("--trace", type=argparse.FileType("w"), help="Every message as JSON.")
    given = parser.parse_args()
    desk = Desk(Wires(given.base, given.client_id, given.trace), given.account, given.lose)
    tag = desk.start()
    say("following", account=given.account, tag=tag)
    order_id = desk.place(tag, "buy", given.symbol, given.quantity, given.price)
    say("placed", order_id=order_id, status=desk.order(order_id)["status"])
    ended = desk.cancel(order_id, given.symbol)
    say("ended", order_id=order_id, status=ended["status"], filled=ended["cum_quantity"])
    found = desk.look_up(order_id)
    say("stored", order_id=order_id, fate=found["fate"], status=found["order"]["status"])
    say("done", gaps_closed=desk.gaps_closed)


if __name__ == "__main__":
    main()
