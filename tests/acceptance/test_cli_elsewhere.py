"""A gateway over tcp with keys, asked from a configuration that has nothing but the endpoints."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from readiness import START_S, wait_ready

import gateway
from gateway import config as configuration
from gateway.cli.exits import Exit
from gateway.cli.main import main
from gateway.cli.stage import Stage
from gateway.client import Client
from gateway.service.embedded import free_port
from gateway.service.endpoints import curve_of
from gateway.wire.curve import save_pair


def endpoints(port: int, keys: str) -> str:
    return f'[endpoints]\ntransport = "tcp"\nport = {port}\n[endpoints.curve]\n{keys}\n'


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of a program elsewhere, whose gateway runs."""
    folder = tmp_path_factory.mktemp("gw")
    (folder / "clients").mkdir()
    save_pair(folder, "gateway")
    save_pair(folder / "clients", "desk")
    save_pair(folder, "stranger")
    port = free_port(5)
    of_gateway = f'secret = "{folder}/gateway.key_secret"\nclients = "{folder}/clients"'
    of_desk = 'secret = "clients/desk.key_secret"\nserver = "gateway.key"'
    of_stranger = 'secret = "stranger.key_secret"\nserver = "gateway.key"'
    (folder / "desk.toml").write_text(endpoints(port, of_desk))
    (folder / "stranger.toml").write_text(endpoints(port, of_stranger))
    text = endpoints(port, of_gateway) + configuration.embedded_text(
        f"http://127.0.0.1:{free_port()}"
    )
    stage = Stage(folder / "home", config_text=text, liquidity=False)
    with stage:
        keys = curve_of(configuration.load(folder / "desk.toml", for_processes=False))
        with Client(stage.endpoints, "w", connect_timeout=START_S, curve=keys) as client:
            wait_ready(client)
        yield folder / "desk.toml"


def run(config: Path, *words: str, exits: Exit = Exit.OK) -> Any:
    said = CliRunner().invoke(main, ["--config", str(config), *words, "--json"])
    assert said.exit_code == exits, said.output
    return json.loads(said.stdout) if said.stdout else None


def test_an_order_from_elsewhere(desk: Path) -> None:
    placed = run(desk, "place", "main", "BTC/USDT", "buy", "0.01", "--price", "20000")

    assert placed["order"]["status"] == "new"
    assert run(desk, "cancel", placed["order_id"])["status"] == "canceled"


def test_a_program_elsewhere(desk: Path) -> None:
    with gateway.connect(desk, client_id="desk") as client:
        assert client.balances("main").balances


def test_a_stranger_with_another_key_reaches_nobody(desk: Path) -> None:
    run(desk.with_name("stranger.toml"), "orders", exits=Exit.UNREACHABLE)
