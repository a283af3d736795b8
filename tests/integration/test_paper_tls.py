"""Under TLS the venue can stand in for the real host names, so that ccxt's URLs stay untouched
and its error mapping, which depends on them, is the production one."""

import asyncio
import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paper_kit import SYMBOL

from gateway.paper import Fault, FaultKind
from gateway.paper.build import build_server, server_tls
from gateway.paper.ccxt_config import ccxt_config
from gateway.paper.settings import Settings

HOSTS = ("api.binance.com", "ws-api.binance.com")


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTS[0])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in HOSTS]), False)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "cert.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


class AllHere(AbstractResolver):
    """Every name is the venue's port on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=0,
            )
        ]

    async def close(self) -> None:
        return


def test_untouched_urls_reach_the_venue_and_errors_map_as_in_production(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    async def main() -> None:
        server = build_server(Settings(), tls=server_tls(certificate, key))
        await server.start(liquidity=False)
        trusting = ssl.create_default_context(cafile=str(certificate))
        connector = aiohttp.TCPConnector(resolver=AllHere(server.port), ssl=trusting)
        session = aiohttp.ClientSession(connector=connector)
        options: dict[str, Any] = ccxt_config("", "paper-main", "paper-main-secret")["options"]
        keys = {"apiKey": "paper-main", "secret": "paper-main-secret"}
        exchange = ccxt.pro.binance(keys | {"options": options, "session": session})
        try:
            placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
            assert placed["status"] == "open"
            over_socket = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 50000)
            assert over_socket["status"] == "open"
            busy = Fault(FaultKind.ERROR_BEFORE, "order.place", code=-1008, msg="Overloaded.")
            server.service.plan.replace([busy])
            with pytest.raises(ccxt.OperationFailed, match="-1008"):
                await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 50000)
        finally:
            await exchange.close()
            await session.close()
            await server.stop()

    asyncio.run(main())
