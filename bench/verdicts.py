"""Time of a verdict on a typical policy and on the adversarial policies of tests/policy/test_hostile.py.

Run `.venv/bin/python bench/verdicts.py`. Each time is the shortest of five runs, in milliseconds and as a multiple of
json.loads on the same text, which depends less on the machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.policy.strategies import ARN, TLS
from tests.policy.test_hostile import HOSTILE_POLICIES

from pipeseal import policy
from pipeseal.discovery import load, module_names
from pipeseal.policy import Policy

_TYPICAL = [
    {"Sid": "Readers", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"},
    {**TLS.statement, "Sid": "AllowSSLRequestsOnly"},
]

_CACHES = [
    value
    for name in module_names(policy.__path__)
    for value in vars(load(policy.__name__, name)).values()
    if hasattr(value, "cache_clear")
]


def _shortest(run: Callable[[], object]) -> float:
    """Return the time of the shortest of five runs in seconds."""
    times = []
    for _ in range(5):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def _verdict(text: str) -> None:
    """Compute the verdict on *text* without the caches of earlier verdicts."""
    for cache in _CACHES:
        cache.cache_clear()
    Policy.parse(text).verdict(TLS)


def main() -> None:
    """Print one line per policy, the slowest last."""
    lines = []
    for name, statements in {"a typical policy": _TYPICAL, **HOSTILE_POLICIES}.items():
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        seconds = _shortest(lambda text=text: _verdict(text))
        lines.append((seconds, seconds / _shortest(lambda text=text: json.loads(text)), len(text), name))
    for seconds, ratio, size, name in sorted(lines):
        print(f"{seconds * 1000:8.2f} ms  {ratio:7.0f} x json.loads  {size:6} bytes  {name}")


if __name__ == "__main__":
    main()
