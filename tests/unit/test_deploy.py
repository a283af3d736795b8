"""The files for systemd and container engines, as far as they can be checked without either."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.exits import Exit
from gateway.cli.main import main
from gateway.supervision import CHECKOUT

CONTAINERFILE = CHECKOUT / "deploy/Containerfile"
UNIT = CHECKOUT / "deploy/systemd/gateway.service"
KNOWN = {
    *("ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME"),
    *("STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
}


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments; lines that go on are joined."""
    lines = (line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    parts = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name, rest.strip()) for name, _, rest in parts]


def of_kind(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def copied() -> Iterator[tuple[str, str]]:
    """What is taken from the source tree, and where it goes."""
    for words in map(shlex.split, of_kind("COPY")):
        if not words[0].startswith("--from"):
            yield from ((source, words[-1]) for source in words[:-1])


# ---- the container -----------------------------------------------------------------------------


def test_the_container_file_has_only_known_instructions_and_begins_from_a_base() -> None:
    names = [name for name, _ in instructions()]

    assert set(names) <= KNOWN
    assert names[:2] == ["ARG", "FROM"]
    assert {rest.split()[0] for rest in of_kind("FROM")} == {"${BASE}"}
    assert "/" not in of_kind("ARG")[0], "an image is named without a host"


def test_every_shell_line_of_the_container_file_is_one() -> None:
    for line in of_kind("RUN"):
        subprocess.run(["sh", "-n", "-c", line], check=True)


def test_what_is_copied_into_the_container_is_there_and_is_enough(tmp_path: Path) -> None:
    for source, target in copied():
        place = tmp_path / target if target != "./" else tmp_path / Path(source).name
        if (CHECKOUT / source).is_dir():
            shutil.copytree(CHECKOUT / source, place)
        else:
            shutil.copy(CHECKOUT / source, place)
    program = (
        "import gateway, gateway.supervision as s; from gateway.cli.main import main;"
        "print(gateway.__file__); print((s.CHECKOUT / 'supervisord.conf').is_file());"
        "import procs.executor, procs.listener, procs.actioner, procs.manager;"
        "import procs.paper, procs.postgres; from gateway.store.migrations import load_migrations;"
        "print(len(load_migrations()) > 0)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert said == [str(tmp_path / "gateway/__init__.py"), "True", "True"]


def test_the_engine_gets_what_is_copied_and_nothing_else() -> None:
    """No home and no keys, which lie in the same folder."""
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}

    assert lines[1] == "*"
    assert allowed == {source for source, _ in copied()}


def test_the_container_installs_by_hash_as_make_does() -> None:
    make = (CHECKOUT / "Makefile").read_text()
    install = next(line for line in of_kind("RUN") if "requirements.lock" in line)

    for option in ("--require-hashes", "--no-deps", "--only-binary :all:"):
        assert option in install
        assert option in make


def pins(file: str) -> dict[str, set[str]]:
    """Each package with its version, and the hashes of its files."""
    found: dict[str, set[str]] = {}
    package = ""
    for line in (CHECKOUT / file).read_text().splitlines():
        if match := re.match(r"[a-z0-9-]+==\S+", line):
            package = match[0]
            found[package] = set()
        elif match := re.search(r"--hash=(\S+)", line):
            found[package].add(match[1])
    return found


def test_the_container_has_the_versions_that_are_tested_and_no_tools_of_development() -> None:
    tested, runs = pins("requirements.lock"), pins("deploy/requirements.lock")
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {name_of(one) for one in [*project["dependencies"], *extras["install"]]}
    names = {name_of(one) for one in runs}

    assert runs.items() <= tested.items(), "run: make lock"
    assert wanted <= names
    assert {name_of(one) for one in [*extras["dev"], *extras["parquet"]]} & names <= wanted


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0]


def test_the_container_runs_the_supervisor_as_a_user_without_rights_and_keeps_its_home() -> None:
    assert of_kind("USER") == ["gateway"]
    home = re.search(r"GATEWAY_HOME=(\S+)", of_kind("ENV")[0])
    assert home is not None
    assert json.loads(of_kind("VOLUME")[0]) == [home[1]]
    assert of_kind("STOPSIGNAL") == ["SIGTERM"]


def test_what_the_container_runs_are_commands_of_ours() -> None:
    entry, arguments = json.loads(of_kind("ENTRYPOINT")[0]), json.loads(of_kind("CMD")[0])
    health = json.loads(of_kind("HEALTHCHECK")[0].partition("CMD ")[2])

    assert entry == ["gateway"]
    assert_is_command(arguments)
    assert_is_command(health[1:])


def assert_is_command(arguments: list[str]) -> None:
    """It exists, and has these options."""
    done = CliRunner().invoke(main, [*arguments, "--help"])
    assert done.exit_code == 0, done.output
    for option in (word for word in arguments if word.startswith("--")):
        assert option in done.output


# ---- systemd -----------------------------------------------------------------------------------


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


def test_the_unit_runs_a_command_of_ours_and_stops_as_the_supervisor_wants_it() -> None:
    service = unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])

    assert program == f"{service['WorkingDirectory']}/.venv/bin/gateway"
    assert_is_command(arguments)
    assert service["KillMode"] == "mixed"
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == str(int(Exit.USAGE))
    assert service["User"] != "root"


def test_the_unit_writes_only_where_its_home_is() -> None:
    service = unit()["Service"]
    home = dict(pair.split("=") for pair in service["Environment"].split())["GATEWAY_HOME"]

    assert service["ProtectSystem"] == "strict"
    assert home == f"/var/lib/{service['StateDirectory']}"
    assert "ReadWritePaths" not in service


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """With a program that is here; `verify` wants to see it."""
    text = UNIT.read_text().replace("/opt/gateway/.venv/bin/gateway", sys.executable)
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/gateway", str(CHECKOUT)))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )

    ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert ours == []
    assert done.returncode == 0


# ---- the page ----------------------------------------------------------------------------------


def test_the_page_names_files_and_commands_that_are_there() -> None:
    page = (CHECKOUT / "docs/deployment.md").read_text()
    links = re.findall(r"\]\(([^)#]+)\)", page)
    commands = re.findall(r"(?:^|bin/|do |`)gateway ([a-z][a-z-]*)(?: |`|$)", page, re.MULTILINE)

    for link in links:
        assert (CHECKOUT / "docs" / link).exists(), link
    for command in set(commands) - {"gateway"}:
        assert_is_command([command])
    assert {"up", "down", "status", "restart"} <= set(commands)
