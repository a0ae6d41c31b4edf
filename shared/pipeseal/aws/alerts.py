"""The alert topic: one SNS message, JSON for machines and a letter for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def publish(client: Any, topic: str, alert: Mapping[str, Any], subject: str, letter: str) -> None:
    """Send *alert* to whoever subscribes; its message attributes drive their filter policies."""
    attributes = {name: {"DataType": "String", "StringValue": alert[name]} for name in _FILTERED}
    attributes["control"] = {"DataType": "String.Array", "StringValue": json.dumps(alert["controls"])}
    client.publish(
        TopicArn=topic,
        Subject=subject,
        MessageStructure="json",
        Message=json.dumps({"default": json.dumps(alert), "email": letter}),
        MessageAttributes=attributes,
    )


_FILTERED = ("severity", "action", "account", "region")
