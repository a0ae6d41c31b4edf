"""The operator whose commands the tests run."""

from __future__ import annotations

from pipeseal.model import Actor

OPERATOR = Actor("ada", "operator")
