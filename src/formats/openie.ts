import { readFile } from "node:fs/promises";
import { z } from "zod";
import { sha256 } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import type { EntityInput, ImportBlock } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import { emptyBlock } from "./native.ts";

/** The part of an OpenIE result file (as HippoRAG writes it) that is read. */
const FILE = z.object({
  docs: z.array(
    z.object({
      idx: z.string().optional(),
      title: z.string().optional(),
      passage: z.string(),
      extracted_entities: z.array(z.string()),
      extracted_triples: z.array(z.array(z.string())),
    }),
  ),
});

export interface OpenieEmbeddings {
  /** By lower-case entity name. */
  entities: Map<string, Float32Array>;
  /** By passage number. */
  passages: Float32Array[];
}

/**
 * Reads an OpenIE result file: each passage is a document with one text unit; entities are the names in it and in its
 * triples, without regard to case and outer spaces; each triple with three parts is a relationship that the passage
 * supports. Triples of another length are left out.
 *
 * @param path of the JSON; embeddings are read from the files beside it, when there are any (see `readOpenieEmbeddings`)
 * @throws GraphkeeperError `INVALID_LINE` when the file is something else
 */
export async function* parseOpenie(path: string): AsyncIterable<LocatedBlock> {
  const { docs } = parseFile(await readFile(path, "utf8"), path);
  const embeddings = await readOpenieEmbeddings(path);
  const names = firstSpellings(docs);
  const width = String(docs.length - 1).length;
  for (const [i, doc] of docs.entries()) {
    const id = doc.idx ?? `passage-${String(i).padStart(width, "0")}`;
    const block = emptyBlock();
    block.documents.push({ id, title: doc.title });
    block.textUnits.push({ id: `${id}:0`, documents: [id], text: doc.passage, embedding: embeddings?.passages[i] });
    addFacts(block, doc, `${id}:0`, names, embeddings);
    yield { line: 0, block };
  }
}

type Doc = z.infer<typeof FILE>["docs"][number];

function parseFile(text: string, path: string): z.infer<typeof FILE> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new GraphkeeperError("INVALID_LINE", `${path} is not JSON: ${(error as Error).message}.`, {}, error);
  }
  const parsed = FILE.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new GraphkeeperError(
    "INVALID_LINE",
    `${path} is not an OpenIE result: ${issue.path.join(".")}: ${issue.message}.`,
    {
      field: issue.path.join("."),
    },
  );
}

function addFacts(
  block: ImportBlock,
  doc: Doc,
  unit: string,
  names: Map<string, string>,
  embeddings: OpenieEmbeddings | null,
): void {
  const entities = new Map<string, EntityInput>();
  const mention = (raw: string): string | null => {
    const key = keyOf(raw);
    if (key === "") return null;
    if (!entities.has(key)) {
      entities.set(key, { id: key, name: names.get(key) ?? raw, embedding: embeddings?.entities.get(key) });
      block.mentions.push({ textUnit: unit, entity: key });
    }
    return key;
  };
  for (const name of doc.extracted_entities) mention(name);
  const seen = new Set<string>();
  for (const triple of doc.extracted_triples) {
    if (triple.length !== 3) continue;
    const source = mention(triple[0]!);
    const target = mention(triple[2]!);
    const type = triple[1]!.trim();
    if (source === null || target === null || type === "") continue;
    const id = sha256(JSON.stringify([source, type, target])).slice(0, 24);
    if (seen.has(id)) continue;
    seen.add(id);
    block.relationships.push({ id, source, target, type, textUnits: [unit] });
  }
  block.entities.push(...entities.values());
}

function keyOf(name: string): string {
  return name.trim().toLowerCase();
}

/** An entity is shown as it was first written, whichever document is imported last. */
function firstSpellings(docs: Doc[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const doc of docs) {
    const spoken = [
      ...doc.extracted_entities,
      ...doc.extracted_triples.filter((t) => t.length === 3).flatMap((t) => [t[0]!, t[2]!]),
    ];
    for (const name of spoken) if (!names.has(keyOf(name))) names.set(keyOf(name), name.trim());
  }
  return names;
}

const META = z.object({
  dim: z.int().positive(),
  count: z.int().nonnegative(),
  scale: z.string(),
  names: z.array(z.string()),
});

/**
 * Embeddings beside `<name>-openie.json`: `<name>-entity-embeddings.json` and `<name>-passage-embeddings.json`, each with
 * `dim`, `count`, `names` and `scale` (base64 of little-endian float32), and `….i8.bin` with signed bytes, row by row;
 * component = byte × scale of the row.
 *
 * @returns null when the files are not there
 */
export async function readOpenieEmbeddings(path: string): Promise<OpenieEmbeddings | null> {
  const base = path.replace(/-openie\.json$/, "");
  if (base === path) return null;
  const entities = await readRows(`${base}-entity-embeddings`);
  const passages = await readRows(`${base}-passage-embeddings`);
  if (!entities || !passages) return null;
  return { entities: new Map(entities.names.map((name, i) => [name, entities.rows[i]!])), passages: passages.rows };
}

async function readRows(base: string): Promise<{ names: string[]; rows: Float32Array[] } | null> {
  let json: string;
  let bytes: Buffer;
  try {
    json = await readFile(`${base}.json`, "utf8");
    bytes = await readFile(`${base}.i8.bin`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const meta = META.parse(JSON.parse(json));
  const scales = Buffer.from(meta.scale, "base64");
  if (bytes.length !== meta.count * meta.dim || scales.length !== meta.count * 4) {
    throw new GraphkeeperError("INVALID_LINE", `${base}.i8.bin does not have ${meta.count} rows of ${meta.dim} bytes.`);
  }
  const components = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const rows: Float32Array[] = [];
  for (let i = 0; i < meta.count; i++) {
    const scale = scales.readFloatLE(i * 4);
    rows.push(Float32Array.from(components.subarray(i * meta.dim, (i + 1) * meta.dim), (q) => q * scale));
  }
  return { names: meta.names, rows };
}
