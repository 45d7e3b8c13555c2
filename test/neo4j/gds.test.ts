import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plan } from "neo4j-driver";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { World } from "../../src/conformance/index.ts";
import { type ErrorCode, GraphkeeperError } from "../../src/core/errors.ts";
import { readPublished } from "../../src/core/published.ts";
import type { ImportBlock } from "../../src/core/words.ts";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { type RecomputeOptions, type RecomputeResult, recompute } from "../../src/maintenance/recompute.ts";
import { checkProfile } from "../../src/profiles/format.ts";
import { PROFILES } from "../../src/profiles/index.ts";
import { diagnose } from "../../src/stores/neo4j/doctor.ts";
import { groupPrefix, projectionNames, runPrefix } from "../../src/stores/neo4j/gds/names.ts";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { Shapes } from "../../src/stores/neo4j/shapes.ts";
import { gdsStatements } from "../../src/stores/neo4j/statements/gds.ts";
import { gdsVersion, whyNoGds } from "../servers/jars.ts";
import { NEO4J_VERSION } from "../servers/neo4j.ts";
import { type GdsCall, listen } from "./gds-calls.ts";
import { SMALL_GRAPHS, useNeo4j } from "./server.ts";

/** The adapter on a real server with the real Graph Data Science plugin; faults are planted around it, never in it. */

const GDS_VERSION = gdsVersion(NEO4J_VERSION);
const ENGINE = `gds ${GDS_VERSION}`;
const missing = await whyNoGds(NEO4J_VERSION);
if (missing !== null) console.warn(`Graph Data Science is not tried: ${missing}`);

let store: Neo4jStore;
let w: World;
/** Real time, so that leases are alive for the server's clock too. */
const clock = () => w.now;

async function recomputed(
  group: string,
  name: EngineName,
  options: Partial<RecomputeOptions> & { threshold?: number } = {},
): Promise<RecomputeResult> {
  const { threshold = 1_000_000, ...rest } = options;
  return w.withLease(group, (fence) => recompute(store, fence, { clock, engine: { name, threshold }, ...rest }));
}

async function failure(work: Promise<unknown>, code: ErrorCode): Promise<GraphkeeperError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  expect(GraphkeeperError.is(error, code), `${code}: ${String(error)}`).toBe(true);
  return error as GraphkeeperError;
}

const CLUSTERS = 4;
const SIZE = 6;

/**
 * Documents d0 to d3 with six entities each, whose vectors are near each other and which are tied by facts; a fact joins d0's to
 * d1's; `plain` has no vector, `alone` neither vector nor fact.
 */
function clusters(): ImportBlock {
  const block: ImportBlock = { documents: [], textUnits: [], entities: [], mentions: [], relationships: [] };
  for (let c = 0; c < CLUSTERS; c++) {
    block.documents.push({ id: `d${c}` });
    block.textUnits.push({ id: `u${c}`, documents: [`d${c}`], text: `text ${c}` });
    for (let i = 0; i < SIZE; i++) {
      const embedding = Float32Array.from({ length: CLUSTERS }, (_, d) => (d === c ? 1 : 0.01 * (i + 1) * (d + 1)));
      block.entities.push({ id: `e${c}${i}`, name: `Entity ${c} ${i}`, embedding });
      block.mentions.push({ textUnit: `u${c}`, entity: `e${c}${i}` });
      if (i > 0) fact(`e${c}${i - 1}`, `e${c}${i}`, 1 + i / 4, c);
    }
  }
  fact("e00", "e10", 0.5, 0);
  for (const id of ["plain", "alone"]) {
    block.entities.push({ id, name: id });
    block.mentions.push({ textUnit: "u0", entity: id });
  }
  fact("plain", "e01", 2, 0);
  return block;

  function fact(source: string, target: string, weight: number, c: number) {
    block.relationships.push({
      id: `${source}-${target}`,
      source,
      target,
      type: "relates to",
      weight,
      textUnits: [`u${c}`],
    });
  }
}

async function membersByCommunity(group: string, level: number): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const m of (await readPublished(store, group)).memberships) {
    if (m.level === level) found.set(m.community, [...(found.get(m.community) ?? []), m.entity]);
  }
  return found;
}

