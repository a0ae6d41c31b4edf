"""Literal secrets: a pipeline or a text goes in; where each secret stands, and never what it is, comes out."""

from pipeseal.secrets.search import Secret, in_pipeline, in_text, in_variables

__all__ = ["Secret", "in_pipeline", "in_text", "in_variables"]
