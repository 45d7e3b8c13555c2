import { expect, test } from "vitest";
import { AUDIT_START, auditHash } from "../../src/core/canonical.ts";
import type { CommunityRecord, GroupReader, StoredRecord } from "../../src/core/ports.ts";
import type { AuditEntry, GroupState } from "../../src/core/words.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";

type Change = (graph: { records: StoredRecord[]; audit: AuditEntry[]; group: GroupState }) => void;

const vector = (place: "searchable" | "parked") => ({ values: Float32Array.of(1, 0), place });
const entity = (id: string): StoredRecord => ({
  kind: "entity",
  id,
  name: id,
  type: null,
  description: null,
  presence: "live",
  vector: vector("searchable"),
  everMentioned: true,
  createdAt: 0,
  candidate: [],
});
const community = (id: string, level: number, parent: string | null): StoredRecord => {
  const hashes = { memberHash: "m", edgeHash: "e", textHash: "t" };
  const record: CommunityRecord = {
    id,
    level,
    parent,
    size: 2,
    ...hashes,
    changedGeneration: 1,
    acknowledgedHash: null,
  };
  return { kind: "community", community: record };
};

/** A sound graph: one document, one unit, two entities in one community of two levels. */
function soundGraph(): StoredRecord[] {
  return [
    {
      kind: "document",
      id: "d",
      title: null,
      contentHash: "h",
      metadata: null,
      status: "active",
      version: 1,
      successor: null,
      legalHold: false,
    },
    { kind: "text_unit", id: "u", documents: ["d"], text: "t", presence: "live", vector: vector("searchable") },
    entity("a"),
    entity("b"),
    { kind: "mention", textUnit: "u", entity: "a" },
    { kind: "mention", textUnit: "u", entity: "b" },
    {
      kind: "relationship",
      id: "r",
      source: "a",
      target: "b",
      type: "t",
      description: null,
      weight: 1,
      textUnits: ["u"],
      presence: "live",
      candidate: false,
    },
    { kind: "similarity", a: "a", b: "b", score: 0.9 },
    community("0-0", 0, "1-0"),
    community("1-0", 1, null),
    ...["a", "b"].flatMap((e): StoredRecord[] => [
      { kind: "membership", level: 0, entity: e, community: "0-0" },
      { kind: "membership", level: 1, entity: e, community: "1-0" },
      { kind: "rank", entity: e, score: 0.5, component: "a" },
    ]),
  ];
}

async function findingsAfter(change: Change): Promise<string[]> {
  const records = soundGraph();
  const entry = { seq: 1, at: 1, actor: "x", action: "import", ref: "o", detail: {}, generation: 1 };
  const audit: AuditEntry[] = [{ ...entry, hash: auditHash(AUDIT_START, entry) }];
  const group: GroupState = {
    groupId: "g",
    generation: 1,
    collectedGeneration: 1,
    analyticsGeneration: 1,
    analyticsEpoch: 1,
    staleSince: null,
    lastSweepAt: null,
    createdAt: 0,
    audit: { seq: 1, hash: audit[0]!.hash },
  };
  change({ records, audit, group });
  const reader = {
    group: async () => group,
    records: async function* () {
      yield records;
    },
    audit: async (_: string, { afterSeq }: { afterSeq: number }) => audit.filter((e) => e.seq > afterSeq),
  };
  return (await verifyGroup(reader as unknown as GroupReader, "g")).map((finding) => finding.code);
}

/** Changes the record of a kind (the first, or the one with the id). */
const change =
  (kind: StoredRecord["kind"], members: object, id?: string): Change =>
  ({ records }) => {
    const record = records.find((r) => r.kind === kind && (id === undefined || ("id" in r && r.id === id)));
    Object.assign(record!, members);
  };
const remove =
  (kind: StoredRecord["kind"]): Change =>
  ({ records }) => {
    records.splice(0, records.length, ...records.filter((r) => r.kind !== kind));
  };

test("a sound graph has no findings", async () => {
  expect(await findingsAfter(() => {})).toEqual([]);
});

const FAULTS: [code: string, fault: Change][] = [
  ["MENTION_WITHOUT_TEXT_UNIT", ({ records }) => records.push({ kind: "mention", textUnit: "ghost", entity: "a" })],
  ["MENTION_WITHOUT_ENTITY", ({ records }) => records.push({ kind: "mention", textUnit: "u", entity: "ghost" })],
  ["TEXT_UNIT_WITHOUT_OWNER", change("text_unit", { documents: [] })],
  ["TEXT_UNIT_OF_UNKNOWN_DOCUMENT", change("text_unit", { documents: ["d", "ghost"] })],
  ["TEXT_UNIT_PRESENCE", change("document", { status: "deprecated" })],
  ["TEXT_UNIT_VECTOR", change("text_unit", { vector: vector("parked") })],
  ["ENTITY_HIDDEN", change("entity", { presence: "parked", vector: vector("parked") })],
  [
    "ENTITY_MISSED",
    (graph) => {
      remove("mention")(graph);
      change("relationship", { textUnits: null })(graph);
    },
  ],
  ["ENTITY_VECTOR", change("entity", { vector: vector("parked") })],
  ["ENTITY_NEVER_MENTIONED", change("entity", { everMentioned: false })],
  ["RELATIONSHIP_WITHOUT_END", change("relationship", { target: "ghost" })],
  ["RELATIONSHIP_SUPPORT", change("relationship", { textUnits: ["u", "ghost"] })],
  ["RELATIONSHIP_HIDDEN", change("relationship", { presence: "parked" })],
  ["RELATIONSHIP_MISSED", change("relationship", { textUnits: [] })],
  ["ANALYTICS_OF_UNKNOWN_ENTITY", change("similarity", { b: "ghost" })],
  ["ANALYTICS_INCOMPLETE", remove("rank")],
  [
    "COMMUNITY_COUNT",
    ({ records }) =>
      records.splice(
        records.findIndex((r) => r.kind === "membership"),
        1,
      ),
  ],
  ["COMMUNITY_UNKNOWN", change("membership", { community: "ghost" })],
  [
    "COMMUNITY_NESTING",
    ({ records }) => Object.assign(records.find((r) => r.kind === "community")!, community("0-0", 0, "1-9")),
  ],
  [
    "COMMUNITY_DISCONNECTED",
    ({ records }) =>
      records.splice(0, records.length, ...records.filter((r) => r.kind !== "relationship" && r.kind !== "similarity")),
  ],
  ["AUDIT_CHAIN", ({ audit }) => Object.assign(audit[0]!, { actor: "somebody else" })],
  ["AUDIT_BEHIND", ({ group }) => Object.assign(group, { generation: 2, analyticsGeneration: 2 })],
];

test.each(FAULTS)("%s is found", async (code, fault) => {
  expect(await findingsAfter(fault)).toContain(code);
});
