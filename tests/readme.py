"""A program: runs the commands that README.md shows and writes down what they print, so that it cannot rot.

`make readme` runs it. A block stands between two comments, and the command in the first decides what is in it:

    <!-- output: pipeseal explain control S3.TLS -->                    asks nothing of AWS; held to by make test
    <!-- output on the embedded account: pipeseal demo | head -n 20 --> is given an account where the demo was played
    <!-- /output -->

Beside the tests, for one of them holds the README to it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_BLOCK = re.compile(
    r"<!-- output(?P<account> on the embedded account)?: (?P<command>.+?) -->\n.*?<!-- /output -->", re.DOTALL
)
_FINE = {0, 1}
_WIDTH = "100"

Environment = Mapping[str, str]


class Unprintable(Exception):
    """A command of the README failed; the text names it and says what it said."""


def fresh(text: str, account: Environment | None) -> str:
    """Return the README's *text* with new output; blocks that need an account are left without *account*.

    *account* is the environment of programs that work on it. Raises Unprintable.
    """

    def block(found: re.Match[str]) -> str:
        if found["account"] and account is None:
            return found[0]
        opening, _, _ = found[0].partition("\n")
        shown = printed(found["command"], account if found["account"] and account else {})
        return f"{opening}\n```text\n$ {found['command']}\n{shown}\n```\n<!-- /output -->"

    return _BLOCK.sub(block, text)


def printed(command: str, environment: Environment) -> str:
    """Return what the shell's *command* prints on stdout, without what differs from run to run. Raises Unprintable."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settled = {"PATH": path, "COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    ended = subprocess.run(  # noqa: S603 - the README's own commands
        ["/bin/bash", "-c", command],
        cwd=ROOT,
        env={**clean, **settled, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode not in _FINE:
        raise Unprintable(f"{command}: exit status {ended.returncode}: {ended.stderr.strip()}")
    return settle("\n".join(line.rstrip() for line in ended.stdout.strip("\n").splitlines()))


def settle(text: str) -> str:
    """Return *text* with ids, times and ports that are always the same; one that comes twice stays one."""
    for pattern, instead in _FLEETING:
        known: dict[str, str] = {}

        def constant(
            found: re.Match[str], known: dict[str, str] = known, instead: Callable[[int], str] = instead
        ) -> str:
            return known.setdefault(found[0], instead(len(known)))

        text = re.sub(pattern, constant, text)
    return text


_FLEETING: tuple[tuple[str, Callable[[int], str]], ...] = (
    (r"(?<=127\.0\.0\.1:)\d+", lambda _: "50005"),  # as long as a free port's, for there are frames
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{10}\b", lambda number: f"20261121T0930{number:02}Z-5f0c9a7b21"),
    (r"\bex-\d{8}-[0-9a-f]{8}\b", lambda number: f"ex-20261121-7b21{number:04x}"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", lambda number: str(UUID(int=(0x1C3A << 112) + number))),
    (r"\b[0-9a-f]{8}(?=\.\.\.)", lambda number: f"1c3a{number:04x}"),
    (r"\b\d{4}-\d\d-\d\d(?=[T ]\d\d:\d\d)", lambda _: "2026-11-21"),
    (r"(?<=[T ])\d\d:\d\d(:\d\d)?(\.\d+)?(?=Z|\+00:00| UTC|  )", lambda _: "09:30"),
    (r"\b\d+\.\d+(?= s(econds)?\b)", lambda _: "0.1"),
)


@contextmanager
def embedded() -> Iterator[Environment]:
    """Open an account where the demo was played and a bucket is as the sample event left it, and nobody listens."""
    from pipeseal.sandbox.account import Account  # noqa: PLC0415 - a second that a test need not wait for
    from pipeseal.sandbox.people import ADA, REGION  # noqa: PLC0415
    from pipeseal.sandbox.story import SCENES, Story  # noqa: PLC0415

    request = json.loads((ROOT / "events/put_bucket_policy.json").read_text("utf-8"))["detail"]["requestParameters"]
    bucket = request["bucketName"]
    with Account() as account:
        story = Story(account)
        for scene in SCENES:
            story.play(scene)
        with account.router.held():
            account.client("s3", ADA).create_bucket(Bucket=bucket)
            account.client("s3", ADA).put_bucket_policy(Bucket=bucket, Policy=json.dumps(request["bucketPolicy"]))
            yield {
                "AWS_ENDPOINT_URL": account.url,
                "AWS_ACCESS_KEY_ID": ADA.key,
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }


def main() -> int:
    """Write the README anew; return the exit status."""
    before = README.read_text("utf-8")
    try:
        with embedded() as account:
            after = fresh(before, account)
    except Unprintable as failure:
        print(failure, file=sys.stderr)
        return 1
    README.write_text(after, "utf-8")
    print(f"{README.name}: {len(_BLOCK.findall(after))} outputs, {'changed' if after != before else 'as they were'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
