"""How much is to be tried: what there is time for at every change, or all of it."""

from hypothesis import settings


def whole() -> bool:
    """Say whether all there is to try is to be tried: `make soak`."""
    return settings.get_current_profile_name() == "soak"
