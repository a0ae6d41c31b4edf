"""Laws that hold for every control and every resource of its kinds."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import RESOURCES, SETTINGS
from tests.template import TEMPLATE, role_of, statements

from pipeseal.controls import controls_of, every_control
from pipeseal.kinds.pipeline.value import Pipeline
from pipeseal.model import Control, Kind, Standard
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Mode, Settings

KINDS = [kind for kind in Kind if controls_of(kind)]
every_kind = pytest.mark.parametrize("kind", KINDS)
all_controls = pytest.mark.parametrize("control", every_control(), ids=lambda control: control.id)
# PIPESEAL.ACCESS applies to unreadable resources, which have no state.
stateful_controls = pytest.mark.parametrize(
    "control", [control for control in every_control() if control.kinds], ids=lambda control: control.id
)
WRITABLE = {
    Kind.BUCKET: {"policy", "encryption"},
    Kind.KEY: {"status", "window", "rotates"},
    Kind.PIPELINE: {"document", "transition"},
    Kind.APPLICATION: set(),
    Kind.PROJECT: {"document"},
    Kind.TRAIL: {"logging", "selectors"},
}
"""Fields that remediation may change."""


def resource_of(data: st.DataObject, kind: Kind) -> Any:
    """Draw a resource of *kind*."""
    return data.draw(RESOURCES[kind])


def resource_for(data: st.DataObject, control: Control[Any]) -> Any:
    """Draw a resource of one of the kinds of *control*."""
    return resource_of(data, data.draw(st.sampled_from(control.kinds)))


# ------------------------------------------------------------------------ behavior


@stateful_controls
@given(data=st.data(), settings=SETTINGS)
def test_fix_is_idempotent(control: Control[Any], data: st.DataObject, settings: Settings) -> None:
    """A fixed resource is a fixed point, so the event of pipeseal's own write causes no further write."""
    fixed = control.fix(resource_for(data, control), settings)
    assert control.fix(fixed, settings) == fixed


