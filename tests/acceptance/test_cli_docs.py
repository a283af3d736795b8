"""What the pages tell people to type is typed here, by a shell, in a folder of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gateway.cli.main import COMMANDS
from gateway.service.embedded import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300.0
FOREGROUND = {"run", "paper", "demo"}
"""They do not end by themselves, or are tested elsewhere."""


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / page).read_text())


def type_in(folder: Path, page_blocks: list[str]) -> subprocess.CompletedProcess[str]:
    """All blocks in one shell that stops at the first command that fails."""
    tools = str(Path(sys.executable).parent)
    # A system's own Python would otherwise read the same lines another way.
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "GATEWAY_PAPER_PORT": str(free_port()),
    }
    return subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", "\n".join(page_blocks)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_every_block_of_the_command_lines_page_runs(tmp_path: Path) -> None:
    try:
        done = type_in(tmp_path, blocks("cli.md"))
    finally:
        down = type_in(tmp_path, ["gateway down || test $? -eq 4"])

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    assert down.returncode == 0
    assert "filled" in done.stdout
    assert (tmp_path / "fills.csv").read_text().startswith("epoch,seq,key,")
    assert pq.read_table(tmp_path / "fills.parquet")["kind"].to_pylist().count("fill") > 0
    assert "a halt for the example" in done.stdout
    assert "restored: gateway.dump" in done.stdout
    assert '"type":"place_intended"' in (tmp_path / "executor.jsonl").read_text()
    assert '"valid_in":["listener_journal"]' in (tmp_path / "listener.jsonl").read_text()


def test_every_block_of_the_configurations_page_runs(tmp_path: Path) -> None:
    done = type_in(tmp_path, blocks("configuration.md"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "gateway.key_secret").stat().st_mode & 0o077 == 0
    assert (tmp_path / "clients" / "desk.key").exists()


def test_the_page_runs_every_command() -> None:
    typed = "\n".join(blocks("cli.md"))
    names = {name for section in COMMANDS.values() for name in section} - FOREGROUND

    assert [name for name in names if not re.search(rf"\bgateway {name}\b", typed)] == []
