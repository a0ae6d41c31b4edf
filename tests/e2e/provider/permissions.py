"""Permissions: who may do what, for callers, functions and AWS services, and for the KMS key behind a resource."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator as iam
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import dynamodb, kms, sns, sqs

ACCOUNT = os.environ["MINISTACK_ACCOUNT_ID"]
REGION = os.environ["MINISTACK_REGION"]
KEY_USE = ("kms:GenerateDataKey", "kms:Decrypt")
"""What a sender to an encrypted queue or topic needs of its key."""

_KEY_ACTIONS = {
    "dynamodb": ("kms:Decrypt",),
    "sns:Publish": KEY_USE,
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sqs:SendMessage": KEY_USE,
}

refusals: list[str] = []
"""What was denied: principal, action and resource, in the order of the calls."""

_enforce = iam.enforce


def install() -> None:
    """Make MiniStack check the KMS key behind a resource too."""
    iam.enforce = _enforce_with_key


def principal_of(key: str) -> str:
    """Return the ARN of the principal with the access key ID *key*, or ""."""
    found = iam.resolve_principal(key, ACCOUNT)
    return "" if isinstance(found, iam.AuthError) else str(found.arn)


def may(key: str, action: str, resource: str, **context: object) -> bool:
    """Return whether the principal with the access key ID *key* may do *action*, by IAM and the resource's policy."""
    principal = iam.resolve_principal(key, ACCOUNT)
    if isinstance(principal, iam.AuthError):
        return False
    if principal.policies is None:
        return True
    request = iam.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={name.lower(): value for name, value in context.items()},
        principal_keys=principal.keys,
    )
    result = iam.evaluate(request, principal.policies, *principal.limits)
    service = action.partition(":")[0]
    policy = iam._resource_policy(service, resource)
    if policy:
        required = service in iam._POLICY_REQUIRED
        result = iam.combine_resource_policy(result, request, *policy, required=required, limits=principal.limits)
    if result.decision != "Allow":
        refusals.append(f"{principal.arn} {action} {resource}")
    return bool(result.decision == "Allow")


def service_may(service: str, action: str, resource: str, **context: object) -> bool:
    """Return whether the policy of *resource* allows *action* to a service such as events.amazonaws.com."""
    found = iam._resource_policy(action.partition(":")[0], resource)
    request = iam.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={name.lower(): value for name, value in context.items()},
    )
    allowed = bool(found) and iam.evaluate_resource_policy(found[0], request, service=service).decision == "Allow"
    if not allowed:
        refusals.append(f"{service} {action} {resource}")
    return allowed


def role_may(config: Mapping[str, Any], action: str, resource: str, **context: object) -> bool:
    """Return whether the role of the function with the configuration *config* may do *action*."""
    return may(execution_credentials(dict(config))["AWS_ACCESS_KEY_ID"], action, resource, **context)


def key_behind(resource: str) -> str:
    """Return the ARN of the customer managed key that *resource* is encrypted under, or ""."""
    service, name = resource.split(":")[2], resource.rpartition(":")[2]
    match service:
        case "sqs":
            queue = sqs._queue_by_arn(resource)
            key = (queue or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        case "sns":
            key = (sns._topics.get(resource) or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        case "dynamodb":
            table = dynamodb._tables.get(name.removeprefix("table/").partition("/")[0]) or {}
            sse = table.get("SSEDescription") or table.get("SSESpecification") or {}
            key = sse.get("KMSMasterKeyArn") or sse.get("KMSMasterKeyId") or ""
        case _:
            key = ""
    found = kms._resolve_key(key) if key and not key.startswith("alias/aws/") else None
    return str(found["Arn"]) if found else ""


def _enforce_with_key(  # noqa: PLR0913 - the signature of what it replaces
    key: str, action: str, service: str, region: str, *, resource_arn: str = "*", service_context: Any = None
) -> Any:
    """Check the resource, then the key behind it, as the service does with the caller's permissions."""
    action = action.removesuffix("Batch") if service == "sqs" else action  # IAM has one action for single and batch
    denied = _enforce(key, action, service, region, resource_arn=resource_arn, service_context=service_context)
    if denied:
        if not isinstance(denied, iam.AuthError):
            refusals.append(f"{denied.principal_arn} {action} {resource_arn}")
        return denied
    behind = key_behind(resource_arn) if resource_arn.startswith("arn:") else ""
    for needed in _KEY_ACTIONS.get(action, _KEY_ACTIONS.get(service, ())) if behind else ():
        if not may(key, needed, behind, **{"kms:ViaService": f"{service}.{region}.amazonaws.com"}):
            return iam.EvalResult("ImplicitDeny", principal_arn=f"{key} through {service}: {needed}")
    return None
