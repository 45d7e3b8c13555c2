import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ROUTES } from "../../src/http/routes.ts";
import { closeWorlds, fill, makeWorld, type Request, send, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  await fill(world, "acme", 5);
});
afterAll(closeWorlds);

/** Sends, and holds the answer to the shape that the contract promises. */
async function call(path: string, request: Request = {}, w = world) {
  const answer = await send(w, path, request);
  const method = request.method ?? (request.body === undefined ? "GET" : "POST");
  const route = ROUTES.find(
    (r) => r.method === method && new RegExp(`^${r.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(path.split("?")[0]!),
  );
  const shape = route?.answers[answer.statusCode];
  if (answer.statusCode < 400) {
    expect(shape, `${method} ${path} ${answer.statusCode}`).toBeDefined();
    if (shape!.schema !== undefined) {
      const parsed = shape!.schema.safeParse(answer.json());
      expect(parsed.error?.issues, `${method} ${path}: ${answer.body.slice(0, 300)}`).toBeUndefined();
    }
  }
  return answer;
}
const acme = { group: "acme" };

test("the life of a document, every answer as the contract says", async () => {
  await call("/maintenance/run-all-gc", { ...acme, body: {} });
  await call("/maintenance/recompute-gds", { ...acme, body: {} });
  const before = (await call("/groups/acme/dump?facts=true")).body;
  expect((await call("/documents?status=active&limit=2", acme)).json().documents).toHaveLength(2);
  expect((await call("/documents/d0/impact?verb=deprecate", acme)).json().entities.ids).toEqual(["e-d0"]);
  const dry = await call("/documents/d0/deprecate", { ...acme, body: { dry_run: true } });
  expect(dry.json()).toMatchObject({ verb: "deprecate", text_units: { count: 2 } });
  expect((await call("/groups/acme/dump?facts=true")).body).toBe(before);
  await call("/documents/d0/deprecate", { ...acme, body: { reason: "outdated", successor: "d1" } });
  expect((await call("/documents/d0", acme)).json()).toMatchObject({ status: "deprecated", successor: "d1" });
  const search = { ...acme, body: { vector: [1, 0, 0.1], k: 20 } };
  expect((await call("/search", search)).json().hits.map((h: { id: string }) => h.id)).not.toContain("d0/u0");
  const gc = (await call("/maintenance/run-all-gc", { ...acme, body: {} })).json();
  expect(gc).toMatchObject({ group_id: "acme", status: "succeeded", purged: 0, fresh: true });
  expect(Object.keys(gc.jobs)).toEqual(["orphan_entities", "stale_edges", "deprecated_vectors"]);
  for (const job of Object.values<{ deleted: number; remaining: number }>(gc.jobs)) {
    expect(job.deleted).toBeGreaterThan(0);
    expect(job.remaining).toBe(0);
  }
  const { orphan_entities, stale_edges, deprecated_vectors } = gc.jobs;
  expect(gc.deleted).toBe(orphan_entities.deleted + stale_edges.deleted + deprecated_vectors.deleted);
  // A second run finds nothing.
  expect((await call("/maintenance/run-all-gc", { ...acme, body: {} })).json()).toMatchObject({
    deleted: 0,
    purged: 0,
  });
  const gds = (await call("/maintenance/recompute-gds", { ...acme, body: {} })).json();
  expect(gds).toMatchObject({ group_id: "acme", fresh: true });
  const health = (await call("/maintenance/health", acme)).json();
  expect(health).toMatchObject({
    status: "healthy",
    needs_gc: false,
    gds_stale: false,
    counts: { documents: { deprecated: 1 } },
  });
  const changed = (await call("/communities/changed", acme)).json();
  expect(changed.communities.length).toBeGreaterThan(0);
  const [first] = changed.communities;
  expect((await call(`/communities/${first.id}/members`, acme)).json().members).toHaveLength(first.size);
  const acknowledge = (hash: string) =>
    call("/communities/acknowledge", { ...acme, body: { communities: [{ id: first.id, hash }] } });
  expect((await acknowledge("not the hash")).json()).toEqual({ acknowledged: 0 });
  expect((await acknowledge(first.hash)).json()).toEqual({ acknowledged: 1 });
  expect((await call("/communities/changed", acme)).json().communities).toHaveLength(changed.communities.length - 1);
  expect((await call(`/communities/changed?since=${changed.generation}`, acme)).json().communities).toEqual([]);
  expect((await call("/communities/changed?since=0", acme)).json().communities).toHaveLength(
    changed.communities.length,
  );
  const estimated = (await call("/communities/changed?estimate=true&grades=new", acme)).json();
  expect(estimated.communities.map((c: { grades: string[] }) => c.grades)).toEqual(
    estimated.communities.map(() => ["new"]),
  );
  expect(estimated).toMatchObject({ removed: [], saved: estimated.tokens_full_rebuild - estimated.tokens });
  expect(estimated.tokens_full_rebuild).toBeGreaterThan(0);
  expect((await call("/communities/changed?grades=members,edges", acme)).json().communities).toEqual([]);
  const unknown = await send(world, "/communities/changed?grades=members,weather", acme);
  expect(unknown.json()).toMatchObject({ code: "INVALID_REQUEST" });
  expect((await call("/communities?level=0", acme)).json().fresh).toBe(true);
  await call("/documents/d0/restore", { ...acme, body: {} });
  await call("/maintenance/run-all-gc", { ...acme, body: {} });
  expect((await call("/groups/acme/dump?facts=true")).body.replace('"successor":"d1"', '"successor":null')).toBe(
    before,
  );
  await call("/documents/d1/hold", { ...acme, body: {} });
  expect((await send(world, "/documents/d1/purge", { ...acme, body: { confirm: "d1" } })).json().code).toBe(
    "LEGAL_HOLD",
  );
  await call("/documents/d1/release", { ...acme, body: {} });
  const purged = (await call("/documents/d1/purge", { ...acme, body: { confirm: "d1", reason: "asked for" } })).json();
  expect(purged.certificate).toMatchObject({ complete: true, documents: ["d1"] });
  const again = (await call("/documents/d1/readmit", { ...acme, body: { reason: "taken in again" } })).json();
  expect(again).toMatchObject({ verb: "readmit", outcomes: [{ id: "d1", outcome: "readmitted" }] });
  const many = { verb: "deprecate", documents: ["d2", "d3", "nobody"] };
  expect(
    (await call("/documents/bulk", { ...acme, body: many })).json().outcomes.map((o: { outcome: string }) => o.outcome),
  ).toEqual(["deprecated", "deprecated", "not_found"]);
  await call("/documents/d4", {
    ...acme,
    method: "PUT",
    body: { title: "New", text_units: [{ id: "d4/n", text: "new" }], reason: "v2" },
  });
  expect((await call("/groups/acme/verify")).json().clean).toBe(true);
  const audit = (await call("/audit?limit=3", acme)).json();
  expect(audit.next_after).toBe(3);
  expect((await call("/audit?after=3&limit=1000", acme)).json()).toMatchObject({
    next_after: null,
    entries: expect.arrayContaining([expect.objectContaining({ action: "purge" })]),
  });
  await call("/groups");
  await call("/maintenance/health");
  await call("/maintenance/admin/groups/stale");
});

describe("waiting", () => {
  test("ends with 202 and a Location that leads to the result", async () => {
    const w = await makeWorld({ worker: false });
    await fill(w, "acme", 2);
    const answer = await call("/maintenance/run-all-gc?wait=0.05", { ...acme, body: {} }, w);
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ group_id: "acme", status: "queued" });
    const location = answer.headers.location as string;
    expect(location).toBe(`/maintenance/runs/${answer.json().run_id}`);
    await w.graphkeeper.jobs.drain();
    expect((await call(location, {}, w)).json()).toMatchObject({ state: "succeeded", result: { group_id: "acme" } });
  });

  test("all stale groups: one after the other, then none is left", async () => {
    await fill(world, "beta", 2);
    await fill(world, "gamma", 1);
    await call("/documents/d0/deprecate", { group: "beta", body: {} });
    const answer = await call("/maintenance/run-all-gc", { body: {} });
    expect(answer.statusCode).toBe(200);
    const { groups, deleted, failed } = answer.json();
    expect(groups.map((g: { group_id: string }) => g.group_id)).toEqual(["acme", "beta", "gamma"]);
    expect(deleted).toBe(groups.reduce((sum: number, g: { deleted: number }) => sum + g.deleted, 0));
    expect(deleted).toBeGreaterThan(0);
    expect(failed).toBe(0);
    const stale = (await call("/maintenance/admin/groups/stale")).json().groups;
    expect(stale.some((g: { needs_gc: boolean }) => g.needs_gc)).toBe(false);
    expect((await call("/maintenance/recompute-gds", { body: {} })).json().groups).toHaveLength(3);
    expect((await call("/maintenance/admin/groups/stale")).json().groups).toEqual([]);
  });

  test("all stale groups without a worker: every group has its run, the answer says where", async () => {
    const w = await makeWorld({ worker: false });
    for (const group of ["a", "b", "c"]) await fill(w, group, 1);
    const answer = await call("/maintenance/run-all-gc?wait=0.05", { body: {} }, w);
    expect(answer.statusCode).toBe(202);
    expect(answer.json().groups.map((g: { status: string }) => g.status)).toEqual(["queued", "queued", "queued"]);
    expect((await call(answer.headers.location as string, {}, w)).json().runs).toHaveLength(3);
  });

  test("a dry run says what would go and changes nothing", async () => {
    await call("/documents/d0/deprecate", { ...acme, body: {} });
    const before = (await call("/groups/acme/dump")).body;
    for (const path of ["/maintenance/run-all-gc?dry_run=true", "/maintenance/gc/orphan_entities?dry_run=1"]) {
      const answer = (await call(path, { ...acme, body: {} })).json();
      expect(answer).toMatchObject({ dry_run: true, jobs: { orphan_entities: { deleted: 1, ids: ["e-d0"] } } });
    }
    expect((await call("/maintenance/run-all-gc", { ...acme, body: { dry_run: true } })).json().dry_run).toBe(true);
    expect((await call("/groups/acme/dump")).body).toBe(before);
  });

  test("a paused group keeps no other waiting; a run that is cancelled ends the wait for it", async () => {
    await fill(world, "beta", 1);
    await world.graphkeeper.jobs.pauseLevel("group", "beta", "being moved", "test");
    const one = await call("/maintenance/run-all-gc?wait=0.5", { body: {} });
    expect(one.statusCode).toBe(202);
    expect(one.json().groups).toEqual([
      expect.objectContaining({ group_id: "acme", status: "succeeded" }),
      expect.objectContaining({ group_id: "beta", status: "queued", reason: expect.stringContaining("being moved") }),
    ]);
    const { run_id } = one.json().groups[1];
    const waiting = send(world, "/maintenance/run-all-gc?wait=60", { group: "beta", body: {} });
    // It joins the run that waits.
    while ((await world.graphkeeper.jobs.get(run_id)).events < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await call(`/maintenance/runs/${run_id}/cancel`, { body: {} })).json().state).toBe("cancelled");
    const answer = await waiting;
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: "CANCELLED", run_id, group_id: "beta" });
  });

  test("a run that fails is a problem with the run's code; among several groups it is an entry", async () => {
    const w = await makeWorld({ memoryMb: 0 });
    await fill(w, "acme", 2);
    await fill(w, "beta", 2);
    const one = await send(w, "/maintenance/recompute-gds", { ...acme, body: {} });
    expect(one.statusCode).toBe(409);
    expect(one.json()).toMatchObject({ code: "OUT_OF_BUDGET", group_id: "acme", run_id: expect.any(String) });
    const all = await call("/maintenance/recompute-gds", { body: {} }, w);
    expect(all.statusCode).toBe(200);
    const failure = { status: "failed", error: { code: "OUT_OF_BUDGET", message: expect.any(String) } };
    expect(all.json()).toMatchObject({ failed: 2, groups: [failure, failure] });
    expect((await call("/maintenance/health", acme, w)).json().status).toBe("attention");
  });
});

describe("runs", () => {
  test("are steered and followed; the stream ends with the run", async () => {
    await world.listen();
    await world.graphkeeper.jobs.pauseLevel("group", "acme", "hold on", "test");
    const started = await call("/maintenance/run-all-gc?wait=0", { ...acme, body: {} });
    const { run_id: id } = started.json();
    expect((await call(`/maintenance/runs/${id}/pause`, { body: {} })).json().state).toBe("paused");
    const response = await fetch(`${world.url}/maintenance/runs/${id}/events`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect((await call(`/maintenance/runs/${id}/resume`, { body: {} })).json().state).toBe("queued");
    await world.graphkeeper.jobs.resumeLevel("group", "acme");
    const events = (await response.text())
      .split("\n\n")
      .filter((part) => part.includes("data: "))
      .map((part) => ({
        id: Number(/^id: (\d+)/m.exec(part)![1]),
        name: /^event: (\w+)/m.exec(part)![1],
        run: JSON.parse(/^data: (.*)$/m.exec(part)![1]!),
      }));
    expect(events[0]!.run).toMatchObject({ id, state: "paused" });
    expect(events.at(-1)!.run).toMatchObject({ id, state: "succeeded", result: { deleted: 0 } });
    expect(events.map((e) => e.id)).toEqual(events.map((_, i) => i + 1));
    expect(new Set(events.map((e) => e.name))).toEqual(new Set(["run"]));
    expect(
      (await call(`/maintenance/runs?state=succeeded&kind=gc_all`, acme)).json().runs.map((r: { id: string }) => r.id),
    ).toEqual([id]);
    expect((await call(`/maintenance/runs?state=dead`, acme)).json().runs).toEqual([]);
    expect((await call(`/maintenance/runs/${id}/retry`, { body: {} })).json().state).toBe("succeeded");
    expect((await call("/maintenance/runs/redrive", { body: { dry_run: true } })).json()).toEqual({
      runs: [],
      dry_run: true,
    });
  });

  test("pages go back in time, each run once", async () => {
    for (let i = 0; i < 5; i++) await call("/maintenance/gc/stale_edges", { ...acme, body: {} });
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = (await call(`/maintenance/runs?limit=2${cursor && `&cursor=${cursor}`}`)).json();
      seen.push(...page.runs.map((r: { id: string }) => r.id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });
});

test("schedules: made, changed, previewed, paused, removed", async () => {
  const path = "/maintenance/schedules/nightly";
  const put = (body: object) => call(path, { method: "PUT", body });
  const made = await put({
    kind: "recompute",
    expression: "0 30 2 * * *",
    dialect: "ncrontab",
    time_zone: "Europe/Berlin",
    blackouts: [{ from_at: "2026-12-24T00:00:00Z", to_at: "2026-12-27T01:00:00+01:00", reason: "holidays" }],
    need: { base: 10, scale: 0.1, cap: 100, max_age_ms: null },
  });
  expect(made.json()).toMatchObject({
    kind: "recompute",
    target: "stale",
    blackouts: [{ to_at: "2026-12-27T00:00:00.000Z" }],
  });
  expect((await put({ enabled: false })).json()).toMatchObject({ enabled: false, expression: "0 30 2 * * *" });
  expect((await call(`${path}/preview?n=3`)).json().times).toHaveLength(3);
  const preview = { expression: "15 * * * *", n: 2 };
  expect((await call("/maintenance/schedules/preview", { body: preview })).json().times[0]).toMatch(/:15:00\.000Z$/);
  expect((await call(`${path}/pause`, { body: { reason: "moving house" } })).json().pause.reason).toBe("moving house");
  expect((await call(`${path}/resume`, { body: {} })).json().pause).toBeNull();
  expect((await call(`${path}/occurrences`)).json()).toEqual({ occurrences: [] });
  expect((await call("/maintenance/schedules")).json().schedules.map((s: { id: string }) => s.id)).toContain("nightly");
  expect((await call(path)).json().id).toBe("nightly");
  const removed = await call(path, { method: "DELETE" });
  expect(removed.statusCode).toBe(204);
  expect(removed.body).toBe("");
  expect((await send(world, path)).statusCode).toBe(404);
});
