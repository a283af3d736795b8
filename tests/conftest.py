"""One real PostgreSQL for the whole test run, and an empty database for each test that asks."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import conninfo, sql

from gateway.service import embedded as service_embedded
from gateway.store.embedded import EmbeddedPostgres

_numbers = itertools.count(1)

# How long an example takes is the machine's affair, and how many are filtered is the seed's.
settings.register_profile(
    "gateway",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("gateway")


@pytest.fixture(scope="session", autouse=True)
def own_ports() -> Iterator[None]:
    """No port is given out twice: it is free until whoever it is for has started, and another
    test, or another of pytest's workers, might have it meanwhile."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (service_embedded.LAST_PORT - service_embedded.FIRST_PORT) // int(
        os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    )
    first = service_embedded.FIRST_PORT + worker * share
    is_free, given = service_embedded._is_free, set[int]()

    def is_free_and_new(port: int) -> bool:
        is_new = port not in given
        given.add(port)
        return is_new and is_free(port)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_embedded, "FIRST_PORT", first)
        patch.setattr(service_embedded, "LAST_PORT", first + share)
        patch.setattr(service_embedded, "_is_free", is_free_and_new)
        yield


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """For sockets: pytest's own temporary folders have paths too long for them."""
    folder = Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a process that ends may still write its last line


@pytest.fixture(scope="session")
def postgres_url(short_folder: Path) -> Iterator[str]:
    """The server's `gateway` database; it goes down with the test run, however that ends."""
    postgres = EmbeddedPostgres(short_folder / "postgres", short_folder / "postgres-run")
    command = [
        *("setpriv", "--pdeathsig", "INT", sys.executable, "-m", "procs.postgres"),
        *("--data", str(postgres.data_dir), "--runtime", str(postgres.runtime_dir)),
        *("--set", "fsync=off", "--set", "max_connections=100"),
    ]
    with (short_folder / "postgres.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        postgres.wait_ready(timeout=60)
        yield postgres.url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=120)


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's own, dropped at its end whoever is still connected."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield conninfo.make_conninfo(postgres_url, dbname=name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
