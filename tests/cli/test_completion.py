"""Shell completion: the printed scripts, and the answers to what a shell asks."""

from __future__ import annotations

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from pipeseal.cli import main


@pytest.mark.parametrize(
    ("shell", "registration"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --")]
)
def test_each_shell_has_a_script(shell: str, registration: str) -> None:
    """The script registers the program by name and asks it through the variable that the program reads."""
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert registration in result.stdout
    assert f"_PIPESEAL_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_rejected() -> None:
    """The error lists the supported shells."""
    result = CliRunner().invoke(main, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


@pytest.mark.parametrize(
    ("words", "incomplete", "completions"),
    [
        ([], "exp", ["explain"]),
        (["explain"], "", ["bucket", "control", "pipeline"]),
        (["explain", "control"], "s3.tls", ["S3.TLS", "S3.TLS_VERSION"]),
        (["exempt", "add", "--control"], "KMS.R", ["KMS.ROTATION"]),
        (["invoke", "x.json"], "--para", ["--parameter"]),
        (["explain", "control", "--format"], "", ["text", "json"]),
    ],
)
def test_words_are_completed(words: list[str], incomplete: str, completions: list[str]) -> None:
    """Commands, options, choices and IDs of controls are completed; IDs in any case."""
    found = BashComplete(main, {}, "pipeseal", "_PIPESEAL_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in found] == completions
