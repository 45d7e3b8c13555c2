import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { block, vectorOf, World } from "../../src/conformance/index.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-scanner-"));
afterAll(() => rm(folder, { recursive: true }));

test("short reads do not wait for searches, previews and scans that were asked for before them", async () => {
  const store = await openSqliteStore({ path: join(folder, "graph.db"), synchronous: "normal" });
  const w = new World(store);
  const units = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`u${i}`, "d"]));
  const made = block({ documents: ["d"], units, entities: [], vectors: false });
  for (const unit of made.textUnits) unit.embedding = vectorOf(unit.id, 256);
  await w.import("alpha", made);
  const told: string[] = [];
  const tell = (name: string) => () => void told.push(name);
  // Both threads are awake.
  const vector = vectorOf("u7", 256);
  expect((await store.search("alpha", { of: "text_unit", vector, k: 1 }))[0]?.id).toBe("u7");
  await store.findKey("none");

  const long = Array.from({ length: 40 }, () =>
    store.search("alpha", { of: "text_unit", vector, k: 5 }).then(tell("search")),
  );
  long.push(store.impact("alpha", "purge", ["d"]).then(tell("impact")));
  const short = [store.group("alpha"), store.findKey("none"), store.document("alpha", "d"), store.ping()];
  await Promise.all(short.map((read) => read.then(tell("short"))));
  expect(told.filter((name) => name === "short")).toHaveLength(4);
  expect(told.length).toBeLessThan(4 + long.length);
  await Promise.all(long);
  await store.close();
});
