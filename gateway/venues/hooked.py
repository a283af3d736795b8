"""ccxt's class for an exchange with our hooks in it; its own code stays untouched.

The hooks: the raw HTTP answer is noted on the guard of the call that it answers; every websocket
client gets a guarded `send`, a note of when it was last heard, and a barrier around its message
handler. Without the barrier one exception there (a frame that is not JSON, a quantity that is not
a number) ends ccxt's receive loop without a word, and the socket stays open and deaf.
"""

import asyncio
import difflib
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ccxt
import ccxt.pro
import orjson

from gateway.domain.errors import BadConfig
from gateway.venues.guard import NotToBeSent, WriteGuard, current_guard

logger = logging.getLogger(__name__)

OnFrame = Callable[[Any, object], None]
OnTrouble = Callable[[str], None]

MAX_REJECTIONS = 1000
CANCEL_AGAIN_S = 1.0


class Hooks:
    """What a session wants to know of its ccxt instance; by default nothing."""

    def on_frame(self, message: object) -> None:
        """A decoded websocket message, before ccxt handles it."""

    def on_heard(self) -> None:
        """Any websocket frame, pongs included."""

    def on_trouble(self, text: str) -> None:
        """A socket closed or failed, or a frame could not be handled."""


class _Hooked:
    """Mixed in before the exchange's class, so that its methods come first."""

    hooks: Hooks

    def on_rest_response(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        response_headers: object,
        response_body: str,
        request_headers: object,
        request_body: object,
    ) -> Any:
        guard = current_guard()
        if guard is not None:
            guard.status, guard.body = code, response_body or ""
        return super().on_rest_response(  # type: ignore[misc]
            code,
            reason,
            url,
            method,
            response_headers,
            response_body,
            request_headers,
            request_body,
        )

    async def fetch(
        self, url: str, method: str = "GET", headers: object = None, body: object = None
    ) -> Any:
        """ccxt makes an order without an id, or an empty list, of a body that is not JSON."""
        answer = await super().fetch(url, method, headers, body)  # type: ignore[misc]
        if current_guard() is not None and not isinstance(answer, dict | list):
            raise ccxt.BadResponse("the answer is not JSON")
        return answer

    def filter_by_symbol_since_limit(
        self,
        array: list[Any],
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        tail: bool = False,
    ) -> Any:
        """Whether a page was full shows only here, and by which of an order's times the venue
        searched is not known: a question of ours gets every row of its symbol."""
        theirs = super().filter_by_symbol_since_limit  # type: ignore[misc]
        guard = current_guard()
        if guard is None:
            return theirs(array, symbol, since, limit, tail)
        guard.rows_given = max(guard.rows_given, len(array))
        return theirs(array, symbol)

    async def handle_builder_fee_approval(self, *_: object) -> bool:
        """Hyperliquid's: ccxt would sign with the user's key that others may take a fee."""
        return True

    def handle_balance(self, client: Any, *message: object) -> None:
        """A change that is told before the account's first picture is in that picture, or the next
        one tells it. ccxt fails at it where it has a picture for each kind of account (Binance):
        that would end the stream, and on a busy account each one that is dialled after it."""
        try:
            super().handle_balance(client, *message)  # type: ignore[misc]
        except KeyError as error:
            kind = error.args[0]
            if kind in self.balance or kind not in client.subscriptions:  # type: ignore[attr-defined]
                raise

    def client(self, url: str) -> Any:
        is_new = url not in (self.clients or {})  # type: ignore[attr-defined]
        client = super().client(url)  # type: ignore[misc]
        if is_new:
            client.handle_message = _barrier(client.handle_message, self.hooks)
            client.future = _retrieved(client.future)
            client.send = _guarded_send(client, client.send)
            client.guards = {}
        return client

    def spawn(self, method: Callable[..., Any], *args: object) -> Any:
        return _retrieved(super().spawn)(method, *args)  # type: ignore[misc]

    def handle_message(self, client: Any, message: object) -> None:
        self.hooks.on_frame(message)
        _note_answer(client, message)
        super().handle_message(client, message)  # type: ignore[misc]

    def on_error(self, client: Any, error: object) -> None:
        self.hooks.on_trouble(f"the socket failed: {type(error).__name__}: {error}")
        super().on_error(client, error)  # type: ignore[misc]

    def on_close(self, client: Any, error: object) -> None:
        self.hooks.on_trouble(f"the socket was closed: {error}")
        super().on_close(client, error)  # type: ignore[misc]


