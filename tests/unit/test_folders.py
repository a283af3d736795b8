"""Paths as sockets need them; folders that only their owner can enter."""

from pathlib import Path

import pytest

from gateway.folders import NotPrivate, make_private_folder, plain_path
from gateway.home import Home
from gateway.wire.endpoints import Endpoints


def test_a_path_is_made_plain_and_a_link_stays_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "short").symlink_to(tmp_path / "desk")
    (tmp_path / "aside").mkdir()
    monkeypatch.chdir(tmp_path / "aside")

    assert plain_path(Path("../desk/var")) == tmp_path / "desk/var"
    assert plain_path(tmp_path / "short") == tmp_path / "short"
    assert plain_path(tmp_path / "short/../var") == tmp_path / "var"
    assert Home.at("../desk").root == tmp_path / "desk"
    assert Endpoints.ipc("../desk/run").orders == f"ipc://{tmp_path}/desk/run/orders"


def test_a_private_folder_is_made_closed(tmp_path: Path) -> None:
    assert make_private_folder(tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert make_private_folder(tmp_path / "new") == tmp_path / "new"


def test_a_folder_that_others_can_enter_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(NotPrivate, match="others can enter"):
        make_private_folder(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o755


def test_a_link_is_not_taken_for_a_private_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotPrivate, match="must be a folder"):
        make_private_folder(tmp_path / "link")


def test_no_parents_are_made_for_a_path_that_may_be_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_private_folder(tmp_path / "missing" / "run")
    assert not (tmp_path / "missing").exists()
