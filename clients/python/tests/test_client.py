"""Against a started service: GRAPHRAG_API_URL and GRAPHRAG_API_KEY say where."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from graphkeeper_client import DocumentContent, Graphkeeper, GraphkeeperError, RunFailed, WaitTimeout

URL = os.environ["GRAPHRAG_API_URL"]
KEY = os.environ["GRAPHRAG_API_KEY"]


def content(name: str, text: str | None = None) -> DocumentContent:
    return {
        "title": name,
        "text_units": [{"id": f"{name}-u", "text": text or f"The text of {name}."}],
        "entities": [{"id": f"{name}-{n}", "name": f"{name} {n}"} for n in range(3)] + [{"id": "shared", "name": "shared"}],
        "mentions": [{"text_unit": f"{name}-u", "entity": f"{name}-{n}"} for n in range(3)]
        + [{"text_unit": f"{name}-u", "entity": "shared"}],
    }


class Flaky(httpx.BaseTransport):
    """The real transport, that fails when it is told to, before or after the request has had its effect."""

    def __init__(self) -> None:
        self.real = httpx.HTTPTransport()
        self.faults: list[str | int] = []
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            raise httpx.ConnectError("refused", request=request)
        if isinstance(fault, int):
            return httpx.Response(fault, headers={"retry-after": "7"}, request=request)
        response = self.real.handle_request(request)
        if fault == "after":
            response.read()
            response.close()
            raise httpx.ReadError("cut", request=request)
        return response


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def keeper(flaky: Flaky, slept: list[float]) -> Iterator[Graphkeeper]:
    group = f"py-{uuid.uuid4().hex[:8]}"
    lines = "\n".join(
        line
        for name in ("a", "b")
        for line in (
            f'{{"kind":"document","id":"{name}"}}',
            f'{{"kind":"text_unit","id":"{name}-u","documents":["{name}"],"text":"The text of {name}."}}',
            *(f'{{"kind":"entity","id":"{e}","name":"{e}"}}' for e in (f"{name}-0", f"{name}-1", "shared")),
            *(f'{{"kind":"mention","text_unit":"{name}-u","entity":"{e}"}}' for e in (f"{name}-0", f"{name}-1", "shared")),
        )
    )
    imported = httpx.post(
        f"{URL}/groups/{group}/import",
        content=lines,
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"},
    )
    imported.raise_for_status()
    # Waiting for a run takes real time; pauses between tries need none.
    def sleep(seconds: float) -> None:
        slept.append(seconds)
        real_sleep(0.02)

    with Graphkeeper(URL, api_key=KEY, group=group, transport=flaky, sleep=sleep) as made:
        yield made


def real_sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)


def test_preview_deprecate_collect_restore(keeper: Graphkeeper) -> None:
    preview = keeper.impact("a")
    assert preview["text_units"]["ids"] == ["a-u"]
    assert preview["entities"]["count"] == 2
    operation = keeper.deprecate("a", reason="outdated", successor="b", force=True)
    assert operation["outcomes"] == [{"id": "a", "outcome": "deprecated"}]
    assert operation["reason"] == "outdated"
    run = keeper.collect()
    assert run["state"] == "succeeded"
    assert run["result"] is not None and run["result"]["deleted"] == 2
    assert keeper.health()["counts"]["entities"] == {"live": 3, "parked": 2}
    assert keeper.restore("a")["outcomes"] == [{"id": "a", "outcome": "restored"}]
    keeper.collect()
    assert keeper.health()["counts"]["entities"] == {"live": 5, "parked": 0}


def test_replace_keeps_what_is_unchanged(keeper: Graphkeeper) -> None:
    operation = keeper.replace("a", content("a", "Another text."), reason="edited")
    assert operation["outcomes"] == [{"id": "a", "outcome": "replaced"}]
    again = keeper.replace("a", content("a", "Another text."))
    assert again["outcomes"] == [{"id": "a", "outcome": "unchanged"}]


def test_recompute_and_stale_groups(keeper: Graphkeeper) -> None:
    group = keeper.health()["group_id"]
    assert group in {each["group_id"] for each in keeper.stale_groups()}
    run = keeper.recompute()
    assert run["result"] is not None and run["result"]["fresh"] is True
    keeper.collect()
    assert group not in {each["group_id"] for each in keeper.stale_groups()}


@pytest.mark.parametrize("faults", [["after"], ["before", "after"], [503, "after", 429, "before"]])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    keeper: Graphkeeper, flaky: Flaky, slept: list[float], faults: list[str | int]
) -> None:
    generation = keeper.health()["generation"]
    flaky.faults = list(faults)
    flaky.keys.clear()
    operation = keeper.deprecate("a", force=True)
    assert operation["outcomes"][0]["outcome"] == "deprecated"
    assert operation["replayed"] is ("after" in faults)
    assert len(flaky.keys) == len(faults) + 1
    assert len(set(flaky.keys)) == 1 and flaky.keys[0]
    assert keeper.health()["generation"] == generation + 1
    assert len(slept) == len(faults)
    # The service's own wish counts.
    assert [seconds >= 7 for seconds in slept] == [isinstance(fault, int) for fault in faults]


def test_a_key_of_ones_own_makes_calls_repeatable(keeper: Graphkeeper) -> None:
    first = keeper.deprecate("a", force=True, idempotency_key="ingest-42")
    second = keeper.deprecate("a", force=True, idempotency_key="ingest-42")
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["id"] == second["id"]
    with pytest.raises(GraphkeeperError) as caught:
        keeper.deprecate("b", force=True, idempotency_key="ingest-42")
    assert caught.value.code == "IDEMPOTENCY_MISMATCH"


def test_errors_have_the_code_of_the_catalogue_and_no_second_try(keeper: Graphkeeper, flaky: Flaky) -> None:
    flaky.keys.clear()
    with pytest.raises(GraphkeeperError) as caught:
        keeper.impact("a", verb="explode")
    assert (caught.value.code, caught.value.status) == ("INVALID_REQUEST", 400)
    assert caught.value.remedy and caught.value.request_id
    assert len(flaky.keys) == 1
    with pytest.raises(GraphkeeperError) as wrong, Graphkeeper(URL, api_key="wrong", group="g") as other:
        other.deprecate("a")
    assert (wrong.value.code, wrong.value.status) == ("UNAUTHENTICATED", 401)
    with pytest.raises(GraphkeeperError) as groupless, Graphkeeper(URL, api_key=KEY) as other:
        other.collect()
    assert groupless.value.code == "GROUP_REQUIRED"


def test_ids_of_any_characters(keeper: Graphkeeper) -> None:
    name = "a/b?c#d é%2F"
    with pytest.raises(GraphkeeperError) as caught:
        keeper.replace(name, {"text_units": [{"id": "x", "text": "x"}]})
    assert caught.value.code == "DOCUMENT_NOT_FOUND"


def test_nobody_answers() -> None:
    with pytest.raises(GraphkeeperError) as caught, Graphkeeper(
        "http://127.0.0.1:1", group="g", retries=1, sleep=lambda _: None
    ) as away:
        away.restore("a")
    assert caught.value.code == "UNREACHABLE"


def test_waiting(keeper: Graphkeeper, flaky: Flaky) -> None:
    def scripted(*states: str) -> Callable[[str], dict[str, object]]:
        left = list(states)

        def run(run_id: str) -> dict[str, object]:
            state = left.pop(0) if len(left) > 1 else left[0]
            error = {"code": "OUT_OF_BUDGET", "message": "too large"} if state == "dead" else None
            return {"id": run_id, "state": state, "error": error, "reason": None}

        return run

    keeper.run = scripted("queued", "running", "dead")  # type: ignore[method-assign, assignment]
    with pytest.raises(RunFailed) as failed:
        keeper.wait("r1")
    assert failed.value.code == "OUT_OF_BUDGET"
    keeper.run = scripted("running")  # type: ignore[method-assign, assignment]
    with pytest.raises(WaitTimeout):
        keeper.wait("r1", timeout=0.5)
    keeper.run = scripted("queued", "skipped")  # type: ignore[method-assign, assignment]
    assert keeper.wait("r1")["state"] == "skipped"


def test_types_can_be_looked_up() -> None:
    from typing import get_type_hints

    from graphkeeper_client import types

    found = [each for each in vars(types).values() if isinstance(each, type) and hasattr(each, "__total__")]
    assert len(found) > 5
    for each in [*found, Graphkeeper.deprecate, Graphkeeper.run]:
        assert get_type_hints(each)
