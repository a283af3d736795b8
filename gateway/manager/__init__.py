"""The manager: fires scheduled checks on orders and accounts that have been silent."""

from gateway.manager.manager import Manager
from gateway.manager.settings import ManagerSettings, Pace, Schedule

__all__ = ["Manager", "ManagerSettings", "Pace", "Schedule"]
