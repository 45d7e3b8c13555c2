import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import neo4j from "neo4j-driver";
import { describe, expect, test } from "vitest";
import type { Fence } from "../../src/core/words.ts";
import { dumpLines } from "../../src/documents/export.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { changedCommunities } from "../../src/maintenance/summaries.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { type Neo4jStore, openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { useNeo4j } from "../neo4j/server.ts";
import { SMALL_WRITERS } from "../profiles/fixtures/small-writers.ts";
import { collect } from "../profiles/lifecycle.ts";

/** Graphs of version 0.1 in Neo4j, made by `make-0.1.ts` with its code: with things parked, purged, held and acknowledged. */

const db = useNeo4j();

type Properties = Record<string, unknown>;
interface Graph {
  nodes: { id: string; labels: string[]; properties: Properties }[];
  relationships: { id: string; source: string; type: string; target: string; properties: Properties }[];
}
interface Made {
  group: string;
  before: string[];
  user: Graph;
  graph: Graph;
}

/** As the driver takes them; element ids of the server on which the graph was made become those of this one. */
function value(of: unknown, ids: Map<string, string>): unknown {
  if (typeof of === "string") return of.replace(/\b[45]:[0-9a-f-]{36}:\d+\b/g, (id) => ids.get(id) ?? id);
  if (Array.isArray(of)) return of.map((item) => value(item, ids));
  if (of === null || typeof of !== "object") return of;
  const { int, datetime, bytes } = of as Record<string, string>;
  if (int !== undefined) return neo4j.int(int);
  if (datetime !== undefined) return neo4j.types.DateTime.fromStandardDate(new Date(datetime));
  if (bytes !== undefined) return new Int8Array(Buffer.from(bytes, "base64"));
  throw new Error(`unknown value ${JSON.stringify(of)}`);
}

async function load({ nodes, relationships }: Graph): Promise<void> {
  const ids = new Map<string, string>();
  const made = await db.run("UNWIND $ids AS id CREATE (n) RETURN id, elementId(n) AS made", {
    ids: nodes.map((node) => node.id),
  });
  for (const row of made) ids.set(row.id as string, row.made as string);
  const properties = (of: Properties) =>
    Object.fromEntries(Object.entries(of).map(([key, inner]) => [key, value(inner, ids)]));
  // Relationships first: parked ones are told by the element id that they had.
  for (const r of relationships) {
    const [row] = await db.run(
      `MATCH (a) WHERE elementId(a) = $a MATCH (b) WHERE elementId(b) = $b CREATE (a)-[r:\`${r.type}\`]->(b) RETURN elementId(r) AS made`,
      { a: ids.get(r.source), b: ids.get(r.target) },
    );
    ids.set(r.id, row?.made as string);
  }
  for (const r of relationships)
    await db.run(`MATCH ()-[r:\`${r.type}\`]->() WHERE elementId(r) = $id SET r = $properties`, {
      id: ids.get(r.id),
      properties: properties(r.properties),
    });
  for (const node of nodes)
    await db.run(
      `MATCH (n) WHERE elementId(n) = $id SET n${node.labels.map((l) => `:\`${l}\``).join("")} SET n = $properties`,
      {
        id: ids.get(node.id),
        properties: properties(node.properties),
      },
    );
}

/** The writer's part: nodes by what they are, without ids of the server. */
function writersPart({ nodes, relationships }: Graph): string[] {
  const plain = (properties: Properties) =>
    JSON.stringify(
      Object.entries(properties)
        .filter(([key]) => !key.startsWith("lc_"))
        .map(([key, inner]) => [
          key,
          inner !== null && typeof inner === "object" && "int" in inner ? Number(inner.int) : inner,
        ])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
  const texts = new Map(
    nodes
      .filter((node) => !node.labels.some((label) => label.startsWith("Graphkeeper")))
      .map((node) => [node.id, `${[...node.labels].sort()} ${plain(node.properties)}`]),
  );
  const edges = relationships
    .filter((r) => texts.has(r.source) && texts.has(r.target))
    .map((r) => `${texts.get(r.source)} -${r.type} ${plain(r.properties)}- ${texts.get(r.target)}`);
  return [...texts.values(), ...edges].sort();
}

async function present(): Promise<Graph> {
  const nodes = await db.run("MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS properties");
  const relationships = await db.run(
    "MATCH (a)-[r]->(b) RETURN elementId(r) AS id, elementId(a) AS source, type(r) AS type, elementId(b) AS target, properties(r) AS properties",
  );
  return { nodes, relationships } as unknown as Graph;
}

async function dump(store: Neo4jStore, group: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of dumpLines(store, group, { facts: true })) lines.push(line);
  return lines;
}

async function analyse(store: Neo4jStore, group: string): Promise<void> {
  const fence = (await store.acquireLease(group, `holder-${Date.now()}`, 600_000, Date.now())) as Fence;
  await recompute(store, fence, { clock: Date.now });
  await store.releaseLease(fence);
}

describe.each(["native", "graphiti"] as const)("%s", (name) => {
  const writer = name === "native" ? null : SMALL_WRITERS[name]!;
  const policy = { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "collect", graceAgeMs: 3_600_000 } as const;

  async function open(): Promise<{ store: Neo4jStore; made: Made }> {
    const file = fileURLToPath(new URL(`0.1/neo4j-${name}.json.gz`, import.meta.url));
    const made = JSON.parse(gunzipSync(await readFile(file)).toString()) as Made;
    await db.clear({ schema: true });
    for (const statement of writer?.schema ?? []) await db.run(statement);
    await load(made.graph);
    return { store: await openNeo4jStore({ uri: db.uri(), ...(writer && { profile: writer.profile }) }), made };
  }

  test("a graph of 0.1 opens, is verified, restores what it had parked, keeps acknowledgements, and is given back", {
    timeout: 400_000,
  }, async () => {
    const { store, made } = await open();
    const { group } = made;
    const findings = async () => (await verifyGroup(store, group)).filter(({ code }) => code !== "AUDIT_UNSEALED");
    expect(await findings()).toEqual([]);
    await collect(store, group, { policy });
    const ids = ["p", "q"];
    expect((await store.document(group, "p"))?.status).toBe("deprecated");
    expect(await store.document(group, "x")).toBeNull();
    const call = { groupId: group, verb: "restore", documentIds: ids, requestHash: "r", at: Date.now() } as const;
    await store.apply({ ...call, id: "restore-after", actor: "user", reason: null });
    await collect(store, group, { policy });
    expect(await dump(store, group)).toEqual(made.before);
    const acknowledged = (await store.communities(group, { limit: 100 })).items.filter(
      (c) => c.acknowledgedHash !== null,
    );
    expect(acknowledged.length).toBeGreaterThan(0);
    await analyse(store, group);
    // All vectors of the other graph are equal: who is near to whom is decided without ids now, so its communities are others.
    if (name === "native") expect((await changedCommunities(store, group, { limit: 100 })).communities).toEqual([]);
    expect(await findings()).toEqual([]);
    await store.uninstall();
    await store.close();
    expect(writersPart(await present())).toEqual(writersPart(made.user));
  });

  test("a graph of 0.1 is given back as it is, with what it had parked", { timeout: 200_000 }, async () => {
    const { store, made } = await open();
    await store.uninstall();
    await store.close();
    expect(writersPart(await present())).toEqual(writersPart(made.user));
  });
});
