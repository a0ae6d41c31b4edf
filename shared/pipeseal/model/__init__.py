"""The nouns: what a resource is, what a control finds, what is planned, and what became of it; pure."""

from pipeseal.kinds.registry import Kind, KindSpec
from pipeseal.model.action import Action
from pipeseal.model.control import AnyControl, Control, Finding, Refused, Requirements, Severity, Standard
from pipeseal.model.listing import Listed, Page
from pipeseal.model.outcome import Actor, ActorDocument, Cause, Outcome, OutcomeDocument
from pipeseal.model.plan import Plan
from pipeseal.model.ref import Ref, kind_and_name, partition_of
from pipeseal.model.resource import R, Reason, Resource, State, Text, texts_of_tags

__all__ = [
    "Action",
    "Actor",
    "ActorDocument",
    "AnyControl",
    "Cause",
    "Control",
    "Finding",
    "Kind",
    "KindSpec",
    "Listed",
    "Outcome",
    "OutcomeDocument",
    "Page",
    "Plan",
    "R",
    "Reason",
    "Ref",
    "Refused",
    "Requirements",
    "Resource",
    "Severity",
    "Standard",
    "State",
    "Text",
    "kind_and_name",
    "partition_of",
    "texts_of_tags",
]
