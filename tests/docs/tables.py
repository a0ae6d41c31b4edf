"""Tables of the documentation that are made from the code and the template."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from tests.docs.controls_page import effect_of
from tests.template import TEMPLATE

from pipeseal.controls import every_control
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.model import Actor, Cause, Kind, Outcome, Ref
from pipeseal.notify.alert import Alert, compose
from pipeseal.notify.email import alert_body, alert_subject
from pipeseal.policy import Policy
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings


def _controls() -> str:
    return "".join(
        [
            "| control | severity | rule | remediation |\n|---|---|---|---|\n",
            *(
                f"| `{control.id}` | {control.severity.name.lower()} | {control.title} | {effect_of(control)} |\n"
                for control in every_control()
            ),
        ]
    )


def _parameters() -> str:
    return "\n".join(_parameter_lines())


def _parameter_lines() -> Iterator[str]:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    for group in groups:
        yield f"## {group['Label']['default']}\n"
        yield "| parameter | default | values | meaning |\n|---|---|---|---|"
        for name in group["Parameters"]:
            parameter = TEMPLATE["Parameters"][name]
            meaning = " ".join(parameter["Description"].split())
            yield f"| `{name}` | {_default(parameter)} | {_values(parameter)} | {meaning} |"
        yield ""


def _default(parameter: Mapping[str, object]) -> str:
    value = parameter.get("Default")
    return "required" if value is None else "empty" if value == "" else f"`{value}`"


def _values(parameter: Mapping[str, object]) -> str:
    allowed = parameter.get("AllowedValues")
    if isinstance(allowed, list):
        return ", ".join(f"`{value}`" if value != "" else "empty" for value in allowed)
    if "MinValue" in parameter:
        return f"{parameter['MinValue']} to {parameter['MaxValue']}"
    return "text"


def sample_alert() -> Alert:
    """Return the alert of a bucket that lacked TLS enforcement."""
    bucket = Bucket(Ref(Kind.BUCKET, "123456789012", "us-east-1", "acme-artifacts"), Policy.parse(None))
    actor = Actor("ada", "IAMUser", mfa=False, via="Terraform", arn="arn:aws:iam::123456789012:user/ada")
    cause = Cause(
        "5f0c9a7b-2100-4c6a-9d5e-0a1b2c3d4e5f", "PutBucketPolicy", datetime(2026, 11, 21, 9, 30, tzinfo=UTC), actor
    )
    plan = make_plan(bucket, Settings())
    action, steps = plan.before.describe_change(plan.after)
    return compose(Outcome(bucket.ref, action, plan, steps, "20261121T093000Z-5f0c9a7b21"), plan, cause)


def _alert_json() -> str:
    return f"```json\n{json.dumps(sample_alert(), indent=2)}\n```\n"


def _alert_email() -> str:
    return f"```text\nSubject: {alert_subject(sample_alert())}\n\n{alert_body(sample_alert())}```\n"


TABLES: Mapping[str, Callable[[], str]] = {
    "alert-email": _alert_email,
    "alert-json": _alert_json,
    "controls": _controls,
    "parameters": _parameters,
}
