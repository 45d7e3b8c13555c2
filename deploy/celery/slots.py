"""A beat whose messages carry the time that they stand for."""

from __future__ import annotations

import copy
import time
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry


class SlotScheduler(PersistentScheduler):
    """
    Celery's own beat, which also writes into each message the slot that it is sent for: the time of sending, cut to
    ``slot_seconds`` (a minute, the grain of crontab). The slot stays with the message when it is delivered again or retried,
    and two beats that run by mistake write the same one. Tasks make their Idempotency-Key of it.
    """

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        grain = float(self.app.conf.get("slot_seconds", 60))
        slot = int(time.time() // grain * grain)
        sent = copy.copy(entry)
        headers = {**(entry.options.get("headers") or {}), "graphkeeper_slot": f"{entry.name}:{slot}"}
        sent.options = {**entry.options, "headers": headers}
        return super().apply_async(sent, producer=producer, advance=advance, **kwargs)
