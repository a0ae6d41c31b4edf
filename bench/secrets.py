"""Measure the detection of secrets: a pipeline, a pipeline of 1 MB, and texts that are made to be slow.

PYTHONPATH=. .venv/bin/python bench/secrets.py
"""

from __future__ import annotations

import json
import random
import string
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from pipeseal.secrets import in_pipeline, in_text

MAX_PIPELINE = 0.005  # seconds, 95th percentile
MAX_MEGABYTE = 1.0
MEGABYTE = 1_000_000  # characters
ADVERSARIAL = 100_000  # characters
MAX_ADVERSARIAL = 2.0
# Each of these begins what a pattern looks for, so a text that repeats it has many partial matches.
PARTIAL_MATCHES = (
    *"a-=:\"'\\<@{[ \n\t",
    *("$(", "#{", "://", "://a:", "a:b@", "eyJ", "eyJabc.", "ghp_", "xoxb-", "glpat-", "SG.", "AKIA", "dapi", "sig="),
    *("password", "password=", "password: ", "--password ", "a=a", "a-a-", "a.", '"a":', "name: value: ", "name: a\n"),
    *("mysql ", "curl -u ", "docker login ", "echo | ", "Authorization: ", "bearer ", "machine ", "htpasswd -b "),
    *("create secret ", "put-parameter ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "<a>", "${_}", "a${b", "x/"),
    *("LS0tLS1CRUdJTi", "eyJhbGciOiJ", "set password ", "create user ", "vault kv put a b=c ", "sqlplus a/", "-H 'a: "),
    *(
        "phases:\n",
        "phases:\n  a: &a\n",
        "- - - ",
        "env: {a: [",
        "pat",
        "key",
        "sk-",
        "sk_",
        "api-",
        ".ey",
        "100",
        "-us",
    ),
)


def pipeline(actions: int) -> dict[str, Any]:
    """Return a pipeline with as many actions, each with variables, commands and parameters, as large ones have."""
    source = random.Random(actions)  # noqa: S311 - no secret
    return {
        "name": "shop",
        "roleArn": "arn:aws:iam::111122223333:role/pipeline",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": f"Stage{number // 5}", "actions": [_action(source, n) for n in range(number, number + 5)]}
            for number in range(0, actions, 5)
        ],
        "variables": [{"name": "Environment", "defaultValue": "prod", "description": "where to deploy"}],
    }


def _action(source: random.Random, number: int) -> dict[str, Any]:
    commit = "".join(source.choice(string.hexdigits.lower()) for _ in range(40))
    variables = [
        {"name": "DB_PASSWORD", "value": "/prod/db/password", "type": "PARAMETER_STORE"},
        {"name": "IMAGE", "value": f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop:{commit}", "type": "PLAINTEXT"},
        {"name": "NODE_OPTIONS", "value": "--max-old-space-size=4096", "type": "PLAINTEXT"},
    ]
    return {
        "name": f"Build{number}",
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "runOrder": number % 5 + 1,
        "configuration": {
            "ProjectName": f"shop-{number}",
            "EnvironmentVariables": json.dumps(variables),
            "PrimarySource": "Source",
        },
        "commands": [
            "npm ci && npm test",
            'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
            f"docker build --build-arg TOKEN=$TOKEN -t shop:{commit} .",
        ],
        "inputArtifacts": [{"name": "SourceOutput"}],
        "outputArtifacts": [{"name": f"BuildOutput{number}"}],
        "region": "eu-west-1",
    }


def megabytes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield pipelines of a megabyte of different composition."""
    yield "many actions", pipeline(MEGABYTE // 1150)
    line = 'curl -sSf -H "Authorization: Bearer $TOKEN" https://api.example.com/v1/deploy?ref=main && make test\n'
    yield "one long command", {"stages": [{"name": "S", "actions": [{"commands": [line * (MEGABYTE // len(line))]}]}]}
    parameters = json.dumps({f"Parameter{number}": f"value-{number}" for number in range(MEGABYTE // 34)})
    yield "one long JSON", {"stages": [{"name": "S", "actions": [{"configuration": {"UserParameters": parameters}}]}]}


def seconds(function: Callable[[], object]) -> float:
    """Return the CPU time of *function*."""
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> int:
    """Print the figures; return 1 if one is over its limit."""
    is_over = False
    typical = pipeline(10)
    first = seconds(lambda: in_pipeline(typical))
    times = sorted(seconds(lambda: in_pipeline(typical)) for _ in range(200))
    size = len(json.dumps(typical))
    is_over |= times[189] > MAX_PIPELINE
    print(
        f"a pipeline of {size / 1000:.0f} kB: first {first * 1000:.1f} ms, p50 {times[100] * 1000:.2f} ms,"
        f" p95 {times[189] * 1000:.2f} ms"
    )
    for name, document in megabytes():
        taken = seconds(lambda document=document: in_pipeline(document))  # type: ignore[misc]
        is_over |= taken > MAX_MEGABYTE
        print(f"a pipeline of {len(json.dumps(document)) / MEGABYTE:.2f} MB, {name}: {taken:.2f} s")
    worst = max(
        (seconds(lambda text=text: in_text(text * (ADVERSARIAL // len(text)), "", "")), text)  # type: ignore[misc]
        for text in PARTIAL_MATCHES
    )
    is_over |= worst[0] > MAX_ADVERSARIAL
    print(f"the slowest text of {ADVERSARIAL // 1000} kB repeats {worst[1]!r}: {worst[0]:.2f} s")
    code = "import sys; import pipeseal.secrets; print(sorted({'yaml', 'kingfisher_sdk'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    print(f"heavy modules after the import: {loaded.stdout.strip()}")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
