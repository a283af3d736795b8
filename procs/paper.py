"""The paper venue as a process: an exchange to trade against, on one port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import click
import msgspec
import uvloop

from gateway.domain.errors import Unavailable
from gateway.folders import want_of_files
from gateway.paper.build import build_server, server_tls
from gateway.paper.server import PaperServer
from gateway.paper.settings import (
    DEFAULT_ACCOUNTS,
    Settings,
    SymbolSettings,
    load,
    named_accounts,
    symbols_of,
)
from gateway.paper.symbols import DEFAULT_SYMBOLS
from gateway.supervision import require_parent


def _names(value: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


def _default_symbol(name: str) -> SymbolSettings:
    for each in DEFAULT_SYMBOLS:
        if name == each.unified:
            minimum = str(each.min_notional)
            return SymbolSettings(
                name, str(each.tick), str(each.step), str(each.start_price), minimum
            )
    raise click.BadParameter(f"{name} is not built in: describe it in --config")


async def _serve(server: PaperServer, *, liquidity: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await server.start(liquidity=liquidity)
    venue = server.service.venue
    ready = {
        "event": "ready",
        "role": "paper",
        "pid": os.getpid(),
        "url": server.url,
        "accounts": list(venue.accounts()),
        "symbols": [each.unified for each in venue.symbols()],
        "record_seq": venue.record.last_seq,
    }
    click.echo(json.dumps(ready))
    await stopped.wait()
    await server.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8901, show_default=True, help="0 picks a free one.")
@click.option("--accounts", help="Names, comma separated; each gets plenty of every asset.")
@click.option("--symbols", help="Built-in symbols to serve, comma separated, as BTC/USDT.")
@click.option("--seed", type=int, help="Of liquidity and of faults with a probability.")
@click.option("--state", type=click.Path(path_type=Path), help="Survive restarts in this file.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), help="TOML settings.")
@click.option("--liquidity/--no-liquidity", default=None, help="Background quotes and takers.")
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path))
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path))
def main(
    host: str,
    port: int,
    accounts: str | None,
    symbols: str | None,
    seed: int | None,
    state: Path | None,
    config: Path | None,
    liquidity: bool | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Serve Binance's spot protocol and the test kit until SIGTERM.

    Keys are paper-NAME with the secret paper-NAME-secret; they guard nothing.
    """
    try:
        require_parent(os.environ)
    except Unavailable as error:
        raise click.ClickException(str(error)) from error
    settings = load(config) if config else Settings()
    if symbols:
        chosen = tuple(_default_symbol(name) for name in _names(symbols))
        settings = msgspec.structs.replace(settings, symbols=chosen)
    if accounts or not settings.accounts:
        named = named_accounts(_names(accounts) or DEFAULT_ACCOUNTS, symbols_of(settings))
        settings = msgspec.structs.replace(settings, accounts=tuple(named))
    given = {"seed": seed, "state": state, "liquidity": liquidity}
    settings = msgspec.structs.replace(
        settings, **{key: value for key, value in given.items() if value is not None}
    )
    try:
        tls = server_tls(tls_cert, tls_key) if tls_cert and tls_key else None
        server = build_server(settings, host=host, port=port, tls=tls)
        uvloop.run(_serve(server, liquidity=settings.liquidity))
    except OSError as error:
        raise click.ClickException(f"stopped: {want_of_files(error)}") from error


if __name__ == "__main__":
    main(auto_envvar_prefix="GATEWAY_PAPER")
