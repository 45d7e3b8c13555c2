import { createHash } from "node:crypto";
import { block as blockOf } from "../../src/conformance/graph/blocks.ts";
import { canonicalJson, dumpLine, operationHash } from "../../src/core/canonical.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { AnalyticsPart, GraphStore, KeyStore, LiveGraph, PublishedAnalytics } from "../../src/core/ports.ts";
import { readPublished } from "../../src/core/published.ts";
import {
  COLLECTION_KINDS,
  type Fence,
  type ImportBlock,
  type Operation,
  type Policy,
  type Verb,
} from "../../src/core/words.ts";
import type { EngineOptions } from "../../src/stores/sqlite/engine/index.ts";
import { openOnThisThread } from "./engine.ts";

/**
 * A long story of a small graph: which task comes when depends on its number alone, so that a process may stop anywhere and
 * another go on, and both together must have told the same story as one that was never interrupted.
 */

export const GROUP = "story";
export type Task =
  | { kind: "apply"; operation: Operation; block?: ImportBlock }
  | { kind: "collect"; now: number }
  | { kind: "publish"; now: number };

const BEGIN = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const LEASE_MS = 1_000 * 24 * HOUR;
/** Some deprecated documents reach the end of their window within the story. */
const POLICY: Policy = { restoreWindowMs: 30 * HOUR, unsupported: "collect", graceAgeMs: HOUR };
const DOCUMENTS = ["ash", "birch", "cedar", "elm", "fir", "oak"];

export function task(number: number): Task {
  const random = numbers(number);
  const now = BEGIN + number * HOUR;
  const document = () => DOCUMENTS[random(DOCUMENTS.length)] as string;
  // At first documents come in one after the other.
  if (number < DOCUMENTS.length) return applying(number, "import", [DOCUMENTS[number] as string], 0);
  const choice = random(100);
  if (choice < 25) return applying(number, "import", [document()], random(3));
  if (choice < 38) return applying(number, "replace", [document()], random(3));
  if (choice < 56) return applying(number, "deprecate", [...new Set([document(), document()])]);
  if (choice < 66) return applying(number, "restore", [...new Set([document(), document()])]);
  if (choice < 73) return applying(number, "purge", [...new Set([document(), document()])]);
  if (choice < 75) return applying(number, "hold", [document()]);
  if (choice < 79) return applying(number, "release", DOCUMENTS);
  return { kind: choice < 92 ? "collect" : "publish", now };
}

function applying(number: number, verb: Verb, documentIds: string[], version?: number): Task {
  const block = version === undefined ? undefined : documentBlock(documentIds[0] as string, version);
  const call = { groupId: GROUP, verb, documentIds };
  const requestHash = operationHash(call, block);
  const at = BEGIN + number * HOUR;
  return {
    kind: "apply",
    operation: { ...call, id: `task-${number}`, requestHash, at, actor: "story", reason: null },
    block,
  };
}

/** Five units, one of them shared with other documents; two of them differ from version to version. */
function documentBlock(id: string, version: number): ImportBlock {
  const shared = `shared-${id.length}`;
  const units: Record<string, { documents: string; text: string }> = { [shared]: { documents: id, text: shared } };
  const mentions: Record<string, string> = { [shared]: `e${id.length} e7` };
  const relationships: Record<string, [string, string?]> = { [`${id}-e0`]: [`${id} e0`] };
  const entities = new Set([id, "e0", "e7", `e${id.length}`]);
  for (let i = 0; i < 4; i++) {
    const text = i < 2 ? `${id} ${i}` : `${id} ${i} version ${version}`;
    const random = numbers(text.length * 31 + i + version);
    const [a, b] = [`e${random(9)}`, `e${random(9)}`];
    units[`${id}-${i}-${i < 2 ? 0 : version}`] = { documents: id, text };
    mentions[`${id}-${i}-${i < 2 ? 0 : version}`] = `${id} ${a} ${b}`;
    relationships[`${a}-${b}`] = [`${a} ${b}`, `${id}-${i}-${i < 2 ? 0 : version}`];
    entities.add(a).add(b);
  }
  const documents = [{ id, contentHash: `${id} ${version}`, title: `${id}, version ${version}` }];
  return blockOf({ documents, units, mentions, relationships, entities: [...entities] });
}

/** @param number the same numbers for the same task; never two tasks the same */
function numbers(number: number): (below: number) => number {
  let count = 0;
  return (below) => createHash("sha256").update(`${number} ${count++}`).digest().readUInt32BE(0) % below;
}

/**
 * Does a task, whether it is new, was begun, or was done before. What the law of the store refuses is part of the story.
 *
 * @param onCall after each call that may have written
 */
export async function perform(
  store: GraphStore,
  todo: Task,
  onCall: () => void | Promise<void> = () => {},
): Promise<void> {
  try {
    if (todo.kind === "apply") await carryOut(store, todo, onCall);
    else
      await withLease(store, todo.now, onCall, (fence) =>
        (todo.kind === "collect" ? collect : publish)(store, fence, todo.now, onCall),
      );
  } catch (error) {
    if (!GraphkeeperError.is(error) || !REFUSALS.has(error.code)) throw error;
    await onCall();
  }
}

