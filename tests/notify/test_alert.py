"""The alert: complete for machines, readable as email, within the limits of SNS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import PIPELINE, PROJECT, RESOURCES, SETTINGS, bucket, document, key, pipeline

from pipeseal.model import Action, Actor, Cause, Kind, Outcome, Plan
from pipeseal.notify.alert import Alert, compose
from pipeseal.notify.email import alert_body, alert_subject
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Mode, Settings

CAUSE = Cause("5f0c", "PutBucketPolicy", datetime(2026, 11, 21, 9, 30, tzinfo=UTC), Actor("ada", "IAMUser", mfa=False))
SNS_LIMIT = 256 * 1024
AnyPlan = Plan[Any]


def alert(plan: AnyPlan, cause: Cause = CAUSE) -> Alert:
    """Compose the alert of a plan that was carried out."""
    action, steps = plan.before.describe_change(plan.after)
    done = Outcome(plan.before.ref, Action.FAILED if plan.refused else action, plan, steps, "20261121T093000Z-5f0c")
    return compose(done, plan, cause)


def unwrapped(text: str) -> str:
    """Return *text* without line breaks."""
    return " ".join(text.split())


def test_the_email_of_a_remediated_bucket_is_complete() -> None:
    """It states the finding, the resource, the actor, what was written, the advice, and how to undo or exempt."""
    text = unwrapped(alert_body(alert(make_plan(bucket(requires_kms=True), Settings()))))
    for part in (
        "HIGH: bucket harbor remediated",
        "S3.TLS (high): ",
        "ada, without MFA: PutBucketPolicy, 21 Nov 09:30 UTC",
        "DenyUnEncryptedObjectUploads and DenyInsecureConnections added",
        "pipeseal undo 20261121T093000Z-5f0c --owner 'WHO' --reason 'WHY' --until 30d --region us-east-1",
        "pipeseal exempt add --control S3.TLS --resource arn:aws:s3:::harbor --owner",
        "https://docs.aws.amazon.com/",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("plan", "states"),
    [
        (make_plan(key("RSA_2048"), Settings()), "HIGH: key 1c3a5e7f-0b2d-4f68-9ace-13579bdf2468 rejected"),
        (make_plan(bucket(website=True), Settings()), "only the resource owner can remediate this"),
        (make_plan(bucket(), Settings(mode=Mode.DETECT)), "Nothing was written: detect mode."),
        (make_plan(bucket(), Settings(mode=Mode.DETECT)), "pipeseal apply 20261121T093000Z-5f0c --region us-east-1"),
    ],
)
def test_the_email_states_what_was_done(plan: AnyPlan, states: str) -> None:
    """Each action has its own words, and a proposal the command that applies it."""
    assert states in alert_body(alert(plan))


def test_the_email_lists_findings_by_severity() -> None:
    """The most severe finding comes first, whatever the order of the controls."""
    text = alert_body(alert(make_plan(bucket(requires_kms=True), Settings())))
    positions = [text.index(part) for part in ("(high)", "(medium)")]
    assert positions == sorted(positions)


def test_commands_name_a_stack_that_is_not_the_default() -> None:
    """A command from the email of another stack runs as pasted."""
    made = alert(make_plan(bucket(), Settings()))
    assert "--region us-east-1 --stack 'my stack'" in alert_body(made, "my stack")
    assert "--stack" not in alert_body(made)


def test_the_email_has_no_control_characters() -> None:
    """A statement that a reason quotes cannot move the cursor of a terminal or forge a line."""
    odd = {
        "Sid": "A",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::harbor/\x1b[2J\nX/*",
    }
    text = alert_body(alert(make_plan(bucket(odd), Settings())))
    assert all(line.isprintable() for line in text.splitlines())
    assert not any(line.startswith("X") for line in text.splitlines())


def escalated(plan: AnyPlan, via: str = "Terraform") -> Alert:
    """Compose the alert of a plan that was carried out three times and reversed as often."""
    unwritten = replace(plan, after=plan.before, findings=tuple(replace(each, writes=False) for each in plan.findings))
    cause = replace(CAUSE, actor=replace(CAUSE.actor, via=via))
    outcome = Outcome(plan.before.ref, Action.ESCALATED, unwritten, (), "20261121T093000Z-5f0c")
    return compose(outcome, unwritten, cause, undone=3)


@pytest.mark.parametrize(
    ("via", "first"),
    [("Terraform", "Terraform"), ("cloudformation.amazonaws.com", "CloudFormation"), ("", "CloudFormation")],
)
def test_the_email_of_a_suspension_shows_compliant_code(via: str, first: str) -> None:
    """The code comes in the actor's own language first; the text says why nothing is written and until when."""
    made = escalated(make_plan(bucket(requires_kms=True), Settings()), via)
    text = alert_body(made)
    by = f"ada through {via}" if via else "ada"
    assert (
        f"remediated this 3 times within an hour, and each time it was reversed, the last time by {by}."
        in unwrapped(text)
    )
    assert "pipeseal resume arn:aws:s3:::harbor --region us-east-1" in text
    assert made["undone"] == 3
    shown = {language: text.index(f"  {language}:") for language in ("CloudFormation", "Terraform")}
    assert min(shown, key=lambda language: shown[language]) == first
    snippets = made["snippet"]
    for snippet in (snippets["cloudformation"], snippets["terraform"]):
        assert all(line.strip() in text for line in snippet.splitlines())
    assert set(snippets) == {"cloudformation", "terraform"}
    for other in ("pipeseal undo", "PROPOSED", "only the resource owner", "Nothing was written"):
        assert other not in text


