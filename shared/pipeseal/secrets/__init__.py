"""Detection of literal secrets in pipelines, variables and text; a finding tells where a secret is, never its value."""

from pipeseal.secrets.findings import SecretFinding
from pipeseal.secrets.search import in_pipeline, in_text, in_variables

__all__ = ["SecretFinding", "in_pipeline", "in_text", "in_variables"]
