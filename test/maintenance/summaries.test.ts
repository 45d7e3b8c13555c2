import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import { gradesOf } from "../../src/maintenance/summaries.ts";
import type { Graphkeeper } from "../../src/service.ts";
import { temporaryGraphkeeper } from "../data/graphs.ts";

let world: Awaited<ReturnType<typeof temporaryGraphkeeper>>;
let graphkeeper: Graphkeeper;
let group = "";
let groups = 0;
beforeAll(async () => {
  world = await temporaryGraphkeeper();
  graphkeeper = world.graphkeeper;
});
afterAll(() => world.close());

/** Two cliques, each a document of its own, with one thin relationship between them. */
const CLIQUES = ["a", "b"];
beforeEach(async () => {
  group = `g${++groups}`;
  for (const name of CLIQUES) await graphkeeper.importBlock(group, clique(name));
  await world.run("recompute", group);
});

interface Change {
  /** Of the member number 0. */
  description?: string;
  /** Of the relationship between the members 0 and 1. */
  weight?: number;
  size?: number;
}

function clique(name: string, { description = "as ever", weight = 4, size = 5 }: Change = {}): ImportBlock {
  const ids = Array.from({ length: size }, (_, i) => `${name}${i}`);
  const pairs = ids.flatMap((source, i) => ids.slice(i + 1).map((target) => [source, target] as const));
  return {
    documents: [{ id: `document-${name}`, contentHash: JSON.stringify({ name, description, weight, size }) }],
    textUnits: [{ id: `unit-${name}`, documents: [`document-${name}`], text: `about ${name}, ${size} things` }],
    entities: ids.map((id, i) => ({ id, name: `name-${id}`, type: "THING", description: i === 0 ? description : "d" })),
    mentions: ids.map((entity) => ({ textUnit: `unit-${name}`, entity })),
    relationships: pairs.map(([source, target], i) => ({
      id: `${source}-${target}`,
      source,
      target,
      type: "NEAR",
      weight: i === 0 ? weight : 4,
      textUnits: [`unit-${name}`],
    })),
  };
}

const changed = (query = {}) => graphkeeper.changedCommunities(group, { limit: 100, ...query });
const acknowledgeAll = async () => {
  const { communities, removed } = await changed();
  return graphkeeper.acknowledge(group, [...communities, ...removed]);
};
const importAndRecompute = async (block: ImportBlock) => {
  await graphkeeper.importBlock(group, block);
  return world.run("recompute", group);
};

/** Community of the clique on the finest level. */
async function communityOf(entity: string): Promise<string> {
  const { items } = await graphkeeper.communities(group, { level: 0, limit: 10 });
  for (const { id } of items) {
    if ((await graphkeeper.members(group, id, { limit: 10 })).items.includes(entity)) return id;
  }
  throw new Error(`${entity} is in no community`);
}

test("what nobody has summarised is new; acknowledged, it is gone; an unchanged graph has no changes", async () => {
  const { communities, removed, tokens } = await changed();
  expect(communities.length).toBeGreaterThanOrEqual(CLIQUES.length);
  for (const community of communities) expect(community).toMatchObject({ grades: ["new"], memberDiff: null });
  expect([removed, tokens]).toEqual([[], undefined]);
  expect(await acknowledgeAll()).toBe(communities.length);
  expect((await changed()).communities).toEqual([]);
  await world.run("recompute", group);
  expect((await changed()).communities).toEqual([]);
  // All the same to `since`, which asks for what changed whether acknowledged or not.
  const since = await changed({ since: 0 });
  expect(since.communities.map(({ grades }) => grades)).toEqual(communities.map(() => []));
  expect((await changed({ since: 0, grades: ["texts"] })).communities).toEqual([]);
});

