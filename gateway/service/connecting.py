"""`gateway.connect` and `gateway.connect_async`: clients of a gateway that runs already.

What the configuration says of the venues and accounts is not needed, and no secret of theirs read:
on another host a file with nothing but its [endpoints] will do.
"""

import os
from pathlib import Path
from typing import Any

from gateway import config as configuration
from gateway.client import AsyncClient, Client
from gateway.home import Home
from gateway.service.endpoints import curve_of, endpoints_of


def connect(
    config: Path | str | None = None,
    *,
    client_id: str,
    home: Path | str | None = None,
    **options: Any,
) -> Client:
    """A blocking client, to be entered (`with`).

        with gateway.connect("gateway.toml", client_id="my-desk") as client:
            order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")

    `config` None: the embedded defaults. `home`: where the gateway keeps what it writes, if it is
    on this machine; otherwise GATEWAY_HOME or `var`. `client_id`: whose orders they are, 1 to 64
    letters, digits, '_', '.' or '-'. `options` are those of `Client`. Raises BadConfig.
    """
    return Client(client_id=client_id, **_way(config, home), **options)


def connect_async(
    config: Path | str | None = None,
    *,
    client_id: str,
    home: Path | str | None = None,
    **options: Any,
) -> AsyncClient:
    """As `connect`, with an asyncio client, to be entered by `async with`."""
    return AsyncClient(client_id=client_id, **_way(config, home), **options)


def _way(config: Path | str | None, home: Path | str | None) -> dict[str, Any]:
    if config is None:
        found = configuration.embedded()
    else:
        found = configuration.load(Path(config), for_processes=False)
    place = Home.from_environment(os.environ) if home is None else Home.at(home)
    return {"endpoints": endpoints_of(found, place), "curve": curve_of(found)}
