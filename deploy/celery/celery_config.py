"""
The Celery application: broker, beat schedule and reliability settings.

    celery -A celery_config worker
    celery -A celery_config beat

Environment: ``CELERY_BROKER_URL``; ``GRAPHRAG_API_URL`` and ``GRAPHRAG_API_KEY`` for the tasks. In a Django project
(``DJANGO_SETTINGS_MODULE`` is set) the settings with the prefix ``CELERY_`` count as well.
"""

from __future__ import annotations

import os

from celery import Celery
from celery.schedules import crontab, schedule

app = Celery("graphrag", include=["tasks"])
app.conf.update(
    broker_url=os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0"),
    broker_connection_retry_on_startup=True,
    # Redis gives a message again that nobody acknowledged for this long: longer than a task with all its retries in hand.
    broker_transport_options={"visibility_timeout": 3600},
    # Acknowledged when done: a task whose worker was killed is delivered again, and its Idempotency-Key makes that harmless.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # One at a time: what one worker holds ready, another cannot take.
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_time_limit=900,
    timezone="UTC",
    beat_scheduler="slots:SlotScheduler",
    slot_seconds=60,
)
if os.environ.get("DJANGO_SETTINGS_MODULE"):
    app.config_from_object("django.conf:settings", namespace="CELERY")

HOUR = 3600
# A message that waited until the next one is due has nothing left to say.
app.conf.beat_schedule = {
    "gc-orphan-entities": {
        "task": "tasks.run_gc_job",
        "schedule": crontab(minute=0),
        "args": ("orphan_entities",),
        "options": {"expires": HOUR - 60},
    },
    "gc-stale-edges": {
        "task": "tasks.run_gc_job",
        "schedule": crontab(minute=15),
        "args": ("stale_edges",),
        "options": {"expires": HOUR - 60},
    },
    "gc-deprecated-vectors": {
        "task": "tasks.run_gc_job",
        "schedule": crontab(minute=30),
        "args": ("deprecated_vectors",),
        "options": {"expires": HOUR - 60},
    },
    "gds-recompute": {
        "task": "tasks.recompute_gds_stale_groups",
        "schedule": crontab(hour=2, minute=0),
        "options": {"expires": 6 * HOUR},
    },
}

# For trying it out: every entry every so many seconds, whatever the schedule above says.
if os.environ.get("GRAPHRAG_BEAT_SECONDS"):
    every = float(os.environ["GRAPHRAG_BEAT_SECONDS"])
    app.conf.slot_seconds = every
    app.conf.beat_max_loop_interval = every / 4
    for entry in app.conf.beat_schedule.values():
        entry["schedule"] = schedule(every)
        entry["options"] = {"expires": 10 * every}
