import { block, library } from "../../src/conformance/graph/blocks.ts";
import { community } from "../../src/conformance/graph/published.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import {
  COLLECTION_KINDS,
  type Fence,
  type ImportBlock,
  type Operation,
  type OperationRecord,
  type Verb,
} from "../../src/core/words.ts";

/** A fixed life of one group: what a process does that is killed in the middle of it. */

export const GROUP = "alpha";
/** Units per transaction: the larger documents go in several. */
const UNITS = 3;

export type Acknowledge = (operation: OperationRecord) => void;
type Step = (store: GraphStore, now: number, acknowledge: Acknowledge) => Promise<void>;

const STEPS: Step[] = [
  apply("import", "d1 d2 d3", library()),
  apply("import", "large", large("text")),
  apply("deprecate", "large"),
  collect(Number.POSITIVE_INFINITY),
  publish,
  apply("restore", "large"),
  apply("replace", "large", large("new text")),
  apply(
    "replace",
    "d1",
    block({ documents: ["d1"], units: { u1: "d1", u6: "d1" }, entities: ["a", "g"], mentions: { u1: "a", u6: "g" } }),
  ),
  apply("deprecate", "d2"),
  collect(Number.POSITIVE_INFINITY),
  apply("purge", "large"),
  apply("hold", "d3"),
  collect(0),
  apply("release", "d3"),
];

/** Carries out the steps from one on; `onStep` hears of each that is done. */
export async function live(
  store: GraphStore,
  from: number,
  acknowledge: Acknowledge,
  onStep: (step: number) => void,
): Promise<void> {
  for (let i = from; i < STEPS.length; i++) {
    await STEPS[i]?.(store, 1_000 * (i + 1), acknowledge);
    onStep(i);
  }
}

/** Each unit mentions two entities of a ring and supports a relationship between them. */
function large(text: string): ImportBlock {
  const indices = Array.from({ length: 10 }, (_, i) => i);
  return block({
    documents: [{ id: "large", contentHash: text }],
    units: Object.fromEntries(
      indices.map((i) => [`l${i}`, { documents: "large", text: i % 2 === 0 ? `${text} ${i}` : `text ${i}` }]),
    ),
    entities: ["a", ...indices.map((i) => `ring-${i}`)],
    mentions: { l0: "a" },
    relationships: Object.fromEntries(indices.map((i) => [`r${i}`, [`ring-${i} ring-${(i + 1) % 10}`, `l${i}`]])),
  });
}

function apply(verb: Verb, documents: string, imported?: ImportBlock): Step {
  const documentIds = documents.split(" ");
  return async (store, now, acknowledge) => {
    const id = `${verb} ${documents} ${now}`;
    const operation: Operation = {
      id,
      groupId: GROUP,
      verb,
      documentIds,
      requestHash: id,
      at: now,
      actor: "script",
      reason: null,
    };
    let record = await store.apply(operation, { block: imported, guard: null, unitsPerTransaction: UNITS });
    acknowledge(record);
    while (record.state === "rolling") {
      record = await store.advance(GROUP, id, { unitsPerTransaction: UNITS });
      acknowledge(record);
    }
  };
}

function collect(restoreWindowMs: number): Step {
  return (store, now) =>
    withLease(store, now, async (fence) => {
      const policy = { restoreWindowMs, unsupported: "collect", graceAgeMs: 0 } as const;
      for (const kind of COLLECTION_KINDS) {
        let cursor: string | null = null;
        do {
          cursor = (await store.collect(fence, kind, { cursor, limit: 4, policy, now, dryRun: false })).cursor;
        } while (cursor !== null);
      }
    });
}

async function publish(store: GraphStore, now: number): Promise<void> {
  await withLease(store, now, async (fence) => {
    while ((await store.discardStaged(fence, 2, now)) > 0);
    const similarity = [
      { a: "a", b: "b", score: 0.9 },
      { a: "a", b: "c", score: 0.8 },
    ];
    await store.stageAnalytics(fence, { upsert: { similarity, communities: [community("c1", 0)] }, remove: {} }, now);
    const memberships = ["a", "b", "c"].map((entity) => ({ level: 0, entity, community: "c1" }));
    const ranks = ["a", "b", "c"].map((entity) => ({ entity, score: 0.5, component: "a" }));
    await store.stageAnalytics(fence, { upsert: { memberships, ranks }, remove: {} }, now);
    const generation = (await store.group(GROUP))?.generation as number;
    await store.publishAnalytics(fence, { generation, state: Uint8Array.of(7), detail: {}, now });
    while ((await store.pruneAnalytics(fence, 2, now)) > 0);
  });
}

async function withLease(store: GraphStore, now: number, work: (fence: Fence) => Promise<void>): Promise<void> {
  // By one name, so that the process that goes on need not wait until the dead one's lease has run out.
  const fence = await store.acquireLease(GROUP, "script", 60_000, now);
  if (!fence) throw new Error("The lease is taken.");
  await work(fence);
  await store.releaseLease(fence);
}
