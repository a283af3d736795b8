"""A process's metrics and health over HTTP, on its own loop and for this machine only.

GET /metrics   Prometheus' text format
GET /health    200 when ready, otherwise 503: what is wrong and what to do, as JSON
"""

import asyncio
import json
import logging
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from gateway.domain.latency import SECOND, Latencies
from gateway.metrics.process import Process
from gateway.metrics.samples import Samples

log = logging.getLogger("gateway.metrics")

LOOPBACK = "127.0.0.1"
LOOK_EVERY_S = 0.25
CLOSE_S = 1.0

Sample = Callable[[Samples], None]


class MetricsServer:
    """`sample` adds what the process's component says. A port that is taken is said in the log,
    and the process goes on without: metrics must never stop the trading."""

    def __init__(self, port: int, process: Process, sample: Sample) -> None:
        self._port = port
        self._process = process
        self._sample = sample
        self._loop_delay = Latencies()
        self._runner: web.AppRunner | None = None
        self._watching: asyncio.Task[None] | None = None
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._registry = registry

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._on_metrics)
        app.router.add_get("/health", self._on_health)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, self._port).start()
        except OSError as error:
            log.error("metrics_not_served port=%d reason=%s", self._port, error.strerror or error)  # noqa: TRY400 it says all
            await runner.cleanup()
            return
        self._runner = runner
        self._watching = asyncio.create_task(self._watch_loop())
        log.info("metrics_served port=%d", self._port)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def text(self) -> bytes:
        out = Samples()
        self._process.sample(out, self._loop_delay)
        self._sample(out)
        return out.text() + generate_latest(self._registry)

    async def _on_metrics(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self.text(), headers=headers)

    async def _on_health(self, _request: web.Request) -> web.Response:
        ready, problems = self._process.ready(), self._process.problems()
        said = {"role": self._process.role, "ready": ready, "problems": problems}
        status = 200 if ready else 503
        return web.Response(text=json.dumps(said), status=status, content_type="application/json")

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self._loop_delay.add(int((loop.time() - due) * SECOND))
