"""`make new-control`: the generated files pass every check as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.scaffold.new_control import ROOT, files, main, validated

from pipeseal.model import Kind

CASES = [
    ("S3.EXAMPLE", Kind.BUCKET),
    ("KMS.EXAMPLE", Kind.KEY),
    ("CODEPIPELINE.EXAMPLE", Kind.PIPELINE),
    ("CODEDEPLOY.EXAMPLE", Kind.APPLICATION),
    ("CODEBUILD.EXAMPLE", Kind.PROJECT),
    ("CLOUDTRAIL.EXAMPLE", Kind.TRAIL),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the code and of the tests that a control needs."""
    for folder in ("shared", "functions", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file in ("pyproject.toml", "template.yaml"):
        shutil.copy(ROOT / file, tmp_path / file)
    if (cache := ROOT / ".mypy_cache").is_dir():  # saves half a minute
        shutil.copytree(cache, tmp_path / cache.name)
    return tmp_path


def run(copy: Path, *command: str | Path) -> None:
    """Run a module of this Python in *copy*; its output is the message of a failure."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(copy / name) for name in (".", "shared", "functions")),
    }
    done = subprocess.run(  # noqa: S603 - the arguments are those of this file
        [sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generated_files_pass(copy: Path) -> None:
    """Lint, format, types and the laws accept a new control of each kind, and its own test passes."""
    for control_id, kind in CASES:
        assert main([control_id, kind, "--root", str(copy)]) == 0
    written = [path for control_id, kind in CASES for path in files(control_id, kind)]
    run(copy, "ruff", "check", "--no-cache", *written)
    run(copy, "ruff", "format", "--no-cache", "--check", *written)
    run(copy, "mypy", *written)
    tests = [path for path in written if path.parts[0] == "tests"]
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/controls/test_laws.py", "-k", "EXAMPLE")
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests)


@pytest.mark.parametrize(("control_id", "kind"), CASES)
def test_the_id_says_the_kind(control_id: str, kind: Kind) -> None:
    """Without KIND the prefix of the ID decides."""
    assert validated(control_id, "") is kind


@pytest.mark.parametrize(
    ("control_id", "kind", "message"),
    [
        ("S3.TLS", "bucket", "ID is 'S3.TLS'; this control exists already"),
        ("s3.example", "bucket", "must be SERVICE.RULE in upper case"),
        ("S3-EXAMPLE", "bucket", "must be SERVICE.RULE in upper case"),
        ("S3.../EXAMPLE", "bucket", "must be SERVICE.RULE in upper case"),
        ("KMS.EXAMPLE", "bucket", "the ID of a control for a bucket must begin with S3."),
        ("S3.EXAMPLE", "buckets", "KIND is 'buckets'; it must be one of: bucket, key, "),
        ("", "bucket", "must be SERVICE.RULE in upper case"),
        ("EC2.EXAMPLE", "", "it must begin with one of: CLOUDTRAIL., CODEBUILD."),
    ],
)
def test_bad_arguments_are_refused(
    control_id: str, kind: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error states what is wrong and what is valid; nothing is written, and the exit status is 2."""
    assert main([control_id, kind, "--root", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of the same name is kept, and the exit status is 2."""
    existing = tmp_path / next(iter(files("S3.EXAMPLE", validated("S3.EXAMPLE", "bucket"))))
    existing.parent.mkdir(parents=True)
    existing.write_text("existing")
    assert main(["S3.EXAMPLE", "bucket", "--root", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert existing.read_text() == "existing"
