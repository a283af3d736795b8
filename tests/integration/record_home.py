"""Records the journals of a gateway: run it once for each format version, and never again.

python tests/integration/record_home.py tests/data/home_v1
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gateway

ROLES = ("executor", "listener")
FILES = ("identity", "*.segment")


def record(folder: Path) -> None:
    """An order that fills, one that is canceled, one that rests, and one that is refused."""
    with tempfile.TemporaryDirectory() as home:
        with gateway.attach(home=home) as gw:
            ids = [
                gw.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
                for _ in range(2)
            ]
            for order_id in ids:
                gw.wait(order_id, until="accepted", timeout=30)
            gw.cancel(ids[0])
            gw.wait(ids[0], timeout=30)
            gw.wait(gw.place("second", "BTC/USDT", "buy", "market", "0.002"), timeout=30)
            gw.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000.001")
            gw.pump(1.5)
        for role in ROLES:
            keep(Path(home, "journal", role), folder / role)
    said = {role: types_in(folder / role) for role in ROLES}
    (folder / "recorded.json").write_text(json.dumps(said, indent=1) + "\n")


def keep(journal: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for pattern in FILES:
        for file in journal.glob(pattern):
            shutil.copy(file, folder)


def types_in(journal: Path) -> list[str]:
    """What `gateway decode` finds, record by record."""
    said = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", "decode", str(journal)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [json.loads(line) for line in said.splitlines()]
    return [line["message"].get("type", line["kind"]) for line in lines]


if __name__ == "__main__":
    record(Path(sys.argv[1]))