const REFUSALS = new Set<string>(["DOCUMENT_DEPRECATED", "DOCUMENT_NOT_FOUND", "GROUP_NOT_FOUND", "LEGAL_HOLD"]);

async function carryOut(
  store: GraphStore,
  { operation, block }: Task & { kind: "apply" },
  onCall: () => void | Promise<void>,
): Promise<void> {
  let record = await store.apply(operation, {
    block,
    // What was deprecated or purged comes back with every second import.
    restore: operation.at % (2 * HOUR) === 0,
    again: operation.at % (2 * HOUR) === 0,
    guard: null,
    unitsPerTransaction: 2,
  });
  await onCall();
  while (record.state === "rolling") {
    record = await store.advance(GROUP, operation.id, { unitsPerTransaction: 2 });
    await onCall();
  }
}

async function withLease(
  store: GraphStore,
  now: number,
  onCall: () => void | Promise<void>,
  work: (fence: Fence) => Promise<void>,
): Promise<void> {
  const fence = await store.acquireLease(GROUP, "story", LEASE_MS, now);
  if (!fence) throw new Error("the lease is taken");
  await onCall();
  await work(fence);
  await store.releaseLease(fence);
  await onCall();
}

async function collect(
  store: GraphStore,
  fence: Fence,
  now: number,
  onCall: () => void | Promise<void>,
): Promise<void> {
  for (const kind of COLLECTION_KINDS) {
    let cursor: string | null = null;
    do {
      ({ cursor } = await store.collect(fence, kind, { cursor, limit: 3, policy: POLICY, now, dryRun: false }));
      await onCall();
    } while (cursor !== null);
  }
}

async function publish(
  store: GraphStore,
  fence: Fence,
  now: number,
  onCall: () => void | Promise<void>,
): Promise<void> {
  while ((await store.discardStaged(fence, 10, now)) > 0) await onCall();
  await onCall();
  const graph = await store.readGraph(GROUP);
  const parts = difference(await readPublished(store, GROUP), graph);
  for (const part of parts) {
    await store.stageAnalytics(fence, part, now);
    await onCall();
  }
  await store.publishAnalytics(fence, {
    generation: graph.generation,
    state: new Uint8Array([1, 2, 3]),
    detail: {},
    now,
  });
  await onCall();
  while ((await store.pruneAnalytics(fence, 10, now)) > 0) await onCall();
  await onCall();
}

/** Analytics that depend on the graph alone: neighbours by id are similar, everybody is a community, ranks are equal. */
function difference(published: PublishedAnalytics, { ids }: LiveGraph): AnalyticsPart[] {
  const stays = new Set(ids);
  const pairs = ids.slice(1).map((b, i) => ({ a: ids[i] as string, b, score: 0.5 }));
  const kept = new Set(pairs.map(({ a, b }) => canonicalJson([a, b])));
  const hashes = { memberHash: "m", edgeHash: "e", textHash: "t", changedGeneration: 1 };
  return [
    {
      upsert: { similarity: pairs, ranks: ids.map((entity) => ({ entity, score: 1 / ids.length, component: "one" })) },
      remove: {
        similarity: published.similarity.filter(({ a, b }) => !kept.has(canonicalJson([a, b]))),
        ranks: published.ranks.map(({ entity }) => entity).filter((entity) => !stays.has(entity)),
      },
    },
    {
      upsert: {
        communities: ids.map((id) => ({ id: `c-${id}`, level: 0, parent: null, size: 1, ...hashes })),
        memberships: ids.map((entity) => ({ level: 0, entity, community: `c-${entity}` })),
      },
      remove: {
        communities: published.communities.map(({ id }) => id).filter((id) => !stays.has(id.slice(2))),
        memberships: published.memberships.filter(({ entity }) => !stays.has(entity)),
      },
    },
  ];
}

/** The canonical dump, of facts and of what is published. */
export async function dump(store: GraphStore): Promise<string[]> {
  if ((await store.group(GROUP)) === null) return [];
  const lines: string[] = [];
  for await (const chunk of store.records(GROUP)) lines.push(...chunk.map(dumpLine));
  return lines;
}

/** Everything that a transaction changes: two states with the same digest are the same. */
export async function digest(store: GraphStore): Promise<string> {
  const group = await store.group(GROUP);
  if (group === null) return "no group";
  const { generation, analyticsEpoch } = group;
  const audit = await store.audit(GROUP, { afterSeq: 0, limit: 100_000 });
  const counts = await store.counts(GROUP);
  const state = [generation, analyticsEpoch, audit.at(-1)?.hash ?? null, counts, await dump(store)];
  return createHash("sha256").update(canonicalJson(state)).digest("hex");
}

/** With every commit on the disk before it is answered. */
export function openHere(path: string, options: Partial<EngineOptions> = {}): GraphStore & KeyStore {
  return openOnThisThread(path, { synchronous: "FULL", ...options });
}
