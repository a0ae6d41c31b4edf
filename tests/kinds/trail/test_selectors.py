"""Event selectors: which management events they exclude, and when two are the same."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import advanced, basic

from pipeseal.kinds.trail.selectors import (
    ALL_MANAGEMENT_EVENTS,
    EVERYTHING,
    Gaps,
    describe_gaps,
    find_gaps,
    find_new_gaps,
    same_selectors,
)

MANAGEMENT = {"eventCategory": {"Equals": ["Management"]}}
KMS = frozenset({"kms.amazonaws.com"})
ALL = frozenset({EVERYTHING})


@pytest.mark.parametrize(
    ("selectors", "gaps"),
    [
        (ALL_MANAGEMENT_EVENTS, Gaps()),
        (basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}), Gaps()),
        (basic({"ReadWriteType": "ReadOnly"}), Gaps(writes=ALL)),
        (basic({"IncludeManagementEvents": False}), Gaps(ALL, ALL)),
        (basic({"ExcludeManagementEventSources": list(KMS)}), Gaps(KMS, KMS)),
        (basic({"ExcludeManagementEventSources": list(KMS)}, {"ReadWriteType": "WriteOnly"}), Gaps(reads=KMS)),
        ({}, Gaps(ALL, ALL)),
        (advanced(MANAGEMENT), Gaps()),
        (advanced({"eventCategory": {"Equals": ["Data"]}}), Gaps(ALL, ALL)),
        (advanced({**MANAGEMENT, "readOnly": {"Equals": ["true"]}}), Gaps(writes=ALL)),
        (
            advanced(
                {**MANAGEMENT, "eventSource": {"NotEquals": list(KMS)}},
                {**MANAGEMENT, "eventSource": {"Equals": list(KMS)}},
            ),
            Gaps(),
        ),
    ],
)
def test_gaps_are_the_management_events_that_no_selector_records(selectors: dict[str, Any], gaps: Gaps) -> None:
    """Basic and advanced selectors are combined: only events that none of them records are gaps."""
    assert find_gaps(selectors) == gaps
    assert bool(gaps) is bool(list(describe_gaps(gaps)))


def test_only_new_gaps_count() -> None:
    """A gap that the former selectors had is not new, and without any events before nothing can be lost."""
    both = basic({"ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]})
    assert find_new_gaps(both, basic({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})) == Gaps(KMS, KMS)
    assert not find_new_gaps(basic({"IncludeManagementEvents": False}), basic({"IncludeManagementEvents": False}))
    assert not find_new_gaps(both, basic({"IncludeManagementEvents": False}))


@pytest.mark.parametrize(
    ("gaps", "sentences"),
    [
        (Gaps(), []),
        (Gaps(ALL, ALL), ["It records no management events."]),
        (Gaps(reads=ALL), ["It records no read management events."]),
        (
            Gaps(ALL, KMS),
            [
                "It records no read management events.",
                "It excludes write management events of kms.amazonaws.com.",
            ],
        ),
        (
            find_gaps(advanced({**MANAGEMENT, "eventSource": {"Equals": ["s3.amazonaws.com", "kms.amazonaws.com"]}})),
            ["It excludes management events: those of services other than kms.amazonaws.com and s3.amazonaws.com."],
        ),
        (
            find_gaps(advanced({**MANAGEMENT, "eventName": {"NotEquals": ["StopLogging"]}})),
            ["It excludes management events: what a filter on eventName excludes."],
        ),
    ],
)
def test_gaps_are_described_in_sentences(gaps: Gaps, sentences: list[str]) -> None:
    """Gaps in read and in write events are described together where they are the same."""
    assert list(describe_gaps(gaps)) == sentences


def test_defaults_and_order_make_no_difference() -> None:
    """Selectors are the same in another order and with CloudTrail's defaults, but not with other values."""
    one = basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"})
    other = basic({"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}, one_read())
    assert same_selectors(one, other)
    assert not same_selectors(one, basic(one_read()))


def one_read() -> dict[str, str]:
    """Return a basic selector of read events."""
    return {"ReadWriteType": "ReadOnly"}
