"""A process that is told to stop leaves, whatever holds it up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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
