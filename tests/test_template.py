"""template.yaml: what it grants, what it guards, what it watches; loops over whatever it holds."""

from __future__ import annotations

import json
import re

import pytest
from tests.event_cases import SAMPLES
from tests.template import FUNCTIONS, GLOBALS, PATH, ROLES, TEMPLATE, listed, resources, role_of, rules, statements

from pipeseal.aws.ledger import LEASE
from pipeseal.aws.pages import PERMISSIONS
from pipeseal.cloudtrail import subjects
from pipeseal.controls import controls_of
from pipeseal.model import Kind
from pipeseal.sandbox.stack import Stack
from pipeseal.settings import Settings

ROOT = PATH.parent
LEADS_TO = {Kind.APPLICATION: {Kind.BUCKET}, Kind.PROJECT: {Kind.BUCKET}, Kind.PIPELINE: {Kind.BUCKET, Kind.KEY}}
"""What the function of one kind goes on to, as `leads_to` of that kind does."""
ADAPTERS = {
    Kind.BUCKET: {"s3:GetBucketTagging", "s3:ListAllMyBuckets"},
    Kind.KEY: {"kms:ListResourceTags"},
    Kind.TRAIL: {"cloudtrail:ListTags"},
}
"""What an adapter asks for beyond what the controls of its kind declare."""
OWN = {
    "BucketFunction": {"dynamodb:Query"},
    "SweepFunction": {
        *(action for actions in PERMISSIONS.values() for action in actions),
        *("dynamodb:GetItem", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    },
}
"""What one function alone does: telling lost updates, listing, reminding, working off a queue."""
UNREACHED = {"PipelineFunction": {"kms:DisableKey", "kms:ScheduleKeyDeletion"}}
"""What a function never comes to: a pipeline leads on to keys that can encrypt, and those are not rejected."""
RECORDING = {
    *("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    *("kms:Decrypt", "kms:GenerateDataKey"),
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("sns:Publish", "sqs:SendMessage"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
}
"""What ledger, alerts, dead letters, logs and, on request, traces need."""
UNNARROWED = {action for actions in PERMISSIONS.values() for action in actions} | {
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments")
}
"""What may be granted on every resource: keys of other accounts are read too; the others know no narrower one."""
NEVER = re.compile(
    r"(?i)\*|iam:(?!passrole$)|s3:deletebucket|publicaccessblock|kms:(putkeypolicy|enablekey$|cancel|create|delete)|dynamodb:delete"
    r"|cloudtrail:(stop|delete|update|create)"
)


def kinds_of(function: str) -> set[Kind]:
    """Return the kinds of resource that *function* puts right."""
    if function == "SweepFunction":
        return set(Kind)
    events = FUNCTIONS[function].get("Events", {}).values()
    sources = {source for event in events for source in event["Properties"].get("Pattern", {}).get("source", ())}
    own = {Kind(source.removeprefix("aws.")) for source in sources}
    return own.union(*(LEADS_TO.get(kind, set()) for kind in own))


def granted(function: str) -> set[str]:
    """Return the actions that the role of *function* is granted."""
    return {action for statement in statements(role_of(function)) for action in listed(statement["Action"])}


def declared(kind: Kind) -> set[str]:
    """Return what the controls of *kind* declare for it; one that judges several kinds declares each one's calls."""
    return {
        action
        for control in controls_of(kind)
        for action in control.permissions
        if len(control.kinds) == 1 or action.startswith(f"{kind}:")
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_grants_what_its_controls_declare_and_no_more(function: str) -> None:
    """The controls of the kinds that the function sees, their adapters, and what recording and telling needs."""
    kinds = kinds_of(function)
    asked = RECORDING.union(OWN.get(function, ()), *(declared(kind) | ADAPTERS.get(kind, set()) for kind in kinds))
    assert granted(function) == asked - UNREACHED.get(function, set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_grants_by_name_and_nothing_that_unseals(function: str) -> None:
    """No wildcard; no key policy, no Public Access Block, no deletion of a policy; nothing that an undo needs."""
    assert [action for action in granted(function) if NEVER.search(action)] == []


def test_each_function_has_a_role_of_its_own() -> None:
    """And each role a function, the operator's boundary, and a trust in Lambda alone."""
    roles = [role_of(function) for function in FUNCTIONS]
    assert sorted(roles) == sorted(ROLES)
    for role in ROLES.values():
        assert role["PermissionsBoundary"] == {
            "Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]
        }
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Principal"], trust["Action"]) == ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")


@pytest.mark.parametrize("role", ROLES)
def test_what_is_granted_is_narrowed_to_resources(role: str) -> None:
    """Only the actions that know no narrower resource, and reading keys of others, are granted on all."""
    wide = {
        action
        for statement in statements(role)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert wide <= UNNARROWED


@pytest.mark.parametrize("role", ROLES)
def test_conditions_narrow_what_resources_cannot(role: str) -> None:
    """Buckets of this account only; the stack's key only through services; roles only handed to CodePipeline."""
    needed = {"s3:PutBucketPolicy": "aws:ResourceAccount", "kms:Decrypt": "kms:ViaService"}
    needed["iam:PassRole"] = "iam:PassedToService"
    for statement in statements(role):
        for action in set(listed(statement["Action"])) & set(needed):
            keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
            assert needed[action] in keys, statement["Sid"]


def test_every_rule_and_function_has_retries_and_dead_letters() -> None:
    """What cannot be delivered, or fails for good, is kept."""
    for name, rule in rules():
        assert rule["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": "DeadLetterQueue.Arn"}, name
        assert rule["RetryPolicy"]["MaximumRetryAttempts"] > 0, name
    for name, function in FUNCTIONS.items():
        settings = function.get("EventInvokeConfig", GLOBALS["EventInvokeConfig"])
        assert settings["DestinationConfig"]["OnFailure"]["Destination"], name
        assert function.get("ReservedConcurrentExecutions", GLOBALS["ReservedConcurrentExecutions"]), name


def test_the_dead_letter_queue_admits_every_rule() -> None:
    """By its ARN, and nobody else of EventBridge."""
    policy = resources("AWS::SQS::QueuePolicy")["DeadLetterQueuePolicy"]
    (statement,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    admitted = {each["Fn::GetAtt"] for each in statement["Condition"]["ArnEquals"]["aws:SourceArn"]}
    assert admitted == {f"{name}.Arn" for name, _ in rules()}


@pytest.mark.parametrize("kind", ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"])
def test_our_own_topic_and_queues_refuse_plaintext(kind: str) -> None:
    """Everybody, as we ask of others."""
    covered = []
    for policy in resources(kind).values():
        denials = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]
        assert denials[0]["Principal"] == "*"
        covered += [each["Ref"] for each in policy.get("Queues") or policy["Topics"]]
    assert sorted(covered) == sorted(resources(kind.replace("Policy", "")))


@pytest.mark.parametrize(
    ("kind", "name"),
    [("AWS::SQS::Queue", "KmsMasterKeyId"), ("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Logs::LogGroup", "KmsKeyId")],
)
def test_what_is_kept_is_under_the_stacks_key(kind: str, name: str) -> None:
    """One customer managed key, which rotates."""
    assert {json.dumps(each[name]) for each in resources(kind).values()} == {'{"Fn::GetAtt": "SealKey.Arn"}'}
    tables = resources("AWS::DynamoDB::Table").values()
    assert all(each["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": "SealKey.Arn"} for each in tables)
    assert all(each["EnableKeyRotation"] for each in resources("AWS::KMS::Key").values())


def test_every_function_writes_to_a_log_group_of_the_stack() -> None:
    """Kept for as long as the operator says."""
    groups = resources("AWS::Logs::LogGroup")
    used = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in FUNCTIONS.values()}
    assert used == set(groups)
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


@pytest.mark.parametrize("alarm", ["ErrorsAlarm", "ThrottlesAlarm"])
def test_every_function_is_watched(alarm: str) -> None:
    """One alarm for all of them."""
    metrics = resources("AWS::CloudWatch::Alarm")[alarm]["Metrics"]
    watched = [
        each["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"] for each in metrics if "MetricStat" in each
    ]
    assert sorted(watched) == sorted(FUNCTIONS)


def test_every_alarm_publishes_to_the_alert_topic() -> None:
    """And says what it means."""
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopic"}]
        assert alarm["AlarmDescription"]
        # A sweep that is not there leaves no data; everything else is fine where there is none.
        assert alarm["TreatMissingData"] == ("breaching" if alarm.get("MetricName") == "KindsSwept" else "notBreaching")


def test_the_dashboard_shows_the_metrics_that_are_logged() -> None:
    """Its body is JSON, and names every metric of the telemetry."""
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    text = dashboard["DashboardBody"]["Fn::Sub"]
    shown = json.dumps(json.loads(text)["widgets"])
    telemetry = (ROOT / "shared/pipeseal/telemetry.py").read_text("utf-8")
    metrics = set(re.findall(r'single_metric\(\s*"(\w+)"', telemetry))
    assert metrics
    assert {metric for metric in metrics if metric not in shown} == set()


def test_what_outlives_the_stack() -> None:
    """The ledger and the key that it is under; nothing else is left behind unasked."""
    kept = {
        name
        for name, resource in TEMPLATE["Resources"].items()
        if resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    }
    assert kept == {"Ledger", "SealKey"}


def test_no_partition_is_taken_for_granted() -> None:
    """China and GovCloud spell ARNs otherwise."""
    literal = re.compile(r"arn:aws:|[.}][\w${}:-]*\.amazonaws\.com|\}\.amazonaws\.com")
    assert [line for line in PATH.read_text("utf-8").splitlines() if literal.search(line)] == []


def test_every_parameter_is_explained_and_shown() -> None:
    """In the console's groups too."""
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(TEMPLATE["Parameters"])
    assert all(each["Description"] for each in TEMPLATE["Parameters"].values())


def test_every_parameter_has_bounds() -> None:
    """CloudFormation refuses what pipeseal would not understand, in words where the bound is a pattern."""
    for name, each in TEMPLATE["Parameters"].items():
        bounded = "AllowedValues" in each or {"MinValue", "MaxValue"} <= set(each)
        assert bounded or {"AllowedPattern", "ConstraintDescription"} <= set(each), name
        assert "Default" in each, name


def environment(**parameters: str) -> dict[str, str]:
    """Return the variables that the functions get under *parameters*, all others at their defaults."""
    stack = Stack(PATH, "123456789012", "us-east-1", parameters)
    return dict(next(stack.functions()).environment)


CHOICES = [
    (name, str(value))
    for name, each in TEMPLATE["Parameters"].items()
    for value in each.get("AllowedValues", (each.get("MinValue"), each.get("MaxValue")))
    if value is not None
]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
WRITTEN = [
    ("ControlModes", "S3.TLS=detect,KMS.SYMMETRIC=off"),
    ("ArtifactKeyArn", KEY),
    ("ArtifactKeyArn", f"{KEY},{KEY.replace('us-east-1', 'eu-west-1')}"),
    ("OrganizationId", "o-a1b2c3d4e5"),
]


def test_the_defaults_of_the_template_are_those_of_the_settings() -> None:
    """Who sets nothing gets the same in the cloud and in a test."""
    assert Settings.from_environment(environment()) == Settings()


@pytest.mark.parametrize(("name", "value"), CHOICES + WRITTEN)
def test_what_the_template_takes_the_settings_take(name: str, value: str) -> None:
    """Every allowed value, and examples of what the patterns let through."""
    assert re.fullmatch(TEMPLATE["Parameters"][name].get("AllowedPattern", ".*"), value)
    Settings.from_environment(environment(**{name: value}))


def test_every_setting_can_be_set() -> None:
    """Each variable that the settings read is one of the template's."""
    source = (ROOT / "shared/pipeseal/settings.py").read_text("utf-8")
    read = set(re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', source))
    assert read
    assert read <= set(GLOBALS["Environment"]["Variables"])


def test_every_control_can_go_its_own_way() -> None:
    """ControlModes takes the id of each."""
    pattern = TEMPLATE["Parameters"]["ControlModes"]["AllowedPattern"]
    for kind in Kind:
        for control in controls_of(kind):
            assert re.fullmatch(pattern, f"{control.id}=detect")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_leads_to_the_kind_of_its_service(name: str) -> None:
    """What the function of that service has the permissions for."""
    sample = SAMPLES[name]
    assert {ref.kind for ref in subjects(sample)} == {Kind(sample["source"].removeprefix("aws."))}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_killed_function_keeps_nobody_waiting(function: str) -> None:
    """Whoever holds a resource holds it for as long as a function may run, and no longer.

    The sweep may run for longer, since it goes from one resource to the next; what it holds it holds no longer.
    """
    seconds = FUNCTIONS[function].get("Timeout", GLOBALS["Timeout"])
    assert LEASE.total_seconds() == seconds or function == "SweepFunction"


def test_a_sweep_has_time_to_work_off_its_messages() -> None:
    """Six time-outs before a message comes again, as Lambda asks for; three tries, then the dead letters."""
    queue = resources("AWS::SQS::Queue")["SweepQueue"]
    assert queue["VisibilityTimeout"] == 6 * FUNCTIONS["SweepFunction"]["Timeout"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": "DeadLetterQueue.Arn"},
        "maxReceiveCount": 3,
    }


def test_the_alarm_on_sweeps_knows_how_many_kinds_there_are() -> None:
    """Each kind is counted when it was listed to its end."""
    assert resources("AWS::CloudWatch::Alarm")["SweepAlarm"]["Threshold"] == len(Kind)
