"""A control: one rule about one kind of resource, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from pipeseal.model.resource import R

if TYPE_CHECKING:
    from pipeseal.kinds.registry import Kind
    from pipeseal.settings import Mode, Settings


class Severity(IntEnum):
    """How severe a violation is; ordered, so that the highest of several can be taken."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Standard(StrEnum):
    """A standard whose requirements controls refer to; the value is the name to print, with the version."""

    SECURITY_HUB = "AWS Security Hub CSPM"
    CONFIG_RULE = "AWS Config managed rule"
    CIS_AWS_3_TO_5 = "CIS AWS Foundations Benchmark v3.0, v4.0.1, v5.0"
    CIS_AWS_6_AND_7 = "CIS AWS Foundations Benchmark v6.0, v7.0"
    CIS_AWS_7 = "CIS AWS Foundations Benchmark v7.0"
    NIST_800_53 = "NIST SP 800-53 Rev. 5"
    NIST_800_171 = "NIST SP 800-171 Rev. 2"
    PCI_DSS = "PCI DSS v4.0.1"
    ISO_27001 = "ISO/IEC 27001:2022"
    OWASP_CICD = "OWASP Top 10 CI/CD Security Risks"


Requirements: TypeAlias = Mapping[Standard, tuple[str, ...]]
"""Standard -> IDs of its requirements."""


class Refused(Exception):
    """A control must not remediate what it found; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(Generic[R]):
    """One rule: a pure, idempotent function from a resource to the resource as it should be.

    *reasons* returns what is wrong, one sentence each. *fix* returns the compliant resource, or the same resource where
    only a person can remediate it; it may raise Refused. Both take the operator's settings.

    The texts are data: `pipeseal explain control` and docs/controls.md print them as they are.
    """

    id: str
    title: str
    """The rule, with "should"."""
    severity: Severity
    kinds: tuple[Kind, ...]
    """The kinds of resource that the control applies to; none for the control of unreadable resources."""
    reasons: Callable[[R, Settings], tuple[str, ...]]
    fix: Callable[[R, Settings], R]
    description: str
    """What the control checks, and on which resources."""
    reports: str
    """What a finding states."""
    risk: str
    """What can happen while the control is violated."""
    remediation: str
    """What pipeseal writes, or that it only notifies."""
    advice: str
    """What the resource owner changes in their own code so that the violation does not return."""
    false_positives: str
    """When a finding is expected, and what to do then."""
    source: str
    """URL of the AWS document that requires it."""
    permissions: tuple[str, ...]
    """IAM actions that detection and remediation need."""
    parameters: tuple[str, ...]
    """Parameters of template.yaml that change what this control does; Mode and ControlModes apply to all."""
    requirements: Requirements
    """Requirements that a published mapping or the standard itself relates to this check."""
    inferred_requirements: Requirements
    """Requirements that pipeseal relates to this check without a published mapping."""


AnyControl: TypeAlias = "Control[Any]"
"""A control of any kind of resource: its functions take only resources of that kind, so no type argument fits all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one control found wrong with one resource."""

    control: AnyControl
    mode: Mode
    reasons: tuple[str, ...]
    refusal: str = ""
    """Why it could not be remediated; "" where it could."""
    writes: bool = False
    """Whether remediation changes the resource."""
