/** Holds the lease of a group for a moment; told to go on, it writes as if it still held it and says what came of it. */
import { createInterface } from "node:readline";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";

const [uri, groupId, ttl] = process.argv.slice(2) as [string, string, string];
const store = await openNeo4jStore({ uri });
const fence = await store.acquireLease(groupId, "frozen", Number(ttl), Date.now());
console.log(JSON.stringify(fence));
for await (const _ of createInterface({ input: process.stdin })) break;

const now = () => Date.now();
const policy = { restoreWindowMs: 0, unsupported: "collect", graceAgeMs: 0 } as const;
const rank = { entity: "a", score: 1, component: "a" };
const writes: Record<string, () => Promise<unknown>> = {
  collect: () =>
    store.collect(fence!, "orphan_entities", { cursor: null, limit: 100, policy, now: now(), dryRun: false }),
  sweep: () => store.sweep(fence!, { cursor: null, limit: 100, policy, now: now() }),
  finish: () => store.finishCollection(fence!, { readGeneration: 1, ownChanges: 0, sweptAt: null, now: now() }),
  stage: () => store.stageAnalytics(fence!, { upsert: { ranks: [rank] }, remove: {} }, now()),
  publish: () => store.publishAnalytics(fence!, { generation: 1, state: null, detail: {}, now: now() }),
  renew: () => store.renewLease(fence!, 60_000, now()),
};
const answers: Record<string, string> = {};
for (const [name, write] of Object.entries(writes)) {
  answers[name] = await write().then(
    () => "written",
    (error: unknown) => (GraphkeeperError.is(error) ? error.code : String(error)),
  );
}
console.log(JSON.stringify(answers));
await store.close();
