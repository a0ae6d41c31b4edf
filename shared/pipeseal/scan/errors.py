"""Errors of a scan, as the report states them."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.errors import describe
from pipeseal.kinds.key.api import NotReady
from pipeseal.policy import PolicyError

_MAX_LENGTH = 500


def describe_error(error: Exception) -> str:
    """Return what AWS answered, or why AWS was not reached.

    Of an unexpected error only the type is given: its text may quote what was read.
    """
    match error:
        case ClientError():
            text = describe(error)
        case BotoCoreError():
            text = f"AWS was not reached: {error}"
        case NotReady() | PolicyError():
            text = str(error)
        case _:
            text = f"pipeseal failed with {type(error).__name__}; please report this as a bug"
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."
