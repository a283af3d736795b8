"""The actioner: answers questions, asks venues, and does what must be reliable but is not hot."""

from gateway.actioner.actioner import Actioner
from gateway.actioner.settings import ActionerSettings

__all__ = ["Actioner", "ActionerSettings"]
