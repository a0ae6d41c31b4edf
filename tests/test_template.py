"""template.yaml: permissions, encryption, delivery guarantees, monitoring and parameters of the deployed stack."""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import boto3
import pytest
from aws_lambda_powertools import Logger
from tests.event_cases import SAMPLES
from tests.fake_account import ENVIRONMENT, FakeAccount, event
from tests.template import (
    ALARMS,
    FUNCTIONS,
    GLOBALS,
    PATH,
    ROLES,
    TEMPLATE,
    as_list,
    resources_of,
    role_of,
    rules,
    statements,
)

from pipeseal.clock import Clock
from pipeseal.controls import controls_of
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.kinds.cloudtrail import subjects
from pipeseal.ledger import Ledger
from pipeseal.ledger.leases import LEASE
from pipeseal.ledger.redrives import RETENTION
from pipeseal.model import Action, Actor, Cause, Kind, Outcome, Ref
from pipeseal.notify import metrics
from pipeseal.notify.metrics import observe_listing, observed
from pipeseal.policy import Policy
from pipeseal.remediation.planning import make_plan
from pipeseal.sandbox.template import Template
from pipeseal.settings import Settings

ROOT = PATH.parent
THIS_ACCOUNT = {"Ref": "AWS::AccountId"}
LIST_ACTIONS = {action for kind in Kind for action in kind.spec.list_permissions}
FUNCTION_ACTIONS = {
    "BucketFunction": {"dynamodb:Query"},
    "SweepFunction": {
        *LIST_ACTIONS,
        *("dynamodb:GetItem", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    },
}
"""Actions of one function only: detecting lost updates; listing, sending reminders and receiving from a queue."""
UNUSED_ACTIONS = {"PipelineFunction": {"kms:DisableKey", "kms:ScheduleKeyDeletion"}}
"""Actions of a dependency's kind that a function never calls: a pipeline depends only on symmetric keys."""
COMMON_ACTIONS = {
    *("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    *("kms:Decrypt", "kms:GenerateDataKey"),
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("sns:Publish", "sqs:SendMessage"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
}
"""Actions for the ledger, alerts, the failure destination, logs and optional traces."""
UNSCOPED_ACTIONS = LIST_ACTIONS | {*("xray:PutTelemetryRecords", "xray:PutTraceSegments")}
"""Actions allowed on all resources: kms:DescribeKey reads keys of other accounts; the rest cannot be scoped in IAM."""
FORBIDDEN_ACTION = re.compile(
    r"(?i)\*|iam:(?!passrole$)|s3:deletebucket|publicaccessblock|kms:(putkeypolicy|enablekey$|cancel|create|delete)|dynamodb:delete"
    r"|cloudtrail:(stop|delete|update|create)"
)


# ---------------------------------------------------------------- permissions


def kinds_of(function: str) -> set[Kind]:
    """Return the kinds of resource that *function* remediates."""
    if function == "SweepFunction":
        return set(Kind)
    (own,) = (kind for kind in Kind if kind.function == function)
    return {own, *map(Kind, own.spec.depends_on)}


def granted(function: str) -> set[str]:
    """Return the actions that the role of *function* allows."""
    return {action for statement in statements(role_of(function)) for action in as_list(statement["Action"])}


def declared(kind: Kind) -> set[str]:
    """Return the actions that the controls of *kind* declare; of a control for several kinds, those of this service."""
    return {
        action
        for control in controls_of(kind)
        for action in control.permissions
        if len(control.kinds) == 1 or action.startswith(f"{kind.spec.service}:")
    }


def tag_actions(kind: Kind) -> set[str]:
    """Return the actions that reading the tags of a resource of *kind* needs, for exemptions by tag."""
    # A bucket of another account is distinguished from one that denies access by the list of the account's own buckets.
    own_buckets = set(kind.spec.list_permissions) if kind is Kind.BUCKET else set()
    return {*filter(None, [kind.spec.tag_permission]), *own_buckets}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_grants_exactly_the_declared_actions(function: str) -> None:
    """A role allows what controls and adapters of the function's kinds and the common tasks need, and nothing else."""
    kinds = kinds_of(function)
    needed = COMMON_ACTIONS.union(
        FUNCTION_ACTIONS.get(function, ()),
        *(declared(kind) | tag_actions(kind) for kind in kinds),
    )
    assert granted(function) == needed - UNUSED_ACTIONS.get(function, set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_grants_no_wildcard_and_no_action_that_weakens_protection(function: str) -> None:
    """No role can change a key policy or a Public Access Block, delete a bucket policy, or undo a remediation."""
    assert [action for action in granted(function) if FORBIDDEN_ACTION.search(action)] == []


def test_each_function_has_its_own_role() -> None:
    """Each role belongs to one function, has the permissions boundary of the operator, and trusts Lambda only."""
    roles = [role_of(function) for function in FUNCTIONS]
    assert sorted(roles) == sorted(ROLES)
    for role in ROLES.values():
        assert role["PermissionsBoundary"] == {
            "Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]
        }
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Principal"], trust["Action"]) == ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")


@pytest.mark.parametrize("role", ROLES)
def test_only_actions_without_a_narrower_resource_are_granted_on_all_resources(role: str) -> None:
    """A statement with Resource "*" contains no action that could be limited to resources of this account."""
    wide = {
        action
        for statement in statements(role)
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert wide <= UNSCOPED_ACTIONS


IN_THIS_ACCOUNT = {"StringEquals": {"aws:ResourceAccount": THIS_ACCOUNT}}
THROUGH_SERVICES = {
    "StringEquals": {
        "kms:ViaService": [
            {"Fn::Sub": f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}"} for service in ("dynamodb", "sns", "sqs")
        ]
    }
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_conditions_narrow_what_resources_cannot(function: str) -> None:
    """Bucket actions apply to this account only, and the stack's key is used only through services.

    The whole condition is compared: another operator, such as StringEqualsIfExists, allows requests without the key.
    """
    for statement in statements(role_of(function)):
        condition = statement.get("Condition")
        for action in as_list(statement["Action"]):
            if action.startswith("s3:") and action not in UNSCOPED_ACTIONS:
                assert condition == IN_THIS_ACCOUNT, (statement["Sid"], action)
            elif action in ("kms:Decrypt", "kms:GenerateDataKey"):
                assert condition == THROUGH_SERVICES, (statement["Sid"], action)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_is_passed_only_to_the_service_whose_api_requires_it(function: str) -> None:
    """PassRole is limited to the services of the kinds whose controls declare it, one statement per service."""
    conditions = [
        statement.get("Condition")
        for statement in statements(role_of(function))
        if "iam:PassRole" in as_list(statement["Action"])
    ]
    passing = [kind for kind in kinds_of(function) if "iam:PassRole" in declared(kind)]
    services = sorted(f"{kind.spec.service}.amazonaws.com" for kind in passing)
    needed = [{"StringEquals": {"iam:PassedToService": service}} for service in services]
    assert sorted(conditions, key=json.dumps) == needed


def test_the_key_and_the_topic_allow_services_for_this_account_only() -> None:
    """A service principal acts for every AWS account, so each statement names this account or its log groups."""
    log_groups = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/${AWS::StackName}-*"
    documents = [each["KeyPolicy"] for each in resources_of("AWS::KMS::Key").values()]
    documents += [each["PolicyDocument"] for each in resources_of("AWS::SNS::TopicPolicy").values()]
    conditions = {
        statement["Sid"]: statement.get("Condition")
        for document in documents
        for statement in document["Statement"]
        if "Service" in statement["Principal"]
    }
    assert conditions == {
        "RulesAndAlarms": {"StringEquals": {"aws:SourceAccount": THIS_ACCOUNT}},
        "Alarms": {"StringEquals": {"aws:SourceAccount": THIS_ACCOUNT}},
        "Logs": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": {"Fn::Sub": log_groups}}},
    }


def test_the_functions_ignore_the_events_of_every_role_of_the_stack() -> None:
    """OWN_ROLES lists the role of each function: pipeseal would evaluate its own writes by a role that is missing."""
    separator, roles = GLOBALS["Environment"]["Variables"]["OWN_ROLES"]["Fn::Join"]
    assert separator == ","
    assert sorted(role["Fn::GetAtt"] for role in roles) == sorted(f"{role_of(function)}.Arn" for function in FUNCTIONS)
    overrides = [
        name for name, each in FUNCTIONS.items() if "OWN_ROLES" in each.get("Environment", {}).get("Variables", {})
    ]
    assert overrides == []


# -------------------------------------------------------------------- delivery


def test_every_rule_and_function_has_retries_and_a_dead_letter_queue() -> None:
    """An event that cannot be delivered, or whose processing fails permanently, is kept."""
    for name, rule in rules():
        assert rule["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": "DeadLetterQueue.Arn"}, name
        assert rule["RetryPolicy"]["MaximumRetryAttempts"] > 0, name
    for name, function in FUNCTIONS.items():
        settings = function.get("EventInvokeConfig", GLOBALS["EventInvokeConfig"])
        assert settings["DestinationConfig"]["OnFailure"]["Destination"], name
        assert function.get("ReservedConcurrentExecutions", GLOBALS["ReservedConcurrentExecutions"]), name


def test_the_dead_letter_queue_accepts_messages_of_every_rule_and_no_other() -> None:
    """The queue policy lists the rules by ARN, in its only Allow statement."""
    policy = resources_of("AWS::SQS::QueuePolicy")["DeadLetterQueuePolicy"]
    (statement,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    accepted = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": accepted}}
    assert sorted(each["Fn::GetAtt"] for each in accepted) == sorted(f"{name}.Arn" for name, _ in rules())


def test_a_function_reports_which_messages_of_a_batch_failed() -> None:
    """Without ReportBatchItemFailures, Lambda deletes the failed messages that the handler returns."""
    sources = [
        each["Properties"]
        for function in FUNCTIONS.values()
        for each in function.get("Events", {}).values()
        if each["Type"] == "SQS"
    ]
    assert sources
    assert all(source.get("FunctionResponseTypes") == ["ReportBatchItemFailures"] for source in sources)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_lease_lasts_as_long_as_a_function_can_run(function: str) -> None:
    """A terminated function blocks its resource for no longer than one invocation.

    The sweep can run longer, because it remediates one resource after the other; each of its leases is as long.
    """
    seconds = FUNCTIONS[function].get("Timeout", GLOBALS["Timeout"])
    assert LEASE.total_seconds() == seconds or function == "SweepFunction"


def test_the_sweep_queue_leaves_time_to_process_a_message() -> None:
    """Messages are visible again after six function timeouts, as Lambda recommends, and are tried three times."""
    queue = resources_of("AWS::SQS::Queue")["SweepQueue"]
    assert queue["VisibilityTimeout"] == 6 * FUNCTIONS["SweepFunction"]["Timeout"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": "DeadLetterQueue.Arn"},
        "maxReceiveCount": 3,
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_event_names_a_resource_of_the_kind_of_its_service(name: str) -> None:
    """The function of that service has the permissions for the resource."""
    sample = SAMPLES[name]
    assert {ref.kind for ref in subjects(sample)} == {
        kind for kind in Kind if sample["source"] == f"aws.{kind.spec.service}"
    }


# ------------------------------------------------------- encryption and storage


@pytest.mark.parametrize("policy_type", ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"])
def test_the_topic_and_the_queues_deny_plaintext_requests(policy_type: str) -> None:
    """The stack meets the TLS requirement that it enforces."""
    covered = []
    for policy in resources_of(policy_type).values():
        denials = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]
        assert denials[0]["Principal"] == "*"
        covered += [each["Ref"] for each in policy.get("Queues") or policy["Topics"]]
    assert sorted(covered) == sorted(resources_of(policy_type.replace("Policy", "")))


@pytest.mark.parametrize(
    ("resource_type", "name"),
    [("AWS::SQS::Queue", "KmsMasterKeyId"), ("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Logs::LogGroup", "KmsKeyId")],
)
def test_stored_data_is_encrypted_with_the_key_of_the_stack(resource_type: str, name: str) -> None:
    """Queues, topic, log groups and table use one customer managed key with automatic rotation."""
    assert {json.dumps(each[name]) for each in resources_of(resource_type).values()} == {
        '{"Fn::GetAtt": "SealKey.Arn"}'
    }
    tables = resources_of("AWS::DynamoDB::Table").values()
    assert all(each["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": "SealKey.Arn"} for each in tables)
    assert all(each["EnableKeyRotation"] for each in resources_of("AWS::KMS::Key").values())


def test_every_function_writes_to_a_log_group_of_the_stack() -> None:
    """Each log group belongs to a function and has the retention that the operator chose."""
    groups = resources_of("AWS::Logs::LogGroup")
    used = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in FUNCTIONS.values()}
    assert used == set(groups)
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_only_the_ledger_and_its_key_are_retained() -> None:
    """Deleting the stack deletes every other resource."""
    retained = {
        name
        for name, resource in TEMPLATE["Resources"].items()
        if resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    }
    assert retained == {"Ledger", "SealKey"}


def expiry_attribute() -> str:
    """Return the name of the attribute by which DynamoDB expires items of the ledger."""
    (table,) = resources_of("AWS::DynamoDB::Table").values()
    specification = table["TimeToLiveSpecification"]
    assert specification["Enabled"] is True
    return str(specification["AttributeName"])


def test_the_table_expires_redrive_counters(account: FakeAccount) -> None:
    """The counter of a redriven event carries the TTL attribute as a Number of seconds since the epoch."""
    del account
    now, client = datetime(2026, 11, 21, 9, 30, tzinfo=UTC), boto3.client("dynamodb")
    Ledger(client, ENVIRONMENT["LEDGER_TABLE"], Clock(lambda: now)).redrives.add("53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa")
    (counter,) = client.scan(TableName=ENVIRONMENT["LEDGER_TABLE"])["Items"]
    assert counter.get(expiry_attribute()) == {"N": str(int((now + RETENTION).timestamp()))}


def test_the_table_does_not_expire_entries_and_resource_records(account: FakeAccount) -> None:
    """No item that a remediation writes carries the TTL attribute: DynamoDB would delete the history."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": "harbor"}))
    assert outcome["action"] == "remediated"
    items = boto3.client("dynamodb").scan(TableName=ENVIRONMENT["LEDGER_TABLE"])["Items"]
    assert len(items) > 1
    assert [item for item in items if expiry_attribute() in item] == []


# ------------------------------------------------------------------ monitoring


class Metric(NamedTuple):
    """A CloudWatch metric: its namespace, its name, and the name and value of each dimension."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @property
    def schema(self) -> tuple[str, str, frozenset[str]]:
        """Return namespace, name and the names of the dimensions, by which a search expression selects metrics."""
        return self.namespace, self.name, frozenset(name for name, _ in self.dimensions)


AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", frozenset({"QueueName"})),
    ("AWS/Lambda", "Errors", frozenset({"FunctionName"})),
    ("AWS/Lambda", "Throttles", frozenset({"FunctionName"})),
}
"""Schemas of the metrics that SQS and Lambda publish and that the template uses."""


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> set[Metric]:
    """Return every metric that the telemetry emits, with an outcome of each action, under the template's variables."""
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, environment()[name])
    logger = Logger(level=logging.CRITICAL)
    bucket = Bucket(Ref(Kind.BUCKET, "123456789012", "us-east-1", "harbor"), Policy.parse(None))
    plan = make_plan(bucket, Settings())
    cause = Cause("53dc4d37", "PutBucketPolicy", datetime.now(UTC), Actor("ada", "IAMUser"))
    outcomes = [Outcome(bucket.ref, action, plan, entry="1", exemptions=("partner",)) for action in Action]
    capsys.readouterr()
    assert list(observed(outcomes, cause, logger, lambda: datetime.now(UTC))) == outcomes
    observe_listing("bucket", logger, complete=True)
    return set(_metrics(capsys.readouterr().out))


def _metrics(output: str) -> Iterator[Metric]:
    """Yield the metrics in *output*: lines of CloudWatch embedded metric format."""
    for record in map(json.loads, output.splitlines()):
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                for names in directive["Dimensions"]:
                    dimensions = frozenset((name, record[name]) for name in names)
                    yield Metric(directive["Namespace"], metric["Name"], dimensions)


def test_the_telemetry_emits_every_metric_in_its_source(emitted: set[Metric]) -> None:
    """The set of emitted metrics, to which alarms and dashboard are compared, is complete."""
    named = set(re.findall(r'_add\(\s*"(\w+)"', inspect.getsource(metrics)))
    assert named
    assert {metric.name for metric in emitted} == named


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_evaluates_a_metric_that_exists(alarm: str, emitted: set[Metric]) -> None:
    """Namespace, metric name and dimensions match: CloudWatch accepts an alarm on a metric that is never emitted."""
    properties = ALARMS[alarm]
    watched = [each["MetricStat"]["Metric"] for each in properties.get("Metrics", ()) if "MetricStat" in each]
    for metric in watched or [properties]:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        if metric["Namespace"].startswith("AWS/"):
            assert (metric["Namespace"], metric["MetricName"], frozenset(dimensions)) in AWS_METRICS
        else:
            assert Metric(metric["Namespace"], metric["MetricName"], frozenset(dimensions.items())) in emitted


@pytest.mark.parametrize(("alarm", "metric"), [("ErrorsAlarm", "Errors"), ("ThrottlesAlarm", "Throttles")])
def test_an_alarm_covers_every_function(alarm: str, metric: str) -> None:
    """One alarm adds up the metric of all functions."""
    watched = [each["MetricStat"]["Metric"] for each in ALARMS[alarm]["Metrics"] if "MetricStat" in each]
    assert {each["MetricName"] for each in watched} == {metric}
    assert sorted(each["Dimensions"][0]["Value"]["Ref"] for each in watched) == sorted(FUNCTIONS)


def test_the_dead_letters_alarm_watches_the_dead_letter_queue() -> None:
    """One message in the queue is enough."""
    alarm = ALARMS["DeadLettersAlarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": "DeadLetterQueue.QueueName"}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)


def test_every_alarm_has_a_description_and_publishes_to_the_alert_topic() -> None:
    """Missing data breaches only the alarm on sweeps, because a sweep that does not run emits no data."""
    for alarm in ALARMS.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopic"}]
        assert alarm["AlarmDescription"]
        assert alarm["TreatMissingData"] == ("breaching" if alarm.get("MetricName") == "KindsSwept" else "notBreaching")


def test_the_alarm_on_sweeps_expects_every_kind() -> None:
    """A sweep emits one count per kind that it lists completely."""
    assert ALARMS["SweepAlarm"]["Threshold"] == len(Kind)


def test_a_sweep_runs_at_least_once_a_day_by_default() -> None:
    """The default interval is no longer than the period of the alarm on sweeps, which is a day."""
    default = TEMPLATE["Parameters"]["SweepSchedule"]["Default"]
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", default)
    assert rate, f"the interval of {default} is unknown"
    interval = int(rate[1]) * timedelta(**{f"{rate[2]}s": 1})
    alarm = ALARMS["SweepAlarm"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == timedelta(days=1).total_seconds()
    assert interval <= timedelta(days=1)


def shown() -> Iterator[Metric]:
    """Yield every metric on the dashboard; a search expression selects all values of a dimension, written as "*"."""
    (dashboard,) = resources_of("AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]:
        words: list[str] = []
        for row in widget["properties"]["metrics"]:
            match row:
                case [{"expression": str(expression)}]:
                    found = re.search(r"""SEARCH\('\{([^}]+)\}[^']*MetricName="(\w+)"'""", expression)
                    assert found, expression
                    namespace, *names = found[1].split(",")
                    yield Metric(namespace, found[2], frozenset((name, "*") for name in names))
                    continue
                case ["...", *last]:  # the beginning of the row above, then these words; "." repeats one
                    former = words[-len(last) :]
                    last = [old if word == "." else word for old, word in zip(former, last, strict=True)]
                    words = [*words[: -len(last)], *last]
                case _:
                    words = [word for word in row if isinstance(word, str)]
            yield Metric(words[0], words[1], frozenset(zip(words[2::2], words[3::2], strict=True)))


def test_the_dashboard_shows_exactly_the_metrics_that_are_emitted(emitted: set[Metric]) -> None:
    """Every metric of the telemetry is on the dashboard, and the dashboard selects no metric that does not exist."""
    metrics = set(shown())
    assert {metric.schema for metric in metrics} == {metric.schema for metric in emitted} | AWS_METRICS
    literal = {metric for metric in metrics if "*" not in dict(metric.dimensions).values()}
    assert {metric for metric in literal if not metric.namespace.startswith("AWS/")} <= emitted


# ------------------------------------------------------------------ parameters


def environment(**parameters: str) -> dict[str, str]:
    """Return the environment variables of the functions under *parameters*; the others have their defaults."""
    stack = Template(PATH, "123456789012", "us-east-1", parameters)
    return dict(next(stack.functions()).environment)


CHOICES = [
    (name, str(value))
    for name, each in TEMPLATE["Parameters"].items()
    for value in each.get("AllowedValues", (each.get("MinValue"), each.get("MaxValue")))
    if value is not None
]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
EXAMPLES = [
    ("ControlModes", "S3.TLS=detect,KMS.SYMMETRIC=off"),
    ("ArtifactKeyArn", KEY),
    ("ArtifactKeyArn", f"{KEY},{KEY.replace('us-east-1', 'eu-west-1')}"),
    ("OrganizationId", "o-a1b2c3d4e5"),
]


def test_no_partition_is_hard_coded() -> None:
    """ARNs and endpoints differ in the China and GovCloud partitions."""
    literal = re.compile(r"arn:aws:|[.}][\w${}:-]*\.amazonaws\.com|\}\.amazonaws\.com")
    assert [line for line in PATH.read_text("utf-8").splitlines() if literal.search(line)] == []


def test_every_parameter_has_a_description_and_a_group() -> None:
    """The CloudFormation console shows each parameter once, with its description."""
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    assert all(each["Description"] for each in TEMPLATE["Parameters"].values())


def test_every_parameter_is_constrained() -> None:
    """CloudFormation rejects values that pipeseal cannot read, and explains each pattern."""
    for name, each in TEMPLATE["Parameters"].items():
        bounded = "AllowedValues" in each or {"MinValue", "MaxValue"} <= set(each)
        assert bounded or {"AllowedPattern", "ConstraintDescription"} <= set(each), name
        assert "Default" in each, name


def test_the_defaults_of_the_template_are_those_of_the_settings() -> None:
    """A stack without parameters behaves as a test without settings."""
    assert Settings.from_environment(environment()) == Settings()


@pytest.mark.parametrize(("name", "value"), CHOICES + EXAMPLES)
def test_the_settings_accept_what_the_template_accepts(name: str, value: str) -> None:
    """Every allowed value is a valid setting, and so is an example for each pattern."""
    assert re.fullmatch(TEMPLATE["Parameters"][name].get("AllowedPattern", ".*"), value)
    Settings.from_environment(environment(**{name: value}))


def test_the_template_sets_every_variable_that_the_settings_read() -> None:
    """No setting is out of reach of the operator."""
    source = (ROOT / "shared/pipeseal/settings.py").read_text("utf-8")
    read = set(re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', source))
    assert read
    assert read <= set(GLOBALS["Environment"]["Variables"])


def test_control_modes_accepts_every_control() -> None:
    """The pattern of ControlModes matches the ID of each control."""
    pattern = TEMPLATE["Parameters"]["ControlModes"]["AllowedPattern"]
    for kind in Kind:
        for control in controls_of(kind):
            assert re.fullmatch(pattern, f"{control.id}=detect")
