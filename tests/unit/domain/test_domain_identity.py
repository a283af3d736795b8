"""Ids: ours in every venue's form and back, and nobody else's taken for ours."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identity import (
    EXTERNAL_TAG,
    MAX_TAG,
    IdForm,
    OrderId,
    external_order_id,
    from_venue_id,
    is_name,
    is_order_id,
    make_order_id,
    order_id_tag,
    order_id_time,
    to_venue_id,
)

MS = 1_000_000
tags = st.integers(0, MAX_TAG)
times = st.integers(0, 2**48 - 1).map(lambda ms: ms * MS)
order_ids = st.builds(make_order_id, tags, times, st.integers(0, 2**80))

VENUE_FORMS = {
    IdForm.UUID: r"[0-9a-f-]{36}",
    IdForm.HEX: r"[0-9a-zA-Z]{32}",
    IdForm.HEX_0X: r"0x[0-9a-f]{32}",
    IdForm.GATE: r"t-[0-9a-zA-Z._-]{1,28}",
}


@given(order_ids, st.sampled_from(IdForm))
def test_an_order_id_survives_every_venue_form(order_id: OrderId, form: IdForm) -> None:
    text = to_venue_id(order_id, form)

    assert re.fullmatch(VENUE_FORMS[form], text)
    assert from_venue_id(text, form) == order_id


@given(order_ids, st.sampled_from(IdForm))
def test_a_venue_that_changes_the_case_of_an_id_is_understood(
    order_id: OrderId, form: IdForm
) -> None:
    head = {IdForm.HEX_0X: 2, IdForm.GATE: 2}.get(form, 0)
    text = to_venue_id(order_id, form)

    assert from_venue_id(text[:head] + text[head:].upper(), form) == order_id


@given(tags, times, st.integers(0, 2**80))
def test_an_order_id_is_a_uuid_of_version_8_that_tells_its_tag_and_time(
    tag: int, time: int, bits: int
) -> None:
    order_id = make_order_id(tag, time, bits)

    assert is_order_id(order_id)
    assert uuid.UUID(order_id).version == 8
    assert uuid.UUID(order_id).variant == uuid.RFC_4122
    assert order_id_tag(order_id) == tag
    assert order_id_time(order_id) == time


@given(st.text(max_size=40), st.sampled_from(IdForm))
def test_any_text_is_an_order_id_in_canonical_form_or_none_at_all(text: str, form: IdForm) -> None:
    order_id = from_venue_id(text, form)

    assert order_id is None or is_order_id(order_id)


@pytest.mark.parametrize("form", IdForm)
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x-HNA2TXFJ1234567890abcdef",
        "web_6f0a",
        "0190a5c4-7c00-4007-8000-000000000001",  # a UUID of version 4
        "0190a5c47c0070078000000000000001",  # and of version 7
        "0x" + "f" * 32,
        "t-" + "a" * 26,
        "\u0660" * 32,
        "01-90-a5-c4-7c0080078000000000000001",  # our digits, not our spelling
        "t-" + "a" * 25 + "b",
    ],
)
def test_another_programs_id_is_not_taken_for_ours(text: str | None, form: IdForm) -> None:
    assert from_venue_id(text, form) is None


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_an_external_order_has_one_id_and_nobodys_tag(
    account: str, symbol: str, venue_order_id: str
) -> None:
    order_id = external_order_id(account, symbol, venue_order_id)

    assert is_order_id(order_id)
    assert order_id == external_order_id(account, symbol, venue_order_id)
    assert order_id_tag(order_id) == EXTERNAL_TAG


def test_external_ids_of_different_orders_differ() -> None:
    ids = {external_order_id("acc", "S", str(n)) for n in range(1_000)}

    assert len(ids) == 1_000


@pytest.mark.parametrize(
    "text",
    [
        "0190A5C4-7C00-8007-8000-000000000001",
        "0190a5c47c00800780000000000000001",
        "0190a5c4-7c00-8007-8000-000000000001 ",
        "0190a5c4-7c00-8007-8000-000000000001\n",
        "0190a5c4-7c00-8007-c000-000000000001",
        "",
    ],
)
def test_what_is_no_canonical_order_id(text: str) -> None:
    assert not is_order_id(text)


@pytest.mark.parametrize("text", ["a", "acc-1", "Desk.2_x", "9", "a" * 64])
def test_names_that_may_be_part_of_a_topic(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", ["", "a/b", ".a", "-a", "a b", "\u00e9", "a\n", "a" * 65])
def test_names_that_may_not(text: str) -> None:
    assert not is_name(text)
