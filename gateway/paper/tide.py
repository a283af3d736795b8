"""The tide of background liquidity: all market makers, stepped in real time."""

from __future__ import annotations

import asyncio

from gateway.paper.liquidity import MarketMaker
from gateway.paper.service import Service


class Tide:
    """Steps every maker each `interval_s` while it is on."""

    def __init__(self, service: Service, makers: list[MarketMaker], interval_s: float) -> None:
        self._service = service
        self._makers = makers
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self.step()
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """No more steps, and no quotes left in the book."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for maker in self._makers:
            maker.stop()

    def step(self) -> None:
        """Once, for every maker."""
        now = self._service.clock()
        for maker in self._makers:
            maker.step(now, self._service.rng)
        self._service.save()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            if self._service.running.is_set():
                self.step()
