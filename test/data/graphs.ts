import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { parseOpenie } from "../../src/formats/openie.ts";
import type { Graphkeeper } from "../../src/service.ts";

const FOLDER = resolve(process.env.GRAPHKEEPER_TEST_DATA ?? "../shared/data");

export const MUSIQUE = join(FOLDER, "musique-openie.json");
export const MSGRAPHRAG = join(FOLDER, "msgraphrag-dulce");
export const hasMusique = existsSync(MUSIQUE);
export const hasMsGraphrag = existsSync(MSGRAPHRAG);

/** The real MuSiQue graph, or, where it is not there, a generated one of about the same degrees; the run says so. */
export function largeGraph(): AsyncIterable<LocatedBlock> {
  if (hasMusique) return parseOpenie(MUSIQUE);
  console.warn(`${MUSIQUE} is not there: a generated graph of the same size takes its place`);
  return generatedGraph(1_890, 19_140);
}

/** Documents of one unit with 14 mentions; half of the entities are mentioned once, a few by a tenth of all documents. */
export async function* generatedGraph(documents: number, entities: number): AsyncIterable<LocatedBlock> {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  let once = 0;
  for (let d = 0; d < documents; d++) {
    const id = `passage-${String(d).padStart(4, "0")}`;
    const mentioned = new Set<string>();
    while (mentioned.size < 10) mentioned.add(`e${once++ % entities}`);
    while (mentioned.size < 14) mentioned.add(`e${Math.floor(entities * random() ** 6)}`);
    const ids = [...mentioned];
    yield {
      line: 0,
      block: {
        documents: [{ id }],
        textUnits: [{ id: `${id}:0`, documents: [id], text: `text ${d}`, embedding: vector(d) }],
        entities: ids.map((e) => ({ id: e, name: e, embedding: vector(Number(e.slice(1))) })),
        mentions: ids.map((entity) => ({ textUnit: `${id}:0`, entity })),
        relationships: ids.slice(1, 10).map((target, i) => ({
          id: `${id}-r${i}`,
          source: ids[0]!,
          target,
          type: "related",
          textUnits: [`${id}:0`],
        })),
      },
    };
  }
}

function vector(seed: number): Float32Array {
  return Float32Array.from(
    { length: 32 },
    (_, i) => Math.sin(Math.floor(seed / 5) * 31 + i * 7) + 0.1 * Math.sin(seed + i),
  );
}

/** The façade over a data file of its own; `close` removes it. */
export async function temporaryGraphkeeper(overrides: Record<string, unknown> = {}): Promise<{
  graphkeeper: Graphkeeper;
  path: string;
  /** Runs a kind to its end and returns the result. */
  run(
    kind: "gc_all" | "recompute",
    groupId: string,
    params?: Record<string, boolean>,
  ): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "graphkeeper-test-"));
  const path = join(folder, "test.db");
  const config = loadConfig({}, { overrides: { data: path, "maintenance.afterEvents": false, ...overrides } });
  const graphkeeper = await compose(config);
  await graphkeeper.jobs.start({ roles: ["worker"] });
  return {
    graphkeeper,
    path,
    run: async (kind, groupId, params = {}) => {
      const { run } = await graphkeeper.run({ kind, groupId, params });
      const ended = await graphkeeper.jobs.wait(run.id, 1_800_000); // The test's own time-out comes first.
      if (ended.state !== "succeeded") throw new Error(`${kind} ${ended.state}: ${ended.error?.message}`);
      return ended.result as Record<string, unknown>;
    },
    close: async () => {
      await graphkeeper.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function dumpOf(graphkeeper: Graphkeeper, groupId: string, facts = true): Promise<string> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for await (const line of graphkeeper.dump(groupId, { facts })) hash.update(line).update("\n");
  return hash.digest("hex");
}
