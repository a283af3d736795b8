from gateway.attached import attach as attach
from gateway.attached import attach_async as attach_async
from gateway.client import AsyncClient as AsyncClient
from gateway.client import Client as Client
