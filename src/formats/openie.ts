import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { sha256 } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import type { EntityInput, ImportBlock } from "../core/words.ts";
import type { LocatedBlock } from "../documents/import.ts";
import type { OnReject, ReadOptions } from "../documents/rejects.ts";
import { textOfFile } from "./encoding.ts";
import { emptyBlock } from "./native-lines.ts";

/** A document of an OpenIE result file (as HippoRAG writes it), as far as it is read. */
const DOC = z.object({
  // A number where the passages were counted.
  idx: z.union([z.string(), z.int().transform(String)]).optional(),
  title: z.string().optional(),
  passage: z.string(),
  extracted_entities: z.array(z.string()),
  extracted_triples: z.array(z.array(z.string())),
});
type Doc = z.infer<typeof DOC>;

export interface OpenieEmbeddings {
  /** By lower-case entity name. */
  entities: Map<string, Float32Array>;
  /** By passage number. */
  passages: Float32Array[];
}

/**
 * Reads an OpenIE result file: each passage is a document with one text unit; entities are the names in it and in its
 * triples, without regard to case and outer spaces; each triple with three parts is a relationship that the passage
 * supports. Triples of another length are left out, and a notice says how many.
 *
 * @param path of the JSON; embeddings are read from the files beside it, when there are any (see `readOpenieEmbeddings`)
 * @throws GraphkeeperError `INVALID_LINE` when the file is something else, or without `onReject` for a wrong part of it
 */
export async function* parseOpenie(path: string, options: ReadOptions = {}): AsyncIterable<LocatedBlock> {
  const values = await readDocs(path);
  const width = String(values.length - 1).length;
  const docs = values.map((value, i): { doc: Doc; id: string } | null => {
    const id = `passage-${String(i).padStart(width, "0")}`;
    const doc = readDoc(value, i, id, path, options.onReject);
    return doc && { doc, id: doc.idx ?? id };
  });
  const embeddings = await readOpenieEmbeddings(path);
  const names = firstSpellings(docs.filter((found) => found !== null).map(({ doc }) => doc));
  let short = 0;
  for (const [i, found] of docs.entries()) {
    if (!found) continue;
    const { doc, id } = found;
    short += doc.extracted_triples.filter((triple) => triple.length !== 3).length;
    const block = emptyBlock();
    block.documents.push({ id, title: doc.title });
    block.textUnits.push({ id: `${id}:0`, documents: [id], text: doc.passage, embedding: embeddings?.passages[i] });
    addFacts(block, doc, `${id}:0`, names, embeddings);
    yield { line: 0, block, placeOf: () => `docs.${i}` };
  }
  if (short > 0) options.onNotice?.(`Triples that do not have three parts were left out: ${short}.`);
}

async function readDocs(path: string): Promise<unknown[]> {
  let value: unknown;
  try {
    value = JSON.parse((await textOfFile(createReadStream(path))).replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GraphkeeperError("INVALID_LINE", `${path} is not JSON: ${error.message}.`, {}, error);
  }
  const docs = (value as { docs?: unknown } | null)?.docs;
  if (Array.isArray(docs)) return docs;
  throw new GraphkeeperError("INVALID_LINE", `${path} is not an OpenIE result: it has no list "docs".`, {
    field: "docs",
  });
}

/** A document without the triples and names that are refused; null when it is refused itself. */
function readDoc(value: unknown, index: number, id: string, path: string, onReject: OnReject | undefined): Doc | null {
  const parsed = DOC.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = new Map<string, z.core.$ZodIssue>();
  for (const issue of parsed.error.issues) {
    // What can be refused by itself is one member of a list: a triple, a name.
    const [list, position] = issue.path;
    const single = (list === "extracted_triples" || list === "extracted_entities") && position !== undefined;
    const place = ["docs", index, ...(single ? [list, position] : issue.path)].join(".");
    if (!wrong.has(place)) wrong.set(place, issue);
  }
  const members = value as Record<string, unknown>;
  const unit = `${typeof members?.idx === "string" || typeof members?.idx === "number" ? members.idx : id}:0`;
  for (const [place, issue] of wrong) {
    const field = ["docs", index, ...issue.path].join(".");
    const reason = `${path} is not an OpenIE result: ${field}: ${issue.message}.`;
    if (!onReject) throw new GraphkeeperError("INVALID_LINE", reason, { field });
    const [list, position] = issue.path;
    const item = Array.isArray(members?.[String(list)]) ? (members[String(list)] as unknown[])[Number(position)] : null;
    onReject({ line: 0, place, code: "INVALID_LINE", reason, content: mendable(item, unit) });
  }
  const kept = (list: string) =>
    Array.isArray(members?.[list])
      ? (members[list] as unknown[]).filter((_, position) => !wrong.has(`docs.${index}.${list}.${position}`))
      : members?.[list];
  const rest = DOC.safeParse({
    ...members,
    extracted_entities: kept("extracted_entities"),
    extracted_triples: kept("extracted_triples"),
  });
  return rest.success ? rest.data : null;
}

/** What a triple says, with its parts as text: a block to be imported once the reader of the reject agrees. */
function mendable(item: unknown, unit: string): ImportBlock | null {
  if (!Array.isArray(item) || item.length !== 3 || item.some((part) => typeof part === "object")) return null;
  const block = emptyBlock();
  const triple = item.map(String);
  const doc = { passage: "", extracted_entities: [], extracted_triples: [triple] };
  addFacts(block, doc, unit, firstSpellings([doc]), null);
  return block;
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