def test_only_a_suspension_has_a_snippet() -> None:
    """The alert of a first remediation stays short."""
    assert "snippet" not in alert(make_plan(bucket(), Settings()))


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_every_suspension_can_be_sent(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """For any resource the alert is JSON, its email ASCII, and both fit into one SNS message."""
    plan = make_plan(data.draw(RESOURCES[kind]), settings)
    if plan.findings:
        made = escalated(plan)
        assert json.loads(json.dumps(made)) == made
        assert alert_body(made).isascii()
        assert len(json.dumps({"default": json.dumps(made), "email": alert_body(made)})) < SNS_LIMIT


def test_an_alert_without_a_write_offers_no_undo() -> None:
    """Where nothing was written there is nothing to undo."""
    assert "pipeseal undo" not in alert_body(alert(make_plan(bucket(website=True), Settings())))


@pytest.mark.parametrize(
    ("mfa", "via", "states"),
    [(True, "Terraform", "ada through Terraform, with MFA"), (None, "", "ada, MFA not recorded")],
)
def test_the_email_names_the_actor(mfa: bool | None, via: str, states: str) -> None:  # noqa: FBT001 - the case
    """It names the tool that made the call, and whether MFA was used where that is recorded."""
    cause = Cause("5f0c", "PutBucketPolicy", CAUSE.time, Actor("ada", "IAMUser", mfa, via))
    assert states in alert_body(alert(make_plan(bucket(), Settings()), cause))


def test_the_email_names_the_dependents() -> None:
    """It names the pipelines that use a bucket; of many, the first ten."""
    dependents = {PIPELINE: "", PIPELINE.replace("release", "deploy"): "", PROJECT: ""}
    made = alert(make_plan(bucket(dependents=dependents), Settings()))
    assert made["used_by"] == sorted(dependents)
    assert "Used by project harbor, pipelines deploy and release\n" in alert_body(made)
    for amount, states in ((12, "2 more"), (2000, "many more")):
        many = {f"{PIPELINE}-{number:04}": "" for number in range(amount)}
        assert states in unwrapped(alert_body(alert(make_plan(bucket(dependents=many), Settings()))))
    assert "Used by" not in alert_body(alert(make_plan(bucket(), Settings())))


def test_many_reasons_are_cut() -> None:
    """An alert about 500 secrets still fits into one SNS message."""
    secrets = {f"PASSWORD_{number}": f"literal-value-{number}" for number in range(500)}
    made = alert(make_plan(pipeline(document(**secrets)), Settings()))
    assert "475 more" in made["findings"][0]["reasons"][-1]
    assert len(json.dumps({"default": json.dumps(made), "email": alert_body(made)})) < SNS_LIMIT


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_every_alert_can_be_sent(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """For any resource and violation the alert is JSON, and subject and email are within SNS's limits."""
    plan = make_plan(data.draw(RESOURCES[kind]), settings)
    if plan.findings:
        made = alert(plan)
        assert json.loads(json.dumps(made)) == made
        assert len(alert_subject(made)) <= 100
        assert alert_subject(made).isascii()
        assert alert_subject(made).isprintable()
        assert alert_body(made).isascii()


def test_the_subject_of_a_long_name_keeps_severity_account_and_region() -> None:
    """Only the name is cut to the 100 characters that SNS takes."""
    made = alert(make_plan(bucket(), Settings()))
    made["resource"]["name"] = "n" * 255
    subject = alert_subject(made)
    assert len(subject) <= 100
    assert subject.startswith("[pipeseal] HIGH: bucket nnn")
    assert subject.endswith("(123456789012, us-east-1)")
    assert "... remediated" in subject
