"""Where a gateway keeps what it writes.

home/             GATEWAY_HOME, or `var` in the working directory
  postgres/       the embedded PostgreSQL
  journal/ROLE/   executor, listener
  log/            bounded, kept by the supervisor
  run/            sockets and locks; in /tmp if this path is too long for a socket
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gateway.folders import make_private_folder, plain_path

LONGEST_RUN_FOLDER = 70  # bytes: a socket's whole path may have about 100, and their names up to 30


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        return cls.at(environment.get("GATEWAY_HOME") or "var")

    @classmethod
    def at(cls, folder: Path | str) -> Self:
        """However it is written: `../desk/var`, too."""
        return cls(plain_path(Path(folder)))

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        """The same for every process of this home and user; not by TMPDIR or XDG_RUNTIME_DIR,
        which differ between a login and a service, and the latter is removed at logout."""
        usual = self.root / "run"
        if len(os.fsencode(usual)) <= LONGEST_RUN_FOLDER:
            return usual
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp", f"gateway-{os.geteuid()}-{name}")  # noqa: S108 owner is checked

    def journal(self, role: str) -> Path:
        return self.root / "journal" / role

    def make(self) -> None:
        """Create the folders, closed to others; BadConfig if others can enter `run`."""
        for folder in (self.root, self.log, self.root / "journal"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_folder(self.run)
