"""Snippets: the code that makes a resource right, in CloudFormation and Terraform, for whatever is wrong with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.hcl import read
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

from pipeseal.decide import decide
from pipeseal.model import Kind
from pipeseal.policy.overtaken import Overtaken
from pipeseal.settings import Settings
from pipeseal.snippets import cloudformation, snippets, terraform
from pipeseal.snippets.terraform import Json

# What either language would take for something else than text.
ODD = (
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
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
SETTLED = Settings(artifact_keys={REGION: ARTIFACT_KEY})


def made(resource: Any, settings: Settings = SETTLED) -> dict[str, str]:
    """Return the snippets that make *resource* what its controls want."""
    plan = decide(resource, settings)
    return snippets(resource, plan.wanted, [finding.control.id for finding in plan.findings])


def both(resource: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the properties and the body that stand in the only resource of each snippet of *resource*."""
    found = made(resource)
    (template,) = yaml.safe_load(found["cloudformation"])["Resources"].values()
    ((_, _, body),) = read(found["terraform"])["resource"]
    return template["Properties"], body


@given(OBJECTS)
def test_yaml_gives_back_what_was_written(value: dict[str, Any]) -> None:
    """Quotes, line breaks, control characters, and what YAML would take for another type come back to the letter."""
    text = "\n".join(cloudformation.lines(value))
    assert repr(yaml.safe_load(text)) == repr(value)
    assert all(line.isascii() and line.isprintable() for line in text.split("\n"))


@given(OBJECTS)
def test_hcl_gives_back_what_was_written(value: dict[str, Any]) -> None:
    """The same in HCL, where what looks like a template is none."""
    text = "\n".join(terraform.lines({"policy": Json(value)})) + "\n"
    assert repr(read(text)["policy"]) == repr(value)
    assert all(line.isascii() and line.isprintable() for line in text.split("\n"))


@given(TEXTS, TEXTS, TEXTS)
def test_statements_of_others_come_back_to_the_letter(sid: str, tag: str, value: str) -> None:
    """Whatever somebody lost, both snippets hold it as it was, and nothing of what is there already."""
    condition = {"StringLike": {f"aws:PrincipalTag/{tag}": value}}
    theirs: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    theirs |= {"Resource": "arn:aws:s3:::harbor/*", "Condition": condition}
    there = {**theirs, "Sid": "There", "Effect": "Deny"}
    lost = bucket(there, lost=Overtaken(missing=(theirs,)))
    plan = decide(lost, SETTLED)
    properties, body = both(lost)
    wanted = [each for each in plan.wanted.policy.document["Statement"] if each != there]
    assert theirs in wanted
    assert properties["PolicyDocument"]["Statement"] == wanted
    assert body["policy"] == properties["PolicyDocument"]


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_there_is_a_snippet_for_whatever_would_be_written(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """Every difference that controls make has code in both languages, or words; without one there is neither."""
    resource = data.draw(RESOURCES[kind])
    wanted = decide(resource, settings).wanted
    released = kind is Kind.PIPELINE and (wanted.transition is None or wanted.transition.enabled)
    found = made(resource, settings)
    if wanted == resource:
        assert not any(found.values())
    elif not released:
        assert all(found.values())
    template, configuration = yaml.safe_load(found["cloudformation"]) or {}, read(found["terraform"])
    blocks = [name.rpartition("_")[2] for name, _, _ in configuration.get("resource", ())]
    assert len(blocks) == len(template.get("Resources", {}))
    for text in found.values():
        assert len(text) <= 8_000
        assert text.isascii()


def test_a_bucket_gets_the_statements_that_it_lacks_and_its_default_encryption() -> None:
    """Those that it has are not repeated; what else its encryption says is kept."""
    blocked = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    sealed = decide(bucket(), SETTLED).wanted.policy.document["Statement"]
    found = made(bucket(*sealed, encrypt=True, encryption={"Rules": [blocked]}))
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


def test_what_is_to_go_is_said() -> None:
    """A statement that came back against its owner's will is named, in words that cannot leave their comment."""
    theirs = {
        "Sid": "Old\nEvil: 1",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::harbor",
    }
    found = made(bucket(theirs, lost=Overtaken(undead=(theirs,))))
    for text in found.values():
        assert "Take these statements out: Old?Evil: 1." in text.replace("\n  #", "").replace("\n#", "")
        assert not re.search(r"^ *Evil", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("resource", "properties", "body"),
    [
        (
            key("RSA_2048"),
            {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"},
            {"customer_master_key_spec": "SYMMETRIC_DEFAULT", "key_usage": "ENCRYPT_DECRYPT"},
        ),
        (key(users={PIPELINE: ""}, rotates=False), {"EnableKeyRotation": True}, {"enable_key_rotation": True}),
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
                sound={
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
                sound={"selectors": advanced({"eventCategory": {"Equals": ["Management"]}})},
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
def test_each_kind_gets_its_own_properties(resource: Any, properties: dict[str, Any], body: dict[str, Any]) -> None:
    """Only what is wrong, in the words of either language; what stays as it is is not named."""
    assert both(resource) == (properties, body)


@pytest.mark.parametrize(
    ("structure", "keys", "says"),
    [
        (document(DB_PASSWORD="made-up-but-literal"), {}, "take each secret"),
        (document((REGION, "harbor", "bad")), {(REGION, "bad"): key("RSA_2048")}, "the key spec SYMMETRIC_DEFAULT"),
    ],
)
def test_a_closed_transition_is_told_of_in_words(structure: dict[str, Any], keys: Any, says: str) -> None:
    """No code opens it for good: the comment says what to change, and no secret is in it."""
    found = made(pipeline(structure, keys=keys), Settings(quarantine_secrets=True))
    for text in found.values():
        said = " ".join(line.strip(" #") for line in text.splitlines())
        assert "The way into stage Build is closed on purpose" in said
        assert says in said
        assert "made-up-but-literal" not in text
    assert yaml.safe_load(found["cloudformation"]) is None
    assert read(found["terraform"]) == {}


def test_what_no_message_holds_is_said_in_words() -> None:
    """A snippet beyond 8,000 characters would crowd the alert out of SNS; it says what is missing instead."""
    theirs = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::harbor/" + "x" * 9000],
    }
    lost = [{**theirs, "Sid": f"Lost{number}"} for number in range(2)]
    for text in made(bucket(lost=Overtaken(missing=tuple(lost)))).values():
        assert len(text) < 8_000
        assert "too many for a message" in " ".join(line.strip(" #") for line in text.splitlines())
        assert "Lost1" in text
