"""A websocket that is kept open: dialled again as soon as it is lost, asked for signs of life."""

import asyncio
import base64
import logging
import os
import ssl
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from gateway.venues.fast.frames import (
    BadFrame,
    FrameReader,
    Opcode,
    check_upgrade,
    encode,
    upgrade_request,
)
from gateway.venues.fast.line import Line, dial
from gateway.venues.scrub import scrub

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
MISSED_PINGS = 3

OnText = Callable[[bytes], None]
OnLost = Callable[[str], None]


class WarmSocket:
    """`on_lost`: of what was sent and not answered until then, no answer will come.

    Both callbacks run on the loop and never from inside `send`. Times in seconds.
    """

    def __init__(
        self, url: str, on_text: OnText, on_lost: OnLost, *, keep_alive: float, patience: float
    ) -> None:
        self.url = url
        self._on_text = on_text
        self._on_lost = on_lost
        self._keep_alive = keep_alive
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._tls = ssl.create_default_context() if urlsplit(url).scheme == "wss" else None
        self._line: Line | None = None
        self._reader = FrameReader()
        self._lost = asyncio.Event()
        self._heard_at = 0.0
        self._keeping: asyncio.Task[None] | None = None
        self._dials = 0
        self.name = ""
        """Of the connection that is open now, or was last."""

    @property
    def is_clear(self) -> bool:
        """What is sent now leaves at once."""
        return self._line is not None and self._line.is_clear

    async def open(self) -> None:
        """Tries once now, and goes on by itself."""
        await self._try_dial()
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Nobody is told."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        self._drop()

    def send(self, text: bytes) -> bool:
        """True: it is on its way. False: not a byte of it left or will."""
        line = self._line
        return line is not None and line.send(_frame(text))

    def rehearse(self, text: bytes) -> None:
        """As `send`, without sending."""
        _frame(text)

    # -- dial, and dial again

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            if self._line is not None:
                pause = FIRST_PAUSE
                await self._watch()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            await self._try_dial()

    async def _try_dial(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._dial()
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            text = scrub(f"{type(error).__name__}: {error}")
            logger.info("venue_fast_lane_not_dialled", extra={"error": text})

    async def _dial(self) -> None:
        parts = urlsplit(self.url)
        host, is_secure = parts.hostname or "", self._tls is not None
        line = await dial(self._loop, host, parts.port or (443 if is_secure else 80), self._tls)
        try:
            key = base64.b64encode(os.urandom(16))
            request = upgrade_request(parts.netloc, parts.path or "/", key)
            head, behind = await line.ask(request, b"\r\n\r\n")
            check_upgrade(head, key)
        except BaseException:
            line.close()
            raise
        self._lost.clear()
        self._reader = FrameReader()
        self._heard_at = self._loop.time()
        self._dials += 1
        self.name = f"fast {self._dials}"
        self._line = line
        line.listen(self._on_bytes, partial(self._on_line_lost, line))
        self._on_bytes(behind)

    async def _watch(self) -> None:
        """Until it is lost: by its end, or by silence."""
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(self._keep_alive):
                    await self._lost.wait()
            except TimeoutError:
                self._check_alive()

    def _check_alive(self) -> None:
        if self._loop.time() - self._heard_at > MISSED_PINGS * self._keep_alive:
            self._give_up("no sign of life")
        else:
            self._control(Opcode.PING, b"")

    # -- what is heard

    def _on_bytes(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            for opcode, payload in self._reader.feed(data):
                self._take(opcode, payload)
        except BadFrame as error:
            self._give_up(str(error))

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        match opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._on_text(payload)
            case Opcode.PING:
                self._control(Opcode.PONG, payload)
            case Opcode.CLOSE:
                self._give_up(f"the venue says goodbye, code {int.from_bytes(payload[:2])}")

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        """Left out while the line is stuck: its peer will not miss it."""
        if self.is_clear and self._line is not None:
            self._line.send(encode(opcode, payload, os.urandom(4)))

    def _on_line_lost(self, line: Line, why: str) -> None:
        if line is self._line:
            self._give_up(why)

    def _give_up(self, why: str) -> None:
        if self._line is None:
            return
        self._drop()
        logger.info("venue_fast_lane_lost", extra={"error": scrub(why)})
        self._on_lost(why)

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self._lost.set()


def _frame(text: bytes) -> bytes:
    return encode(Opcode.TEXT, text, os.urandom(4))
