import { readFileSync } from "node:fs";
import path from "node:path";
import {
  csrFromEdges,
  IncrementalCommunities,
  IncrementalKnn,
  type Knn,
  knn,
  leiden,
  pageRank,
  symmetrise,
} from "../../src/algorithms/index.ts";
import { membersOf, shareOfSame, sizesById } from "./incremental.ts";
import type { Embeddings } from "./neighbours.ts";
import { milliseconds, table, timed } from "./table.ts";

interface Passage {
  extracted_entities: string[];
  extracted_triples: string[][];
}

const OPTIONS = { k: 5, cutoff: 0.7 };

/**
 * End to end on a real graph: 1,890 Wikipedia passages with the entities and facts that a language model extracted. 20
 * passages (1 %) are deprecated; entities that no other passage mentions go, with their facts and similarities. Compared:
 * following up incrementally, and computing everything anew.
 */
export function compareMusique(folder: string, data: Embeddings): string {
  const { docs } = JSON.parse(readFileSync(path.join(folder, "musique-openie.json"), "utf8")) as { docs: Passage[] };
  const names = JSON.parse(readFileSync(path.join(folder, "musique-entity-embeddings.json"), "utf8")) as {
    names: string[];
  };
  const rowOf = new Map(names.names.map((name, row) => [name, row]));
  const { n, d, vectors } = data;
  const deprecated = new Set(Array.from({ length: 20 }, (_, i) => 40 + i * 90));
  const all = factsOf(docs, rowOf, new Set(), n);
  const live = factsOf(docs, rowOf, deprecated, n);
  const dead: number[] = [];
  for (let v = 0; v < n; v++) if (all.mentioned[v] === 1 && live.mentioned[v] === 0) dead.push(v);

  const similar = IncrementalKnn.fromVectors(vectors, n, d, OPTIONS);
  const weightsBefore = combine(all.facts, similar.knn, n);
  const state = IncrementalCommunities.fromGraph(toCsr(n, weightsBefore));
  const ranks = pageRank(toEdges(n, weightsBefore), { directed: false });
  const before = membersOf(state.membership());

  const knnStep = timed(() => similar.update(dead, new Float32Array(dead.length * d)));
  const weightsAfter = combine(live.facts, similar.knn, n);
  const edits = differences(weightsBefore, weightsAfter, n);
  const communityStep = timed(() => state.update(edits, {}, dead));
  const rankStep = timed(() => pageRank(toEdges(n, weightsAfter), { directed: false, warmStart: ranks.scores }));

  const gone = vectors.slice();
  for (const v of dead) gone.fill(0, v * d, (v + 1) * d);
  const fullKnn = timed(() => knn(gone, n, d, OPTIONS));
  const csr = toCsr(n, combine(live.facts, fullKnn.result, n));
  const fullCommunities = timed(() => leiden(csr));
  const fullRanks = timed(() => pageRank(toEdges(n, weightsAfter), { directed: false }));

  const after = membersOf(state.membership());
  const top = communityStep.result.levels.at(-1)!;
  const sized = sizesById(state.membership());
  const dirty = [...new Set([...top.members, ...top.edges])].filter((id) => (sized.get(id) ?? 0) > 1);
  const fullShare = shareOfSame(before, membersOf(fullCommunities.result.membership));
  const incremental = knnStep.ms + communityStep.ms + rankStep.ms;
  const full = fullKnn.ms + fullCommunities.ms + fullRanks.ms;
  const times = table([
    ["step", "incremental, ms", "full, ms", "times faster"],
    step(`k-NN (${knnStep.result.searched} rows searched again)`, knnStep.ms, fullKnn.ms),
    step(`communities (${edits.sources.length} edges set)`, communityStep.ms, fullCommunities.ms),
    step(
      `PageRank (${rankStep.result.iterations} and ${fullRanks.result.iterations} iterations)`,
      rankStep.ms,
      fullRanks.ms,
    ),
    step("all", incremental, full),
  ]);
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  return [
    `${docs.length} passages, ${n} entities, ${weightsBefore.size} edges; 20 passages deprecated: ${dead.length} entities go.`,
    "",
    times,
    "",
    `Communities with more than one member: ${before.size}. Unchanged, member for member: ${percent(shareOfSame(before, after))}` +
      ` (after a full run: ${percent(fullShare)}). To summarise again: ${dirty.length} (${percent(dirty.length / after.size)})` +
      `, against ${percent(1 - fullShare)} after a full run. Modularity ${state.modularity().toFixed(5)}, full run` +
      ` ${fullCommunities.result.modularity.toFixed(5)}.`,
    "",
    `Ids of those to summarise again: ${dirty.slice(0, 40).join(", ")}${dirty.length > 40 ? ", …" : ""}`,
    "",
  ].join("\n");
}

function step(name: string, ms: number, full: number): string[] {
  return [name, milliseconds(ms), milliseconds(full), `${(full / ms).toFixed(0)} ×`];
}

/** Facts between entities as pair → count, and which entities are mentioned, by the passages that are not left out. */
function factsOf(docs: Passage[], rowOf: Map<string, number>, without: Set<number>, n: number) {
  const facts = new Map<number, number>();
  const mentioned = new Uint8Array(n);
  const row = (name: string) => rowOf.get(name.trim().toLowerCase());
  for (const [i, doc] of docs.entries()) {
    if (without.has(i)) continue;
    for (const name of doc.extracted_entities) mark(mentioned, row(name));
    for (const triple of doc.extracted_triples) {
      if (triple.length !== 3) continue;
      const a = row(triple[0]!);
      const b = row(triple[2]!);
      mark(mentioned, a);
      mark(mentioned, b);
      if (a === undefined || b === undefined || a === b) continue;
      const key = Math.min(a, b) * n + Math.max(a, b);
      facts.set(key, (facts.get(key) ?? 0) + 1);
    }
  }
  return { facts, mentioned };
}

function mark(mentioned: Uint8Array, v: number | undefined): void {
  if (v !== undefined) mentioned[v] = 1;
}

/** Facts count 1 each, similarity its cosine. */
function combine(facts: Map<number, number>, table: Knn, n: number): Map<number, number> {
  const weights = new Map(facts);
  const { sources, targets, scores } = symmetrise(table);
  for (let e = 0; e < sources.length; e++) {
    const key = sources[e]! * n + targets[e]!;
    weights.set(key, (weights.get(key) ?? 0) + scores[e]!);
  }
  return weights;
}

function toEdges(n: number, pairs: Map<number, number>) {
  const keys = [...pairs.keys()];
  return {
    n,
    sources: Uint32Array.from(keys, (key) => Math.floor(key / n)),
    targets: Uint32Array.from(keys, (key) => key % n),
    weights: Float64Array.from(pairs.values()),
  };
}

function toCsr(n: number, pairs: Map<number, number>) {
  const { sources, targets, weights } = toEdges(n, pairs);
  return csrFromEdges(n, sources, targets, weights);
}

function differences(before: Map<number, number>, after: Map<number, number>, n: number) {
  const changed = new Map<number, number>();
  for (const key of before.keys()) if (!after.has(key)) changed.set(key, 0);
  for (const [key, weight] of after) if (before.get(key) !== weight) changed.set(key, weight);
  return toEdges(n, changed);
}
