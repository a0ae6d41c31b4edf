"""Snippets: the CloudFormation and Terraform code that makes a resource compliant."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import (
    ARTIFACT_KEY,
    PIPELINE,
    REGION,
    RESOURCES,
    SETTINGS,
    advanced,
    basic,
    bucket,
    document,
    key,
    pipeline,
    project,
    trail,
)
from tests.snippets.hcl import read

from pipeseal.kinds.snippets import snippets_for
from pipeseal.model import Kind
from pipeseal.policy.lost_update import LostUpdate
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings
from pipeseal.snippets import cloudformation, terraform
from pipeseal.snippets.terraform import Json

# Strings that YAML or HCL would read as something else if they were not quoted.
SPECIAL = (
    *(
        "${aws:username}",
        "$${x}",
        "$$${",
        "%{if}",
        "%%{",
        "%%%{",
        '"',
        "\\",
        "\\n",
        "#no",
        "a #b",
        "/*no",
        "a: b",
        "a:",
    ),
    *("yes", "No", "~", "null", "1e3", "0x1", "1:20", ".5", "2026-11-21", "=", "<<", "?", "- a", "|", "", " ", " a "),
    *("\n", "\x85", "\u2028", "\ufeff", "\x7f", "\x00", "\x1b[2J", "\U0001f512", "x" * 2000),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(SPECIAL)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
WITH_KEY = Settings(artifact_keys={REGION: ARTIFACT_KEY})


def snippets_of(resource: Any, settings: Settings = WITH_KEY) -> dict[str, str]:
    """Return the snippets that make *resource* compliant with its controls, by language."""
    plan = make_plan(resource, settings)
    snippets = snippets_for(resource, plan.proposed, [finding.control.id for finding in plan.findings])
    return {"cloudformation": snippets["cloudformation"], "terraform": snippets["terraform"]}


def _document(bucket_after: Any) -> dict[str, Any]:
    document: dict[str, Any] = bucket_after.policy.document
    return document


def both(resource: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the properties and the body of the only resource in each snippet of *resource*."""
    found = snippets_of(resource)
    (template,) = yaml.safe_load(found["cloudformation"])["Resources"].values()
    ((_, _, body),) = read(found["terraform"])["resource"]
    return template["Properties"], body


@given(OBJECTS)
def test_yaml_round_trips(value: dict[str, Any]) -> None:
    """Strings with quotes, line breaks, control characters or the form of another YAML type are read back unchanged."""
    text = "\n".join(cloudformation.lines(value))
    assert repr(yaml.safe_load(text)) == repr(value)
    assert all(line.isascii() and line.isprintable() for line in text.split("\n"))


@given(OBJECTS)
def test_hcl_round_trips(value: dict[str, Any]) -> None:
    """The same holds for HCL, where a string with template markers stays a string."""
    text = "\n".join(terraform.lines({"policy": Json(value)})) + "\n"
    assert repr(read(text)["policy"]) == repr(value)
    assert all(line.isascii() and line.isprintable() for line in text.split("\n"))


