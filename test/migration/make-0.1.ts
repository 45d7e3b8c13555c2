/**
 * Makes the data of version 0.1 that `migration.test.ts` opens: run by the code of 0.1 (commit c39c429), not by this one.
 *
 *     git worktree add ../v01 c39c429 && cd ../v01 && npm ci --ignore-scripts
 *     mkdir test/migration && cp ../<this checkout>/test/migration/make-0.1.ts test/migration/
 *     node test/migration/make-0.1.ts ../<this checkout>/test/migration/0.1
 *
 * Documents p, q, r, s, t and x are cliques of five entities each, which share entities with their neighbours. x is purged, p and q
 * are deprecated and collected, t is on hold; all communities were acknowledged before that. The dumps were taken before p
 * and q were deprecated, by 0.1.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import neo4j, { type Driver } from "neo4j-driver";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { communityHash, type GraphStore } from "../../src/core/ports.ts";
import type { Fence, ImportBlock } from "../../src/core/words.ts";
import { dumpLines } from "../../src/documents/export.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { SMALL_WRITERS } from "../profiles/fixtures/small-writers.ts";
import { collect } from "../profiles/lifecycle.ts";
import { startNeo4j } from "../servers/neo4j.ts";

const folder = process.argv[2] as string;
const DOCUMENTS = ["p", "q", "r", "s", "t", "x"];

function entitiesOf(document: string): string[] {
  const own = [0, 1, 2, 3].map((i) => `${document}${i}`);
  const next = DOCUMENTS[DOCUMENTS.indexOf(document) + 1];
  return [...own, next === undefined ? `${document}4` : `${next}0`];
}

function pairsOf(document: string): [string, string][] {
  const entities = entitiesOf(document);
  return entities.flatMap((a, i) => entities.slice(i + 1).map((b): [string, string] => [a, b]));
}

function vector(text: string): Float32Array {
  const bytes = createHash("sha256").update(text).digest();
  return Float32Array.from(bytes.subarray(0, 8), (byte) => byte / 128 - 1 + 1 / 256);
}

function block(document: string): ImportBlock {
  const unit = `${document}-text`;
  return {
    documents: [{ id: document, title: `Title of ${document}`, metadata: { source: `${document}.md` } }],
    textUnits: [{ id: unit, documents: [document], text: `Text of ${document}.`, embedding: vector(unit) }],
    entities: entitiesOf(document).map((id) => ({
      id,
      name: `Name of ${id}`,
      type: "THING",
      description: `About ${id}.`,
      embedding: vector(id),
    })),
    mentions: entitiesOf(document).map((entity) => ({ textUnit: unit, entity })),
    relationships: pairsOf(document).map(([source, target], i) => ({
      id: `${document}-${source}-${target}`,
      source,
      target,
      type: "NEAR",
      description: `${source} is near ${target}.`,
      weight: 1 + i / 4,
      textUnits: [unit],
    })),
  };
}

async function linesOf(store: GraphStore, group: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of dumpLines(store, group, { facts: true })) lines.push(line);
  return lines;
}

const hashOf = (lines: string[]) =>
  createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");

async function acknowledgeAll(store: GraphStore, group: string) {
  const { items } = await store.communities(group, { limit: 1_000 });
  const acknowledged = items.map((community) => ({ id: community.id, hash: communityHash(community) }));
  await store.acknowledgeCommunities(group, acknowledged, Date.now());
  return acknowledged;
}

async function makeSqlite(): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "graphkeeper-0.1-"));
  const data = join(place, "graph.db");
  const graphkeeper = await compose(loadConfig({}, { overrides: { data, "maintenance.afterEvents": false } }));
  await graphkeeper.jobs.start({ roles: ["worker"] });
  const run = async (kind: "gc_all" | "recompute", groupId: string) => {
    const { run } = await graphkeeper.run({ kind, groupId, params: {} });
    await graphkeeper.jobs.wait(run.id, 100_000);
  };
  for (const group of ["acme", "other"]) for (const id of DOCUMENTS) await graphkeeper.importBlock(group, block(id));
  await graphkeeper.purge("acme", ["x"], { confirm: "x", force: true });
  await run("gc_all", "acme");
  await run("recompute", "acme");
  await run("recompute", "other");
  await graphkeeper.hold("acme", ["t"]);
  const acknowledged = await acknowledgeAll(graphkeeper.store, "acme");
  const before = await linesOf(graphkeeper.store, "acme");
  await graphkeeper.deprecate("acme", ["p", "q"], { reason: "superseded" });
  await run("gc_all", "acme");
  await run("recompute", "acme");
  const audit = await graphkeeper.audit("acme", { afterSeq: 0, limit: 1_000 });
  const expected = {
    before,
    hash: hashOf(before),
    other: hashOf(await linesOf(graphkeeper.store, "other")),
    acknowledged,
    audit: audit.at(-1),
  };
  await graphkeeper.close();
  await writeFile(join(folder, "graph.db.gz"), gzipSync(await readFile(data), { level: 9 }));
  await writeFile(join(folder, "graph.json"), `${JSON.stringify(expected)}\n`);
  await rm(place, { recursive: true, force: true });
}

/** Values as JSON: integers, times and bytes are told from numbers, texts and lists. */
function plain(value: unknown): unknown {
  if (neo4j.isInt(value)) return { int: value.toString() };
  if (neo4j.isDateTime(value as object)) return { datetime: String(value) };
  if (ArrayBuffer.isView(value))
    return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error(`a value of ${value.constructor.name}`);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

async function snapshot(driver: Driver) {
  const rows = async (statement: string) =>
    (await driver.executeQuery(statement)).records.map((record) => plain(record.toObject()));
  return {
    nodes: await rows(
      "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS properties ORDER BY id(n)",
    ),
    relationships: await rows(
      "MATCH (a)-[r]->(b) RETURN elementId(r) AS id, elementId(a) AS source, type(r) AS type, elementId(b) AS target, properties(r) AS properties ORDER BY id(r)",
    ),
  };
}

async function makeNeo4j(driver: Driver, uri: string, name: "native" | "graphiti"): Promise<void> {
  await driver.executeQuery("MATCH (n) DETACH DELETE n");
  const writer = name === "native" ? null : SMALL_WRITERS[name]!;
  const group = writer?.group ?? "acme";
  const run = async (statement: string, parameters = {}) =>
    (await driver.executeQuery(statement, parameters)).records.map((record) => record.toObject());
  for (const statement of writer?.schema ?? []) await run(statement);
  if (writer) {
    for (const document of DOCUMENTS) {
      const facts = pairsOf(document);
      await writer.write(run, {
        document,
        text: `Text of ${document}.`,
        mentions: entitiesOf(document),
        facts,
        properties: {},
      });
    }
  }
  const store = await openNeo4jStore({ uri, ...(writer && { profile: writer.profile }) });
  let operations = 0;
  const call = (verb: "import" | "purge" | "hold" | "deprecate", id: string[], imported?: ImportBlock) =>
    store.apply(
      {
        id: `${verb}-${++operations}`,
        groupId: group,
        verb,
        documentIds: id,
        requestHash: `${operations}`,
        at: Date.now(),
        actor: "user",
        reason: null,
      },
      { guard: null, ...(imported && { block: imported }) },
    );
  const analyse = async () => {
    const fence = (await store.acquireLease(group, `holder-${++operations}`, 600_000, Date.now())) as Fence;
    await recompute(store, fence, { clock: Date.now });
    await store.releaseLease(fence);
  };
  if (!writer) for (const id of DOCUMENTS) await call("import", [id], block(id));
  await call("purge", ["x"]);
  await collect(store, group);
  await analyse();
  await call("hold", ["t"]);
  const acknowledged = await acknowledgeAll(store, group);
  const before = await linesOf(store, group);
  const user = await snapshot(driver);
  await call("deprecate", ["p", "q"]);
  await collect(store, group);
  await analyse();
  const [audit] = (await store.audit(group, { afterSeq: 0, limit: 1_000 })).slice(-1);
  await store.close();
  const made = { group, before, hash: hashOf(before), acknowledged, audit, user, graph: await snapshot(driver) };
  await writeFile(join(folder, `neo4j-${name}.json.gz`), gzipSync(JSON.stringify(made), { level: 9 }));
}

await makeSqlite();
const server = await startNeo4j();
const driver = neo4j.driver(server.uri);
try {
  for (const name of ["native", "graphiti"] as const) await makeNeo4j(driver, server.uri, name);
} finally {
  await driver.close();
  await server.stop();
}
