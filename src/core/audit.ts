import { AUDIT_START, auditHash, canonicalJson } from "./canonical.ts";
import type { Keyring, Signature } from "./keyring.ts";
import type { StoredKey } from "./ports.ts";
import type { AuditDraft, AuditEntry, AuditHead, JsonObject } from "./words.ts";

/**
 * The audit chain: pure functions that every store shares. Stores only append what `chained` gives and keep the head.
 *
 * An entry's hash tells the rule by which it was made. `<64 hex>`: SHA-256 over the hash before it and the entry, which anybody
 * can make again (0.1, and stores that were opened without a key). `<key id>.<64 hex>`: HMAC with the installation's key over
 * the chain's name, the hash before it and the entry, so that neither the entry nor a whole chain can be put elsewhere.
 */

/** Name of the installation's own chain; groups' chains have their ids. */
export const INSTALLATION_CHAIN = "";

export const EMPTY_HEAD: AuditHead = { seq: 0, hash: AUDIT_START };

export function isKeyed(hash: string): boolean {
  return hash.includes(".");
}

/**
 * The entries to append, in order: the draft as the last one; before it, when a key is there and the chain was made without
 * one until now, one that seals what stands in it.
 */
export function chained(
  chain: string,
  head: AuditHead,
  draft: AuditDraft,
  generation: number,
  keyring: Keyring | null,
): AuditEntry[] {
  if (keyring === null || head.seq === 0 || isKeyed(head.hash))
    return [entryAfter(chain, head, draft, generation, keyring)];
  const seal = entryAfter(chain, head, sealOf(head, draft.at), generation, keyring);
  if (draft.action === SEAL) return [seal];
  return [seal, entryAfter(chain, seal, draft, generation, keyring)];
}

const SEAL = "seal";

/** Appended by itself it seals a chain of 0.1 that nothing else is added to. */
export function sealOf({ seq, hash }: AuditHead, at: number): AuditDraft {
  return { at, actor: "graphkeeper", action: SEAL, ref: "audit", detail: { seq, hash } };
}

function entryAfter(
  chain: string,
  head: AuditHead,
  { at, actor, action, ref, detail }: AuditDraft,
  generation: number,
  keyring: Keyring | null,
): AuditEntry {
  const entry = { seq: head.seq + 1, at, actor, action, ref, detail, generation };
  const hash =
    keyring === null ? auditHash(head.hash, entry) : keyring.mac("audit", canonicalJson([chain, head.hash, entry]));
  return { ...entry, hash };
}

/** An entry as stores keep it: a row of its members, `detail` as JSON. */
export function auditEntryOf(row: Record<string, unknown>): AuditEntry {
  return {
    seq: row.seq as number,
    at: row.at as number,
    actor: row.actor as string,
    action: row.action as string,
    ref: row.ref as string,
    detail: JSON.parse(row.detail as string) as JsonObject,
    generation: row.generation as number,
    hash: row.hash as string,
  };
}

export function keyMade({ id, role, groups, name, createdAt }: StoredKey, actor: string): AuditDraft {
  return { at: createdAt, actor, action: "key.create", ref: id, detail: { role, groups, name } };
}

export function keyRevoked(id: string, at: number, actor: string): AuditDraft {
  return { at, actor, action: "key.revoke", ref: id, detail: {} };
}

/** Goes through a chain from its first entry on, and says of each entry what is wrong with it. */
export class ChainCheck {
  readonly #chain: string;
  readonly #keyring: Keyring | null;
  head: AuditHead = EMPTY_HEAD;
  /** Of the last entry. */
  generation = 0;

  constructor(chain: string, keyring: Keyring | null) {
    this.#chain = chain;
    this.#keyring = keyring;
  }

  /** `unknown-key`: the key that made it is not here, so that nothing can be said. */
  next(whole: AuditEntry): "right" | "broken" | "unknown-key" {
    const { hash, ...entry } = whole;
    const before = this.head;
    const inPlace = entry.seq === before.seq + 1;
    this.head = { seq: before.seq + 1, hash };
    this.generation = entry.generation;
    if (!isKeyed(hash)) {
      // After a keyed entry none follows that anybody could have made.
      return inPlace && !isKeyed(before.hash) && auditHash(before.hash, entry) === hash ? "right" : "broken";
    }
    if (!inPlace || !this.#follows(before, entry)) return "broken";
    const matches = this.#keyring?.matches("audit", canonicalJson([this.#chain, before.hash, entry]), hash) ?? null;
    return matches === null ? "unknown-key" : matches ? "right" : "broken";
  }

  /** The first keyed entry after others is the one that seals them. */
  #follows(before: AuditHead, { action, detail }: Omit<AuditEntry, "hash">): boolean {
    if (before.seq === 0 || isKeyed(before.hash)) return true;
    return action === SEAL && detail.seq === before.seq && detail.hash === before.hash;
  }

  /** A key is there, and the chain was made without one to its end. */
  get isUnsealed(): boolean {
    return this.#keyring !== null && this.head.seq > 0 && !isKeyed(this.head.hash);
  }
}

/** Heads of chains at a time, signed, to be kept where whoever writes the data cannot write. */
export interface Anchor extends Signature {
  type: "graphkeeper.audit-anchor";
  version: 1;
  /** Epoch ms. */
  at: number;
  /** `chain` is a group's id, or empty for the installation's own chain. */
  heads: (AuditHead & { chain: string })[];
}

/** Heads of one anchor; more make several. */
export const HEADS_PER_ANCHOR = 500;

export function anchorOf(heads: Anchor["heads"], at: number, keyring: Keyring): Anchor {
  const anchor = { type: "graphkeeper.audit-anchor" as const, version: 1 as const, at, heads };
  return { ...anchor, ...keyring.sign(canonicalJson(anchor)) };
}

/** Whether the anchor was signed by a key of the ring; null when the key is not here. */
export function verifiesAnchor({ keyId, signature, ...anchor }: Anchor, keyring: Keyring | null): boolean | null {
  return keyring?.verifies(canonicalJson(anchor), { keyId, signature }) ?? null;
}
