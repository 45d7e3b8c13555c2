import { textUnitPresence } from "../core/law.ts";
import type { GroupReader, StoredRecord } from "../core/ports.ts";
import type { Finding, GroupState } from "../core/words.ts";
import { ANALYTICS_MESSAGES, checkAnalytics } from "./verify-analytics.ts";
import { AUDIT_MESSAGES, type AuditChain, type AuditProof, checkAudit } from "./verify-audit.ts";

type Of<K extends StoredRecord["kind"]> = Extract<StoredRecord, { kind: K }>;

/**
 * Checks every invariant of the law for one group by a full scan, in the naive way: all records are read into memory and
 * judged without any of the store's own bookkeeping. Cost: O(records) memory and time.
 *
 * @returns what is wrong; nothing when the group is as the law says
 */
export async function verifyGroup(
  store: GroupReader,
  groupId: string,
  proof: AuditProof = { keyring: null },
): Promise<Finding[]> {
  const group = await store.group(groupId);
  const findings = new Findings();
  const documents = new Map<string, Of<"document">>();
  const units = new Map<string, Of<"text_unit">>();
  const entities = new Map<string, Of<"entity">>();
  const relationships: Of<"relationship">[] = [];
  const mentionedBy = new Map<string, string[]>();
  const analytics: StoredRecord[] = [];
  for await (const chunk of store.records(groupId)) {
    for (const record of chunk) {
      if (record.kind === "document") documents.set(record.id, record);
      else if (record.kind === "text_unit") units.set(record.id, record);
      else if (record.kind === "entity") entities.set(record.id, record);
      else if (record.kind === "relationship") relationships.push(record);
      else if (record.kind === "mention") {
        if (!units.has(record.textUnit)) findings.add("MENTION_WITHOUT_TEXT_UNIT", record.textUnit);
        const list = mentionedBy.get(record.entity);
        if (list) list.push(record.textUnit);
        else mentionedBy.set(record.entity, [record.textUnit]);
      } else analytics.push(record);
    }
  }
  for (const entity of mentionedBy.keys()) if (!entities.has(entity)) findings.add("MENTION_WITHOUT_ENTITY", entity);
  checkUnits(findings, units, documents);
  checkEntities(findings, entities, units, mentionedBy, liveEnds(relationships, units, documents));
  checkRelationships(findings, relationships, entities, units, documents);
  if (store.storesStatedMentions) checkStatedMentions(findings, relationships, units, mentionedBy);
  for (const { code, sample } of checkAnalytics(analytics, entities, relationships, group)) findings.add(code, sample);
  await addAudit(findings, chainOf(store, groupId, group), proof);
  return findings.all();
}

/** The audit alone: of a group, or of the installation. */
export async function verifyAudit(chain: AuditChain, proof: AuditProof): Promise<Finding[]> {
  const findings = new Findings();
  await addAudit(findings, chain, proof);
  return findings.all();
}

export function chainOf(store: Pick<GroupReader, "audit">, groupId: string, group: GroupState | null): AuditChain {
  const read: AuditChain["read"] = (query) => store.audit(groupId, query);
  return { name: groupId, read, head: group?.audit, generation: group?.generation };
}

async function addAudit(findings: Findings, chain: AuditChain, proof: AuditProof): Promise<void> {
  for await (const { code, sample } of checkAudit(chain, proof)) findings.add(code, sample);
}

const MESSAGES = {
  MENTION_WITHOUT_TEXT_UNIT: "mentions name a text unit that does not exist",
  MENTION_WITHOUT_ENTITY: "mentions name an entity that does not exist",
  MENTION_MISSING: "text units state a relationship and do not mention its ends",
  TEXT_UNIT_WITHOUT_OWNER: "text units have no owner document",
  TEXT_UNIT_OF_UNKNOWN_DOCUMENT: "text units name an owner that does not exist",
  TEXT_UNIT_PRESENCE: "text units are visible or hidden against the law",
  TEXT_UNIT_VECTOR: "vectors of text units are in the wrong place",
  ENTITY_HIDDEN: "entities are hidden although a live text unit mentions them or states a fact of theirs",
  ENTITY_MISSED: "entities are visible, the law says they are not, and no collection would look at them",
  ENTITY_VECTOR: "vectors of entities are in the wrong place and no collection would move them",
  ENTITY_NEVER_MENTIONED: "entities have mentions but are recorded as never mentioned",
  RELATIONSHIP_WITHOUT_END: "relationships name an end that does not exist",
  RELATIONSHIP_SUPPORT: "relationships name a supporting text unit or document that does not exist",
  RELATIONSHIP_HIDDEN: "relationships are hidden although the law says they are live",
  RELATIONSHIP_MISSED: "relationships are visible, the law says they are not, and no collection would look at them",
  ...ANALYTICS_MESSAGES,
  ...AUDIT_MESSAGES,
} as const;

class Findings {
  readonly #byCode = new Map<keyof typeof MESSAGES, { count: number; samples: string[] }>();

  add(code: keyof typeof MESSAGES, sample: string): void {
    const found = this.#byCode.get(code) ?? { count: 0, samples: [] };
    found.count++;
    if (found.samples.length < 10) found.samples.push(sample);
    this.#byCode.set(code, found);
  }

