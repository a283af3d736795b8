"""Where a gateway is found, by its configuration and home. Light to import: programs use it too."""

from pathlib import Path

from gateway.config import Config
from gateway.home import Home
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints


def endpoints_of(config: Config, home: Home) -> Endpoints:
    section = config.endpoints
    if section.transport == "tcp":
        return Endpoints.tcp(section.host, section.port)
    return Endpoints.ipc(home.run)


def curve_of(config: Config) -> CurveKeys | None:
    """This side's keys; None where none are configured. Raises BadEndpoint, InsecureEndpoint.

    Without `server` this is the gateway's own side: its processes share one pair of keys, and
    connect to each other with it.
    """
    section = config.endpoints.curve
    if section is None:
        return None
    keys = CurveKeys.load(
        Path(section.secret),
        None if section.server is None else Path(section.server),
        None if section.clients is None else Path(section.clients),
    )
    server = keys.server or keys.public
    return CurveKeys(keys.public, keys.secret, server, keys.clients)
