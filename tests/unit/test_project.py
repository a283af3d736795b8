"""The files that make a bare checkout run: the lock, the supervisor's file, the make targets."""

import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from supervisor.options import ProcessConfig, ServerOptions

from gateway.domain.errors import BadConfig
from gateway.home import Home
from gateway.supervision import CHECKOUT, configuration_for, write_configuration

LOCK = (CHECKOUT / "requirements.lock").read_text()
SUPERVISOR = (CHECKOUT / "supervisord.conf").read_text()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def canonical(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def locked_names() -> set[str]:
    return {canonical(line) for line in LOCK.splitlines() if "==" in line}


def programs(home: Home) -> dict[str, ProcessConfig]:
    """As supervisord itself reads them; relative paths and unknown values would raise."""
    options = ServerOptions()
    options.realize(["-c", str(write_configuration(home))])
    return {p.name: p for group in options.process_group_configs for p in group.process_configs}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


def test_every_package_is_pinned_to_one_version_and_its_hashes() -> None:
    joined = re.sub(r"\\\n", " ", LOCK)
    packages = [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+==[\w.]+( ; .+)?( +--hash=sha256:[0-9a-f]{64})+ *$", package)


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^--", LOCK, re.MULTILINE)


def test_the_lock_holds_what_the_project_asks_for_and_what_builds_it() -> None:
    project = PROJECT["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    asked += PROJECT["build-system"]["requires"]
    assert {canonical(requirement) for requirement in asked} <= locked_names()


def test_warnings_are_errors_and_every_test_has_a_time_out() -> None:
    options = PROJECT["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"][0] == "error"
    assert options["timeout"] > 0
    assert {"--strict-markers", "--strict-config"} <= set(options["addopts"])


def test_the_supervisor_runs_the_four_processes_the_database_and_the_venue(home: Home) -> None:
    found = programs(home)
    assert set(found) == {"postgres", "paper", "listener", "executor", "actioner", "manager"}
    for name, program in found.items():
        command = shlex.split(program.command)
        assert command[-3:] == [str(CHECKOUT / ".venv/bin/python"), "-m", f"procs.{name}"]
        assert find_spec(f"procs.{name}") is not None


def test_the_supervisor_names_no_user() -> None:
    assert not re.search(r"^\s*user\s*=", SUPERVISOR, re.MULTILINE)


def test_no_process_is_given_up_and_no_log_grows_without_bound(home: Home) -> None:
    for program in programs(home).values():
        assert program.autorestart
        assert program.startretries >= 100_000
        assert program.redirect_stderr
        assert program.stdout_logfile == str(home.log / f"{program.name}.log")
        assert program.stdout_logfile_maxbytes * (1 + program.stdout_logfile_backups) <= 100 << 20


def test_postgres_stops_last_and_by_the_signal_that_does_not_wait_for_clients(home: Home) -> None:
    found = programs(home)
    assert min(found.values(), key=lambda program: program.priority).name == "postgres"
    assert found["postgres"].stopsignal.name == "SIGINT"
    assert "--pdeathsig INT" in found["postgres"].command


def test_a_copy_for_another_home_names_nothing_of_this_one() -> None:
    home = Home(Path("/srv/100% desk"))
    text = configuration_for(home, SUPERVISOR, Path("/opt/gateway"))
    settings = [line for line in text.splitlines() if not line.startswith(";")]
    assert not [line for line in settings if "here" in line or "var/" in line]
    assert "file=/srv/100%% desk/run/supervisor.sock" in settings
    assert 'environment=GATEWAY_HOME="/srv/100%% desk",PYTHONUNBUFFERED="1"' in settings


def test_a_long_home_has_the_supervisors_socket_in_the_short_run_folder() -> None:
    home = Home(Path("/srv/" + "d" * 90))
    assert f"file={home.run}/supervisor.sock" in configuration_for(home, SUPERVISOR)


def test_a_home_that_the_supervisors_file_cannot_express_is_refused() -> None:
    with pytest.raises(BadConfig, match="quotes, commas"):
        configuration_for(Home(Path("/srv/a,b")), SUPERVISOR)


def test_make_test_runs_every_kind_of_test_and_then_the_simulation() -> None:
    dry = ["make", "--dry-run", "--no-print-directory", "test", "SEEDS=7", "FROM=3"]
    said = subprocess.run(dry, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    kinds = ["unit", "contract", "integration", "acceptance", "chaos"]
    tests = said.index("-m pytest ")
    assert (
        tests
        < said.index(" ".join(f"tests/{kind}" for kind in kinds))
        < said.index("-m gateway.sim --seeds 7 --from 3")
    )


def test_ci_runs_what_a_person_runs() -> None:
    script = (CHECKOUT / ".ci/run").read_text()
    assert [line for line in script.splitlines() if "make" in line] == ["exec make lint test"]
