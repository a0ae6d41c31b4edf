"""The alert: complete for machines, a letter that people like to read, within the limits of SNS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import PIPELINE, PROJECT, RESOURCES, SETTINGS, bucket, document, key, pipeline

from pipeseal.alert import compose, letter, subject
from pipeseal.decide import decide
from pipeseal.model import Action, Actor, Cause, Kind, Outcome, Plan
from pipeseal.settings import Mode, Settings

CAUSE = Cause("5f0c", "PutBucketPolicy", datetime(2026, 11, 21, 9, 30, tzinfo=UTC), Actor("ada", "IAMUser", mfa=False))


def alert(plan: Plan, cause: Cause = CAUSE) -> dict[str, Any]:
    """Compose the alert of a plan that was carried out."""
    action, steps = plan.before.changed(plan.after)
    done = Outcome(plan.before.ref, Action.FAILED if plan.refused else action, plan, steps, "20261121T093000Z-5f0c")
    return compose(done, plan, cause)


def test_the_letter_of_a_sealed_bucket_says_it_all() -> None:
    """What was wrong, on what, who did it and how, what was done, how to keep it from coming back, how to object."""
    text = " ".join(letter(alert(decide(bucket(encrypt=True), Settings()))).split())
    for part in (
        "Bucket harbor put right.",
        "S3.TLS: Bucket denies requests that are not made over TLS",
        "no statement denies them",
        "ada, without MFA: PutBucketPolicy",
        "DenyUnEncryptedObjectUploads and DenyInsecureConnections added",
        "pipeseal undo 20261121T093000Z-5f0c",
        "pipeseal exempt add",
        "https://docs.aws.amazon.com/",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (decide(key("RSA_2048"), Settings()), "Key 1c3a5e7f-0b2d-4f68-9ace-13579bdf2468 rejected."),
        (decide(bucket(website=True), Settings()), "only its owner can put this right"),
        (decide(bucket(), Settings(mode=Mode.DETECT)), "it only watches (detect mode)"),
        (decide(bucket(), Settings(mode=Mode.DETECT)), "WHAT IT WOULD DO IN ENFORCE MODE"),
    ],
)
def test_the_letter_says_what_was_done(plan: Plan, says: str) -> None:
    """Each action in its own words."""
    assert says in letter(alert(plan))


def test_the_letter_has_no_control_characters_of_others() -> None:
    """A statement quoted in a reason cannot move the cursor of whoever reads the mail, nor forge a line of its own."""
    odd = {
        "Sid": "A",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::harbor/\x1b[2J\nX/*",
    }
    text = letter(alert(decide(bucket(odd), Settings())))
    assert all(line.isprintable() for line in text.splitlines())
    assert not any(line.startswith("X") for line in text.splitlines())


def escalated(plan: Plan, via: str = "Terraform") -> dict[str, Any]:
    """Compose the alert of a plan that was carried out three times and undone as often."""
    peace = replace(plan, after=plan.before, findings=tuple(replace(each, writes=False) for each in plan.findings))
    cause = replace(CAUSE, actor=replace(CAUSE.actor, via=via))
    outcome = Outcome(plan.before.ref, Action.ESCALATED, peace, (), "20261121T093000Z-5f0c")
    return compose(outcome, peace, cause, undone=3)


@pytest.mark.parametrize(
    ("via", "first"),
    [("Terraform", "Terraform"), ("cloudformation.amazonaws.com", "CloudFormation"), ("", "CloudFormation")],
)
def test_the_letter_of_a_war_shows_the_code_that_ends_it(via: str, first: str) -> None:
    """In the actor's own language first, the other after it; with why nothing is written any more and until when."""
    made = escalated(decide(bucket(encrypt=True), Settings()), via)
    text = letter(made)
    said = " ".join(text.split())
    by = f"ada through {via}" if via else "ada"
    assert f"put this right 3 times within an hour, and each time it was undone, the last time by {by}." in said
    assert "resumes after a quiet hour, or at once: pipeseal resume 'arn:aws:s3:::harbor'" in said
    assert made["undone"] == 3
    shown = {language: text.index(f"  {language}:") for language in ("CloudFormation", "Terraform")}
    assert min(shown, key=lambda language: shown[language]) == first
    for snippet in made["snippet"].values():
        assert all(line.strip() in text for line in snippet.splitlines())
    assert set(made["snippet"]) == {"cloudformation", "terraform"}
    for odd in ("pipeseal undo", "ENFORCE MODE", "only its owner", "Nothing"):
        assert odd not in text


