"""`--parameter NAME=VALUE`: the template's parameters that say how a stack would judge."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pipeseal.cli._account import BadInput
from pipeseal.cli._plain import plain
from pipeseal.settings import Settings, SettingsError


def settings_of(parameters: Sequence[str], known: Collection[str]) -> Settings:
    """Return the settings of a stack with *parameters*; raise BadInput on one that is not *known* or has no sense."""
    environment = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or name not in known:
            raise BadInput(f"--parameter {plain(parameter)}: must be NAME=VALUE, with a name of {', '.join(known)}")
        environment[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()] = value
    try:
        return Settings.from_environment(environment)
    except SettingsError as error:
        raise BadInput(f"--parameter: {error}") from error
