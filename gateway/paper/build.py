"""A server from settings: the venue, restored if it has a state file, behind its API."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from random import Random

from gateway.paper.core import PaperVenue
from gateway.paper.liquidity import MarketMaker
from gateway.paper.record import Record
from gateway.paper.record_file import RecordFile
from gateway.paper.server import PaperServer
from gateway.paper.service import Service
from gateway.paper.settings import (
    AccountSettings,
    Settings,
    accounts_of,
    liquidity_of,
    symbols_of,
)
from gateway.paper.signing import Keys
from gateway.paper.state import restore
from gateway.paper.tide import Tide


def build_server(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> PaperServer:
    """Not started yet. OSError or ValueError if the state file cannot be used."""
    symbols = symbols_of(settings)
    venue = PaperVenue(symbols, record=Record(max_entries=settings.record_max_entries))
    file = None
    if settings.state is not None:
        file = RecordFile(settings.state, settings.state_max_bytes)
        restore(venue, file.load())
        venue.record.write_to(file.write)
    accounts = accounts_of(settings)
    for account in accounts:
        _open(venue, account)
    rng = Random(settings.seed)  # noqa: S311 - a simulation wants the same luck each time
    keys = Keys([account.credential() for account in accounts])
    service = Service(venue, keys, clock=time.time_ns, rng=rng, file=file)
    service.plan.replace(settings.faults)
    service.save()
    makers = [MarketMaker(venue, each.name, liquidity_of(settings, each)) for each in symbols]
    tide = Tide(service, makers, settings.liquidity_interval_ms / 1000)
    return PaperServer(service, tide, host=host, port=port, tls=tls)


def server_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """To stand in for a real host name, with a certificate that the client is told to trust."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def _open(venue: PaperVenue, account: AccountSettings) -> None:
    """Restored accounts keep their balances; only the fees come from the settings."""
    if account.name in venue.accounts():
        venue.engine.accounts[account.name].fees = account.fees()
    else:
        venue.open_account(account.name, account.balances, time.time_ns(), account.fees())
