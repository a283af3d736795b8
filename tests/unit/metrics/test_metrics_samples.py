"""What is counted, as Prometheus reads it."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.enums import Role
from gateway.domain.latency import BOUNDS, MILLISECOND, SECOND, Latencies, Sampled
from gateway.metrics.catalogue import METRICS, metrics_page
from gateway.metrics.samples import Samples

HOSTILE = 'a "quoted" \\ name\nwith {braces}, and = signs'


def read(out: Samples) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels, as Prometheus' own library reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(out.text().decode())
        for sample in family.samples
    }


def test_a_value_is_read_back_with_its_labels() -> None:
    out = Samples()
    out.put("writer_lag_records", 7)
    out.put("doubts", 2, "main")
    out.put_each("alarms_total", {"vanished": 3})

    assert read(out) == {
        ("gateway_writer_lag_records", ()): 7,
        ("gateway_doubts", (("account", "main"),)): 2,
        ("gateway_alarms_total", (("kind", "vanished"),)): 3,
    }


def test_no_label_can_break_out_of_its_line() -> None:
    out = Samples()
    out.put("commands_refused_total", 1, HOSTILE)

    assert read(out) == {("gateway_commands_refused_total", (("code", HOSTILE),)): 1}


def test_a_histogram_is_cumulative_and_ends_with_everything() -> None:
    took = Latencies()
    for each in (0, MILLISECOND, MILLISECOND + 1, 3600 * SECOND):
        took.add(each)
    out = Samples()
    out.time("fact_published_seconds", took, "stream")

    found = read(out)
    by_edge = {
        float(dict(labels)["le"]): value
        for (name, labels), value in found.items()
        if name.endswith("_bucket")
    }
    assert by_edge[0.001] == 2
    assert by_edge[0.0025] == 3
    assert by_edge[60] == 3
    assert by_edge[math.inf] == 4
    assert list(by_edge.values()) == sorted(by_edge.values())
    labels = (("input", "stream"),)
    assert found["gateway_fact_published_seconds_count", labels] == 4
    assert found["gateway_fact_published_seconds_sum", labels] == pytest.approx(3600.002)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda out: out.put("made_up", 1),
        lambda out: out.put("doubts", 1),
        lambda out: out.put("writer_lag_records", 1, "main"),
    ],
)
def test_what_is_not_in_the_catalogue_can_not_be_exposed(wrong: object) -> None:
    with pytest.raises((KeyError, ValueError)):
        wrong(Samples())  # type: ignore[operator]


def test_every_metric_has_a_name_by_the_rules_and_a_row_on_its_page() -> None:
    page = metrics_page()

    for metric in METRICS.values():
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.kind != "histogram" or metric.name.endswith("_seconds")
        assert set(metric.roles) <= set(Role)
        assert f"| `{metric.name}` | {metric.kind} |" in page


# ---- latencies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", BOUNDS)
def test_what_takes_exactly_a_bound_is_counted_within_it(bound: int) -> None:
    took = Latencies()
    took.add(bound)
    took.add(bound + 1)

    at = BOUNDS.index(bound)
    assert took.counts[at : at + 2] == [1, 1]
    assert took.count == 2


def test_a_clock_that_stepped_back_does_not_make_a_sum_fall() -> None:
    took = Latencies()
    took.add(-SECOND)

    assert (took.counts[0], took.total) == (1, 0)


def test_one_number_at_a_time_is_timed_until_it_is_reached() -> None:
    sampled = Sampled()
    sampled.begin(5, now=100)

    sampled.reach(4, now=110)
    assert sampled.is_timing
    sampled.reach(7, now=130)
    sampled.reach(8, now=500)

    assert (sampled.latencies.count, sampled.latencies.total) == (1, 30)


def test_numbers_that_begin_anew_are_not_taken_for_reached() -> None:
    sampled = Sampled()
    sampled.begin(5, now=100)

    sampled.forget()
    sampled.reach(9, now=200)

    assert sampled.latencies.count == 0
