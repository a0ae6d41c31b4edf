"""Decide which requests an S3 bucket policy denies, and add the Deny statement that is missing."""

from pipeseal.policy.deny import Deny
from pipeseal.policy.document import PolicyError
from pipeseal.policy.policy import Policy
from pipeseal.policy.size import MAX_POLICY_BYTES, PolicyTooLarge
from pipeseal.policy.validation import validation_errors
from pipeseal.policy.verdict import Coverage, Verdict

__all__ = [
    "MAX_POLICY_BYTES",
    "Coverage",
    "Deny",
    "Policy",
    "PolicyError",
    "PolicyTooLarge",
    "Verdict",
    "validation_errors",
]
