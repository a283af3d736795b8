"""`gateway.connect`: a program says which configuration, and is where the gateway is."""

from pathlib import Path

import pytest

import gateway
from gateway.domain.errors import BadConfig
from gateway.service import connecting


def endpoints(config: Path | str | None, home: Path | None = None) -> str:
    return str(connecting._way(config, home)["endpoints"].orders)


def test_without_a_file_it_is_the_home_where_the_gateway_runs(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_HOME", str(short_folder))

    assert endpoints(None) == f"ipc://{short_folder}/run/orders"


def test_a_home_may_be_named_and_its_path_may_be_long(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 20)

    assert endpoints(None, home).startswith("ipc:///tmp/gateway-")


def test_a_file_with_nothing_but_endpoints_will_do(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text('[endpoints]\ntransport = "tcp"\nport = 9000\n')

    assert endpoints(file) == "tcp://127.0.0.1:9000"


def test_a_wrong_file_is_named_with_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text("[endpoints]\nprot = 9000\n")

    with pytest.raises(BadConfig, match=r"desk\.toml: endpoints\.prot: .* did you mean port\?"):
        gateway.connect(file, client_id="desk")


def test_what_the_package_names_can_be_loaded() -> None:
    for name in gateway.__all__:
        assert callable(getattr(gateway, name))
