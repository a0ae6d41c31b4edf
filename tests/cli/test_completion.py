"""Shell completion: the scripts are printed, and what a shell then asks is answered."""

from __future__ import annotations

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from pipeseal.cli import main


@pytest.mark.parametrize(("shell", "how"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --")])
def test_each_shell_gets_its_script(shell: str, how: str) -> None:
    """It registers the program by its name, and asks by the variable that the program answers to."""
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert how in result.stdout
    assert f"_PIPESEAL_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_named() -> None:
    """With those that there are."""
    result = CliRunner().invoke(main, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [
        ([], "exp", ["explain"]),
        (["explain"], "", ["bucket", "control", "pipeline"]),
        (["explain", "control"], "s3.tls", ["S3.TLS", "S3.TLS_VERSION"]),
        (["exempt", "add", "--control"], "KMS.R", ["KMS.ROTATION"]),
        (["invoke", "x.json"], "--para", ["--parameter"]),
        (["explain", "control", "--format"], "", ["text", "json"]),
    ],
)
def test_words_are_completed(words: list[str], begun: str, offered: list[str]) -> None:
    """Commands, options, choices and ids of controls, these in any case."""
    found = BashComplete(main, {}, "pipeseal", "_PIPESEAL_COMPLETE").get_completions(words, begun)
    assert [item.value for item in found] == offered
