import { expect, test } from "vitest";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { loadProfile } from "../../src/profiles/load.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_GRAPHS, useNeo4j } from "../neo4j/server.ts";
import { collect } from "./lifecycle.ts";
import { expected, load, RECORDED, type Recorded, recorded, type Stated, seen } from "./recorded/recorded.ts";
import { userDump } from "./user-dump.ts";

/**
 * Graphs that seven real libraries wrote, and an oracle that no code of ours takes part in: what a document states is known
 * from the file that was given to the library. Nothing live may be lost, and nothing that is hidden may be left.
 */

const db = useNeo4j({ settings: SMALL_GRAPHS });
let operations = 0;

test.each(RECORDED)("%s: nothing live is lost, nothing hidden is left", { timeout: 240_000 }, async (name) => {
  const graph = recorded(name);
  const { documents, group } = graph;
  const every = (first: number) => documents.filter((_, i) => i % 6 === first);
  const but = (...hidden: Stated[][]) => documents.filter((d) => !hidden.some((list) => list.includes(d)));
  await db.clear({ schema: true });
  await load(db.run, graph);
  await expectSeen(graph, "as written", documents);
  const before = await userDump(db.run);
  const store = await openNeo4jStore({ uri: db.uri(), profile: loadProfile(graph.writer, graph.tenant) });
  const call = (verb: "deprecate" | "restore" | "purge", these: Stated[]) =>
    store.apply(
      {
        id: `op-${++operations}`,
        groupId: group,
        verb,
        documentIds: these.flatMap((d) => d.ids),
        requestHash: `${operations}`,
        at: Date.now(),
        actor: "test",
        reason: null,
      },
      { guard: null },
    );
  try {
    await collect(store, group, { sweep: true });
    expect(await userDump(db.run), "collected with nothing deprecated").toEqual(before);

    await call("deprecate", every(3));
    await expectSeen(graph, "deprecated", but(every(3)), { facts: false });
    await collect(store, group);
    await expectSeen(graph, "collected", but(every(3)));
    await call("deprecate", every(4));
    await collect(store, group);
    await call("restore", every(3));
    await collect(store, group);
    await expectSeen(graph, "others deprecated", but(every(4)));
    await call("restore", every(4));
    await collect(store, group);
    expect(await userDump(db.run), "restored").toEqual(before);

    await call("purge", every(0));
    await collect(store, group);
    await expectSeen(graph, "purged", but(every(0)));
    expect(await verifyGroup(store, group)).toEqual([]);
  } finally {
    await store.close();
  }
});

/** `facts: false`: entities and facts may still be there; none that is live may be gone. */
async function expectSeen(graph: Recorded, when: string, live: Stated[], { facts = true } = {}): Promise<void> {
  const found = await seen(db.run, graph);
  const { all, open } = expected(graph, live);
  for (const kind of ["entities", "facts", "texts"] as const) {
    expect(
      [...all[kind]].filter((x) => !found[kind].has(x)),
      `${when}: ${kind} lost`,
    ).toEqual([]);
    if (kind !== "texts" && !facts) continue;
    const left = [...found[kind]].filter((x) => !all[kind].has(x) && !open[kind].has(x));
    expect(left, `${when}: ${kind} left`).toEqual([]);
  }
}
