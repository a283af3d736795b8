"""A process that is told to stop leaves, whatever holds it up; one that nobody would look after
does not even begin."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from gateway.service import runner
from gateway.domain.enums import Role

class Stuck:
    async def start(self):
        print("started", flush=True)
    async def close(self):
        await asyncio.Event().wait()

runner.LONGEST_CLOSE_S = 0.5
sys.exit(runner.run(Role.MANAGER, lambda around: Stuck(), None))
"""
PATIENCE_S = 60.0


def test_a_service_that_never_closes_does_not_keep_its_locks(tmp_path: Path) -> None:
    environment = {**os.environ, "GATEWAY_HOME": str(tmp_path / "gw")}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as stuck:
        assert stuck.stdout is not None
        assert "started\n" in iter(stuck.stdout.readline, "")
        stuck.send_signal(signal.SIGTERM)
        said = stuck.stdout.read()
        code = stuck.wait(PATIENCE_S)

    assert code == 1
    assert "did not close" in said


PROGRAMS = (
    *("procs.executor", "procs.listener", "procs.manager", "procs.actioner"),
    *("procs.paper", "procs.postgres", "gateway.attached"),
)
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid()), *sys.argv[2:]])
os.kill(os.getpid(), 9)
"""
LATE = """
import os, sys, time
while os.getppid() == int(sys.argv[1]):
    time.sleep(0.01)
os.execvp("setpriv", ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", *sys.argv[2:]])
"""
"""Its parent has died before the kernel was asked to end it as well."""


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("looked_after_by", ["a supervisor", "a program"])
def test_a_program_whose_parent_died_before_it_began_does_not_begin(
    program: str, looked_after_by: str, tmp_path: Path
) -> None:
    """It would be looked after by nobody, and its locks would keep out its successor."""
    environment = {**os.environ, "GATEWAY_HOME": str(tmp_path / "gw")}
    if looked_after_by == "a supervisor":
        environment["SUPERVISOR_ENABLED"] = "1"
    else:
        environment["GATEWAY_PARENT"] = str(os.getpid())  # of which the one that starts it is not
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, LATE, program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        said = parent.stdout.read()  # until the program, too, has ended

    assert "whoever started this program has ended" in said
    assert not (tmp_path / "gw" / "run" / "actioner.lock").exists()


def test_a_program_whose_parent_lives_begins(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "GATEWAY_HOME": str(tmp_path / "gw"),
        "SUPERVISOR_ENABLED": "1",
        "GATEWAY_PARENT": str(os.getpid()),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "procs.manager"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        assert program.stdout is not None
        first = program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        program.stdout.read()

    assert "starting" in first
