import { afterAll, beforeEach, expect, test } from "vitest";
import { closeWorlds, fill, makeWorld, type Request, send, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  await fill(world, "acme", 4);
});
afterAll(closeWorlds);

const key = (name: string) => ({ "idempotency-key": name });
const generation = async () => (await world.graphkeeper.store.group("acme"))!.generation;

test.each<[string, Request]>([
  ["/documents/d0/deprecate", { body: { reason: "old" } }],
  ["/documents/d0/hold", { body: {} }],
  ["/documents/d0/purge", { body: { confirm: "d0" } }],
  ["/documents/bulk", { body: { verb: "deprecate", documents: ["d0", "d1"] } }],
  ["/documents/d0", { method: "PUT", body: { title: "New", text_units: [{ id: "d0/n", text: "new" }] } }],
])("%s: twice with one key is one effect and one answer", async (path, request) => {
  const call = () => send(world, path, { ...request, group: "acme", headers: key("k1") });
  const first = await call();
  expect(first.statusCode, first.body).toBe(200);
  expect(first.headers["idempotency-replayed"]).toBeUndefined();
  const after = await generation();
  const second = await call();
  expect(second.statusCode, second.body).toBe(200);
  expect(second.headers["idempotency-replayed"]).toBe("true");
  expect(await generation()).toBe(after);
  const record = (answer: typeof first) => answer.json().operation ?? answer.json();
  expect(record(second)).toEqual({ ...record(first), replayed: true });
});

test("at the same time: one effect", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      send(world, "/documents/d0/deprecate", { group: "acme", body: {}, headers: key("k2") }),
    ),
  );
  expect(new Set(answers.map((a) => a.json().id)).size).toBe(1);
  expect(answers.filter((a) => a.headers["idempotency-replayed"] === undefined)).toHaveLength(1);
  expect(await generation()).toBe(5);
});

test("another call with the same key is refused and has no effect", async () => {
  const call = (path: string, body: object) => send(world, path, { group: "acme", body, headers: key("k3") });
  await call("/documents/d0/deprecate", {});
  const before = await generation();
  for (const [path, body] of [
    ["/documents/d1/deprecate", {}],
    ["/documents/d0/restore", {}],
    ["/documents/d0/deprecate", { successor: "d1" }],
    ["/documents/d0/deprecate", { reason: "another one" }],
  ] as const) {
    const answer = await call(path, body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().code).toBe("IDEMPOTENCY_MISMATCH");
  }
  expect(await generation()).toBe(before);
});

test("an import under a key is made once, and says when it is repeated", async () => {
  const raw = ["x", "y"]
    .map(
      (id) => `{"kind":"document","id":"${id}"}\n{"kind":"text_unit","id":"${id}/u","documents":["${id}"],"text":"t"}`,
    )
    .join("\n");
  const call = (lines: string) =>
    send(world, "/groups/acme/import", { raw: lines, type: "application/x-ndjson", headers: key("k4") });
  const first = await call(raw);
  expect(first.json()).toMatchObject({ documents: 2, outcomes: { imported: 2 } });
  const after = await generation();
  // Meanwhile somebody hides one of them: the repetition must not bring it back.
  await send(world, "/documents/x/deprecate", { group: "acme", body: {} });
  const second = await call(raw);
  expect(second.headers["idempotency-replayed"]).toBe("true");
  expect(second.json()).toMatchObject({ documents: 2, outcomes: { imported: 2 } });
  expect((await world.graphkeeper.document("acme", "x")).status).toBe("deprecated");
  expect(await generation()).toBe(after + 1);
  expect((await call(raw.replaceAll('"t"', '"other"'))).json().code).toBe("IDEMPOTENCY_MISMATCH");
});

test("a run under a key is the same run for a day; another one gets its own", async () => {
  const call = (name: string, path = "/maintenance/run-all-gc", body = {}) =>
    send(world, path, { group: "acme", body, headers: key(name) });
  const first = await call("k5");
  const second = await call("k5");
  expect(second.headers["idempotency-replayed"]).toBe("true");
  expect(second.json()).toEqual(first.json());
  expect((await call("k6")).json().run_id).not.toBe(first.json().run_id);
  expect((await call("k5", "/maintenance/recompute-gds")).json().code).toBe("IDEMPOTENCY_MISMATCH");
  expect((await call("k5", undefined, { dry_run: true })).json().code).toBe("IDEMPOTENCY_MISMATCH");
});

test("a key for all stale groups makes one run in each", async () => {
  await fill(world, "beta", 2);
  const call = () => send(world, "/maintenance/run-all-gc", { body: {}, headers: key("k7") });
  const ids = (answer: { json(): { groups: { run_id: string }[] } }) => answer.json().groups.map((g) => g.run_id);
  expect(ids(await call())).toHaveLength(2);
  // Nothing is stale any more, so a repetition has nothing to do.
  expect(ids(await call())).toEqual([]);
  expect((await world.graphkeeper.jobs.list({})).items).toHaveLength(2);
});

test("an answer that is kept: acknowledging, schedules", async () => {
  const put = (body: object) => send(world, "/maintenance/schedules/s", { method: "PUT", body, headers: key("k8") });
  const first = await put({ kind: "gc_all", expression: "5 * * * *" });
  expect(first.json().version).toBe(1);
  const second = await put({ kind: "gc_all", expression: "5 * * * *" });
  expect(second.headers["idempotency-replayed"]).toBe("true");
  expect(second.json()).toEqual(first.json());
  expect((await put({ kind: "gc_all", expression: "6 * * * *" })).json().code).toBe("IDEMPOTENCY_MISMATCH");
});

test("a call that failed gives its key back", async () => {
  const call = () => send(world, "/documents/later/deprecate", { group: "acme", body: {}, headers: key("k9") });
  expect((await call()).statusCode).toBe(404);
  await world.graphkeeper.importBlock("acme", {
    documents: [{ id: "later" }],
    textUnits: [{ id: "later/u", documents: ["later"], text: "t" }],
    entities: [],
    mentions: [],
    relationships: [],
  });
  expect((await call()).json().outcomes).toEqual([{ id: "later", outcome: "deprecated" }]);
});