  all(): Finding[] {
    return [...this.#byCode].map(([code, { count, samples }]) => ({
      code,
      message: `${count} ${MESSAGES[code]}`,
      count,
      samples,
    }));
  }
}

function checkUnits(
  findings: Findings,
  units: Map<string, Of<"text_unit">>,
  documents: Map<string, Of<"document">>,
): void {
  for (const unit of units.values()) {
    if (unit.documents.length === 0) findings.add("TEXT_UNIT_WITHOUT_OWNER", unit.id);
    let active = 0;
    for (const id of unit.documents) {
      const owner = documents.get(id);
      if (!owner) findings.add("TEXT_UNIT_OF_UNKNOWN_DOCUMENT", unit.id);
      else if (owner.status === "active") active++;
    }
    if (unit.presence !== textUnitPresence(active)) findings.add("TEXT_UNIT_PRESENCE", unit.id);
    if (unit.vector && (unit.vector.place === "searchable") !== (unit.presence === "live"))
      findings.add("TEXT_UNIT_VECTOR", unit.id);
  }
}

/** Both ends of each relationship that something live states: that mentions them, whatever is recorded of the entities. */
function liveEnds(
  relationships: Of<"relationship">[],
  units: Map<string, Of<"text_unit">>,
  documents: Map<string, Of<"document">>,
): Set<string> {
  const stated = relationships.filter(
    (r) =>
      r.textUnits?.some((id) => units.get(id)?.presence === "live") ||
      r.documents?.some((id) => documents.get(id)?.status === "active"),
  );
  return new Set(stated.flatMap((r) => [r.source, r.target]));
}

/** Where these mentions are stored, the store judges by them alone: one that is lost would hide a live entity one day. */
function checkStatedMentions(
  findings: Findings,
  relationships: Of<"relationship">[],
  units: Map<string, Of<"text_unit">>,
  mentionedBy: Map<string, string[]>,
): void {
  const mentioning = new Map([...mentionedBy].map(([entity, list]) => [entity, new Set(list)]));
  for (const { id, source, target, textUnits } of relationships) {
    const ends = [source, target];
    for (const unit of textUnits ?? [])
      if (units.has(unit) && ends.some((end) => !mentioning.get(end)?.has(unit))) findings.add("MENTION_MISSING", id);
  }
}

function checkEntities(
  findings: Findings,
  entities: Map<string, Of<"entity">>,
  units: Map<string, Of<"text_unit">>,
  mentionedBy: Map<string, string[]>,
  stated: Set<string>,
): void {
  for (const entity of entities.values()) {
    const mentions = mentionedBy.get(entity.id) ?? [];
    const live = stated.has(entity.id) || mentions.some((id) => units.get(id)?.presence === "live");
    if (mentions.length > 0 && !entity.everMentioned) findings.add("ENTITY_NEVER_MENTIONED", entity.id);
    if (live && entity.presence === "parked") findings.add("ENTITY_HIDDEN", entity.id);
    const waits = entity.candidate.includes("orphan_entities");
    // What nothing was ever known to mention is the sweep's to find, by policy and age.
    const judged = entity.everMentioned && !entity.kept;
    if (!live && judged && entity.presence === "live" && !waits) findings.add("ENTITY_MISSED", entity.id);
    if (!entity.vector) continue;
    const rightPlace = entity.presence === "live" ? "searchable" : "parked";
    if (entity.vector.place === rightPlace) continue;
    if (entity.presence === "live" || !entity.candidate.includes("deprecated_vectors"))
      findings.add("ENTITY_VECTOR", entity.id);
  }
}

function checkRelationships(
  findings: Findings,
  relationships: Of<"relationship">[],
  entities: Map<string, Of<"entity">>,
  units: Map<string, Of<"text_unit">>,
  documents: Map<string, Of<"document">>,
): void {
  for (const relationship of relationships) {
    const source = entities.get(relationship.source);
    const target = entities.get(relationship.target);
    if (!source || !target) findings.add("RELATIONSHIP_WITHOUT_END", relationship.id);
    const { textUnits, documents: stating, kept } = relationship;
    const known = textUnits?.some((id) => units.has(id)) ?? false;
    // Unknown: nothing is named, or only what nobody knows; a lower bound proves nothing.
    let support = kept || (textUnits === null ? stating === undefined : textUnits.length > 0 && !known);
    for (const id of relationship.documents ?? []) {
      const document = documents.get(id);
      if (!document) findings.add("RELATIONSHIP_SUPPORT", relationship.id);
      // One that nobody knows may be alive.
      if (document?.status !== "deprecated") support = true;
    }
    for (const id of relationship.textUnits ?? []) {
      const unit = units.get(id);
      if (!unit) findings.add("RELATIONSHIP_SUPPORT", relationship.id);
      else if (unit.presence === "live") support = true;
    }
    const live = support && source?.presence === "live" && target?.presence === "live";
    if (live && relationship.presence === "parked" && !relationship.candidate)
      findings.add("RELATIONSHIP_HIDDEN", relationship.id);
    if (!live && relationship.presence === "live" && !relationship.candidate) {
      findings.add("RELATIONSHIP_MISSED", relationship.id);
    }
  }
}
