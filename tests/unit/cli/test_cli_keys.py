"""`gateway keys`: what the configuration takes, and nothing is ever overwritten."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import main
from gateway.wire.curve import CurveKeys


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments])


def test_a_pair_is_what_both_sides_of_a_connection_take(tmp_path: Path) -> None:
    made = run("gateway", "--folder", str(tmp_path))
    run("desk", "--folder", str(tmp_path / "clients"))

    ours = CurveKeys.load(tmp_path / "gateway.key_secret", clients_folder=tmp_path / "clients")
    theirs = CurveKeys.load(tmp_path / "clients" / "desk.key_secret", tmp_path / "gateway.key")
    assert made.exit_code == Exit.OK
    assert ours.clients == {theirs.public}
    assert theirs.server == ours.public
    assert (tmp_path / "gateway.key_secret").stat().st_mode & 0o777 == 0o600
    assert ours.secret not in made.output


@pytest.mark.parametrize("kept", ["desk.key", "desk.key_secret"])
def test_a_key_that_exists_stays_and_nothing_is_written(kept: str, tmp_path: Path) -> None:
    (tmp_path / kept).write_text("mine")

    said = run("desk", "--folder", str(tmp_path))

    assert said.exit_code == Exit.USAGE
    assert [path.name for path in tmp_path.iterdir()] == [kept]
    assert (tmp_path / kept).read_text() == "mine"


@pytest.mark.parametrize("name", ["", "../desk", "a/b"])
def test_a_name_that_is_a_path_is_refused(name: str, tmp_path: Path) -> None:
    assert run(name, "--folder", str(tmp_path)).exit_code == Exit.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_machine_gets_the_files_names(tmp_path: Path) -> None:
    said = json.loads(run("desk", "--folder", str(tmp_path), "--json").stdout)

    assert said == {
        "public": str(tmp_path / "desk.key"),
        "secret": str(tmp_path / "desk.key_secret"),
    }
