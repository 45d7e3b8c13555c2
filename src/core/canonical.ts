import { createHash, hash } from "node:crypto";
import { compareIds, type StoredRecord } from "./ports.ts";
import { atOnce, type Steps, sortSteps } from "./turns.ts";
import type { AuditEntry, ImportBlock, Json, Operation } from "./words.ts";

/** Canonical forms and hashes: one way to write a thing down, so that equal things have equal bytes. */

/** JSON with keys in code point order, no white space, and `undefined` members left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareIds(a, b))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/** First 8 bytes of the SHA-256, as an unsigned integer (big-endian). */
export function hash64(data: string): bigint {
  // In one call and by way of the hexadecimal form: a third of the time of a hash object and its buffer.
  return BigInt(`0x${sha256(data).slice(0, 16)}`);
}

export function entityHash(entity: { name: string; type?: string | null; description?: string | null }): bigint {
  return hash64(canonicalJson([entity.name, entity.type ?? null, entity.description ?? null]));
}

export function relationshipHash(relationship: { type: string; description?: string | null }): bigint {
  return hash64(canonicalJson([relationship.type, relationship.description ?? null]));
}

/** Hash of everything in a block: the content hash of a document whose caller gave none. */
export function blockHash(block: ImportBlock): string {
  return atOnce(blockHashSteps(block));
}

/** The same, for a thread that has others to serve as well. */
export function* blockHashSteps(block: ImportBlock): Steps<string> {
  const lines: string[] = [];
  for (const line of hashedLines(block)) {
    lines.push(line);
    if (lines.length % 256 === 0) yield;
  }
  const hash = createHash("sha256");
  let hashed = 0;
  for (const line of yield* sortSteps(lines, compareIds)) {
    hash.update(line).update("\n");
    if (++hashed % 256 === 0) yield;
  }
  return hash.digest("hex");
}

function* hashedLines(block: ImportBlock): Iterable<string> {
  for (const u of block.textUnits) yield canonicalJson(["u", u.id, [...u.documents].sort(compareIds), u.text]);
  for (const e of block.entities) yield canonicalJson(["e", e.id, e.name, e.type ?? null, e.description ?? null]);
  for (const m of block.mentions) yield canonicalJson(["m", m.textUnit, m.entity]);
  for (const r of block.relationships) {
    const support = r.textUnits ? [...r.textUnits].sort(compareIds) : null;
    yield canonicalJson(["r", r.id, r.source, r.target, r.type, r.description ?? null, r.weight ?? 1, support]);
  }
}

/** Fingerprint of a lifecycle call: what must be equal for two calls with one operation id to be the same call. */
export function operationHash(
  operation: Pick<Operation, "groupId" | "verb" | "documentIds" | "successor">,
  block?: ImportBlock,
): string {
  return callHash(operation, block ? blockHash(block) : null);
}

/**
 * @param hashOfBlock of the block that the call carries
 * @param asked what it asks for beside; without any, the hash is that of version 0.1
 */
export function callHash(
  operation: Pick<Operation, "groupId" | "verb" | "documentIds" | "successor">,
  hashOfBlock: string | null,
  asked: { restore?: boolean; again?: boolean } = {},
): string {
  const call = [operation.groupId, operation.verb, operation.documentIds, operation.successor ?? null, hashOfBlock];
  const more = Object.entries({ restore: asked.restore, again: asked.again }).filter(([, wanted]) => wanted);
  return sha256(canonicalJson(more.length === 0 ? call : [...call, Object.fromEntries(more)]));
}

export const AUDIT_START = "0".repeat(64);

export function auditHash(previous: string, entry: Omit<AuditEntry, "hash">): string {
  return sha256(previous + canonicalJson(entry));
}

/** Bits of the float32 components, little-endian, in hex. */
export function vectorHex(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i] as number, i * 4);
  return bytes.toString("hex");
}

/**
 * The canonical dump's line for a record. Left out is what may differ between equal graphs: times, generations and which
 * candidates still wait.
 */
export function dumpLine(record: StoredRecord): string {
  return canonicalJson(dumpObject(record));
}

function dumpObject(record: StoredRecord): Record<string, Json | undefined> {
  switch (record.kind) {
    case "document":
      return {
        kind: record.kind,
        id: record.id,
        title: record.title,
        content_hash: record.contentHash,
        metadata: record.metadata,
        status: record.status,
        version: record.version,
        successor: record.successor,
        legal_hold: record.legalHold,
      };
    case "text_unit":
      return {
        kind: record.kind,
        id: record.id,
        documents: record.documents,
        text: record.text,
        presence: record.presence,
        ...vectorMembers(record.vector),
      };
    case "entity":
      return {
        kind: record.kind,
        id: record.id,
        name: record.name,
        type: record.type,
        description: record.description,
        presence: record.presence,
        ...vectorMembers(record.vector),
      };
    case "mention":
      return { kind: record.kind, text_unit: record.textUnit, entity: record.entity };
    case "relationship":
      return {
        kind: record.kind,
        id: record.id,
        source: record.source,
        target: record.target,
        type: record.type,
        description: record.description,
        weight: record.weight,
        text_units: record.textUnits,
        ...(record.documents ? { documents: record.documents } : {}),
        presence: record.presence,
      };
    case "similarity":
      return { kind: record.kind, a: record.a, b: record.b, score: record.score };
    case "community": {
      const { changedGeneration: _, ...community } = record.community;
      return { kind: record.kind, ...community } as unknown as Record<string, Json>;
    }
    case "membership":
      return { kind: record.kind, level: record.level, entity: record.entity, community: record.community };
    case "rank":
      return { kind: record.kind, entity: record.entity, score: record.score, component: record.component };
  }
}

function vectorMembers(vector: { values: Float32Array; place: string } | null): {
  vector?: string;
  vector_place?: string;
} {
  return vector === null ? {} : { vector: vectorHex(vector.values), vector_place: vector.place };
}
