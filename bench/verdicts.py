"""How long a verdict takes: on a usual policy, and on the hostile ones of tests/policy/test_hostile.py.

Run `.venv/bin/python bench/verdicts.py`. The unit is json.loads of the same text, so that the machine does not matter
much; the milliseconds are this machine's, the best of five.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.policy.strategies import ARN, TLS
from tests.policy.test_hostile import NASTY

from pipeseal.policy import Policy, cells, verdict

_USUAL = [
    {"Sid": "Readers", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"},
    {**TLS.statement, "Sid": "AllowSSLRequestsOnly"},
]


def _best(work: Callable[[], object]) -> float:
    """Return the shortest of five runs in seconds."""
    times = []
    for _ in range(5):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def _judged(text: str) -> None:
    """Judge as for the first time: nothing that an earlier verdict left behind helps."""
    for remembering in (cells._names, cells._by_action, verdict._judged):  # noqa: SLF001 - to forget is the benchmark's own
        remembering.cache_clear()
    Policy.parse(text).verdict(TLS)


def main() -> None:
    """Print a line a policy, the slowest last."""
    lines = []
    for name, statements in {"a usual policy": _USUAL, **NASTY}.items():
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        seconds = _best(lambda text=text: _judged(text))
        lines.append((seconds, seconds / _best(lambda text=text: json.loads(text)), len(text), name))
    for seconds, ratio, size, name in sorted(lines):
        print(f"{seconds * 1000:8.2f} ms  {ratio:7.0f} x json.loads  {size:6} bytes  {name}")


if __name__ == "__main__":
    main()
