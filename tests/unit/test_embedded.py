"""What the embedded PostgreSQL decides before any process is started."""

import os
from pathlib import Path

import psycopg.conninfo
import pytest

from gateway.domain.errors import BadConfig
from gateway.home import LONGEST_RUN_FOLDER, Home
from gateway.store import cluster_lock
from gateway.store.cluster_lock import ClusterLock, Process
from gateway.store.cluster_user import NOBODY, ROOT, Launcher, choose_launcher, launchers
from gateway.store.embedded import EmbeddedPostgres


def test_the_url_names_socket_folder_role_and_database() -> None:
    url = EmbeddedPostgres(Path("/home/desk one/postgres"), Path("/run/desk one")).url
    assert psycopg.conninfo.conninfo_to_dict(url) == {
        "user": "gateway",
        "dbname": "gateway",
        "host": "/run/desk one",
        "port": "5432",
    }


def test_a_socket_path_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(BadConfig, match=r"socket has 114 bytes.*shorter runtime folder"):
        EmbeddedPostgres(Path("/data"), Path("/" + "r" * 99))


def test_root_is_never_the_user_who_runs_postgres() -> None:
    assert [launcher.name for launcher in launchers(ROOT)] == ["unshare", "setpriv"]
    assert [launcher.owner for launcher in launchers(ROOT)] == [ROOT, NOBODY]
    assert launchers(1000) == (Launcher("direct", (), 1000),)


def test_the_first_launcher_that_works_is_chosen() -> None:
    absent = Launcher("absent", ("no-such-program",), NOBODY)
    failing = Launcher("failing", ("false",), NOBODY)
    working = launchers(os.geteuid())[0]
    assert choose_launcher([absent, failing, working], Path("/bin/true"), []) == working


def test_if_none_works_the_error_says_what_was_tried_and_why_it_failed(tmp_path: Path) -> None:
    absent = Launcher("absent", ("no-such-program",), NOBODY)
    refusing = Launcher("refusing", ("sh", "-c", "echo not permitted >&2; exit 1"), NOBODY)
    with pytest.raises(BadConfig) as caught:
        choose_launcher([absent, refusing], Path("/bin/true"), [tmp_path])
    assert "absent: no program no-such-program" in str(caught.value)
    assert "refusing: not permitted" in str(caught.value)
    assert "URL of a PostgreSQL server" in str(caught.value)


def test_a_lock_is_held_once_and_says_by_whom(tmp_path: Path) -> None:
    first, second = ClusterLock(tmp_path / "lock"), ClusterLock(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    holder = second.holder()
    assert holder is not None
    assert (holder.postgres.pid, holder.starter.pid) == (os.getpid(), os.getppid())
    assert not holder.orphaned
    first.close()
    assert second.is_free
    second.close()


@pytest.mark.parametrize("text", ["", "12", "12 34 56", "a b c d"])
def test_a_lock_file_that_was_cut_short_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    lock = ClusterLock(tmp_path / "lock")
    assert lock.holder() is None
    lock.close()


def test_a_later_process_with_the_same_number_is_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = Process.of(os.getpid())
    assert me.alive
    monkeypatch.setattr(cluster_lock, "process_started", lambda pid: me.started + 1)
    assert not me.alive


def test_a_process_that_is_gone_is_not_alive() -> None:
    assert not Process.of(2**22 + 1).alive


def test_home_is_var_here_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.from_environment({}).root == tmp_path / "var"
    assert Home.from_environment({"GATEWAY_HOME": ""}).root == tmp_path / "var"
    assert Home.from_environment({"GATEWAY_HOME": "/srv/desk"}).postgres == Path(
        "/srv/desk/postgres"
    )


def test_the_run_folder_is_in_the_home_if_a_socket_path_can_be() -> None:
    short, long = Home(Path("/srv/desk")), Home(Path("/srv/" + "d" * 90))
    assert short.run == Path("/srv/desk/run")
    assert long.run.parent == Path("/tmp")
    assert len(str(long.run)) <= LONGEST_RUN_FOLDER
    assert long.run == Home(long.root).run
    assert long.run != Home(long.root / "other").run


def test_a_made_home_can_be_made_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    home.make()
    assert home.run.is_dir()
    assert home.log.is_dir()
