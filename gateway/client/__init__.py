"""A trading program's side of the gateway."""

from gateway.client.aio import AsyncClient
from gateway.client.blocking import Client
from gateway.client.protocol import ClientOptions, ClientProtocol, NotSent, Refused

__all__ = ["AsyncClient", "Client", "ClientOptions", "ClientProtocol", "NotSent", "Refused"]
