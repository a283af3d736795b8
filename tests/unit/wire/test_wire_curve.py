"""CURVE keys: read completely or refused, and never shown."""

from pathlib import Path

import pytest

from gateway.wire.base import BadEndpoint, InsecureEndpoint
from gateway.wire.curve import CurveKeys, save_pair


def test_the_secret_is_never_shown() -> None:
    keys = CurveKeys.generate()

    assert keys.secret not in repr(keys)
    assert keys.secret not in str(keys)


@pytest.mark.parametrize("bad", ["", "short", "x" * 41, "é" * 40, " " * 40])
def test_a_bad_key_is_refused_without_being_shown(bad: str) -> None:
    good = CurveKeys.generate()

    with pytest.raises(BadEndpoint, match="the secret CURVE key is not 40") as refused:
        CurveKeys(good.public, bad)

    assert not bad or bad not in str(refused.value)
    with pytest.raises(BadEndpoint, match="public"):
        CurveKeys(bad, good.secret)
    with pytest.raises(BadEndpoint, match="server's"):
        CurveKeys(good.public, good.secret, server=bad)
    with pytest.raises(BadEndpoint, match="client's"):
        CurveKeys(good.public, good.secret, clients=frozenset({bad}))


def test_a_saved_pair_is_read_back_with_the_servers_key_and_the_clients(tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    server_public, _ = save_pair(tmp_path, "server")
    save_pair(tmp_path / "clients", "alice")
    save_pair(tmp_path / "clients", "bob")
    _, own_secret = save_pair(tmp_path, "own")

    keys = CurveKeys.load(own_secret, server_public, tmp_path / "clients")

    assert keys.server is not None
    assert len({keys.public, keys.secret, keys.server, *keys.clients}) == 5
    assert CurveKeys.load(own_secret) == CurveKeys(keys.public, keys.secret)


def test_a_saved_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    _, secret = save_pair(tmp_path, "server")

    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o640)
    with pytest.raises(InsecureEndpoint, match="chmod 600"):
        CurveKeys.load(secret)


def test_a_pair_is_never_overwritten(tmp_path: Path) -> None:
    public, _ = save_pair(tmp_path, "server")
    before = public.read_text()

    with pytest.raises(BadEndpoint, match="File exists"):
        save_pair(tmp_path, "server")

    assert public.read_text() == before


@pytest.mark.parametrize("text", [None, "", "not keys\n", 'curve\n    public-key = "short"\n'])
def test_an_unusable_file_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "server.key_secret"
    if text is not None:
        file.write_text(text)
        file.chmod(0o600)

    with pytest.raises(BadEndpoint):
        CurveKeys.load(file)


def test_a_public_file_is_no_secret_file(tmp_path: Path) -> None:
    public, _ = save_pair(tmp_path, "server")

    with pytest.raises(BadEndpoint, match="holds no secret key"):
        CurveKeys.load(public)
