"""Lock files."""

import os
from pathlib import Path

import pytest

from gateway.wire.base import BadEndpoint, EndpointInUse
from gateway.wire.locks import take_lock


def test_a_held_lock_is_refused_with_the_pid_of_its_holder(tmp_path: Path) -> None:
    lock = take_lock(tmp_path / "executor.lock", "the executor's place")

    with pytest.raises(
        EndpointInUse, match=f"the executor's place is held by process {os.getpid()}"
    ):
        take_lock(tmp_path / "executor.lock", "the executor's place")

    lock.release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    first = take_lock(tmp_path / "executor.lock", "executor")
    first.release()
    first.release()

    take_lock(tmp_path / "executor.lock", "executor").release()


def test_a_lock_file_left_behind_by_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "executor.lock").write_text("999999999\n")

    lock = take_lock(tmp_path / "executor.lock", "executor")

    assert (tmp_path / "executor.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_lock_whose_file_does_not_name_its_holder_is_refused_all_the_same(
    tmp_path: Path,
) -> None:
    lock = take_lock(tmp_path / "executor.lock", "executor")
    (tmp_path / "executor.lock").write_text("not a number")

    with pytest.raises(EndpointInUse, match="held by another process") as refused:
        take_lock(tmp_path / "executor.lock", "executor")

    assert refused.value.pid is None
    lock.release()


def test_a_link_in_place_of_the_lock_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("somebody's work")
    (tmp_path / "executor.lock").symlink_to(tmp_path / "precious")

    with pytest.raises(BadEndpoint, match="cannot open the lock file"):
        take_lock(tmp_path / "executor.lock", "executor")

    assert (tmp_path / "precious").read_text() == "somebody's work"


def test_the_lock_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    lock = take_lock(tmp_path / "executor.lock", "executor")

    assert lock._descriptor is not None
    assert not os.get_inheritable(lock._descriptor)
    lock.release()
