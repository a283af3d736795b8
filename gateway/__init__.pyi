from gateway.attached import attach as attach
from gateway.attached import attach_async as attach_async
from gateway.client import AsyncClient as AsyncClient
from gateway.client import Client as Client
from gateway.service.connecting import connect as connect
from gateway.service.connecting import connect_async as connect_async
