"""A program for .venv-events: LocalStack's event pattern engine, asked over standard input and output.

It reads {"patterns": {function: [pattern]}, "events": [event]} and writes, for each event, the functions that hear it.
"""

from __future__ import annotations

import json
import sys

from localstack.utils.event_matcher import matches_event

asked = json.load(sys.stdin)
answers = [
    sorted(
        name
        for name, patterns in asked["patterns"].items()
        if any(matches_event(json.dumps(pattern), json.dumps(event)) for pattern in patterns)
    )
    for event in asked["events"]
]
json.dump(answers, sys.stdout)
