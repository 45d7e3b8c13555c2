"""
The tasks of the specification. Each is one call of the HTTP API for all stale groups; the service does the work, one group after
the other, and knows what is done already.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import httpx
from celery import Task, shared_task
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)

JOB_TYPES = ("orphan_entities", "stale_edges", "deprecated_vectors")


class Unavailable(Exception):
    """The service does not answer, or asks to be called again later."""


def idempotency_key(task: Task) -> str:
    """
    The same for every delivery and every retry of one message, and for two beats that send for the same slot. A task that was
    called by hand has its own.
    """
    slot = task.request.get("graphkeeper_slot")
    return f"celery:{slot or task.request.id or uuid.uuid4()}"


def call(task: Task, path: str) -> dict[str, Any]:
    base = os.environ.get("GRAPHRAG_API_URL", "http://localhost:8000").rstrip("/")
    key = os.environ.get("GRAPHRAG_API_KEY", "")
    headers = {"Idempotency-Key": idempotency_key(task)}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        # The service waits 240 s for the end of the work; then it answers 202, and goes on.
        response = httpx.post(f"{base}{path}", headers=headers, timeout=300)
    except httpx.TransportError as error:
        raise Unavailable(f"{path}: {error!r}") from error
    if response.status_code in (408, 409, 429) or response.status_code >= 500:
        raise Unavailable(f"{path} answered {response.status_code}: {response.text}")
    # A wrong key or path does not mend itself: no retry.
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    logger.info(
        "%s: %s, %d groups, %d deleted, %d failed",
        path,
        "under way" if response.status_code == 202 else "done",
        len(answer.get("groups", [])),
        answer.get("deleted", 0),
        answer.get("failed", 0),
    )
    return answer


RETRIES: dict[str, Any] = {
    "autoretry_for": (Unavailable,),
    "retry_backoff": 5,
    "retry_backoff_max": 600,
    "retry_jitter": True,
    "max_retries": 8,
    "acks_late": True,
    "reject_on_worker_lost": True,
}


@shared_task(bind=True, name="tasks.run_gc_job", **RETRIES)
def run_gc_job(self: Task, job_type: str) -> dict[str, Any]:
    """Garbage collection of one kind, for all stale groups."""
    if job_type not in JOB_TYPES:
        raise ValueError(f"There is no job type {job_type!r}; known are {', '.join(JOB_TYPES)}.")
    return call(self, f"/maintenance/gc/{job_type}")


@shared_task(bind=True, name="tasks.recompute_gds_stale_groups", **RETRIES)
def recompute_gds_stale_groups(self: Task) -> dict[str, Any]:
    """Recomputes similarity edges, communities and ranks of all groups whose analytics are stale."""
    return call(self, "/maintenance/recompute-gds")
