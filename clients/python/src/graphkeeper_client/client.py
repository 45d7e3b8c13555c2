"""The client: one method a verb."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, cast
from urllib.parse import quote

import httpx

from .errors import GraphkeeperError, RunFailed, WaitTimeout
from .types import DocumentContent, Impact, Operation, Run, StaleGroup

# A call that got no answer, or one of these, is tried again. 409 only for a first call with the same key that is under way.
AGAIN = {408, 429, 502, 503, 504}
ENDED = {"succeeded", "skipped", "failed", "dead", "cancelled"}


class Graphkeeper:
    """
    :param url: address of the service, such as ``http://127.0.0.1:8000``
    :param group: default group (tenant) of all calls
    :param retries: further tries of a call; each carries the same Idempotency-Key
    :param timeout: seconds for one answer; calls that wait for a run take up to four minutes

    One object may be used by several threads, as ``httpx.Client`` may.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        group: str | None = None,
        retries: int = 4,
        timeout: float = 300.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=10.0),
            transport=transport,
        )
        self._group = group
        self._retries = retries
        self._sleep = sleep

    def __enter__(self) -> Graphkeeper:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # Documents

    def deprecate(
        self,
        document_id: str,
        *,
        successor: str | None = None,
        reason: str | None = None,
        force: bool = False,
        group: str | None = None,
        idempotency_key: str | None = None,
    ) -> Operation:
        """
        Hides the document from readers; when this returns they do not find it any more. It stays restorable.

        :param successor: the document that takes its place
        :param force: pass the blast-radius guard
        """
        body = _given(successor=successor, reason=reason, force=force or None)
        return cast(Operation, self._act(document_id, "deprecate", body, group, idempotency_key))

    def restore(
        self,
        document_id: str,
        *,
        reason: str | None = None,
        group: str | None = None,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Brings a deprecated document back, exactly as it was."""
        return cast(Operation, self._act(document_id, "restore", _given(reason=reason), group, idempotency_key))

    def replace(
        self,
        document_id: str,
        content: DocumentContent,
        *,
        reason: str | None = None,
        group: str | None = None,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Replaces the document by a new version in one atomic operation; text units with unchanged text stay as they are."""
        body = {**content, **_given(reason=reason)}
        path = f"/documents/{quote(document_id, safe='')}"
        return cast(Operation, self._call("PUT", path, group, body=body, key=idempotency_key or _new_key()))

    def impact(self, document_id: str, verb: str = "deprecate", *, group: str | None = None) -> Impact:
        """What ``deprecate``, ``restore`` or ``purge`` would do, without doing it."""
        path = f"/documents/{quote(document_id, safe='')}/impact"
        return cast(Impact, self._call("GET", path, group, params={"verb": verb}))

    # Maintenance

    def collect(
        self,
        *,
        dry_run: bool = False,
        group: str | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Garbage collection of the group, all three kinds; returns the run when it has ended."""
        body = _given(dry_run=dry_run or None)
        return self._maintain("/maintenance/run-all-gc", body, group, timeout, idempotency_key)

    def recompute(
        self,
        *,
        full: bool = False,
        group: str | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Recomputes similarity edges, communities and ranks of the group; returns the run when it has ended."""
        body = _given(full=full or None)
        return self._maintain("/maintenance/recompute-gds", body, group, timeout, idempotency_key)

    def run(self, run_id: str) -> Run:
        """A run as it is now."""
        return cast(Run, self._call("GET", f"/maintenance/runs/{quote(run_id, safe='')}", None))

    def wait(self, run_id: str, *, timeout: float | None = None) -> Run:
        """
        The run once it has ended.

        :param timeout: seconds; None = as long as it takes
        :raises WaitTimeout: it has not ended by then, and goes on
        :raises RunFailed: it failed, died or was cancelled
        """
        until = None if timeout is None else time.monotonic() + timeout
        pause = 0.2
        while True:
            run = self.run(run_id)
            if run["state"] in ENDED:
                break
            if until is not None and time.monotonic() + pause > until:
                raise WaitTimeout("WAIT_TIMEOUT", f"The run {run_id} is {run['state']} after {timeout} s.")
            self._sleep(pause)
            pause = min(5.0, pause * 1.5)
        if run["state"] not in ("succeeded", "skipped"):
            error = run["error"] or {"code": "RUN_FAILED", "message": run["reason"] or f"It ended as {run['state']}."}
            raise RunFailed(error["code"], f"The run {run_id} did not succeed: {error['message']}", problem=dict(error))
        return run

    def stale_groups(self) -> Iterator[StaleGroup]:
        """Groups whose collection or analytics lag behind, of those that the key may see."""
        cursor: str | None = None
        while True:
            page = self._call("GET", "/maintenance/admin/groups/stale", None, params=_given(cursor=cursor))
            yield from page["groups"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def health(self, *, group: str | None = None) -> dict[str, Any]:
        """Status, counts and last runs of the group."""
        return self._call("GET", "/maintenance/health", group)

    # How

    def _act(
        self, document_id: str, verb: str, body: Mapping[str, Any], group: str | None, key: str | None
    ) -> dict[str, Any]:
        path = f"/documents/{quote(document_id, safe='')}/{verb}"
        return self._call("POST", path, group, body=body, key=key or _new_key())

    def _maintain(
        self, path: str, body: Mapping[str, Any], group: str | None, timeout: float | None, key: str | None
    ) -> Run:
        group = self._needed(group)
        # Not held open for the whole run: a long one would depend on every proxy in between.
        answer = self._call("POST", path, group, body=body, key=key or _new_key(), params={"wait": "0"})
        return self.wait(answer["run_id"], timeout=timeout)

    def _needed(self, group: str | None) -> str:
        found = group or self._group
        if found is None:
            raise GraphkeeperError("GROUP_REQUIRED", "Which group? Give group=, here or to the client.", status=400)
        return found

    def _call(
        self,
        method: str,
        path: str,
        group: str | None,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        headers = {}
        if group or self._group:
            headers["X-Group-ID"] = cast(str, group or self._group)
        if key is not None:
            headers["Idempotency-Key"] = key
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.request(method, path, headers=headers, json=body, params=params)
            except httpx.TransportError as error:
                # A change whose answer was lost has its key: repeating it is safe.
                if last:
                    raise GraphkeeperError("UNREACHABLE", f"{method} {path}: {error!r}") from error
                self._pause(attempt, None)
                continue
            if response.is_success:
                return cast("dict[str, Any]", response.json())
            problem = _problem(response)
            again = response.status_code in AGAIN or problem.get("code") == "IDEMPOTENCY_CONFLICT"
            if again and not last:
                self._pause(attempt, response.headers.get("retry-after"))
                continue
            raise GraphkeeperError(
                str(problem.get("code", "UNKNOWN")),
                str(problem.get("detail") or f"{method} {path} answered {response.status_code}"),
                status=response.status_code,
                problem=problem,
            )
        raise AssertionError("unreachable")

    def _pause(self, attempt: int, retry_after: str | None) -> None:
        wait = min(10.0, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)
        if retry_after is not None and retry_after.isdigit():
            wait = min(60.0, max(wait, float(retry_after)))
        self._sleep(wait)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _new_key() -> str:
    return f"python:{uuid.uuid4()}"


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
