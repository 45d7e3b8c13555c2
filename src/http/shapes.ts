import { z } from "zod";
import { COLLECTION_KINDS, SUMMARY_GRADES } from "../core/words.ts";

/** Shapes of answers on the wire, for the contract. Members may be added, none is taken away. */

export const count = () => z.number().int();
const when = () => z.iso.datetime().nullable();
const nextCursor = z.string().nullable();

export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: count(),
  detail: z.string(),
  instance: z.string().optional(),
  code: z.string(),
  remedy: z.string(),
  request_id: z.string().optional(),
});

export const effect = z.object({
  documents: count(),
  text_units: count(),
  entities: count(),
  relationships: count(),
  vectors: count(),
});
export const outcomes = z.array(z.object({ id: z.string(), outcome: z.string() }));

export const operation = z.looseObject({
  id: z.string(),
  group_id: z.string(),
  verb: z.string(),
  state: z.enum(["rolling", "done"]),
  at: z.iso.datetime(),
  actor: z.string(),
  reason: z.string().nullable(),
  outcomes,
  effect,
  generation: count(),
  replayed: z.boolean(),
});

export const purge = z.looseObject({
  operation,
  certificate: z
    .looseObject({
      hash: z.string(),
      complete: z.boolean(),
      checks: z.array(z.looseObject({ check: z.string() })),
      audit: z.looseObject({ seq: count(), hash: z.string() }).describe("Where the group's audit ended."),
      signature: z
        .looseObject({ key_id: z.string(), signature: z.string() })
        .nullable()
        .describe("Of hash, by the installation's Ed25519 key."),
    })
    .nullable(),
});

export const document = z.looseObject({
  id: z.string(),
  title: z.string().nullable(),
  content_hash: z.string(),
  status: z.enum(["active", "deprecated"]),
  version: count(),
  successor: z.string().nullable(),
  legal_hold: z.boolean(),
  deprecated_at: when(),
  created_at: z.iso.datetime(),
  text_units: count(),
});
export const documents = z.object({ documents: z.array(document), next_cursor: nextCursor });

const ids = z.looseObject({ count: count(), ids: z.array(z.string()) });
export const impact = z.looseObject({
  group_id: z.string(),
  verb: z.string(),
  documents: outcomes,
  text_units: ids,
  entities: ids,
  relationships: ids,
  kept: z.looseObject({ entities: count(), relationships: count() }),
  vectors: count(),
  communities: z.array(z.string()),
  live_entities: count(),
  exceeds_guard: z.boolean(),
});

export const staleGroup = z.looseObject({
  group_id: z.string(),
  needs_gc: z.boolean(),
  needs_gds_recompute: z.boolean(),
  gds_stale: z.boolean(),
  stale_since: when(),
  generation: count(),
});
export const staleGroups = z.object({ groups: z.array(staleGroup), next_cursor: nextCursor });

const kindResult = z.looseObject({
  deleted: count(),
  purged: count(),
  examined: count(),
  kept: count(),
  batches: count(),
  duration_ms: z.number(),
  remaining: count(),
});
const ended = z.looseObject({ group_id: z.string(), run_id: z.string(), kind: z.string(), status: z.string() });
export const collection = ended.extend({
  jobs: z.partialRecord(z.enum(COLLECTION_KINDS), kindResult),
  deleted: count(),
  purged: count(),
  kept: count(),
  generation: count(),
  fresh: z.boolean(),
});
export const recompute = ended.extend({
  communities: count(),
  modularity: z.number().nullable(),
  changed_communities: count(),
  edges: count(),
  iterations: count(),
  generation: count(),
  fresh: z.boolean(),
});
const allGroups = z.looseObject({ groups: z.array(ended), deleted: count(), failed: count() });
export const collections = z.union([collection, allGroups]);
export const recomputes = z.union([recompute, allGroups]);
export const underWay = z.union([ended, allGroups]);

export const run = z.looseObject({
  id: z.string(),
  kind: z.string(),
  group_id: z.string(),
  state: z.string(),
  trigger: z.string(),
  actor: z.string(),
  reason: z.string().nullable(),
  created_at: z.iso.datetime(),
  run_at: z.iso.datetime(),
  started_at: when(),
  ended_at: when(),
  result: z.looseObject({}).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** W3C trace contexts of the calls that asked for it, at most eight. */
  traces: z.array(z.object({ traceparent: z.string(), tracestate: z.string().optional() })),
});
export const runs = z.object({ runs: z.array(run), next_cursor: nextCursor });

