import { setTimeout as immediate } from "node:timers/promises";
import { block, vectorOf, World } from "../../src/conformance/index.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { readPublished } from "../../src/core/published.ts";
import type { Fence, ImportBlock } from "../../src/core/words.ts";

/**
 * The life of a group, step by step, such that every statement of a store has something to do: told for several groups with
 * the same ids and other contents, each two steps behind the one before, it is different whenever one group sees or touches
 * what is another's.
 */

export const GROUPS = ["one", "two", "three"] as const;
/** The store's and the callers' time: what is told must be the same each time. */
export const NOW = Date.UTC(2026, 10, 24);
const LAG = 2;

type Step = () => Promise<unknown>;

/** Until nothing is left; a store that is never done is a store that is wrong. */
async function drained(step: () => Promise<number>): Promise<void> {
  for (let left = 1_000; (await step()) > 0; left--) if (left === 0) throw new Error("it does not come to an end");
}

/** Texts, names and vectors are the group's own; ids are not. */
function own(group: string, b: ImportBlock, version = ""): ImportBlock {
  const shift = (vector: Float32Array | undefined) =>
    vector && vectorOf(`${group} ${[...vector].join()}`, vector.length);
  return {
    ...b,
    documents: b.documents.map((d) => ({ ...d, title: `${group} ${d.id}` })),
    textUnits: b.textUnits.map((u) => ({ ...u, text: `${group}: ${u.text}`, embedding: shift(u.embedding) })),
    entities: b.entities.map((e) => ({ ...e, name: `${group}: ${e.name}`, embedding: shift(e.embedding) })),
    relationships: b.relationships.map((r) => ({ ...r, description: `${group}: ${r.id}${version}` })),
  };
}

const FIRST = block({
  documents: ["d1", "d2", "d3"],
  units: { u1: "d1", u2: "d1 d2", u3: "d2", u4: "d3", u5: "d1" },
  entities: ["a", "b", "c", "d", "f"],
  mentions: { u1: "a b", u2: "a c", u3: "c", u4: "d", u5: "b" },
  relationships: {
    ab: ["a b", "u1"],
    ac: ["a c", "u2"],
    bc: ["b c"],
    cc: ["c c", "u3"],
    dd: ["d d", "u4 u5"],
    ad: ["a d"],
    fa: ["f a"],
  },
});
/** Onto what is parked: an entity, a fact of it, a unit that had no vector. */
const SECOND = block({
  documents: ["d4"],
  units: { u6: "d4", u1: { documents: "d4", text: "text of u1" }, u9: { documents: "d4", text: "text of u9" } },
  entities: ["a", "b", "c", "d", "g"],
  mentions: { u6: "g" },
  relationships: { ab: ["a b"], ac: ["a c"], ad: ["a d"], bc: ["b c"], bg: ["b g", "u6"] },
});
// A fact whose end the supporting unit does not mention: it goes with the end, and the unit stays.
SECOND.relationships.push({ id: "ag", source: "a", target: "g", type: "relates to", textUnits: ["u8"] });
const FIFTH = block({
  documents: ["d5"],
  units: { u9: "d5", u8: "d5" },
  entities: ["a", "c"],
  mentions: { u9: "a", u8: "a c" },
  relationships: { ca: ["c a", "u8"] },
});
const CHANGED = block({
  documents: ["d2"],
  units: { u2: { documents: "d2", text: "text of u2" }, u7: { documents: "d2", text: "new text of d2" } },
  entities: ["c", "h"],
  mentions: { u7: "h c" },
  relationships: { hc: ["h c", "u7"] },
});

