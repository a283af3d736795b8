"""Endpoint strings."""

import pytest

from gateway.wire.base import BadEndpoint
from gateway.wire.endpoints import Endpoints, Scheme, parse


@pytest.mark.parametrize(
    ("endpoint", "scheme", "text", "loopback"),
    [
        ("inproc://desk/orders", Scheme.INPROC, "inproc://desk/orders", True),
        ("ipc:///run/gateway/orders", Scheme.IPC, "ipc:///run/gateway/orders", True),
        ("tcp://127.0.0.1:5555", Scheme.TCP, "tcp://127.0.0.1:5555", True),
        ("tcp://127.8.8.8:5555", Scheme.TCP, "tcp://127.8.8.8:5555", True),
        ("tcp://localhost:5555", Scheme.TCP, "tcp://127.0.0.1:5555", True),
        ("tcp://[::1]:5555", Scheme.TCP, "tcp://[::1]:5555", True),
        ("tcp://127.0.0.1:0", Scheme.TCP, "tcp://127.0.0.1:*", True),
        ("tcp://127.0.0.1:*", Scheme.TCP, "tcp://127.0.0.1:*", True),
        ("tcp://10.1.2.3:5555", Scheme.TCP, "tcp://10.1.2.3:5555", False),
        ("tcp://*:5555", Scheme.TCP, "tcp://*:5555", False),
        ("tcp://0.0.0.0:5555", Scheme.TCP, "tcp://0.0.0.0:5555", False),
        ("tcp://[::]:5555", Scheme.TCP, "tcp://[::]:5555", False),
        ("tcp://localhost.example:5555", Scheme.TCP, "tcp://localhost.example:5555", False),
    ],
)
def test_a_good_endpoint_is_understood(
    endpoint: str, scheme: Scheme, text: str, loopback: bool
) -> None:
    address = parse(endpoint)

    assert (address.scheme, address.text, address.loopback) == (scheme, text, loopback)


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("", "not an endpoint"),
        ("orders", "not an endpoint"),
        ("ipc://", "not an endpoint"),
        ("inproc://a\nb", "not an endpoint"),
        ("udp://127.0.0.1:5555", "only inproc"),
        ("ipc://run/orders", "must be absolute"),
        ("ipc://@abstract", "must be absolute"),
        ("ipc://*", "must be absolute"),
        ("ipc:///run/../orders", "write the ipc path plainly"),
        ("ipc:///run//orders", "write the ipc path plainly"),
        ("ipc:///" + "x" * 99, "has 100 bytes and at most 99"),
        ("ipc:///" + "é" * 50, "has 101 bytes and at most 99"),
        ("tcp://127.0.0.1", "expected tcp://host:port"),
        ("tcp://:5555", "expected tcp://host:port"),
        ("tcp://10.0.0.1:1;127.0.0.1:5555", "expected tcp://host:port"),
        ("tcp://127.0.0.1:port", "a port is a number"),
        ("tcp://127.0.0.1:65536", "a port is a number"),
        ("tcp://127.0.0.1:-1", "a port is a number"),
        ("tcp://127.0.0.1:", "a port is a number"),
        ("tcp://127.0.0.1:٣", "a port is a number"),
        ("tcp://::1:5555", "in brackets"),
        ("tcp://[127.0.0.1]:5555", "in brackets"),
        ("tcp://[nonsense]:5555", "not an IPv6 address"),
    ],
)
def test_a_bad_endpoint_is_refused_with_its_reason(endpoint: str, reason: str) -> None:
    with pytest.raises(BadEndpoint, match=reason):
        parse(endpoint)


def test_the_longest_path_is_accepted() -> None:
    assert parse("ipc:///" + "x" * 98).path is not None


def test_the_five_endpoints_of_a_runtime_folder() -> None:
    assert Endpoints.ipc("/run/gateway") == Endpoints(
        orders="ipc:///run/gateway/orders",
        urgent="ipc:///run/gateway/urgent",
        reports="ipc:///run/gateway/reports",
        status="ipc:///run/gateway/status",
        requests="ipc:///run/gateway/requests",
    )


def test_the_five_endpoints_of_a_host() -> None:
    assert Endpoints.tcp("127.0.0.1", 7000) == Endpoints(
        *(f"tcp://127.0.0.1:{port}" for port in range(7000, 7005))
    )


def test_ports_may_be_left_to_the_system() -> None:
    assert Endpoints.tcp("127.0.0.1", 0).requests == "tcp://127.0.0.1:0"


def test_the_five_endpoints_inside_a_process() -> None:
    assert Endpoints.inproc("desk").urgent == "inproc://desk/urgent"


def test_five_endpoints_are_checked_when_they_are_made() -> None:
    with pytest.raises(BadEndpoint, match="only inproc"):
        Endpoints("udp://x", *(f"inproc://{name}" for name in "abcd"))
    with pytest.raises(BadEndpoint, match="two of the endpoints are the same"):
        Endpoints(*(f"inproc://{name}" for name in "abcda"))
    with pytest.raises(BadEndpoint, match="has 100 bytes"):
        Endpoints.ipc("/" + "x" * 91)