@given(TEXTS, TEXTS, TEXTS)
def test_lost_statements_are_restored_exactly(sid: str, tag: str, value: str) -> None:
    """Both snippets contain a lost statement unchanged, and no statement that the policy already has."""
    condition = {"StringLike": {f"aws:PrincipalTag/{tag}": value}}
    theirs: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    theirs |= {"Resource": "arn:aws:s3:::harbor/*", "Condition": condition}
    there = {**theirs, "Sid": "There", "Effect": "Deny"}
    lost = bucket(there, lost_update=LostUpdate(missing=(theirs,)))
    plan = make_plan(lost, WITH_KEY)
    properties, body = both(lost)
    missing = [each for each in _document(plan.proposed)["Statement"] if each != there]
    assert theirs in missing
    assert properties["PolicyDocument"]["Statement"] == missing
    assert body["policy"] == properties["PolicyDocument"]


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_every_proposed_change_has_a_snippet(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """Each change that controls propose has code or a comment in both languages; without a change both are empty."""
    resource = data.draw(RESOURCES[kind])
    proposed = make_plan(resource, settings).proposed
    ends_quarantine = kind is Kind.PIPELINE and (proposed.transition is None or proposed.transition.enabled)
    found = snippets_of(resource, settings)
    if proposed == resource:
        assert not any(found.values())
    elif not ends_quarantine:
        assert all(found.values())
    template, configuration = yaml.safe_load(found["cloudformation"]) or {}, read(found["terraform"])
    blocks = [name.rpartition("_")[2] for name, _, _ in configuration.get("resource", ())]
    assert len(blocks) == len(template.get("Resources", {}))
    for text in found.values():
        assert len(text) <= 8_000
        assert text.isascii()


def test_a_bucket_gets_missing_statements_and_default_encryption() -> None:
    """Existing statements are not repeated, and the other settings of the encryption rule are kept."""
    blocked = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    sealed = _document(make_plan(bucket(), WITH_KEY).proposed)["Statement"]
    found = snippets_of(bucket(*sealed, requires_kms=True, encryption={"Rules": [blocked]}))
    resources = yaml.safe_load(found["cloudformation"])["Resources"]
    (statement,) = resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Sid"] == "DenyUnEncryptedObjectUploads"
    assert resources["Bucket"]["Properties"]["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [
            blocked
            | {
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": ARTIFACT_KEY},
                "BucketKeyEnabled": True,
            }
        ]
    }
    (_, _, policy), (_, _, encryption) = read(found["terraform"])["resource"]
    assert policy["policy"]["Statement"] == [statement]
    assert encryption["rule"] == [
        (
            {
                "blocked_encryption_types": ["SSE-C"],
                "apply_server_side_encryption_by_default": [
                    ({"sse_algorithm": "aws:kms", "kms_master_key_id": ARTIFACT_KEY},)
                ],
                "bucket_key_enabled": True,
            },
        )
    ]


