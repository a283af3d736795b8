"""A desk with many programs needs many sockets."""

import resource
from collections.abc import Iterator

import pytest

from gateway.service.runner import MOST_FILES, allow_files


@pytest.fixture
def hard_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_takes_as_many_descriptors_as_it_may(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard_limit))

    allow_files()

    most = MOST_FILES if hard_limit == resource.RLIM_INFINITY else min(hard_limit, MOST_FILES)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, hard_limit)


def test_a_limit_that_is_higher_already_stays(hard_limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))

    allow_files()

    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard_limit
