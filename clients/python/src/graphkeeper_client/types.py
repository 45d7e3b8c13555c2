"""Shapes on the wire. Answers may have more members than are listed here; none is taken away."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired
elif sys.version_info >= (3, 11):
    from typing import NotRequired
else:

    class NotRequired:
        """Python 3.10 has none; ``get_type_hints`` looks the name up all the same."""

        def __class_getitem__(cls, item: Any) -> Any:
            return item


class Outcome(TypedDict):
    """What became of one document that an operation names."""

    id: str
    outcome: str


class Effect(TypedDict):
    """Rows that a change touched, by kind."""

    documents: int
    text_units: int
    entities: int
    relationships: int
    vectors: int


class Operation(TypedDict):
    id: str
    group_id: str
    verb: str
    state: Literal["rolling", "done"]
    at: str
    actor: str
    reason: str | None
    outcomes: list[Outcome]
    effect: Effect
    generation: int
    replayed: bool


class Ids(TypedDict):
    """``count`` is complete; ``ids`` are the first thousand."""

    count: int
    ids: list[str]


class Impact(TypedDict):
    group_id: str
    verb: str
    documents: list[Outcome]
    text_units: Ids
    entities: Ids
    relationships: Ids
    vectors: int
    communities: list[str]
    live_entities: int
    exceeds_guard: bool


class Run(TypedDict):
    id: str
    kind: str
    group_id: str
    state: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "dead", "skipped"]
    reason: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    error: dict[str, str] | None


class StaleGroup(TypedDict):
    group_id: str
    needs_gc: bool
    needs_gds_recompute: bool
    gds_stale: bool
    stale_since: str | None
    generation: int


class TextUnit(TypedDict):
    id: str
    text: str
    documents: NotRequired[list[str]]
    embedding: NotRequired[list[float]]


class Entity(TypedDict):
    id: str
    name: str
    type: NotRequired[str]
    description: NotRequired[str]
    embedding: NotRequired[list[float]]


class Mention(TypedDict):
    text_unit: str
    entity: str


class Relationship(TypedDict):
    id: str
    source: str
    target: str
    type: str
    description: NotRequired[str]
    weight: NotRequired[float]
    text_units: NotRequired[list[str]]


class DocumentContent(TypedDict):
    """A document with all that was extracted from it."""

    title: NotRequired[str]
    content_hash: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]
    text_units: list[TextUnit]
    entities: NotRequired[list[Entity]]
    mentions: NotRequired[list[Mention]]
    relationships: NotRequired[list[Relationship]]
