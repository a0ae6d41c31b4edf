"""How many examples a law of the policy engine runs with, derived from the active hypothesis profile."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def scaled(share: float) -> settings:
    """Return settings with *share* of the profile's max_examples; everything else is the profile's.

    Laws differ in the cost of one example by two orders of magnitude, so each states its own share. A law with a share
    of 1.6 runs 80 examples under a profile of 50 and 4800 under a profile of 3000.
    """
    return settings(
        max_examples=max(1, round(share * settings().max_examples)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
