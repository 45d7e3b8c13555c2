/** Answers of the API, as far as the page reads them. Times are ISO 8601. */

export type Role = "reader" | "operator" | "editor" | "eraser" | "admin";
export interface Who {
  actor: string;
  role: Role;
  groups: string[];
  /** No key is configured: everybody on this machine is admin. */
  open: boolean;
  version: string;
}

export interface StaleGroup {
  group_id: string;
  needs_gc: boolean;
  needs_gds_recompute: boolean;
  stale_since: string | null;
  generation: number;
  collected_generation: number;
  analytics_generation: number | null;
  generations_behind: { gc: number; gds: number };
}

export interface Group {
  group_id: string;
  generation: number;
  collected_generation: number;
  analytics_generation: number | null;
  stale_since: string | null;
  created_at: string;
}

export interface Counts {
  documents: { active: number; deprecated: number };
  text_units: { live: number; parked: number };
  entities: { live: number; parked: number };
  relationships: { live: number; parked: number };
  vectors: { searchable: number; parked: number };
  candidates: { orphan_entities: number; stale_edges: number; deprecated_vectors: number };
  similarity_edges: number;
  communities: number;
}

export interface GroupHealth extends StaleGroup {
  status: "healthy" | "stale" | "attention";
  counts: Counts;
  restore_window_ms: number | null;
  findings: string[];
}

export interface ServiceHealth {
  status: "ok" | "attention";
  version: string;
  started_at: string;
  stale_groups?: { count: number; more: boolean };
  findings?: string[];
}

export interface Alert {
  name: string;
  status: "ok" | "pending" | "firing" | "resolved";
  summary: string;
  group_ids: string[];
  kinds: string[];
  runbook: string;
}

export type RunState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "dead" | "skipped";
export interface Run {
  id: string;
  kind: string;
  group_id: string;
  state: RunState;
  trigger: string;
  actor: string;
  reason: string | null;
  schedule_id: string | null;
  created_at: string;
  run_at: string;
  started_at: string | null;
  ended_at: string | null;
  attempt: number;
  max_attempts: number;
  progress: { done: number; total: number | null; phase: string; waiting: string | null } | null;
  result: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
  cancel_requested: boolean;
  pause_requested: boolean;
  before: Counts | null;
  after: Counts | null;
}
export interface WatchedRun extends Run {
  attempts: {
    number: number;
    started_at: string;
    ended_at: string | null;
    outcome: string | null;
    error: { code: string; message: string } | null;
  }[];
  batch_log: { attempt: number; seq: number; at: string; done: number; total: number | null; phase: string }[];
  pace: { per_second: number; eta_ms: number | null } | null;
}

export interface Schedule {
  id: string;
  kind: string;
  target: "stale" | { group_id: string };
  dialect: "cron" | "ncrontab";
  expression: string;
  time_zone: string;
  enabled: boolean;
  pause: { reason: string; actor: string; at: string } | null;
  next_at: string | null;
}
export interface Occurrence {
  nominal_at: string;
  outcome: string;
  reason: string | null;
  runs: number;
  skipped: number;
}

export interface DocumentRecord {
  id: string;
  title: string | null;
  content_hash: string;
  metadata: Record<string, unknown> | null;
  status: "active" | "deprecated";
  version: number;
  successor: string | null;
  legal_hold: boolean;
  deprecated_at: string | null;
  created_at: string;
  text_units: number;
}

export interface Impact {
  verb: string;
  documents: { id: string; outcome: string }[];
  text_units: { count: number; shared: number };
  entities: { count: number; ids: string[]; shared: number };
  relationships: { count: number };
  vectors: number;
  communities: string[];
  live_entities: number;
  exceeds_guard: boolean;
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: string;
  action: string;
  ref: string;
  detail: { documents?: { id: string; outcome: string }[]; reason?: string | null } & Record<string, unknown>;
  generation: number;
  hash: string;
}

export interface ChangedCommunities {
  communities: {
    id: string;
    level: number;
    size: number;
    names: string[];
    grades: string[];
    changed_generation: number;
  }[];
  next_cursor: string | null;
  removed: { id: string; hash: string }[];
  tokens: number;
  tokens_full_rebuild: number;
  saved: number;
  fresh: boolean;
}

export interface Findings {
  clean: boolean;
  findings: { code: string; message: string; count: number; samples?: string[] }[];
}

export type Presence = "live" | "parked";
export interface Neighbourhood {
  /** The first is what was asked for. */
  nodes: {
    kind: "document" | "text_unit" | "entity";
    id: string;
    label: string;
    type: string | null;
    presence: Presence;
  }[];
  /** Source and target are positions in `nodes`. */
  edges: {
    kind: "owns" | "mentions" | "relationship";
    source: number;
    target: number;
    id: string | null;
    type: string | null;
    presence: Presence;
  }[];
  truncated: boolean;
}
