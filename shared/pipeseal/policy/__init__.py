"""Decide by meaning what a bucket policy refuses, and add what it does not refuse yet."""

from pipeseal.policy.deny import Deny
from pipeseal.policy.document import PolicyError
from pipeseal.policy.faults import faults
from pipeseal.policy.policy import Policy
from pipeseal.policy.size import LIMIT, PolicyTooLarge
from pipeseal.policy.verdict import Level, Verdict

__all__ = [
    "LIMIT",
    "Deny",
    "Level",
    "Policy",
    "PolicyError",
    "PolicyTooLarge",
    "Verdict",
    "faults",
]
