"""The entry point: similar names, interrupts, closed pipes, terminals without Unicode; and names in ARNs."""

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
from pipeseal.cli._entry import matches, name_of

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": f"s3:Get{what}", "Resource": "arn:aws:s3:::harbor/*"}
        for what in ("Object", "ObjectVersion")
    ],
}


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (("demoo",), "demo"),
        (("explian", "bucket"), "explain"),
        (("explain", "buckt"), "bucket"),
        (("--hlep",), "--help"),
    ],
)
def test_similar_names_are_suggested(words: tuple[str, ...], suggestion: str) -> None:
    """An error about an unknown command, subcommand or option suggests the most similar one."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"'{suggestion}'?" in result.stderr


def test_an_interrupt_exits_with_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with the status that shells expect, without a traceback."""

    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeseal.cli._explain_control.every_control", interrupted)
    result = CliRunner().invoke(main, ["explain", "control"])
    assert (result.exit_code, result.output.strip()) == (130, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_closed_pipe_exits_with_status_141(form: str) -> None:
    """When the reader stops, as in `pipeseal ... | head -1`, nothing is printed on stderr."""
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


def test_characters_that_a_terminal_lacks_are_replaced() -> None:
    """Without Unicode a character becomes a question mark instead of an error."""
    runner = CliRunner(charset="ascii")
    result = runner.invoke(main, ["explain", "bucket", "-", "--bucket", "harbor"], input=json.dumps(POLICY).encode())
    assert result.exit_code == 1
    assert "\n  ?\n" in result.stdout


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_every_command_and_option_has_a_help_text() -> None:
    """The list of commands shows a whole sentence for each, and each option has a help text or choices."""
    for words, command in commands(main):
        assert not command.get_short_help_str(65).endswith("..."), words
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help or isinstance(parameter.type, click.Choice), f"{words} {parameter.opts[0]}"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:s3:::harbor", "harbor"),
        ("arn:aws:kms:us-east-1:123456789012:key/1c3a", "1c3a"),
        ("arn:aws:codepipeline:us-east-1:123456789012:release", "release"),
        ("arn:aws:codedeploy:us-east-1:123456789012:application:team/web:v2", "team/web:v2"),
        ("arn:aws:codebuild:us-east-1:123456789012:project/team/compile", "team/compile"),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:other",
            "arn:aws:lambda:us-east-1:123456789012:function:other",
        ),
    ],
)
def test_a_name_keeps_its_slashes(arn: str, name: str) -> None:
    """The name is everything after the prefix of the kind; a pattern matches the whole name or the whole ARN."""
    assert name_of(arn) == name
    assert matches(name, arn)
    assert matches(arn, arn)
    assert matches(f"{name[:-1]}*", arn)
    assert not matches(name[1:], arn)


def test_modules_beginning_with_an_underscore_are_not_commands() -> None:
    """Only public modules of the package are listed, and an underscore does not load a private one."""
    assert not [name for name in main.list_commands(click.Context(main)) if name.startswith(("_", "-"))]
    assert CliRunner().invoke(main, ["_account"]).exit_code == 2