function stepsOf(w: World, g: string, at: number): Step[] {
  const { store } = w;
  let fence: Fence;
  const look = () => w.everything(g);
  const policy = { restoreWindowMs: 1e12, unsupported: "collect" as const, graceAgeMs: 0 };
  /** Those of `k1` are the same in all groups. */
  const hashes = (of: string) => {
    const whose = of === "k1" ? "" : g;
    return { memberHash: `m${of}`, edgeHash: `e${whose}`, textHash: `t${whose}`, changedGeneration: 1 };
  };
  const published = async (generation: number, kept: Uint8Array | null = new Uint8Array([1, at, 255])) => {
    const state = await store.publishAnalytics(fence, {
      generation,
      state: kept,
      detail: { group: g },
      now: w.now,
    });
    await drained(() => store.pruneAnalytics(fence, 3, w.now));
    return state;
  };
  const read = async () => ({
    groups: await store.groups({ limit: 10 }),
    stale: await store.groups({ stale: true, limit: 10 }),
    document: await store.document(g, "d1"),
    active: await store.documents(g, { status: "active", limit: 2 }),
    deprecated: await store.documents(g, { status: "deprecated", limit: 2 }),
    units: await store.search(g, { of: "text_unit", vector: vectorOf("x"), k: 3 }),
    entities: await store.search(g, { of: "entity", vector: vectorOf("x"), k: 3 }),
    graph: await store.readGraph(g),
    state: await store.analyticsState(g),
    communities: await store.communities(g, { limit: 10 }),
    members: await store.members(g, "k0", { limit: 10 }),
    names: await store.memberNames(g, ["k0", "k1"], 2),
    acknowledged: await store.acknowledgedMembers(g, "k0"),
    vanished: await store.vanishedCommunities(g),
    operation: await store.operation(g, "operation-2"),
    unfinished: await store.unfinished(10),
    purge: await store.impact(g, "purge", ["d1", "d2"]),
    deprecate: await store.impact(g, "deprecate", ["d1", "d2"]),
    restore: await store.impact(g, "restore", ["d1", "d2"]),
    audit: await store.audit(g, { afterSeq: 1, limit: 3 }),
    around: await store.neighbourhood(g, { of: "document", id: "d1", limit: 20 }),
    near: await store.neighbourhood(g, { of: "entity", id: "c", limit: 20 }),
  });
  const withoutVectors = (b: ImportBlock) => ({
    ...b,
    textUnits: b.textUnits.map(({ embedding: _, ...unit }) => unit),
  });
  const acknowledge = async () => {
    const { items } = await store.communities(g, { limit: 10 });
    const hash = (c: (typeof items)[number]) => `${c.memberHash}.${c.edgeHash}.${c.textHash}`;
    const rows = items.map((c) => ({ id: c.id, hash: hash(c) }));
    return store.acknowledgeCommunities(g, rows, w.now);
  };
  return [
    () => w.import(g, own(g, FIRST)),
    () => w.import(g, withoutVectors(own(g, FIFTH))),
    read,
    async () => {
      fence = await w.lease(g, `holder of ${g}`);
      await store.stageAnalytics(
        fence,
        {
          upsert: {
            similarity: [
              { a: "a", b: "b", score: 0.25 + at / 8 },
              { a: "c", b: "d", score: 0.5 },
              // Each group has one that the others do not have.
              { a: "b", b: ["c", "d", "e"][at % 3] as string, score: 0.75 },
            ],
            communities: [
              { id: "k0", level: 0, parent: "k9", size: 2, ...hashes("k0") },
              { id: "k1", level: 0, parent: "k9", size: 2, ...hashes("k1") },
              { id: "k9", level: 1, parent: null, size: 4, ...hashes("k9") },
            ],
            memberships: [
              { level: 0, entity: "a", community: "k0" },
              { level: 0, entity: at === 1 ? "c" : "b", community: "k0" },
              { level: 0, entity: "d", community: "k1" },
              { level: 1, entity: "a", community: "k9" },
            ],
            ranks: [
              { entity: "a", score: 0.5 + at / 8, component: "a" },
              { entity: "d", score: 0.125, component: "a" },
            ],
          },
          remove: {},
        },
        w.now,
      );
      return published((await w.state(g)).generation);
    },
    acknowledge,
    read,
    () => w.deprecate(g, "d1"),
    () => store.releaseLease(fence).then(() => w.sweep(g, policy, 2)),
    // What similarity touches is parked, and returns before the edges are looked at.
    () => w.collect(g, { policy, kinds: ["orphan_entities"] }),
    () => store.remaining(g, "stale_edges", policy, w.now),
    () => w.restore(g, "d1"),
    () => w.collect(g, { policy }),
    () => w.deprecate(g, "d1"),
    () => w.collect(g, { policy, limit: 2 }),
    look,
    read,
    () => w.import(g, own(g, SECOND, " changed")),
    look,
    () => w.import(g, own(g, FIFTH)),
    () => w.replace(g, own(g, CHANGED)),
    look,
    // What is thrown away before it is published, then what is published, with a community less and one that returns: in steps,
    // so that others stage meanwhile.
    async () => {
      fence = await w.lease(g, `second holder of ${g}`);
      const ranks = [{ entity: "a", score: 9 + at, component: "a" }];
      const remove = { communities: ["k1"], ranks: ["d"], memberships: [{ level: 0, entity: "a" }] };
      await store.stageAnalytics(fence, { upsert: { ranks }, remove }, w.now);
    },
    async () => {
      await drained(() => store.discardStaged(fence, 1, w.now));
      return readPublished(store, g);
    },
    async () => {
      const { similarity } = await readPublished(store, g);
      await store.stageAnalytics(
        fence,
        {
          upsert: { communities: [{ id: "k1", level: 0, parent: null, size: 9, ...hashes("new") }] },
          remove: {
            communities: ["k0"],
            memberships: [
              { level: 0, entity: "a" },
              { level: 0, entity: "d" },
            ],
            similarity: similarity.filter((s) => s.a === "c").map(({ a, b }) => ({ a, b })),
          },
        },
        w.now,
      );
      // Staged twice: the second time takes the place of the first.
      await store.stageAnalytics(fence, { upsert: {}, remove: { communities: ["k1"] } }, w.now);
    },
    () => readPublished(store, g),
    () => published(1),
    () => readPublished(store, g),
    async () => {
      await store.stageAnalytics(
        fence,
        {
          upsert: {
            communities: [{ id: "k0", level: 0, parent: null, size: 1, ...hashes("again") }],
            memberships: [{ level: 0, entity: "d", community: "k0" }],
          },
          remove: {},
        },
        w.now,
      );
      const vanished = await store.vanishedCommunities(g);
      // The first group keeps its own, which those after it have under the same id and hash.
      const acknowledged = at === 0 ? [] : vanished.slice(-1);
      return { vanished, gone: await store.acknowledgeCommunities(g, acknowledged, w.now) };
    },
    () => store.analyticsState(g),
    async () => {
      const state = await published(2, null);
      await store.releaseLease(fence);
      return state;
    },
    () => store.vanishedCommunities(g),
    () => store.analyticsState(g),
    acknowledge,
    read,
    () => w.deprecate(g, ["d3", "d4"], "d2"),
    () => w.collect(g, { policy, limit: 3 }),
    look,
    () => w.restore(g, "d1"),
    () => w.call(g, "hold", "d2"),
    () => w.sweep(g, policy, 2),
    async () => {
      const rolling = w.operation(g, "deprecate", ["d1", "d2"]);
      const first = await store.apply(rolling, { guard: null, unitsPerTransaction: 1 });
      const again = await store.apply(rolling, { guard: null, unitsPerTransaction: 1 });
      const unfinished = await store.unfinished(10);
      let last = first;
      for (let steps = 0; last.state === "rolling" && steps < 100; steps++)
        last = await store.advance(g, rolling.id, { unitsPerTransaction: 1 });
      return { first, again, unfinished, last };
    },
    () => w.collect(g, { policy }),
    look,
    () => w.purge(g, "d3"),
    () => w.restore(g, ["d1", "d2"]),
    () => w.call(g, "release", "d2"),
    () => w.purge(g, "d2"),
    () => w.purge(g, "d4"),
    () => w.purge(g, "d5"),
    () => store.purgedBefore(g, ["d3", "d4"]),
    () => w.call(g, "readmit", "d3"),
    () => store.purgedBefore(g, ["d3", "d4"]),
    look,
    () => w.deprecate(g, "d1"),
    () => w.collect(g, { policy }),
    async () => {
      const none = { restoreWindowMs: 0, unsupported: "collect" as const, graceAgeMs: 0 };
      fence = await w.lease(g, "dry");
      const dry = [];
      for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
        dry.push(await store.remaining(g, kind, none, w.now));
        dry.push(await store.collect(fence, kind, { cursor: null, limit: 50, policy: none, now: w.now, dryRun: true }));
      }
      await store.releaseLease(fence);
      return dry;
    },
    () => w.collect(g, { policy: { restoreWindowMs: 0, unsupported: "collect", graceAgeMs: 0 }, limit: 2 }),
    look,
    () => store.recordAudit(g, { at: w.now, actor: "story", action: "end", ref: g, detail: {} }),
  ];
}

/** What the calls answer, one after the other. */
export async function* tell(store: GraphStore, groups: readonly string[] = GROUPS): AsyncGenerator<unknown> {
  const stories = groups.map((g, at) => stepsOf(new World(store, NOW), g, at));
  const length = stories[0]?.length ?? 0;
  for (let i = 0; i < length + LAG * (groups.length - 1); i++) {
    for (const [at, steps] of stories.entries()) {
      const step = steps[i - LAG * at];
      if (step) yield await step();
    }
    await immediate(0);
  }
  const worlds = new World(store, NOW);
  for (const g of groups) yield worlds.everything(g);
}
