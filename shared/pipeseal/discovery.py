"""Find modules by their file names: the parts of a kind, the controls, the commands.

This is the only dynamic import in the layer; beside it, sandbox/lambda_runtime.py loads a handler as Lambda does. A
package loads its own modules only (it passes its own name), so no import escapes the contract between the layers. It
keeps a cold start short: an event loads the modules of its own kind alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def module_names(path: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the public modules in the package with that *path*, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(path) if not module.name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """Import the module *name* of *package*, dotted for one in a subpackage; raises ModuleNotFoundError."""
    return import_module(f"{package}.{name}")
