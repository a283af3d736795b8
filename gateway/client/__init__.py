"""A trading program's side of the gateway."""

from gateway.client.aio import AsyncClient
from gateway.client.blocking import Client
from gateway.client.compose import ClientOptions
from gateway.client.errors import Closed, NotSent, Refused
from gateway.client.protocol import ClientProtocol
from gateway.client.updates import Restated

__all__ = [
    "AsyncClient",
    "Client",
    "ClientOptions",
    "ClientProtocol",
    "Closed",
    "NotSent",
    "Refused",
    "Restated",
]
