import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, policyOf } from "../../src/config/config.ts";
import type { GraphStore } from "../../src/core/ports.ts";
import { importBlocks } from "../../src/documents/import.ts";
import { perform } from "../../src/documents/verbs.ts";
import { generatedGraph } from "../data/graphs.ts";
import { openHere } from "../sqlite/story.ts";

export const GROUP = "acme";

/** Data files and a configuration for one file of tests; `remove` takes them all away. */
export class Files {
  readonly folder = mkdtempSync(join(tmpdir(), "gk-service-"));
  #count = 0;

  path(): string {
    return join(this.folder, `${++this.#count}.db`);
  }

  /** A configuration file for what has no variable. */
  config(content: object): string {
    const path = join(this.folder, `${++this.#count}.json`);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  copy(template: string): string {
    const path = this.path();
    copyFileSync(template, path);
    return path;
  }

  /** By default four thousand entities in one group, two fifths of whose documents were just deprecated: a lot to collect. */
  async template(documents = 400): Promise<string> {
    const path = this.path();
    const store = openHere(path, { synchronous: "NORMAL" });
    await importBlocks(contextOf(store), GROUP, generatedGraph(documents, documents * 10));
    await perform(contextOf(store), GROUP, "deprecate", documentIds(documents * 0.4), { force: true });
    await store.close();
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** As a service would, only without its fsyncs and without an installation's key: copies are opened with keys of their own. */
function contextOf(store: GraphStore) {
  return { store, policy: policyOf(loadConfig({})), clock: Date.now, newId: randomUUID };
}

/** The generated graph as lines of the native format, as they go over HTTP. */
export async function nativeLines(documents: number): Promise<string> {
  const lines: string[] = [];
  const line = (members: object) => lines.push(JSON.stringify(members));
  const numbers = (vector: Float32Array | number[] | null | undefined) => (vector ? Array.from(vector) : undefined);
  for await (const { block } of generatedGraph(documents, documents * 10)) {
    for (const d of block.documents) line({ kind: "document", id: d.id });
    for (const u of block.textUnits) {
      line({ kind: "text_unit", id: u.id, documents: u.documents, text: u.text, embedding: numbers(u.embedding) });
    }
    for (const e of block.entities) line({ kind: "entity", id: e.id, name: e.name, embedding: numbers(e.embedding) });
    for (const m of block.mentions) line({ kind: "mention", text_unit: m.textUnit, entity: m.entity });
    for (const r of block.relationships) {
      line({
        kind: "relationship",
        id: r.id,
        source: r.source,
        target: r.target,
        type: r.type,
        text_units: r.textUnits,
      });
    }
  }
  return lines.join("\n");
}

export const documentIds = (count: number) =>
  Array.from({ length: count }, (_, i) => `passage-${String(i).padStart(4, "0")}`);

/** The group of the foreground calls in `manyGroups`. */
export const FOREGROUND = "foreground";

/** Many small groups with work for every kind of run, and a larger one for the foreground. */
export async function manyGroups(path: string, groups: number, foregroundDocuments: number): Promise<string[]> {
  const store = openHere(path, { synchronous: "NORMAL" });
  const context = contextOf(store);
  const ids = Array.from({ length: groups }, (_, i) => `tenant-${i}`);
  for (const id of ids) {
    await importBlocks(context, id, generatedGraph(2, 20));
    await perform(context, id, "deprecate", documentIds(1), { force: true });
  }
  await importBlocks(context, FOREGROUND, generatedGraph(foregroundDocuments, foregroundDocuments * 10));
  await store.close();
  return ids;
}
