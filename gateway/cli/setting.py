"""What a command line says about which gateway is meant. Light: every command imports it."""

import os
from dataclasses import dataclass
from pathlib import Path

from gateway.home import Home

CONFIG_HERE = Path("gateway.toml")


@dataclass(slots=True)
class Setting:
    """Set by the options that all commands share; see `command`."""

    config: Path | None = None
    home: Path | None = None
    as_json: bool = False

    @property
    def config_file(self) -> Path | None:
        """None: the embedded defaults."""
        if self.config is not None:
            return self.config.absolute()
        return CONFIG_HERE.absolute() if CONFIG_HERE.is_file() else None

    @property
    def config_name(self) -> str:
        return str(self.config_file or "the embedded defaults")

    @property
    def place(self) -> Home:
        return Home.from_environment({"GATEWAY_HOME": str(self.home or "")})

    def environment(self) -> dict[str, str]:
        """For the gateway's processes, wherever they are started."""
        environment = {**os.environ, "GATEWAY_HOME": str(self.place.root)}
        environment.pop("GATEWAY_CONFIG", None)
        if self.config_file is not None:
            environment["GATEWAY_CONFIG"] = str(self.config_file)
        return environment
