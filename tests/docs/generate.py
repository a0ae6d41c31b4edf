"""A program: refresh the generated blocks of README.md and docs/ (`make docs`)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.docs import controls_page
from tests.docs.blocks import ROOT, CommandFailed, Environment, documents, refresh

from pipeseal.sandbox.account import EmbeddedAccount
from pipeseal.sandbox.identities import ADA, REGION
from pipeseal.sandbox.scenes import SCENES
from pipeseal.sandbox.story import Story


@contextmanager
def embedded_account() -> Iterator[Environment]:
    """Open an account where the demo was played, with a bucket as the sample event left it; no event is delivered."""
    request = json.loads((ROOT / "events/put_bucket_policy.json").read_text("utf-8"))["detail"]["requestParameters"]
    bucket = request["bucketName"]
    with EmbeddedAccount() as account:
        story = Story(account)
        for scene in SCENES:
            story.play(scene)
        with account.router.paused():
            account.client("s3", ADA).create_bucket(Bucket=bucket)
            account.client("s3", ADA).put_bucket_policy(Bucket=bucket, Policy=json.dumps(request["bucketPolicy"]))
            yield {
                "AWS_ENDPOINT_URL": account.url,
                "AWS_ACCESS_KEY_ID": ADA.access_key_id,
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }


def main() -> int:
    """Write every page; return the exit status."""
    controls_page.PAGE.write_text(controls_page.page(), "utf-8")
    try:
        with embedded_account() as account:
            for page in documents():
                before = page.read_text("utf-8")
                after = refresh(before, account)
                page.write_text(after, "utf-8")
                print(f"{page.relative_to(ROOT)}: {'changed' if after != before else 'up to date'}")
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
