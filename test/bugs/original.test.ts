import { afterAll, expect, test } from "vitest";
import { closeWorlds, fill, makeWorld, send, type World } from "../http/world.ts";

/** Bugs of the original (B1 to B20) that are about its HTTP service; the others are in test/neo4j/bugs*.test.ts. */

afterAll(closeWorlds);

const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
const upload = (world: World, id: string, title: string, text: string) =>
  send(world, "/groups/acme/import", {
    type: "application/x-ndjson",
    raw: lines(
      { kind: "document", id, title },
      { kind: "text_unit", id: `${id}/${text.length}`, documents: [id], text },
    ),
  });

test("B15: a document is one thing under one id: its name finds nothing and says so, and a new upload keeps the id", async () => {
  const world = await makeWorld({ sqlite: true });
  expect((await upload(world, "doc_17", "report.pdf", "first text")).json().outcomes).toEqual({ imported: 1 });
  const purge = (id: string) => send(world, `/documents/${id}/purge`, { group: "acme", body: { confirm: id } });
  const byName = await purge("report.pdf");
  expect([byName.statusCode, byName.json().code]).toEqual([404, "DOCUMENT_NOT_FOUND"]);
  expect((await send(world, "/documents/doc_17", { group: "acme" })).json()).toMatchObject({ title: "report.pdf" });
  expect((await upload(world, "doc_17", "report.pdf", "the second text")).json().outcomes).toEqual({ replaced: 1 });
  const { documents } = (await send(world, "/documents", { group: "acme" })).json();
  expect(documents).toMatchObject([{ id: "doc_17", version: 2, text_units: 1 }]);
  expect((await purge("doc_17")).statusCode).toBe(200);
  expect((await send(world, "/groups/acme/dump?facts=true")).body).not.toMatch(/first text|second text|doc_17/);
});

test("B17: health is by what there is to do, alike for small and large groups, with the history of what was done", async () => {
  const world = await makeWorld({
    sqlite: true,
    auth: { staticKey: "key-for-tests-of-more-than-thirty-two-characters" },
  });
  const key = "key-for-tests-of-more-than-thirty-two-characters";
  await fill(world, "small", 2);
  await fill(world, "large", 40);
  const health = async (group: string) => (await send(world, "/maintenance/health", { group, key })).json();
  const status = async () => [(await health("small")).status, (await health("large")).status];
  const bring = async (kind: string) => {
    for (const group of ["small", "large"])
      expect((await send(world, `/maintenance/${kind}`, { group, key, body: {} })).statusCode).toBe(200);
  };
  await bring("run-all-gc");
  await bring("recompute-gds");
  expect(await status()).toEqual(["healthy", "healthy"]);
  // As many stale edges as documents that went: one here, twenty there.
  await world.graphkeeper.deprecate("small", ["d0"]);
  await world.graphkeeper.deprecate(
    "large",
    Array.from({ length: 20 }, (_, i) => `d${i}`),
  );
  expect(await status()).toEqual(["stale", "stale"]);
  await bring("run-all-gc");
  await bring("recompute-gds");
  expect(await status()).toEqual(["healthy", "healthy"]);
  const { last_runs: runs } = await health("large");
  expect(runs.length).toBeGreaterThanOrEqual(4);
  for (const run of runs) expect(run).toMatchObject({ state: "succeeded", ended_at: expect.any(String) });
});
