import { createHash } from "node:crypto";
import { EMPTY_HEAD } from "../core/audit.ts";
import { canonicalJson } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import type { Keyring, Signature } from "../core/keyring.ts";
import type { GraphStore, GroupReader } from "../core/ports.ts";
import type { AuditHead, OperationRecord } from "../core/words.ts";
import { type CallOptions, perform, type VerbContext } from "./verbs.ts";

/** What was looked for after a purge, and what was found. */
export interface ErasureCertificate {
  groupId: string;
  operationId: string;
  documents: string[];
  purgedAt: number;
  actor: string;
  reason: string | null;
  removed: { documents: number; textUnits: number; entities: number; relationships: number; vectors: number };
  checks: { check: string; scanned: number; found: number }[];
  /** Things that other documents share with the purged ones and that therefore stay. */
  limits: string[];
  complete: boolean;
  /** Where the group's audit ended when the certificate was made; the entry of the purge is not after it. */
  audit: AuditHead;
  /** SHA-256 of all members above in canonical JSON. */
  hash: string;
  /** Of `hash`, by the installation's key; null where there is none. */
  signature: Signature | null;
}

type PurgeStore = VerbContext["store"] & GroupReader & Pick<GraphStore, "eraseTraces">;

export interface PurgeResult {
  operation: OperationRecord;
  certificate: ErasureCertificate | null;
}

/**
 * Purges documents and certifies it: after the deletion every record of the group is read again, in a scan of its own,
 * and searched for the documents' ids.
 *
 * @param options.confirm must repeat the document ids, joined by commas when there are several
 * @param options.certify a full scan of the group; default true
 * @throws GraphkeeperError `CONFIRMATION_REQUIRED`, `LEGAL_HOLD`, `BLAST_RADIUS`, `DOCUMENT_NOT_FOUND`
 */
export async function purgeDocuments(
  context: VerbContext & { store: PurgeStore; keyring?: Keyring | null },
  groupId: string,
  documentIds: string[],
  options: CallOptions & { confirm?: string; certify?: boolean },
): Promise<PurgeResult> {
  if (options.confirm !== documentIds.join(",")) {
    throw new GraphkeeperError(
      "CONFIRMATION_REQUIRED",
      `Purging cannot be taken back; confirm it with ${JSON.stringify(documentIds.join(","))}.`,
      {
        field: "confirm",
      },
    );
  }
  // Ids of the units that only these documents own: the certificate looks for them by id. A repeated call finds the
  // documents gone; its first answer is given again.
  const known = options.operationId === undefined ? null : await context.store.operation(groupId, options.operationId);
  const units = known === null ? (await context.store.impact(groupId, "purge", documentIds)).textUnits.ids : [];
  const operation = await perform(context, groupId, "purge", documentIds, options);
  if (options.certify === false) return { operation, certificate: null };
  const purged = operation.outcomes.filter((o) => o.outcome === "purged").map((o) => o.id);
  const traces = await tracesLeft(context.store);
  return { operation, certificate: await certify(context, operation, purged, units, traces) };
}

/** How long a certificate waits for readers that keep the store's log from being emptied. */
const TRACES_MS = 5_000;

/** Whether something of what was purged can still be read in the store's own files; null where the store has none. */
async function tracesLeft(store: PurgeStore): Promise<boolean | null> {
  if (store.eraseTraces === undefined) return null;
  for (const until = performance.now() + TRACES_MS; ; ) {
    if (await store.eraseTraces()) return false;
    if (performance.now() > until) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function certify(
  { store, keyring }: { store: GroupReader; keyring?: Keyring | null },
  operation: OperationRecord,
  documents: string[],
  unitIds: string[],
  traces: boolean | null,
): Promise<ErasureCertificate> {
  const gone = new Set(documents);
  const goneUnits = new Set(unitIds);
  const found = { documents: 0, owners: 0, units: 0, mentions: 0, support: 0, dangling: 0 };
  const scanned = { documents: 0, textUnits: 0, mentions: 0, relationships: 0 };
  const lowerBound = { entities: 0, relationships: 0 };
  const entities = new Set<string>();
  for await (const chunk of store.records(operation.groupId)) {
    for (const record of chunk) {
      if (record.kind === "document") {
        scanned.documents++;
        if (gone.has(record.id)) found.documents++;
      } else if (record.kind === "text_unit") {
        scanned.textUnits++;
        if (record.documents.some((d) => gone.has(d))) found.owners++;
        if (goneUnits.has(record.id)) found.units++;
      } else if (record.kind === "entity") {
        entities.add(record.id);
        if (record.kept) lowerBound.entities++;
      } else if (record.kind === "mention") {
        scanned.mentions++;
        if (goneUnits.has(record.textUnit)) found.mentions++;
      } else if (record.kind === "relationship") {
        scanned.relationships++;
        const named = record.textUnits?.some((u) => goneUnits.has(u)) || record.documents?.some((d) => gone.has(d));
        if (named) found.support++;
        if (record.kept) lowerBound.relationships++;
        if (!entities.has(record.source) || !entities.has(record.target)) found.dangling++;
      } else if (record.kind === "membership" || record.kind === "rank") {
        if (!entities.has(record.entity)) found.dangling++;
      } else if (record.kind === "similarity") {
        if (!entities.has(record.a) || !entities.has(record.b)) found.dangling++;
      }
    }
  }
  const checks = [
    { check: "documents with a purged id", scanned: scanned.documents, found: found.documents },
    { check: "text units that name a purged document as owner", scanned: scanned.textUnits, found: found.owners },
    { check: "text units with a purged id", scanned: scanned.textUnits, found: found.units },
    { check: "mentions by a purged text unit", scanned: scanned.mentions, found: found.mentions },
    {
      check: "relationships supported by a purged text unit or document",
      scanned: scanned.relationships,
      found: found.support,
    },
    {
      check: "relationships, similarity edges, memberships and ranks without their entity",
      scanned: scanned.relationships,
      found: found.dangling,
    },
    {
      check: "entities whose text units are known as a lower bound: a purged document may have mentioned them too",
      scanned: entities.size,
      found: lowerBound.entities,
    },
    {
      check: "relationships whose text units are known as a lower bound: a purged document may have stated them too",
      scanned: scanned.relationships,
      found: lowerBound.relationships,
    },
    ...(traces === null
      ? []
      : [{ check: "logs of the store that may still hold purged text", scanned: 1, found: traces ? 1 : 0 }]),
  ];
  const certificate = {
    groupId: operation.groupId,
    operationId: operation.id,
    documents,
    purgedAt: operation.at,
    actor: operation.actor,
    reason: operation.reason,
    removed: operation.effect,
    checks,
    limits: [
      "Entities and relationships that other documents also mention or support stay, with their name and description.",
      "The audit keeps the ids of what was purged, never its text.",
      ...(traces === null
        ? ["The database keeps a log of its own, in which purged text stays until the log is pruned."]
        : []),
      "Copies outside this store (backups, caches, summaries written by others) were not checked.",
    ],
    complete: checks.every((c) => c.found === 0),
    audit: (await store.group(operation.groupId))?.audit ?? EMPTY_HEAD,
  };
  const hash = createHash("sha256").update(canonicalJson(certificate)).digest("hex");
  return { ...certificate, hash, signature: keyring?.sign(hash) ?? null };
}
