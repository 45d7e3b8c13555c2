"""Client of Graphkeeper's HTTP API."""

from .client import Graphkeeper
from .errors import GraphkeeperError, RunFailed, WaitTimeout
from .types import (
    DocumentContent,
    Effect,
    Entity,
    Ids,
    Impact,
    Mention,
    Operation,
    Outcome,
    Relationship,
    Run,
    StaleGroup,
    TextUnit,
)

__all__ = [
    "DocumentContent",
    "Effect",
    "Entity",
    "Graphkeeper",
    "GraphkeeperError",
    "Ids",
    "Impact",
    "Mention",
    "Operation",
    "Outcome",
    "Relationship",
    "Run",
    "RunFailed",
    "StaleGroup",
    "TextUnit",
    "WaitTimeout",
]
