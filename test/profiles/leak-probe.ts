import { expect } from "vitest";
import type { ParkingMode } from "../../src/core/words.ts";
import { type CorpusDocument, merged } from "./fixtures/corpus.ts";
import type { Fixture, Run } from "./fixtures/fixture.ts";

/**
 * Looks for deprecated things as the readers of a parking mode do: through the writer's own vector and full-text indexes,
 * by comparing vectors, by label. Under `label` every reader filters by label, under `park` those that search by text or
 * label do, under `swap` nobody has to.
 */

export interface Probe {
  run: Run;
  fixture: Fixture;
  mode: ParkingMode;
  vectorOf?(entity: string): number[];
}

const K = 5;
/** A reader that filters what the index gives asks for more than it needs. */
const OVERFETCH = 400;

/** Texts that only the chosen documents have. */
export function goneTexts(chosen: CorpusDocument[], rest: CorpusDocument[]): Set<string> {
  const kept = new Set(rest.flatMap((d) => d.chunks.map((c) => c.text)));
  return new Set(chosen.flatMap((d) => d.chunks.map((c) => c.text)).filter((t) => !kept.has(t)));
}

/** The words of a text that a full-text query is made of. */
function wordsOf(text: string): string {
  const words = text.replace(/[^A-Za-z ]/g, " ").split(" ");
  return words
    .filter((w) => w.length > 4)
    .slice(0, 6)
    .join(" ");
}

const filter = (probe: Probe, modes: ParkingMode[]) =>
  modes.includes(probe.mode) ? "WHERE NOT node:Deprecated" : "WHERE true";

/** What the index gives for the vector: the first k that the reader does not filter out. */
export async function nearest(probe: Probe, index: string, tells: string, vector: number[]): Promise<string[]> {
  const ask = probe.mode === "label" ? OVERFETCH : K;
  const hits = await probe.run(
    `CALL db.index.vector.queryNodes($index, ${ask}, $vector) YIELD node, score WITH node, score ${filter(probe, ["label"])}
     RETURN node.\`${tells}\` AS text ORDER BY score DESC LIMIT ${K}`,
    { index, vector },
  );
  return hits.map((hit) => hit.text as string);
}

async function compared(probe: Probe, by: Fixture["readers"]["compared"][number], vector: number[]): Promise<string[]> {
  const hits = await probe.run(
    `MATCH (node:\`${by.label}\`) WHERE node.\`${by.property}\` IS NOT NULL WITH node ${filter(probe, ["label"])}
     RETURN node.\`${by.tells}\` AS text ORDER BY vector.similarity.cosine(node.\`${by.property}\`, $vector) DESC LIMIT ${K}`,
    { vector },
  );
  return hits.map((hit) => hit.text as string);
}

export async function matching(
  probe: Probe,
  by: Fixture["readers"]["fullText"][number],
  text: string,
): Promise<string[]> {
  const query = wordsOf(text);
  if (query === "") return [];
  const hits =
    by.of === "fact"
      ? await probe.run(
          `CALL db.index.fulltext.queryRelationships($index, $query) YIELD relationship RETURN relationship.\`${by.tells}\` AS text LIMIT 50`,
          { index: by.index, query },
        )
      : await probe.run(
          `CALL db.index.fulltext.queryNodes($index, $query) YIELD node WITH node ${filter(probe, ["label", "park"])} RETURN node.\`${by.tells}\` AS text LIMIT 50`,
          { index: by.index, query },
        );
  return hits.map((hit) => hit.text as string);
}

/** A query of the fixture by label, as the readers of the mode ask it. */
export async function scan(probe: Probe, query: string, column: string): Promise<string[]> {
  const filtered =
    probe.mode === "swap"
      ? query
      : query.replace(/MATCH \((\w+):(.*) RETURN/, "MATCH ($1:$2 WITH $1 WHERE NOT $1:Deprecated RETURN");
  return (await probe.run(filtered, {})).map((row) => row[column] as string).sort();
}

/** No text that only the chosen documents have is found, and k others are. */
export async function expectNoUnits(probe: Probe, chosen: CorpusDocument[], rest: CorpusDocument[]): Promise<void> {
  const gone = goneTexts(chosen, rest);
  const { readers } = probe.fixture;
  for (const chunk of chosen.slice(0, 4).flatMap((d) => d.chunks)) {
    for (const by of readers.vectors.filter((v) => v.of === "unit"))
      expectOthers(await nearest(probe, by.index, by.tells, chunk.vector), gone, K);
    for (const by of readers.compared.filter((v) => v.of === "unit"))
      expectOthers(await compared(probe, by, chunk.vector), gone, K);
    for (const by of readers.fullText.filter((v) => v.of === "unit"))
      expectOthers(await matching(probe, by, chunk.text), gone, 0);
  }
  const texts = new Set(await scan(probe, probe.fixture.units, "text"));
  for (const text of gone) expect(texts.has(text), text).toBe(false);
  if (probe.fixture.units.includes("MATCH"))
    for (const chunk of rest.flatMap((d) => d.chunks)) expect(texts.has(chunk.text), chunk.text).toBe(true);
}

/** No entity or fact that only the chosen documents have is found after a collection. */
export async function expectNoEntities(probe: Probe, chosen: CorpusDocument[], rest: CorpusDocument[]): Promise<void> {
  const { fixture } = probe;
  const kept = merged(rest);
  const alive = new Set(kept.entities);
  const gone = new Set(merged(chosen).entities.filter((e) => !alive.has(e)));
  expect(gone.size).toBeGreaterThan(3);
  if (!fixture.collects) return;
  expect(await scan(probe, fixture.entities, "name")).toEqual([...alive].sort());
  const facts = await probe.run(fixture.facts);
  for (const { source, target } of facts)
    expect(gone.has(source as string) || gone.has(target as string), `${source} ${target}`).toBe(false);
  const { readers } = fixture;
  for (const name of [...gone].slice(0, 4)) {
    const vector = probe.vectorOf?.(name) ?? [];
    for (const by of readers.vectors.filter((v) => v.of === "entity"))
      expectOthers(await nearest(probe, by.index, by.tells, vector), gone, K);
    for (const by of readers.compared.filter((v) => v.of === "entity"))
      expectOthers(await compared(probe, by, vector), gone, K);
    for (const by of readers.fullText.filter((v) => v.of === "entity"))
      expectOthers(await matching(probe, by, name), gone, 0);
    for (const by of readers.fullText.filter((v) => v.of === "fact"))
      for (const fact of await matching(probe, by, name)) expect(fact.includes(`${name} `), fact).toBe(false);
  }
}

function expectOthers(found: string[], gone: Set<string>, k: number): void {
  expect(found.length).toBeGreaterThanOrEqual(k);
  for (const text of found) expect(gone.has(text), text).toBe(false);
}