@lru_cache(maxsize=128)
def hooked_class(exchange: str) -> Any:
    """Raises BadConfig for an id that ccxt.pro does not know."""
    if exchange not in ccxt.pro.exchanges:
        near = difflib.get_close_matches(exchange, ccxt.pro.exchanges, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadConfig(f"ccxt.pro knows no exchange {exchange!r}{hint}")
    return type(f"Hooked{exchange.title()}", (_Hooked, getattr(ccxt.pro, exchange)), {})


def forget_ws_call(guard: WriteGuard) -> None:
    """ccxt keeps every websocket request for ever, and scans them all at each rejection."""
    client = guard.ws_client
    if client is None:
        return
    client.guards.pop(guard.ws_hash, None)
    client.subscriptions.pop(guard.ws_hash, None)
    client.rejections.pop(guard.ws_hash, None)
    abandoned = client.futures.pop(guard.ws_hash, None)
    if abandoned is not None and not abandoned.done():
        abandoned.cancel()
    if len(client.rejections) > MAX_REJECTIONS:  # answers that came after we gave up
        client.rejections.clear()


def _barrier(handle: Callable[[Any], None], hooks: Hooks) -> Callable[[Any], None]:
    def handle_message(frame: Any) -> None:
        hooks.on_heard()
        try:
            handle(frame)
        except Exception as error:
            logger.exception("venue_frame_failed")
            hooks.on_trouble(f"a frame could not be handled: {type(error).__name__}")

    return handle_message


def _retrieved(make: Callable[..., Any]) -> Callable[..., Any]:
    """asyncio would log what fails and nobody awaits, with the signed URL in its text. Whoever
    must know of a failure hears of it through the hooks."""

    def made(*args: object) -> Any:
        future = make(*args)
        future.remove_done_callback(_retrieve)  # ccxt hands out the same one again
        future.add_done_callback(_retrieve)
        return future

    return made


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _guarded_send(client: Any, send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """ccxt answers an exception here by dropping the session: a late order is just not sent."""

    async def guarded(message: Any) -> Any:
        guard = current_guard()
        if guard is None or client.closed():
            return await send(message)
        guard.ws_client, guard.ws_hash = client, _message_hash(message)
        client.guards[guard.ws_hash] = guard
        try:
            guard.before_write("WS", client.url)
        except NotToBeSent as reason:
            logger.info("venue_send_stopped", extra={"reason": str(reason)})
            guard.abandon()
            return None
        sent = await send(message)
        guard.on_socket.set()
        return sent

    return guarded


def _note_answer(client: Any, message: object) -> None:
    """The raw answer to a guarded request: ccxt's exception may keep its text, not its code."""
    guard = client.guards.get(_message_hash(message))
    if guard is not None and isinstance(message, dict):
        status = message.get("status")
        guard.status = status if isinstance(status, int) else None
        guard.body = orjson.dumps(message).decode()


def _message_hash(message: object) -> str:
    """The name under which ccxt files the request: the id that the venue repeats."""
    if not isinstance(message, dict):
        return ""
    for name in ("id", "reqId", "req_id"):
        if name in message:
            return str(message[name])
    return ""


def was_cancelled() -> bool:
    """Whether this task itself is asked to stop: ccxt also cancels futures that we wait for."""
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancels it until it has ended: a cancellation that comes together with what is waited for
    can be swallowed, by ccxt and by asyncio itself, and would be waited for in vain."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
    _retrieve(task)


async def quiet(awaitable: Any) -> None:
    """Waits for something that is being closed; its own failure matters to nobody any more."""
    try:
        await awaitable
    except (Exception, asyncio.CancelledError):
        logger.debug("venue_close_failed", exc_info=True)
