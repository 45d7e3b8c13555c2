"""
The specification's timer function in Python, with three things added: an answer that is an error is an error of the function, all
pages of stale groups are read, and each call carries an Idempotency-Key, so that a retry by the host repeats nothing.
"""

import logging
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.functions as func
import httpx

API_BASE = os.environ.get("GRAPHRAG_API_URL", "http://localhost:8000")
API_KEY = os.environ.get("GRAPHRAG_API_KEY", "")
# Timers fire a little early at times; the schedules lie at least a minute apart.
EARLY = timedelta(seconds=20)
PAGE_SIZE = 500


async def main(timer: func.TimerRequest) -> None:
    """Collects, and recomputes where needed, every stale group."""
    if timer.past_due:
        logging.warning("The timer is past due")
    slot = nominal_time(getattr(timer, "schedule_status", None), datetime.now(timezone.utc))
    headers = {"Authorization": f"Bearer {API_KEY}"} if API_KEY else {}
    async with httpx.AsyncClient(base_url=API_BASE, headers=headers, timeout=300) as client:
        # Read before the first run: the runs change who is stale.
        for group in [group async for group in stale_groups(client)]:
            await post(client, "run-all-gc", group["group_id"], slot)
            if group["needs_gds_recompute"]:
                await post(client, "recompute-gds", group["group_id"], slot)


def nominal_time(status: Any, now: datetime) -> str:
    """
    The occurrence that an invocation stands for, the same for each retry of it. The status that comes with a timer was written after the
    invocation before: its ``Next`` is the occurrence of now, its ``Last`` the one before. Without a status the current minute serves.
    """
    known = status if isinstance(status, dict) else {}
    times = [time for time in (parsed(known.get(name)) for name in ("Next", "Last")) if time and time <= now + EARLY]
    return max(times, default=now.replace(second=0, microsecond=0)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text: Any) -> datetime | None:
    """A time with its zone in UTC; nothing for what is none, and for the year 1, by which the host says never."""
    try:
        time = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    if time.year < 1970:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


async def stale_groups(client: httpx.AsyncClient) -> AsyncIterator[dict[str, Any]]:
    params = {"limit": str(PAGE_SIZE)}
    while True:
        page = await client.get("/maintenance/admin/groups/stale", params=params)
        page.raise_for_status()
        for group in page.json()["groups"]:
            yield group
        if page.json()["next_cursor"] is None:
            return
        params["cursor"] = page.json()["next_cursor"]


async def post(client: httpx.AsyncClient, what: str, group_id: str, slot: str) -> None:
    response = await client.post(
        f"/maintenance/{what}",
        headers={"X-Group-ID": group_id, "Idempotency-Key": f"azure-python:{what}:{slot}"},
    )
    response.raise_for_status()
    logging.info("%s for %s: %s", what, group_id, response.json())
