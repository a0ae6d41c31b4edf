"""CloudTrail records for the tests of backtest."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.resources import ACCOUNT, REGION

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_SERVICES = {
    "Bucket": "s3",
    "Key": "kms",
    "Pipeline": "codepipeline",
    "Project": "codebuild",
    "Application": "codedeploy",
    "Deployment": "codedeploy",
    "Trail": "cloudtrail",
    "Logging": "cloudtrail",
    "EventSelectors": "cloudtrail",
}
_numbers = count()

Record = dict[str, Any]


def record(name: str, request: Mapping[str, Any] | None = None, minute: float = 0, **fields: Any) -> Record:
    """Return a record of the call *name* by tomas, *minute* minutes after START; *fields* override its fields."""
    service = next(service for noun, service in _SERVICES.items() if noun in name)
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "tomas", "accountId": ACCOUNT},
        "eventTime": f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "userAgent": "aws-cli/2.31",
        "requestParameters": request,
        "responseElements": None,
        "eventID": f"00000000-0000-4000-8000-{next(_numbers):012}",
        "recipientAccountId": ACCOUNT,
        **fields,
    }


def packed(records: Iterable[Any], **format_: Any) -> bytes:
    """Return a log file of *records* as CloudTrail writes it; the same records give the same bytes."""
    text = json.dumps({"Records": list(records)}, **{"separators": (",", ":"), **format_})
    return gzip.compress(text.encode(), 1, mtime=0)


def written(folder: Path, *records: Record, name: str = "log.json.gz") -> Path:
    """Write a log file of *records* and return its path."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(packed(records))
    return file