@stateful_controls
@given(data=st.data(), settings=SETTINGS)
def test_without_a_violation_nothing_is_written(control: Control[Any], data: st.DataObject, settings: Settings) -> None:
    """A resource without a reason stays the same object; reasons are printable sentences."""
    resource = resource_for(data, control)
    reasons = control.reasons(resource, settings)
    assert reasons or control.fix(resource, settings) is resource
    assert all(reason.endswith(".") and reason.isprintable() for reason in reasons)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_controls_commute(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """In any order, the controls of a kind leave the same violations."""
    resource = resource_of(data, kind)
    remaining = []
    for order in (controls_of(kind), data.draw(st.permutations(controls_of(kind)))):
        fixed = resource
        for control in order:
            fixed = control.fix(fixed, settings)
        remaining.append([control.reasons(fixed, settings) for control in controls_of(kind)])
    assert remaining[0] == remaining[1]


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_everything_else_is_kept(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """A plan changes only fields that remediation may change, and of a pipeline structure only the artifact stores."""
    before = resource_of(data, kind)
    after = make_plan(before, settings).after
    kept = [field.name for field in fields(before) if field.name not in WRITABLE[kind]]
    assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]
    if isinstance(before, Pipeline):
        others = {name for name in before.document if name not in ("artifactStore", "artifactStores")}
        assert {name: before.document[name] for name in others} == {name: after.document[name] for name in others}


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_detect_mode_changes_nothing(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """In detect mode the findings and the proposal are those of enforce mode, and nothing is planned."""
    before = resource_of(data, kind)
    detecting = Settings(
        mode=Mode.DETECT, **{f.name: getattr(settings, f.name) for f in fields(settings) if f.name != "mode"}
    )
    enforced, detected = make_plan(before, settings), make_plan(before, detecting)
    assert detected.after is before
    assert detected.proposed == enforced.after
    assert [f.reasons for f in detected.findings] == [f.reasons for f in enforced.findings]


@stateful_controls
@given(data=st.data())
def test_a_disabled_control_reports_nothing(control: Control[Any], data: st.DataObject) -> None:
    """A control with the mode off has no findings."""
    plan = make_plan(resource_for(data, control), Settings(control_modes={control.id: Mode.OFF}))
    assert control.id not in [finding.control.id for finding in plan.findings]


# ------------------------------------------------------------------------ metadata

TEXTS = ("description", "reports", "risk", "remediation", "advice", "false_positives")
# Each word has its first letter in brackets, so that this list does not match itself.
BANNED = re.compile(
    r"\b([n]obody|[s]omebody|[w]hoever|[w]hom|[b]efalls|[i]n clear|[p]ut(s|ting)? right|[h]ad back|[i]n vain|[p]oison|"
    r"[u]ndead|[o]vertaken|[s]trangers?|[s]pared|[e]xcuse[ds]?|[r]ested|[w]age|[a]new|[o]f late|[l]est|[c]ustody|"
    r"[g]lance|[t]old of|[i]s told|[h]ears of|[g][ai]ve up|[m]eanwhile|[o]nce more|[a]ll the same|[l]ooked at)\b",
    re.IGNORECASE,
)
ID_PATTERNS = {
    Standard.SECURITY_HUB: r"[A-Z][A-Za-z0-9]+\.\d+",
    Standard.CONFIG_RULE: r"[a-z0-9]+(-[a-z0-9]+)+",
    Standard.CIS_AWS_3_TO_5: r"\d\.\d{1,2}(\.\d)?",
    Standard.CIS_AWS_6_AND_7: r"\d\.\d{1,2}(\.\d)?",
    Standard.CIS_AWS_7: r"\d\.\d{1,2}(\.\d)?",
    Standard.NIST_800_53: r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
    Standard.NIST_800_171: r"3\.\d{1,2}\.\d{1,2}",
    Standard.PCI_DSS: r"\d{1,2}\.\d{1,2}\.\d{1,2}",
    Standard.ISO_27001: r"A\.[5-8]\.\d{1,2}",
    Standard.OWASP_CICD: r"CICD-SEC-\d{1,2}",
}
# Controls of what no standard covers: a race of pipeseal's own writes, and pipeseal's own access.
WITHOUT_REQUIREMENTS = {"PIPESEAL.ACCESS", "S3.LOST_UPDATE"}
# Field of a resource -> setting that it is derived from when the resource is read.
DERIVED_FIELDS = {"requires_kms": "encryption_scope"}
# The template names every other parameter as the settings do.
PARAMETERS = {"artifact_keys": "ArtifactKeyArn"}


@all_controls
def test_id_file_and_test_agree(control: Control[Any]) -> None:
    """S3.TLS is defined in s3_tls.py and tested in test_s3_tls.py."""
    assert re.fullmatch(r"[A-Z0-9]+\.[A-Z][A-Z0-9_]*", control.id)
    name = control.id.lower().replace(".", "_")
    assert control.reasons.__module__ == f"pipeseal.controls.{name}"
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


@all_controls
def test_metadata_is_complete(control: Control[Any]) -> None:
    """The title is the rule with "should"; texts are sentences without banned words; the source is an AWS document."""
    assert " should " in control.title
    assert not control.title.endswith(".")
    for text in (getattr(control, name) for name in TEXTS):
        assert text.isprintable()
        assert text.endswith(".")
        assert text[0].isupper() or text.startswith("pipeseal ")
        assert "  " not in text
    assert control.description.startswith(("Checks ", "If "))
    assert control.reports.startswith("A finding states ")
    for text in (control.title, *(getattr(control, name) for name in TEXTS)):
        assert not BANNED.search(text), text
    assert control.source.startswith("https://docs.aws.amazon.com/")


@all_controls
def test_requirements_are_ids_of_their_standards(control: Control[Any]) -> None:
    """Each ID has the form of its standard and is listed once, as published or as inferred."""
    mappings = (control.requirements, control.inferred_requirements)
    for standard, ids in (item for mapping in mappings for item in mapping.items()):
        assert ids
        assert [each for each in ids if not re.fullmatch(ID_PATTERNS[standard], each)] == []
    listed = [(standard, each) for mapping in mappings for standard, ids in mapping.items() for each in ids]
    assert len(listed) == len(set(listed))
    assert bool(listed) is (control.id not in WITHOUT_REQUIREMENTS)


@all_controls
def test_parameters_are_those_that_the_code_reads(control: Control[Any]) -> None:
    """A control declares exactly the template parameters of the settings that its module reads."""
    module = sys.modules[control.reasons.__module__]
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    read = {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "settings"}
    read |= {DERIVED_FIELDS[node.attr] for node in attributes if node.attr in DERIVED_FIELDS}
    read &= {field.name for field in fields(Settings)}
    parameters = {PARAMETERS.get(name, name.title().replace("_", "")) for name in read}
    assert list(control.parameters) == sorted(parameters)
    assert parameters <= set(TEMPLATE["Parameters"])


@all_controls
def test_permissions_are_granted(control: Control[Any]) -> None:
    """The role of the sweep, which remediates every kind, allows each declared IAM action."""
    actions = [statement["Action"] for statement in statements(role_of("SweepFunction"))]
    granted = {name for each in actions for name in ([each] if isinstance(each, str) else each)}
    assert set(control.permissions) <= granted
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", permission) for permission in control.permissions)
