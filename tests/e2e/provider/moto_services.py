"""The services that moto answers, behind the IAM of MiniStack: CloudTrail, CodeBuild, CodeDeploy and CodePipeline."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.provider.permissions import ACCOUNT, REGION, may

CREDENTIAL = re.compile(r"Credential=([^/\s,]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
"""Access key ID, Region and service in an Authorization header."""

_JSON = "application/x-amz-json-1.1"
_SERVICES = {
    "CloudTrail_20131101": "cloudtrail",
    "CodeBuild_20161006": "codebuild",
    "CodeDeploy_20141006": "codedeploy",
    "CodePipeline_20150709": "codepipeline",
}


def operation_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the service of moto and the operation that a request calls; the service is "" where it is MiniStack's."""
    prefix, _, call = headers.get("x-amz-target", "").rpartition(".")
    return _SERVICES.get(prefix.rpartition(".")[2], ""), call


def answer(headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the response to a request, AccessDeniedException where IAM denies it."""
    service, call = operation_of(headers)
    request = json.loads(body or b"{}")
    signed = CREDENTIAL.search(headers.get("authorization", ""))
    key, region = (signed[1], signed[2]) if signed else ("", REGION)
    arns = (str(request.get(name, "")) for name in ("Name", "TrailName", "ResourceArn"))
    given = next((arn for arn in arns if arn.startswith("arn:")), "")
    resource = given or f"arn:aws:{service}:{region}:{ACCOUNT}:{_resource_part(service, request)}"
    role, passed_to = _passed_role(service, call, request), {"iam:PassedToService": f"{service}.amazonaws.com"}
    if not may(key, f"{service}:{call}", resource) or (role and not may(key, "iam:PassRole", role, **passed_to)):
        denied = {"__type": "AccessDeniedException", "message": f"{key} is not authorized to perform {call}"}
        return 400, {"content-type": _JSON}, json.dumps(denied).encode()
    moto = urlsplit(os.environ["PIPESEAL_MOTO"])
    connection = http.client.HTTPConnection(str(moto.hostname), moto.port, timeout=30)
    try:
        forwarded = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
        connection.request("POST", "/", body, {**forwarded, "Host": f"{service}.{region}.amazonaws.com"})
        response = connection.getresponse()
        kind = response.headers.get("content-type", _JSON)
        return response.status, {"content-type": kind}, response.read()
    finally:
        connection.close()


def _resource_part(service: str, request: Mapping[str, Any]) -> str:
    """Return the resource part of the ARN that IAM checks."""
    name = str(request.get("name") or request.get("Name") or request.get("TrailName") or "")
    application, group = request.get("applicationName"), request.get("deploymentGroupName")
    groups = request.get("deploymentGroupNames") or ([group] if group else [])
    match service:
        case "codepipeline":
            name = request.get("pipelineName") or name or request.get("pipeline", {}).get("name", "")
            return f"{name}/{request['stageName']}" if "stageName" in request else str(name)
        case "codebuild":
            return f"project/{name or next(iter(request.get('names', ())), '')}"
        case "codedeploy" if groups or "deploymentIds" in request:
            return f"deploymentgroup:{application}/{next(iter(groups), '')}"
        case "codedeploy":
            return f"application:{application}"
    return f"trail/{name}"


def _passed_role(service: str, call: str, request: Mapping[str, Any]) -> str:
    """Return the role that the call passes to the service, or ""."""
    if (service, call) == ("codebuild", "UpdateProject"):  # passes the project's role even where it names none
        return str(request.get("serviceRole") or f"arn:aws:iam::{ACCOUNT}:role/build")
    return str(
        request.get("pipeline", {}).get("roleArn") or request.get("serviceRole") or request.get("serviceRoleArn") or ""
    )
