"""The template as the embedded account and `pipeseal invoke` read it: parameters, variables, partitions, errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.fake_account import ACCOUNT, REGION

from pipeseal.sandbox.account import EmbeddedAccount
from pipeseal.sandbox.template import Template, TemplateError, find_template


def test_functions_get_the_variables_of_the_template(embedded: EmbeddedAccount) -> None:
    """Variables come from Globals and from parameters; the embedded account sets the key of its own."""
    functions = Template(find_template(), ACCOUNT, REGION, {"Mode": "detect"}).functions()
    by_name = {function.name: function for function in functions}
    assert {"PipelineFunction", "BucketFunction", "KeyFunction"} <= set(by_name)
    assert by_name["KeyFunction"].environment["MODE"] == "detect"
    assert os.environ["LEDGER_TABLE"] == by_name["KeyFunction"].environment["LEDGER_TABLE"] == "pipeseal-ledger"
    assert os.environ["ARTIFACT_KEY_ARN"] == embedded.artifact_key


@pytest.mark.parametrize("text", ["Resources: [", "Resources: {}"])
def test_an_invalid_template_raises_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    """Invalid YAML and a template without parameters raise TemplateError."""
    template = tmp_path / "template.yaml"
    template.write_text(text)
    with pytest.raises(TemplateError, match=r"template\.yaml is not a SAM template"):
        Template(template, ACCOUNT, REGION, {})


def test_an_unknown_parameter_is_rejected_with_the_known_ones() -> None:
    """A parameter that the template does not declare would have no effect."""
    with pytest.raises(TemplateError, match="no parameter Moed; it has: "):
        Template(find_template(), ACCOUNT, REGION, {"Moed": "detect"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Mood": "detect"}, "no parameter Mood"),
        ({"Mode": "observe"}, "must be one of: enforce, detect"),
        ({"DeletionWindowDays": "31"}, "must be a number from 7 to 30"),
        ({"ArtifactKeyArn": "alias/mine"}, "must be key ARNs"),
        ({"MinimumTlsVersion": "1.1"}, "must be one of: (empty), 1.2, 1.3"),
    ],
)
def test_a_parameter_must_satisfy_the_constraints_of_the_template(parameters: dict[str, str], message: str) -> None:
    """A value that CloudFormation would reject raises TemplateError with the constraint."""
    with pytest.raises(TemplateError) as error:
        Template(find_template(), ACCOUNT, REGION, parameters)
    assert message in str(error.value)


def test_further_parameters_keep_the_earlier_ones() -> None:
    """with_parameters adds to the parameters, keeps stack name and scope, and validates what is added."""
    template = Template(find_template(), ACCOUNT, "eu-west-1", {"Mode": "detect"}, "other").with_parameters(
        {"EncryptionScope": "all"}
    )
    (first, *_) = template.functions()
    assert (first.environment["MODE"], first.environment["ENCRYPTION_SCOPE"]) == ("detect", "all")
    assert first.environment["ALERT_TOPIC_ARN"].startswith(f"arn:aws:sns:eu-west-1:{ACCOUNT}:other")
    with pytest.raises(TemplateError, match="no parameter Mood"):
        template.with_parameters({"Mood": "detect"})


def test_the_partition_is_that_of_the_region() -> None:
    """ARNs in a China Region have the partition aws-cn."""
    (first, *_) = Template(find_template(), ACCOUNT, "cn-north-1", {}).functions()
    assert first.environment["ALERT_TOPIC_ARN"].startswith("arn:aws-cn:sns:cn-north-1:")
