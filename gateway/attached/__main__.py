"""All four components as one program: what `gateway.attach(child=True)` starts.

`python -m gateway.attached` serves a small desk from one process, too.
"""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import Future
from pathlib import Path

import click

from gateway.attached.beside import PROGRAM_START_S, Beside, beside, held, read_config
from gateway.attached.components import end, new_runner, serve
from gateway.attached.kept import KeptProgram
from gateway.config import Config
from gateway.domain.errors import BadConfig, GatewayError, Unavailable
from gateway.home import Home
from gateway.service import logs
from gateway.supervision import require_parent

log = logging.getLogger("gateway.attached")


@click.command()
@click.option("--config", type=click.Path(path_type=Path), envvar="GATEWAY_CONFIG")
@click.option("--home", type=click.Path(path_type=Path), envvar="GATEWAY_HOME", default="var")
def main(config: Path | None, home: Path) -> None:
    """Run the whole gateway until SIGTERM, with the database and the paper venue."""
    logs.configure("gateway", "json")
    try:
        require_parent(os.environ)
        found = read_config(config)
        logs.configure("gateway", "json", found.log.level.upper())
        _run(found, Home.at(home))
    except GatewayError as error:
        log.critical("%s", error, extra={"code": error.code})
        sys.exit(KeptProgram.hopeless if isinstance(error, BadConfig) else 1)


def _run(config: Config, home: Home) -> None:
    with held(home), beside(config, home) as programs, new_runner() as runner:
        reason = runner.run(_until_signal(config, home, programs))
    if reason:
        raise Unavailable(reason)


async def _until_signal(config: Config, home: Home, programs: Beside) -> str:
    stopping: Future[str] = Future()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, stopping)
    await asyncio.to_thread(programs.wait, PROGRAM_START_S, stopping.done)
    return await serve(config, home, stopping)


if __name__ == "__main__":
    main()