describe.skipIf(missing !== null)(`Graph Data Science ${GDS_VERSION}`, () => {
  const db = useNeo4j({ gds: true, settings: SMALL_GRAPHS });
  const { run } = db;
  const projections = async () =>
    (await run("CALL gds.graph.list() YIELD graphName RETURN graphName ORDER BY graphName")).map((r) => r.graphName);
  const drop = (name: unknown) => run("CALL gds.graph.drop($name) YIELD graphName RETURN graphName", { name });
  const nodesOf = async (name: unknown) =>
    (await run("CALL gds.wcc.stream($name) YIELD nodeId RETURN nodeId", { name })).map((r) => r.nodeId as number);
  /** A projection that somebody left. */
  const plant = (name: unknown) =>
    run("UNWIND range(1, 3) AS i RETURN gds.graph.project($name, i, i + 1) AS planted", { name });

  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "graphkeeper-gds-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    await db.clear();
    for (const name of await projections()) await drop(name);
    // A server that was just started takes its time over the first plans.
    store = await openNeo4jStore({ uri: db.uri(), patienceMs: 10_000 });
    w = new World(store);
  }, 60_000);
  afterEach(() => store.close());

  test("auto takes it above the threshold only; health and doctor say that it is there", async () => {
    await w.import("g", clusters());
    const calls = listen(store);
    const live = CLUSTERS * SIZE + 2;
    expect((await recomputed("g", "auto", { threshold: live })).engine).toBe("builtin");
    expect(calls).toEqual([]);
    const result = await recomputed("g", "auto", { threshold: live - 1 });
    expect(result).toMatchObject({ engine: ENGINE, fresh: true, similarityRecall: null, entities: live });
    expect((await recomputed("g", "builtin", { threshold: 0 })).engine).toBe("builtin");
    expect((await diagnose({ uri: db.uri() })).server.gds).toBe(GDS_VERSION);
  });

  test("what it answers is published: neighbours, communities, ranks and components equal the built-in engine's", async () => {
    await w.import("theirs", clusters());
    await w.import("ours", clusters());
    // Another writer's vector of whole numbers, which the library sees first.
    await run("MATCH (e:Entity {id: 'e00'}) SET e.embedding = [1, 0, 0, 0]");
    const [a, b] = [await recomputed("theirs", "gds"), await recomputed("ours", "builtin")];
    const [theirs, ours] = [await readPublished(store, "theirs"), await readPublished(store, "ours")];
    expect(theirs.similarity.length).toBeGreaterThan(20);
    expect(theirs.similarity.map(({ a, b }) => [a, b])).toEqual(ours.similarity.map(({ a, b }) => [a, b]));
    for (const [i, row] of theirs.similarity.entries()) expect(row.score).toBeCloseTo(ours.similarity[i]!.score, 6);
    expect(theirs.ranks.map((r) => [r.entity, r.component])).toEqual(ours.ranks.map((r) => [r.entity, r.component]));
    for (const [i, row] of theirs.ranks.entries()) expect(row.score / ours.ranks[i]!.score).toBeCloseTo(1, 6);
    expect(theirs.ranks.reduce((sum, r) => sum + r.score, 0)).toBeCloseTo(1, 9);
    expect(a.modularity).toBeCloseTo(b.modularity, 6);
    const top = async (group: string, level: number) => [...(await membersByCommunity(group, level)).values()].sort();
    const of = (published: typeof ours) => Math.max(...published.communities.map((c) => c.level));
    const communities = await top("theirs", of(theirs));
    expect(communities).toEqual(await top("ours", of(ours)));
    expect(communities.map((m) => m.length).sort()).toEqual([1, SIZE, SIZE, SIZE, SIZE + 1]);
    expect(await projections()).toEqual([]);
  });

  test("levels are nested, and each community is connected", async () => {
    const around = Array.from({ length: 150 }, (_, i) => `e${i}`);
    const block = clusters();
    block.entities.push(...around.map((id) => ({ id, name: id })));
    block.mentions.push(...around.map((entity) => ({ textUnit: "u0", entity })));
    for (const [i, source] of around.entries()) {
      const target = around[(i + 1) % around.length]!;
      block.relationships.push({ id: source, source, target, type: "next", textUnits: ["u0"] });
    }
    await w.import("g", block);
    const result = await recomputed("g", "gds");
    expect(result.levels).toBeGreaterThan(1);
    const { communities, memberships } = await readPublished(store, "g");
    const parents = new Map(communities.map((c) => [c.id, c.parent]));
    for (let level = result.levels - 1; level > 0; level--) {
      const above = new Map(memberships.filter((m) => m.level === level).map((m) => [m.entity, m.community]));
      expect(above.size).toBe(result.entities);
      for (const m of memberships.filter((m) => m.level === level - 1))
        expect(parents.get(m.community)).toBe(above.get(m.entity));
    }
    for (let level = 0; level < result.levels; level++) {
      for (const members of (await membersByCommunity("g", level)).values()) {
        const own = members.map((e) => around.indexOf(e)).filter((i) => i >= 0);
        if (own.length === 0) continue;
        // On a ring, a connected piece has one beginning.
        expect(own.filter((i) => !own.includes((i + around.length - 1) % around.length))).toHaveLength(1);
      }
    }
    expect(await recomputed("g", "gds")).toMatchObject({
      changedCommunities: 0,
      removedCommunities: 0,
      rowsWritten: 0,
    });
  });

  test("an unchanged graph has no changed community; after a change the others stay", async () => {
    await w.import("g", clusters());
    const first = await recomputed("g", "gds");
    expect(first.changedCommunities).toBe((await readPublished(store, "g")).communities.length);
    const second = await recomputed("g", "gds");
    expect(second).toMatchObject({ changedCommunities: 0, removedCommunities: 0, rowsWritten: 0, fresh: true });
    const before = await membersByCommunity("g", 0);
    // The first of all, so that whoever only counts communities would number the others anew.
    await w.deprecate("g", "d0");
    await w.collect("g");
    const third = await recomputed("g", "gds");
    const after = await membersByCommunity("g", 0);
    expect(third.removedCommunities).toBeGreaterThan(0);
    const untouched = [...after].filter(([, members]) => /^e[23]/.test(members[0]!));
    expect(untouched).toHaveLength(2);
    for (const [id, members] of untouched) expect(before.get(id)).toEqual(members);
    expect([...after.values()].flat().filter((e) => e.startsWith("e0"))).toEqual([]);
    // What the library computed the built-in engine goes on from.
    expect((await recomputed("g", "builtin")).engine).toBe("builtin");
    await w.restore("g", "d0");
    expect((await recomputed("g", "gds")).entities).toBe(CLUSTERS * SIZE + 2);
  });

  test("nothing parked and nothing of another group is projected, and no name holds a group's id", async () => {
    const groups = ["tenant-secret", "other"];
    for (const group of groups) {
      await w.import(group, clusters());
      await w.deprecate(group, group === "other" ? "d2" : "d1");
      await w.collect(group);
    }
    const seen: { name: string; nodes: number[] }[] = [];
    const calls = listen(store, async ({ name, parameters }) => {
      if (!/^gds\.(knn\.stream|leiden\.stream)$/.test(name)) return;
      seen.push({ name: String(parameters.name), nodes: await nodesOf(parameters.name) });
    });
    // Both at a time, in the memory of one server.
    const results = await Promise.all(groups.map((group) => recomputed(group, "gds")));
    // The other clusters, the two of no cluster, and e10, of which the live d0 states a fact.
    const live = { "tenant-secret": (CLUSTERS - 1) * SIZE + 3, other: (CLUSTERS - 1) * SIZE + 2 };
    expect(results.map((r) => r.entities)).toEqual(Object.values(live));
    expect(seen.map((p) => p.name.split("-").at(-1)).sort()).toEqual(["facts", "facts", "joined", "joined"]);
    for (const [group, size] of Object.entries(live)) {
      const rows = await run(
        "MATCH (e:Entity {group_id: $group}) WHERE coalesce(e.lc_active, true) RETURN id(e) AS node",
        { group },
      );
      const nodes = new Set(rows.map((r) => r.node as number));
      expect(nodes.size).toBe(size);
      const own = seen.filter((p) => p.name.startsWith(groupPrefix(group)));
      expect(new Set(own.find((p) => p.name.endsWith("facts"))?.nodes)).toEqual(nodes);
      for (const projection of own) for (const node of projection.nodes) expect(nodes).toContain(node);
      expect(own).toHaveLength(2);
    }
    // The group itself is told to the one statement that reads the graph, as its parameter.
    const said = calls.map(({ parameters: { group, ...rest } }) => rest);
    expect(JSON.stringify(said)).not.toMatch(/tenant-secret|other/);
    for (const { name } of seen) expect(name).toMatch(/^graphkeeper-[0-9a-f]{16}-[0-9a-f]{16}-(facts|joined)$/);
  });

  test("it is asked for what makes it reproducible and near to exact, and only for what it knows", async () => {
    await w.import("g", clusters());
    const loaded: unknown[] = [];
    const calls = listen(store, async ({ name }) => {
      if (/^gds\.(knn\.stream|leiden\.stream|wcc\.stream)$/.test(name)) loaded.push(await projections());
    });
    await recomputed("g", "gds", { k: 3, cutoff: 0.2, resolution: 1.5, seed: 7 });
    const int = (value: number) => store.connection.int(value);
    const configuration = (name: string) => calls.find((c) => c.name === name)?.parameters.config;
    expect(configuration("gds.knn.stream")).toMatchObject({
      topK: int(10),
      similarityCutoff: 0.6,
      sampleRate: 1,
      deltaThreshold: 0,
      randomSeed: int(7),
      concurrency: int(1),
    });
    expect(configuration("gds.leiden.stream")).toMatchObject({
      gamma: 1.5,
      randomSeed: int(7),
      concurrency: int(1),
      relationshipWeightProperty: "weight",
    });
    expect(configuration("gds.pageRank.stream")).toMatchObject({ dampingFactor: 0.85, maxIterations: int(400) });
    expect(calls.map((c) => c.name).filter((name) => !name.endsWith("estimate"))).toEqual([
      "gds.graph.project",
      "gds.knn.stream",
      "gds.graph.project",
      "gds.leiden.stream",
      "gds.pageRank.stream",
      "gds.wcc.stream",
    ]);
    const one = (end: string) => [expect.stringMatching(`-${end}$`)];
    expect(loaded).toEqual([one("facts"), one("joined"), one("joined")]);
  });

  test("graphs without a vector, without a fact, without either, and without a live entity", async () => {
    const all = clusters();
    const bare = all.entities.map(({ embedding: _, ...entity }) => entity);
    await w.import("no-vectors", { ...all, entities: bare });
    await w.import("no-facts", { ...all, relationships: [] });
    await w.import("neither", { ...all, entities: bare, relationships: [] });
    expect(await recomputed("no-vectors", "gds")).toMatchObject({ similarityEdges: 0, fresh: true });
    expect((await recomputed("no-facts", "gds")).similarityEdges).toBeGreaterThan(0);
    const alone = await recomputed("neither", "gds");
    expect(alone).toMatchObject({ edges: 0, communities: CLUSTERS * SIZE + 2, fresh: true });
    await w.deprecate("neither", ["d0", "d1", "d2", "d3"]);
    await w.collect("neither");
    expect(await recomputed("neither", "gds")).toMatchObject({ entities: 0, communities: 0, fresh: true });
    expect(await projections()).toEqual([]);
  });

  describe("however a run ends, nothing stays in the library's memory and what was published stays", () => {
    /** Once, at the first call of this name. */
    const once = (wanted: string, fault: (call: GdsCall) => Promise<void> | void) => {
      let done = false;
      return listen(store, async (call) => {
        if (done || call.name !== wanted) return;
        done = true;
        await fault(call);
      });
    };

    test.each([
      ["gds.graph.project", "already exists", plant],
      ["gds.knn.stream", "does not exist", drop],
      ["gds.leiden.stream", "does not exist", drop],
      ["gds.wcc.stream", "does not exist", drop],
    ])("%s fails because the graph %s", async (name, said, fault) => {
      await w.import("g", clusters());
      await recomputed("g", "builtin");
      const before = await readPublished(store, "g");
      once(name, async ({ parameters }) => void (await fault(parameters.name)));
      const error = await failure(recomputed("g", "gds"), "RUN_FAILED");
      expect(error.message).toContain(said);
      expect(await projections()).toEqual([]);
      expect(await readPublished(store, "g")).toEqual(before);
    });

    test("the library finds too little free memory", async () => {
      await w.import("g", clusters());
      once("gds.leiden.stream", ({ parameters }) => {
        // A level takes memory for each node.
        Object.assign(parameters.config!, { maxLevels: store.connection.int(2_000_000_000) });
      });
      const error = await failure(recomputed("g", "gds"), "OUT_OF_BUDGET");
      expect(error.message).toContain("memory");
      expect(error.details).toMatchObject({ engine: "gds", field: "server.memory.heap.max_size" });
      expect(await projections()).toEqual([]);
    });

    test.each(["gds.knn.stream.estimate", "gds.leiden.stream.estimate"])(
      "%s does not fit: refused with the estimate before anything is projected",
      async (name) => {
        await w.import("g", clusters());
        const calls = once(name, ({ parameters }) => {
          Object.assign(parameters.graph!, { nodeCount: store.connection.int(1_000_000_000) });
        });
        const error = await failure(recomputed("g", "gds"), "OUT_OF_BUDGET");
        const { estimate_mb: needed, budget_mb: heap } = error.details as Record<string, number>;
        expect(needed).toBeGreaterThan(heap!);
        expect(heap).toBeGreaterThan(500);
        expect(heap).toBeLessThan(1_100);
        expect(calls.every((call) => call.name.endsWith(".estimate"))).toBe(true);
      },
    );

    test("this process may not take the memory that publishing needs: refused before anything is projected", async () => {
      await w.import("g", clusters());
      const calls = listen(store);
      await failure(recomputed("g", "gds", { memoryMb: 0 }), "OUT_OF_BUDGET");
      expect(calls).toEqual([]);
    });

    /** Ranks that are not found for minutes. */
    const hold = () =>
      once("gds.pageRank.stream", ({ parameters }) => {
        const int = (value: number) => store.connection.int(value);
        Object.assign(parameters.config!, {
          dampingFactor: 0.999999,
          tolerance: 0,
          maxIterations: int(60_000),
          concurrency: int(1),
        });
      });
    const working = async () =>
      (
        await run("SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS $name RETURN count(*) AS n", {
          name: "gds.pageRank.stream",
        })
      )[0]?.n;

    test("its time budget runs out", async () => {
      await w.import("g", clusters());
      hold();
      await failure(recomputed("g", "gds", { timeBudgetMs: 5_000 }), "OUT_OF_BUDGET");
      expect(await projections()).toEqual([]);
      await expect.poll(working, { timeout: 30_000, interval: 500 }).toBe(0);
    });

    test("cancelled in the middle: within 2 s, and the server's work ends too", async () => {
      await w.import("g", clusters());
      await recomputed("g", "builtin");
      const before = await readPublished(store, "g");
      const calls = hold();
      const cancel = new AbortController();
      let cancelledAt = 0;
      const onPhase = (phase: string, done: number) => {
        // The library's own count of what it has done.
        if (phase !== "ranks" || done === 0 || cancelledAt > 0) return;
        cancelledAt = performance.now();
        cancel.abort("cancelled");
      };
      await failure(recomputed("g", "gds", { signal: cancel.signal, onPhase }), "CANCELLED");
      expect(performance.now() - cancelledAt).toBeLessThan(2_000);
      expect(await projections()).toEqual([]);
      expect(await readPublished(store, "g")).toEqual(before);
      // Every 10 s the library looks whether its transaction is still wanted; what it stores until then goes too.
      expect(await working()).toBe(1);
      await plant(calls.at(-1)?.parameters.name);
      await expect.poll(working, { timeout: 30_000, interval: 500 }).toBe(0);
      await expect.poll(projections, { timeout: 10_000 }).toEqual([]);
    });
  });

  test("a change that comes in between makes it read and project again; one that never ends leaves the group stale", async () => {
    await w.import("g", clusters());
    let changes = 1;
    const calls = listen(store, async ({ name, parameters }) => {
      if (name === "gds.graph.project" && "dimension" in parameters && changes-- > 0)
        await w.import("g", { ...clusters(), documents: [{ id: `more${changes}` }], textUnits: [], mentions: [] });
    });
    const projected = () => calls.filter((call) => call.name === "gds.graph.project").length;
    expect(await recomputed("g", "gds")).toMatchObject({ generation: 2, fresh: true });
    expect(projected()).toBe(3);
    changes = 100;
    expect(await recomputed("g", "gds")).toMatchObject({ fresh: false });
    expect(projected()).toBe(3 + 4);
    const jobs = calls.map(({ parameters: { config, job } }) => config?.jobId ?? job).filter((id) => id !== undefined);
    expect(jobs.length).toBeGreaterThan(10);
    expect(new Set(jobs).size).toBe(jobs.length);
    expect(await projections()).toEqual([]);
  });

  test("left-overs of a crash go with the group's next run, whoever computes it, and when a service starts", async () => {
    await w.import("g", clusters());
    await w.import("busy", clusters());
    const fence = await w.lease("busy");
    const dead = projectionNames({ groupId: "g", token: 77 });
    const unknown = projectionNames({ groupId: "a group that is gone", token: 3 }).facts;
    const working = projectionNames(fence).facts;
    for (const name of [dead.facts, dead.joined, unknown, working, "somebody else's"]) await plant(name);
    expect(await projections()).toHaveLength(5);
    await recomputed("g", "builtin");
    expect(await projections()).toEqual([unknown, working, "somebody else's"].sort());
    await plant(dead.facts);
    const config = loadConfig({ NEO4J_URI: db.uri(), GRAPHKEEPER_DATA: join(folder, "keys.db") });
    const service = await compose(config, { serve: {} });
    try {
      await expect.poll(projections, { timeout: 10_000 }).toEqual([working, "somebody else's"].sort());
    } finally {
      await service.close();
    }
    await store.releaseLease(fence);
    expect(await store.engine.dropLeftOvers(null)).toBe(1);
    expect(runPrefix(fence).startsWith(groupPrefix("busy"))).toBe(true);
  });

  test("a run of the service takes the engine that it is told, else the configured one", async () => {
    await w.import("g", clusters());
    const config = loadConfig({
      NEO4J_URI: db.uri(),
      GRAPHKEEPER_DATA: join(folder, "service.db"),
      GRAPHKEEPER_GDS_THRESHOLD: "10",
    });
    const service = await compose(config);
    try {
      await service.jobs.start({ roles: ["worker"] });
      const engineOf = async (params: Record<string, string>) => {
        const { run: begun } = await service.run({ kind: "recompute", groupId: "g", actor: "tester", params });
        const ended = await service.jobs.wait(begun.id, 60_000);
        expect(ended.error).toBeNull();
        return ended.result?.engine;
      };
      expect(await engineOf({})).toBe(ENGINE);
      expect(await engineOf({ engine: "builtin" })).toBe("builtin");
      expect(await engineOf({ engine: "gds" })).toBe(ENGINE);
    } finally {
      await service.close();
    }
  });

  test("the statements of every profile are understood, and read no node that is none of theirs", async () => {
    const operators = (plan: Plan): string[] => [
      plan.operatorType.replace(/@.*/, ""),
      ...plan.children.flatMap(operators),
    ];
    for (const make of Object.values(PROFILES)) {
      const shapes = new Shapes(checkProfile(make("tenant")));
      for (const [name, statement] of Object.entries(gdsStatements(shapes))) {
        const { summary } = await store.connection.driver.executeQuery(`EXPLAIN ${statement}`, {});
        // The indexes that lookups need are those of the profile that the database was prepared for.
        if (shapes.profile.name !== "native") continue;
        const bad = operators(summary.plan as Plan).filter((o) =>
          /^(AllNodesScan|.*CartesianProduct|.*AllRelationshipsScan)$/.test(o),
        );
        expect(bad, `${shapes.profile.name} ${name}`).toEqual([]);
      }
    }
  });
});
