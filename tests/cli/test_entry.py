"""How the program begins and ends: near misses, interrupts, pipes that close, terminals without Unicode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from pipeseal.cli import main

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": f"s3:Get{what}", "Resource": "arn:aws:s3:::harbor/*"}
        for what in ("Object", "ObjectVersion")
    ],
}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("demoo",), "demo"),
        (("explian", "bucket"), "explain"),
        (("explain", "buckt"), "bucket"),
        (("--hlep",), "--help"),
    ],
)
def test_a_near_miss_is_named(words: tuple[str, ...], meant: str) -> None:
    """Of commands, of their commands, and of options."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"'{meant}'?" in result.stderr


def test_an_interrupt_is_no_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with the status that shells know, and without a traceback."""

    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeseal.cli._explain_control.every_control", interrupted)
    result = CliRunner().invoke(main, ["explain", "control"])
    assert (result.exit_code, result.output.strip()) == (130, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_goes_away_is_no_violation(form: str) -> None:
    """As by `pipeseal ... | head -1`: nothing on stderr, and the status that shells know."""
    reading, writing = os.pipe()
    os.close(reading)
    words = ["explain", "control", "--format", form]
    try:
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-c", "from pipeseal.cli import main; main()", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_terminal_without_unicode_gets_what_it_can_show() -> None:
    """A sign that it lacks becomes a question mark, not a traceback."""
    runner = CliRunner(charset="ascii")
    result = runner.invoke(main, ["explain", "bucket", "-", "--bucket", "harbor"], input=json.dumps(POLICY).encode())
    assert result.exit_code == 1
    assert "\n  ?\n" in result.stdout


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command by the words that it is called by."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_every_command_says_what_it_does() -> None:
    """In one line of the list that is not cut off, and each option in its help."""
    for words, command in commands(main):
        assert not command.get_short_help_str(65).endswith("..."), words
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help or isinstance(parameter.type, click.Choice), f"{words} {parameter.opts[0]}"
