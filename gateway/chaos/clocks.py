"""The wall clocks of the gateway's processes, each of which can be stepped."""

import struct
from pathlib import Path

ROLES = ("executor", "listener", "actioner", "manager")
SKEWED = Path(__file__).with_name("skewed")


class Clocks:
    """One file a role; `environment` makes the processes look at them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role in ROLES:
            self.set(role, 0)

    @property
    def environment(self) -> dict[str, str]:
        return {"GATEWAY_CHAOS_CLOCKS": str(self._folder), "PYTHONPATH": str(SKEWED)}

    def set(self, role: str, offset: int) -> None:
        """ns ahead of the machine's clock, at once."""
        path = self._folder / role
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            file.write(struct.pack("<q", offset))
