import { describe, expect, test } from "vitest";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { corpus } from "./fixtures/corpus.ts";
import { nativeFixture } from "./fixtures/native.ts";
import { FIXTURES } from "./fixtures/writers.ts";
import { expectNoEntities, expectNoUnits, nearest, type Probe } from "./leak-probe.ts";
import { collect, operation } from "./lifecycle.ts";
import { userDump } from "./user-dump.ts";

const db = useNeo4j({ settings: SMALL_GRAPHS });
const all = corpus(20);
const chosen = all.documents.slice(1, 6);
const rest = all.documents.filter((d) => !chosen.includes(d));

/** Labels by which readers find what is parked. */
async function labelsOfParked(): Promise<string[]> {
  const rows = await db.run(
    "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'GraphkeeperParked_') UNWIND labels(n) AS label RETURN DISTINCT label ORDER BY label",
  );
  expect(rows.length).toBeGreaterThan(0);
  return rows.map((r) => r.label as string).filter((l) => l !== "Deprecated" && !l.startsWith("Graphkeeper"));
}

describe.each(Object.entries({ native: nativeFixture, ...FIXTURES }))("%s", (_, fixture) => {
  test.each(["label", "park", "swap"] as const)(
    "parking mode %s: readers find nothing deprecated and all else; restore and uninstall are exact",
    { timeout: 120_000 },
    async (mode) => {
      await db.clear({ schema: true });
      await fixture.build(db.run, all, db.uri());
      const before = await userDump(db.run);
      const probe: Probe = { run: db.run, fixture, mode, vectorOf: all.vectorOf };
      // The probe sees what is there: else it would find nothing of anything.
      for (const by of fixture.readers.vectors.filter((v) => v.of === "unit")) {
        const [chunk] = chosen[0]?.chunks ?? [];
        expect(await nearest(probe, by.index, by.tells, chunk?.vector ?? [])).toContain(chunk?.text);
      }
      const store = await openNeo4jStore({ uri: db.uri(), profile: fixture.profile, parking: mode });
      try {
        await store.apply(operation(fixture, "deprecate", chosen), { guard: null });
        await expectNoUnits(probe, chosen, rest);
        await collect(store, fixture.group);
        await expectNoUnits(probe, chosen, rest);
        await expectNoEntities(probe, chosen, rest);
        // Its writers read by labels that the profile does not name, too: __Node__, or the type of an entity.
        if (mode === "swap") expect(await labelsOfParked()).toEqual([]);
        expect((await collect(store, fixture.group)).changed, "a second collection changes nothing").toBe(false);

        await store.apply(operation(fixture, "restore", chosen));
        await collect(store, fixture.group);
        expect(await userDump(db.run)).toEqual(before);

        await store.apply(operation(fixture, "deprecate", chosen), { guard: null });
        await collect(store, fixture.group);
        await store.uninstall();
        expect(await userDump(db.run)).toEqual(before);
        const ours =
          "any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper') OR any(k IN keys(n) WHERE k STARTS WITH 'lc_')";
        expect(await db.run(`MATCH (n) WHERE ${ours} RETURN labels(n) AS labels LIMIT 5`)).toEqual([]);
      } finally {
        await store.close();
      }
    },
  );
});

test("the probe finds what parking by label leaves to readers that do not filter", { timeout: 120_000 }, async () => {
  const fixture = nativeFixture;
  await db.clear({ schema: true });
  await fixture.build(db.run, all, db.uri());
  const store = await openNeo4jStore({ uri: db.uri(), profile: fixture.profile, parking: "label" });
  try {
    await store.apply(operation(fixture, "deprecate", chosen), { guard: null });
    const probe: Probe = { run: db.run, fixture, mode: "label", vectorOf: all.vectorOf };
    await expectNoUnits(probe, chosen, rest);
    await expect(expectNoUnits({ ...probe, mode: "park" }, chosen, rest)).rejects.toThrow();
    await expect(expectNoUnits({ ...probe, mode: "swap" }, chosen, rest)).rejects.toThrow();
  } finally {
    await store.close();
  }
});
