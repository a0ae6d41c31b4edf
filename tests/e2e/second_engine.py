"""A program for .venv-events: LocalStack's event pattern engine, through standard input and output.

It reads {"patterns": {function: [pattern]}, "events": [event]} and writes the functions that match, for each event.
"""

from __future__ import annotations

import json
import sys

from localstack.utils.event_matcher import matches_event

request = json.load(sys.stdin)
answers = [
    sorted(
        name
        for name, patterns in request["patterns"].items()
        if any(matches_event(json.dumps(pattern), json.dumps(event)) for pattern in patterns)
    )
    for event in request["events"]
]
json.dump(answers, sys.stdout)
