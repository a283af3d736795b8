"""Metrics of one service, where the configuration wants them."""

from collections.abc import Callable

from gateway.domain.enums import Role
from gateway.metrics.process import Process
from gateway.metrics.samples import Samples
from gateway.metrics.server import MetricsServer
from gateway.service.around import Around

PORTS = (Role.EXECUTOR, Role.LISTENER, Role.MANAGER, Role.ACTIONER)
"""In this order, from the configured port on."""


class ServedMetrics:
    """Nothing at all without a port."""

    def __init__(self, around: Around, role: Role) -> None:
        self._around = around
        self._role = role
        self._server: MetricsServer | None = None

    @property
    def wanted(self) -> bool:
        return self._around.config.metrics.port > 0

    async def start(
        self,
        sample: Callable[[Samples], None],
        problems: Callable[[], tuple[str, ...]],
        ready: Callable[[], bool] | None = None,
    ) -> None:
        """`ready`: otherwise it is when there are no problems."""
        if not self.wanted:
            return
        around = self._around
        process = Process(
            role=self._role,
            instance=around.instance,
            transport=around.transport,
            problems=problems,
            ready=ready or (lambda: not problems()),
        )
        port = around.config.metrics.port + PORTS.index(self._role)
        self._server = MetricsServer(port, process, sample)
        await self._server.start()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()
