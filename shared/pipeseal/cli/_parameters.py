"""The option `--parameter NAME=VALUE`: parameters of template.yaml that change how controls evaluate a resource."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pipeseal.cli._account import BadInput
from pipeseal.settings import Settings, SettingsError


def settings_of(parameters: Sequence[str], known: Collection[str]) -> Settings:
    """Return the settings of a stack with *parameters*; raise BadInput where one is not *known* or is invalid."""
    environment = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or name not in known:
            raise BadInput(f"--parameter {parameter}: must be NAME=VALUE, where NAME is one of {', '.join(known)}")
        environment[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()] = value
    try:
        return Settings.from_environment(environment)
    except SettingsError as error:
        raise BadInput(f"--parameter: {error}") from error