def test_only_a_war_has_a_snippet() -> None:
    """Whoever is put right once learns of it from the advice; their alert stays short."""
    assert "snippet" not in alert(decide(bucket(), Settings()))


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_every_war_can_be_told_of(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """For whatever resource: JSON all through, a letter in ASCII, and room for it in one SNS message."""
    plan = decide(data.draw(RESOURCES[kind]), settings)
    if plan.findings:
        made = escalated(plan)
        assert json.loads(json.dumps(made)) == made
        assert letter(made).isascii()
        assert len(json.dumps({"default": json.dumps(made), "email": letter(made)})) < 256 * 1024


def test_nothing_done_is_nothing_to_undo() -> None:
    """An alert that only tells does not offer to take anything back."""
    assert "pipeseal undo" not in letter(alert(decide(bucket(website=True), Settings())))


@pytest.mark.parametrize(
    ("mfa", "via", "says"),
    [(True, "Terraform", "ada through Terraform, with MFA"), (None, "", "ada, MFA not recorded")],
)
def test_the_letter_names_who_did_it(mfa: bool | None, via: str, says: str) -> None:  # noqa: FBT001
    """With the tool that acted for them, and whether MFA was used as far as is known."""
    cause = Cause("5f0c", "PutBucketPolicy", CAUSE.time, Actor("ada", "IAMUser", mfa, via))
    assert says in letter(alert(decide(bucket(), Settings()), cause))


def test_the_letter_says_who_uses_it() -> None:
    """Whoever reads of a bucket learns which pipelines rest on it; of very many, the first."""
    users = {PIPELINE: "", PIPELINE.replace("release", "deploy"): "", PROJECT: ""}
    made = alert(decide(bucket(users=users), Settings()))
    assert made["used_by"] == sorted(users)
    assert "Used by project harbor, pipelines deploy and release." in letter(made)
    for amount, says in ((12, "2 more."), (2000, "many more.")):
        many = {f"{PIPELINE}-{number:04}": "" for number in range(amount)}
        assert says in " ".join(letter(alert(decide(bucket(users=many), Settings()))).split())
    assert "Used by" not in letter(alert(decide(bucket(), Settings())))


def test_many_reasons_are_cut() -> None:
    """However much is wrong, the message stays within what SNS carries."""
    secrets = {f"PASSWORD_{number}": f"literal-value-{number}" for number in range(500)}
    made = alert(decide(pipeline(document(**secrets)), Settings()))
    assert "475 more" in made["findings"][0]["reasons"][-1]
    assert len(json.dumps({"default": json.dumps(made), "email": letter(made)})) < 256 * 1024


@given(data=st.data(), kind=st.sampled_from(list(RESOURCES)), settings=SETTINGS)
def test_every_alert_can_be_sent(data: st.DataObject, kind: Kind, settings: Settings) -> None:
    """For whatever resource and whatever wrong with it: subject and letter within SNS's limits, JSON all through."""
    plan = decide(data.draw(RESOURCES[kind]), settings)
    if plan.findings:
        made = alert(plan)
        assert json.loads(json.dumps(made)) == made
        assert len(subject(made)) <= 100
        assert subject(made).isascii()
        assert subject(made).isprintable()
        assert letter(made).isascii()