describe("grades of planted changes, in one community of two", () => {
  beforeEach(acknowledgeAll);

  test("another description: texts", async () => {
    await importAndRecompute(clique("a", { description: "other" }));
    const { communities } = await changed({ level: 0 });
    expect(communities).toMatchObject([{ id: await communityOf("a0"), grades: ["texts"], memberDiff: null }]);
    await acknowledgeAll();
    expect((await changed()).communities).toEqual([]);
  });

  test("another weight: edges", async () => {
    await importAndRecompute(clique("b", { weight: 3 }));
    const { communities } = await changed({ level: 0 });
    expect(communities).toMatchObject([{ id: await communityOf("b0"), grades: ["edges"], memberDiff: null }]);
  });

  test("a member more, then two less: members, with who came and went since the acknowledgement", async () => {
    await importAndRecompute(clique("a", { size: 6 }));
    const more = (await changed({ level: 0 })).communities;
    expect(more).toMatchObject([
      {
        id: await communityOf("a0"),
        grades: ["members", "edges", "texts"],
        memberDiff: { added: { count: 1, ids: ["a5"] }, removed: { count: 0, ids: [] } },
      },
    ]);
    expect(await graphkeeper.acknowledge(group, more)).toBe(1);
    await importAndRecompute(clique("a", { size: 4 }));
    await world.run("gc_all", group);
    await world.run("recompute", group);
    const less = (await changed({ level: 0 })).communities;
    expect(less).toMatchObject([{ memberDiff: { added: { count: 0 }, removed: { count: 2, ids: ["a4", "a5"] } } }]);
  });

  test("a purged member is not among those that went: nothing of it is kept", async () => {
    const { items } = await graphkeeper.communities(group, { level: 0, limit: 10 });
    const both = items.map(({ id }) => id);
    expect(await graphkeeper.store.acknowledgedMembers(group, await communityOf("b0"))).toHaveLength(5);
    await graphkeeper.purge(group, ["document-b"], { confirm: "document-b" });
    for (const id of both) {
      const members = await graphkeeper.store.acknowledgedMembers(group, id);
      expect(members?.filter((member) => member.startsWith("b"))).toEqual([]);
    }
    const file = new DatabaseSync(world.path, { readOnly: true });
    const dangling = "SELECT count(*) AS n FROM acknowledged_members WHERE entity NOT IN (SELECT key FROM entities)";
    expect(file.prepare(dangling).get()).toEqual({ n: 0 });
    file.close();
  });

  test("a community that vanished is told as removed until acknowledged, on its own level only", async () => {
    const gone = await communityOf("b0");
    await graphkeeper.deprecate(group, ["document-b"]);
    await world.run("gc_all", group);
    await world.run("recompute", group);
    const { removed, communities } = await changed({ level: 0 });
    expect(removed.map(({ id }) => id)).toEqual([gone]);
    expect(communities.map(({ id }) => id)).not.toContain(gone);
    expect((await changed({ level: 7 })).removed).toEqual([]);
    expect(await graphkeeper.acknowledge(group, removed)).toBe(1);
    expect((await changed({ level: 0 })).removed).toEqual([]);
  });

  test("the policy says which grades are listed; the query overrides it; pages skip the rest", async () => {
    await importAndRecompute(clique("a", { description: "other" }));
    await importAndRecompute(clique("b", { weight: 3 }));
    const [texts, edges] = [await communityOf("a0"), await communityOf("b0")];
    const ids = async (query = {}) => (await changed({ level: 0, ...query })).communities.map(({ id }) => id);
    expect((await ids()).sort()).toEqual([texts, edges].sort());
    expect(await ids({ grades: ["texts"] })).toEqual([texts]);
    expect(await ids({ grades: ["edges"] })).toEqual([edges]);
    expect(await ids({ grades: ["members", "new"] })).toEqual([]);
    for (const [grade, id] of [["texts", texts] as const, ["edges", edges] as const]) {
      expect(await ids({ grades: [grade], limit: 1 })).toEqual([id]);
    }
  });

  test("the estimate: characters of what changed against those of all, whatever the page", async () => {
    const nothing = await changed({ estimate: true });
    expect(nothing).toMatchObject({ tokens: 0, saved: nothing.tokensFullRebuild });
    await importAndRecompute(clique("a", { description: "other!!" }));
    const first = (await changed({ level: 0, estimate: true, limit: 1 })) as Required<typeof nothing>;
    // name-a0 and THING of each of 5, descriptions other!! and d, ten times NEAR
    expect(first.tokens).toBe(Math.ceil((5 * 12 + 7 + 4 + 10 * 4) / 4));
    // The same of b, with "as ever" of the same length, on each level.
    const levels = new Set((await graphkeeper.communities(group, { limit: 100 })).items.map(({ level }) => level)).size;
    expect(first.tokensFullRebuild).toBe(Math.ceil((levels * 2 * (5 * 12 + 7 + 4 + 10 * 4)) / 4));
    expect(first.saved).toBe(first.tokensFullRebuild - first.tokens);
  });
});

test("the configured policy holds where the query names no grade", async () => {
  const strict = await temporaryGraphkeeper({ "summaries.grades": ["members"] });
  try {
    await strict.graphkeeper.importBlock("g", clique("a"));
    await strict.run("recompute", "g");
    expect((await strict.graphkeeper.changedCommunities("g", { limit: 10 })).communities).toEqual([]);
    const asked = await strict.graphkeeper.changedCommunities("g", { limit: 10, grades: ["new"] });
    expect(asked.communities.length).toBeGreaterThan(0);
  } finally {
    await strict.close();
  }
});

test("grades in the environment are a list; an unknown one stops the start", () => {
  const grades = (text: string) => loadConfig({ GRAPHKEEPER_SUMMARY_GRADES: text }).summaries.grades;
  expect(grades("members, texts")).toEqual(["members", "texts"]);
  expect(grades("new")).toEqual(["new"]);
  expect(() => grades("member")).toThrow(/summaries\.grades/);
});

test("each part of the hash has its grade", () => {
  const record = { id: "0-1", level: 0, parent: null, size: 2, changedGeneration: 1 };
  const community = { ...record, memberHash: "m", edgeHash: "e", textHash: "t" };
  const grades = (acknowledgedHash: string | null) => {
    const contentAcknowledged = acknowledgedHash === "m.e.t";
    return gradesOf({ ...community, acknowledgedHash, contentAcknowledged, sameAsParent: false });
  };
  expect(grades(null)).toEqual(["new"]);
  expect(grades("m.e.t")).toEqual([]);
  expect(grades("M.e.t")).toEqual(["members"]);
  expect(grades("m.E.t")).toEqual(["edges"]);
  expect(grades("M.e.T")).toEqual(["members", "texts"]);
});
