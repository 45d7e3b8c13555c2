"""
The specification's timer function in Python, with two things added: an answer that is an error is an error of the function, and
each call carries an Idempotency-Key, so that a retry by the host repeats nothing.
"""

import logging
import os
from datetime import datetime, timezone

import azure.functions as func
import httpx

API_BASE = os.environ.get("GRAPHRAG_API_URL", "http://localhost:8000")
API_KEY = os.environ.get("GRAPHRAG_API_KEY", "")


async def main(timer: func.TimerRequest) -> None:
    """Collects, and recomputes where needed, every stale group."""
    if timer.past_due:
        logging.warning("The timer is past due")
    slot = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:00Z")
    headers = {"Authorization": f"Bearer {API_KEY}"} if API_KEY else {}
    async with httpx.AsyncClient(base_url=API_BASE, headers=headers, timeout=300) as client:
        stale = await client.get("/maintenance/admin/groups/stale")
        stale.raise_for_status()
        for group in stale.json()["groups"]:
            await post(client, "run-all-gc", group["group_id"], slot)
            if group["needs_gds_recompute"]:
                await post(client, "recompute-gds", group["group_id"], slot)


async def post(client: httpx.AsyncClient, what: str, group_id: str, slot: str) -> None:
    response = await client.post(
        f"/maintenance/{what}",
        headers={"X-Group-ID": group_id, "Idempotency-Key": f"azure-python:{what}:{slot}"},
    )
    response.raise_for_status()
    logging.info("%s for %s: %s", what, group_id, response.json())
