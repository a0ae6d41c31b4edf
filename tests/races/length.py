"""Whether a test runs at full length, or only as long as every change can wait for."""

from hypothesis import settings


def full_length() -> bool:
    """Return whether to try everything, as `make soak` does."""
    return settings.get_current_profile_name() == "soak"
