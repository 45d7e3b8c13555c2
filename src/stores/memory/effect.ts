import { chained } from "../../core/audit.ts";
import { vectorHex } from "../../core/canonical.ts";
import { isStale } from "../../core/law.ts";
import type { StoredVector } from "../../core/ports.ts";
import type { AuditDraft, AuditEntry, Effect, Verb } from "../../core/words.ts";
import type { Group } from "./state.ts";

/** What a transaction changed, told from the snapshots before and after; and what each effective one leaves behind. */

export const NO_EFFECT: Effect = { documents: 0, textUnits: 0, entities: 0, relationships: 0, vectors: 0 };

/** A purge in batches hides its documents before it deletes them: they count once, when they are gone. */
export function effectOf(before: Group, after: Group, verb?: Verb): Effect {
  const visible = (row: { presence: string; text?: string }) => `${row.presence} ${row.text ?? ""}`;
  return {
    documents: difference(before.documents, after.documents, (d) =>
      verb === "purge" ? "" : `${d.status} ${d.version} ${d.legalHold}`,
    ),
    textUnits: difference(before.textUnits, after.textUnits, visible),
    entities: difference(before.entities, after.entities, visible),
    relationships: difference(before.relationships, after.relationships, visible),
    vectors:
      difference(before.textUnits, after.textUnits, (row) => bits(row.vector)) +
      difference(before.entities, after.entities, (row) => bits(row.vector)),
  };
}

function bits(vector: StoredVector | null): string | undefined {
  return vector === null ? undefined : `${vector.place} ${vectorHex(vector.values)}`;
}

/** Rows that came, went or look different; `undefined` stands for no row. */
function difference<T>(before: Map<string, T>, after: Map<string, T>, look: (row: T) => string | undefined): number {
  let count = 0;
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(id);
    const now = after.get(id);
    if (old === now) continue;
    if ((old === undefined ? undefined : look(old)) !== (now === undefined ? undefined : look(now))) count++;
  }
  return count;
}

/** Raises the generation by one. */
export function raiseGeneration(group: Group, at: number): void {
  group.state.generation++;
  group.state.staleSince ??= at;
}

/** Forgets since when the group is stale, if it no longer is. */
export function settleStaleness(group: Group): void {
  const { generation, collectedGeneration, analyticsGeneration } = group.state;
  if (!isStale(generation, collectedGeneration) && !isStale(generation, analyticsGeneration))
    group.state.staleSince = null;
}

export function appendAudit(group: Group, draft: AuditDraft): AuditEntry {
  const { groupId, generation, audit: head } = group.state;
  const entries = chained(groupId, head, structuredClone(draft), generation, group.keyring);
  group.audit.push(...entries);
  const last = entries.at(-1) as AuditEntry;
  group.state.audit = { seq: last.seq, hash: last.hash };
  return last;
}