def test_statements_to_remove_are_listed() -> None:
    """A statement that a lost update resurrected is named in a comment, and a line break in its Sid cannot end it."""
    theirs = {
        "Sid": "Old\nEvil: 1",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::harbor",
    }
    found = snippets_of(bucket(theirs, lost_update=LostUpdate(resurrected=(theirs,))))
    for text in found.values():
        assert "Remove these statements: Old?Evil: 1." in text.replace("\n  #", "").replace("\n#", "")
        assert not re.search(r"^ *Evil", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("resource", "properties", "body"),
    [
        (
            key("RSA_2048"),
            {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"},
            {"customer_master_key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"},
        ),
        (key(dependents={PIPELINE: ""}, rotates=False), {"EnableKeyRotation": True}, {"enable_key_rotation": True}),
        (
            pipeline(
                document((REGION, "harbor", "bad")),
                keys={(REGION, "bad"): key("RSA_2048"), (REGION, ARTIFACT_KEY): key()},
            ),
            {
                "ArtifactStore": {
                    "Type": "S3",
                    "Location": "harbor",
                    "EncryptionKey": {"Id": ARTIFACT_KEY, "Type": "KMS"},
                }
            },
            {
                "artifact_store": [
                    ({"type": "S3", "location": "harbor", "encryption_key": [({"id": ARTIFACT_KEY, "type": "KMS"},)]},)
                ]
            },
        ),
        (
            pipeline(
                document((REGION, "harbor", "bad"), ("eu-west-1", "quay", "good")),
                keys={(REGION, "bad"): key("RSA_2048"), (REGION, ARTIFACT_KEY): key(), ("eu-west-1", "good"): key()},
            ),
            {
                "ArtifactStores": [
                    {
                        "Region": REGION,
                        "ArtifactStore": {
                            "Type": "S3",
                            "Location": "harbor",
                            "EncryptionKey": {"Id": ARTIFACT_KEY, "Type": "KMS"},
                        },
                    }
                ]
            },
            {
                "artifact_store": [
                    (
                        {
                            "region": REGION,
                            "type": "S3",
                            "location": "harbor",
                            "encryption_key": [({"id": ARTIFACT_KEY, "type": "KMS"},)],
                        },
                    )
                ]
            },
        ),
        (
            project(
                artifacts={"type": "S3", "location": "harbor", "encryptionDisabled": True, "packaging": "ZIP"},
                secondaryArtifacts=[
                    {"type": "S3", "artifactIdentifier": "one", "location": "quay", "encryptionDisabled": True},
                    {"type": "S3", "artifactIdentifier": "two", "location": "quay"},
                ],
                logsConfig={"s3Logs": {"status": "ENABLED", "location": "harbor/logs", "encryptionDisabled": True}},
            ),
            {
                "Artifacts": {"Type": "S3", "Location": "harbor", "EncryptionDisabled": False},
                "SecondaryArtifacts": [
                    {"ArtifactIdentifier": "one", "Type": "S3", "Location": "quay", "EncryptionDisabled": False}
                ],
                "LogsConfig": {"S3Logs": {"Status": "ENABLED", "Location": "harbor/logs", "EncryptionDisabled": False}},
            },
            {
                "artifacts": [({"type": "S3", "location": "harbor", "encryption_disabled": False},)],
                "secondary_artifacts": [
                    ({"artifact_identifier": "one", "type": "S3", "location": "quay", "encryption_disabled": False},)
                ],
                "logs_config": [
                    ({"s3_logs": [({"status": "ENABLED", "location": "harbor/logs", "encryption_disabled": False},)]},)
                ],
            },
        ),
        (trail(logging=False), {"TrailName": "harbor", "IsLogging": True}, {"name": "harbor", "enable_logging": True}),
        (
            trail(
                basic({"IncludeManagementEvents": False}),
                baseline={
                    "selectors": basic(
                        {
                            "ReadWriteType": "All",
                            "IncludeManagementEvents": True,
                            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                            "ExcludeManagementEventSources": [],
                        }
                    )
                },
            ),
            {
                "TrailName": "harbor",
                "EventSelectors": [
                    {
                        "ReadWriteType": "All",
                        "IncludeManagementEvents": True,
                        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                    }
                ],
            },
            {
                "name": "harbor",
                "event_selector": [
                    (
                        {
                            "read_write_type": "All",
                            "include_management_events": True,
                            "data_resource": [({"type": "AWS::S3::Object", "values": ["arn:aws:s3"]},)],
                        },
                    )
                ],
            },
        ),
        (
            trail(
                basic({"IncludeManagementEvents": False}),
                baseline={"selectors": advanced({"eventCategory": {"Equals": ["Management"]}})},
            ),
            {
                "TrailName": "harbor",
                "AdvancedEventSelectors": [
                    {"Name": "made", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
                ],
            },
            {
                "name": "harbor",
                "advanced_event_selector": [
                    ({"name": "made", "field_selector": [({"field": "eventCategory", "equals": ["Management"]},)]},)
                ],
            },
        ),
    ],
)
def test_each_kind_has_its_properties(resource: Any, properties: dict[str, Any], body: dict[str, Any]) -> None:
    """The code has only what must change, with the names of its language."""
    assert both(resource) == (properties, body)


@pytest.mark.parametrize(
    ("structure", "keys", "advice"),
    [
        (document(DB_PASSWORD="made-up-but-literal"), {}, "move each plaintext secret"),
        (document((REGION, "harbor", "bad")), {(REGION, "bad"): key("RSA_2048")}, "the key spec SYMMETRIC_DEFAULT"),
    ],
)
def test_a_quarantine_has_advice_instead_of_code(structure: dict[str, Any], keys: Any, advice: str) -> None:
    """Code cannot end a quarantine: the comment says what to change, and contains no secret."""
    found = snippets_of(pipeline(structure, keys=keys), Settings(quarantine_secrets=True))
    for text in found.values():
        comment = " ".join(line.strip(" #") for line in text.splitlines())
        assert "pipeseal disabled the transition into stage Build" in comment
        assert advice in comment
        assert "made-up-but-literal" not in text
    assert yaml.safe_load(found["cloudformation"]) is None
    assert read(found["terraform"]) == {}


def test_code_that_is_too_long_is_replaced_by_a_summary() -> None:
    """Code of more than 8,000 characters would exceed the size of an SNS message; a summary replaces it."""
    theirs = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::harbor/" + "x" * 9000],
    }
    lost = [{**theirs, "Sid": f"Lost{number}"} for number in range(2)]
    for text in snippets_of(bucket(lost_update=LostUpdate(missing=tuple(lost)))).values():
        assert len(text) < 8_000
        assert "too many for an alert" in " ".join(line.strip(" #") for line in text.splitlines())
        assert "Lost1" in text
