/**
 * A whole recompute of one graph by both engines: the Graph Data Science plugin of the server, and our own. Each computes the
 * graph anew, then again with nothing changed, then after a document was deprecated. Lines of JSON on stdout.
 *
 *   node bench/neo4j/engines.ts [entities] [facts] [dimension]     default 20000 100000 64
 */
import { readFileSync } from "node:fs";
import { readPublished } from "../../src/core/published.ts";
import { COLLECTION_KINDS, type Fence, type ImportBlock, type Policy } from "../../src/core/words.ts";
import { normaliseBlock } from "../../src/documents/normalise.ts";
import { collectGarbage } from "../../src/maintenance/collect.ts";
import type { EngineName } from "../../src/maintenance/engine.ts";
import { recompute } from "../../src/maintenance/recompute.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { seeded } from "../../test/data/seeded.ts";
import { startNeo4j } from "../../test/servers/neo4j.ts";
import { operations } from "../operations.ts";

process.env.NEO4J_HEAP ??= "1g";

const [entities = 20_000, facts = 100_000, dimension = 64] = process.argv.slice(2).map(Number);
const POLICY: Policy = { restoreWindowMs: 30 * 86_400_000, unsupported: "collect", graceAgeMs: 0 };
const PER_CLUSTER = 50;
const PER_DOCUMENT = 20;
const PER_BLOCK = 2_000;
/** Share of facts that lead out of a cluster. */
const MIXING = 0.3;

const random = seeded(1);
const operation = operations();
const clusters = Math.ceil(entities / PER_CLUSTER);
const centres = Array.from({ length: clusters }, () => noise());
const clusterOf = Uint32Array.from({ length: entities }, () => Math.floor(random() * clusters));
const members = Array.from({ length: clusters }, (): number[] => []);
for (const [v, c] of clusterOf.entries()) members[c]?.push(v);

function noise(): Float32Array {
  return Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
}

function* blocks(): Generator<{ documents: string[]; block: ImportBlock }> {
  const pick = <T>(list: ArrayLike<T>) => list[Math.floor(random() * list.length)] as T;
  const entity = (v: number) => {
    const centre = centres[clusterOf[v] as number] as Float32Array;
    const embedding = noise().map((x, d) => 0.7 * x + (centre[d] as number));
    return { id: `entity-${v}`, name: `Entity ${v}`, embedding };
  };
  const unitOf = (v: number) => `unit-${Math.floor(v / PER_DOCUMENT)}`;
  for (let first = 0; first < entities; first += PER_BLOCK) {
    const own = Array.from({ length: Math.min(PER_BLOCK, entities - first) }, (_, i) => first + i);
    const numbers = [...new Set(own.map((v) => Math.floor(v / PER_DOCUMENT)))];
    const relationships = Array.from({ length: Math.round((facts * own.length) / entities) }, (_, i) => {
      const source = pick(own);
      // Only to entities that are there already: blocks are whole.
      const near = (members[clusterOf[source] as number] as number[]).filter((v) => v < first + own.length);
      const target = random() < MIXING ? Math.floor(random() * (first + own.length)) : pick(near);
      const ends = { source: `entity-${source}`, target: `entity-${target}` };
      return { id: `fact-${first}-${i}`, ...ends, type: "related", textUnits: [unitOf(source)] };
    });
    const named = new Set([...own, ...relationships.map((r) => Number(r.target.slice(7)))]);
    const documents = numbers.map((n) => `document-${n}`);
    yield {
      documents,
      block: normaliseBlock({
        documents: documents.map((id) => ({ id })),
        textUnits: numbers.map((n) => ({ id: `unit-${n}`, documents: [`document-${n}`], text: `text ${n}` })),
        entities: [...named].map((v) => (v < first ? { id: `entity-${v}`, name: `Entity ${v}` } : entity(v))),
        mentions: own.map((v) => ({ textUnit: unitOf(v), entity: `entity-${v}` })),
        relationships,
      }),
    };
  }
}

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const server = await startNeo4j({ gds: true });
const memory = () => {
  const status = readFileSync(`/proc/${server.pid()}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024);
};
const store = await openNeo4jStore({ uri: server.uri, patienceMs: 60_000 });
try {
  const group = operation("import", []).groupId;
  for (const { documents, block } of blocks()) await store.apply(operation("import", documents), { block });
  const counts = await store.counts(group);
  say({ entities: counts.entities.live, facts: counts.relationships.live, dimension, server_mb: memory() });

  const leased = async (holder: string): Promise<Fence> => {
    const fence = await store.acquireLease(group, holder, 3_600_000, Date.now());
    if (fence === null) throw new Error("the lease is taken");
    return fence;
  };
  const by = async (name: EngineName, what: string, full = false) => {
    const fence = await leased(name);
    const phases: [string, number][] = [];
    const onPhase = (phase: string) => {
      if (phases.at(-1)?.[0] !== phase) phases.push([phase, performance.now()]);
    };
    const result = await recompute(store, fence, { clock: Date.now, engine: { name, threshold: 0 }, full, onPhase });
    phases.push(["end", performance.now()]);
    const seconds = phases
      .slice(1)
      .map(([, at], i) => [phases[i]?.[0], Number(((at - (phases[i]?.[1] ?? at)) / 1_000).toFixed(1))]);
    await store.releaseLease(fence);
    const published = await readPublished(store, group);
    say({ what, ...result, seconds: Object.fromEntries(seconds), server_mb: memory() });
    return new Set(published.similarity.map(({ a, b }) => `${a} ${b}`));
  };
  const exact = await by("builtin", "anew", true);
  await by("builtin", "again");
  const found = await by("gds", "anew");
  const hits = [...found].filter((pair) => exact.has(pair)).length;
  say({ exact: exact.size, found: found.size, recall: hits / exact.size });
  await by("gds", "again");
  await store.apply(operation("deprecate", ["document-0"]), { guard: null });
  const fence = await leased("collect");
  const kinds = [...COLLECTION_KINDS];
  await collectGarbage(store, fence, { kinds, policy: POLICY, batchSize: 1_000, clock: Date.now });
  await store.releaseLease(fence);
  await by("gds", "after a change");
  await by("builtin", "after a change of engine");
} finally {
  await store.close();
  await server.stop();
}