export const health = z.looseObject({ status: z.string() });

export const schedule = z.looseObject({
  id: z.string(),
  kind: z.string(),
  target: z.union([z.literal("stale"), z.object({ group_id: z.string() })]),
  dialect: z.string(),
  expression: z.string(),
  time_zone: z.string(),
  enabled: z.boolean(),
});
export const schedules = z.object({ schedules: z.array(schedule) });
export const times = z.object({ times: z.array(z.iso.datetime()) });
export const occurrences = z.object({
  occurrences: z.array(
    z.looseObject({ schedule_id: z.string(), nominal_at: z.iso.datetime(), outcome: z.string(), runs: count() }),
  ),
});

const presence = z.enum(["live", "parked"]);
export const neighbourhood = z.looseObject({
  group_id: z.string(),
  /** The first is what was asked for. */
  nodes: z.array(
    z.looseObject({
      kind: z.enum(["document", "text_unit", "entity"]),
      id: z.string(),
      label: z.string(),
      type: z.string().nullable(),
      presence,
    }),
  ),
  /** Source and target are positions in nodes. */
  edges: z.array(
    z.looseObject({
      kind: z.enum(["owns", "mentions", "relationship"]),
      source: count(),
      target: count(),
      id: z.string().nullable(),
      type: z.string().nullable(),
      presence,
    }),
  ),
  truncated: z.boolean(),
});

export const hits = z.object({
  hits: z.array(z.object({ id: z.string(), score: z.number(), text: z.string(), documents: z.array(z.string()) })),
});

const community = z.looseObject({
  id: z.string(),
  level: count(),
  parent: z.string().nullable(),
  size: count(),
  /** To acknowledge it with. */
  hash: z.string(),
  acknowledged_hash: z.string().nullable(),
  content_acknowledged: z.boolean(),
  same_as_parent: z.boolean(),
  /** Of the members with the highest ranks. */
  names: z.array(z.string()),
  changed_generation: count(),
});
const someIds = z.object({ count: count(), ids: z.array(z.string()) });
export const communities = z.object({
  communities: z.array(community),
  next_cursor: nextCursor,
  generation: count(),
  analytics_generation: count().nullable(),
  fresh: z.boolean(),
});
export const changedCommunities = communities.extend({
  communities: z.array(
    community.extend({
      /** What differs from the acknowledgement. */
      grades: z.array(z.enum(SUMMARY_GRADES)),
      /** Since the acknowledgement, when `members` is among the grades. */
      member_diff: z.object({ added: someIds, removed: someIds }).nullable(),
    }),
  ),
  /** Whose content was acknowledged before. */
  reused: z.array(z.object({ id: z.string(), hash: z.string(), from: z.string().nullable() })),
  /** Acknowledged communities that are gone. */
  removed: z.array(z.object({ id: z.string(), hash: z.string() })),
  /** With `estimate`. */
  tokens: count().optional(),
  tokens_full_rebuild: count().optional(),
  saved: count().optional(),
});
export const members = z.object({ members: z.array(z.string()), next_cursor: nextCursor });
export const acknowledged = z.object({ acknowledged: count() });

export const auditEntries = z.object({
  entries: z.array(
    z.looseObject({ seq: count(), at: z.iso.datetime(), actor: z.string(), action: z.string(), hash: z.string() }),
  ),
  next_after: count().nullable(),
});

export const key = z.looseObject({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  groups: z.array(z.string()),
  created_at: z.iso.datetime(),
  revoked_at: when(),
});
export const keys = z.object({ keys: z.array(key) });
/** `key` is shown this once. */
export const newKey = key.extend({ key: z.string().optional() });

export const groups = z.object({ groups: z.array(z.looseObject({ group_id: z.string() })), next_cursor: nextCursor });
export const findings = z.object({
  clean: z.boolean(),
  findings: z.array(z.looseObject({ code: z.string(), message: z.string(), count: count() })),
});
export const ok = z.looseObject({ status: z.string() });
export const who = z.looseObject({
  /** As the audit names the caller. */
  actor: z.string(),
  role: z.string(),
  groups: z.array(z.string()),
  open: z.boolean(),
  version: z.string(),
});
