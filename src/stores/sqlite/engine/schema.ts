import type { DatabaseSync } from "node:sqlite";
import { AUDIT_START } from "../../../core/canonical.ts";
import { APPLICATION_ID, pragma } from "./version.ts";

/**
 * The data file's tables, and how files of earlier versions get them.
 *
 * Keys are integers that are never used twice (`sequence`), so that a key left behind by a bug can dangle but never point at
 * something else. Links stand in tables WITHOUT ROWID that begin with the group and are indexed both ways. Texts and vectors
 * have tables of their own: a scan over liveness reads neither. There are no foreign keys: every reference is resolved to a
 * key in the transaction that writes it, and every delete takes the links along in both directions; SQLite would check each
 * of them again, with an index more per link.
 */
const VERSION_1 = `
CREATE TABLE sequence (next INTEGER NOT NULL);
INSERT INTO sequence VALUES (1);

CREATE TABLE groups (
  g INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL DEFAULT 0,
  collected_generation INTEGER NOT NULL DEFAULT 0,
  analytics_generation INTEGER,
  analytics_epoch INTEGER NOT NULL DEFAULT 0,
  stale_since INTEGER,
  last_sweep_at INTEGER,
  created_at INTEGER NOT NULL,
  unit_dimension INTEGER,
  entity_dimension INTEGER,
  lease_holder TEXT,
  lease_token INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER NOT NULL DEFAULT 0,
  -- The same by the clock of this machine, when the callers' clocks differ.
  lease_until_here INTEGER NOT NULL DEFAULT 0,
  audit_seq INTEGER NOT NULL DEFAULT 0,
  audit_hash TEXT NOT NULL,
  -- Counters: counting a million rows takes longer than a lifecycle call may.
  documents_active INTEGER NOT NULL DEFAULT 0,
  documents_deprecated INTEGER NOT NULL DEFAULT 0,
  units_live INTEGER NOT NULL DEFAULT 0,
  units_parked INTEGER NOT NULL DEFAULT 0,
  entities_live INTEGER NOT NULL DEFAULT 0,
  entities_parked INTEGER NOT NULL DEFAULT 0,
  relationships_live INTEGER NOT NULL DEFAULT 0,
  relationships_parked INTEGER NOT NULL DEFAULT 0,
  vectors_searchable INTEGER NOT NULL DEFAULT 0,
  vectors_parked INTEGER NOT NULL DEFAULT 0,
  similarity_rows INTEGER NOT NULL DEFAULT 0,
  similarity_staged INTEGER NOT NULL DEFAULT 0,
  community_rows INTEGER NOT NULL DEFAULT 0,
  community_staged INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE documents (
  key INTEGER PRIMARY KEY,
  g INTEGER NOT NULL,
  id TEXT NOT NULL,
  active INTEGER NOT NULL,
  version INTEGER NOT NULL,
  hold INTEGER NOT NULL DEFAULT 0,
  deprecated_at INTEGER,
  created_at INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  successor TEXT,
  title TEXT,
  metadata TEXT,
  UNIQUE (g, id)
);
CREATE INDEX documents_by_status ON documents (g, active, id);
CREATE INDEX documents_by_successor ON documents (g, successor) WHERE successor IS NOT NULL;
CREATE INDEX documents_restorable ON documents (g, deprecated_at) WHERE active = 0 AND hold = 0;

CREATE TABLE text_units (
  key INTEGER PRIMARY KEY,
  g INTEGER NOT NULL,
  live INTEGER NOT NULL,
  hash BLOB NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (g, id)
);
CREATE TABLE texts (key INTEGER PRIMARY KEY, g INTEGER NOT NULL, text TEXT NOT NULL);

CREATE TABLE owners (
  g INTEGER NOT NULL, document INTEGER NOT NULL, unit INTEGER NOT NULL, PRIMARY KEY (g, document, unit)
) WITHOUT ROWID;
CREATE UNIQUE INDEX owners_by_unit ON owners (g, unit, document);

CREATE TABLE entities (
  key INTEGER PRIMARY KEY,
  g INTEGER NOT NULL,
  live INTEGER NOT NULL,
  ever_mentioned INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  parked_at INTEGER,
  -- A unit that was live and mentioned this entity when last judged: where the next search for one begins.
  witness INTEGER,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT,
  description TEXT,
  UNIQUE (g, id)
);

CREATE TABLE mentions (
  g INTEGER NOT NULL, unit INTEGER NOT NULL, entity INTEGER NOT NULL, PRIMARY KEY (g, unit, entity)
) WITHOUT ROWID;
CREATE UNIQUE INDEX mentions_by_entity ON mentions (g, entity, unit);

CREATE TABLE relationships (
  key INTEGER PRIMARY KEY,
  g INTEGER NOT NULL,
  live INTEGER NOT NULL,
  source INTEGER NOT NULL,
  target INTEGER NOT NULL,
  support_known INTEGER NOT NULL,
  parked_at INTEGER,
  witness INTEGER,
  weight REAL NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  description TEXT,
  UNIQUE (g, id)
);
CREATE INDEX relationships_by_source ON relationships (g, source);
CREATE INDEX relationships_by_target ON relationships (g, target);

CREATE TABLE supports (
  g INTEGER NOT NULL, relationship INTEGER NOT NULL, unit INTEGER NOT NULL, PRIMARY KEY (g, relationship, unit)
) WITHOUT ROWID;
CREATE UNIQUE INDEX supports_by_unit ON supports (g, unit, relationship);

-- Vectors, float32 little-endian. What readers search has tables of its own; a parked vector is not in them.
CREATE TABLE unit_vectors (key INTEGER PRIMARY KEY, g INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE INDEX unit_vectors_by_group ON unit_vectors (g);
CREATE TABLE unit_vectors_parked (key INTEGER PRIMARY KEY, g INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE TABLE entity_vectors (key INTEGER PRIMARY KEY, g INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE INDEX entity_vectors_by_group ON entity_vectors (g);
CREATE TABLE entity_vectors_parked (key INTEGER PRIMARY KEY, g INTEGER NOT NULL, vector BLOB NOT NULL);

-- kind: 0 orphan_entities, 1 stale_edges (relationships), 2 deprecated_vectors, 3 entities whose similarity edges go
CREATE TABLE candidates (
  g INTEGER NOT NULL, kind INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (g, kind, key)
) WITHOUT ROWID;
-- Entities with more relationships than one transaction should note: their relationships become candidates step by step.
CREATE TABLE hubs (
  g INTEGER NOT NULL, entity INTEGER NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (g, entity)
) WITHOUT ROWID;
-- What is parked and has nothing left that could bring it back. kind: 0 entity, 1 relationship
CREATE TABLE expiries (
  g INTEGER NOT NULL, kind INTEGER NOT NULL, parked_at INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (g, kind, parked_at, key)
) WITHOUT ROWID;

CREATE TABLE operations (
  key INTEGER PRIMARY KEY,
  g INTEGER NOT NULL,
  id TEXT NOT NULL,
  verb TEXT NOT NULL,
  rolling INTEGER NOT NULL,
  request_hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT,
  outcomes TEXT NOT NULL,
  effect TEXT NOT NULL,
  plan TEXT,
  generation INTEGER NOT NULL,
  UNIQUE (g, id)
);
CREATE INDEX operations_rolling ON operations (key) WHERE rolling = 1;

CREATE TABLE audit (
  g INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  ref TEXT NOT NULL,
  detail TEXT NOT NULL,
  generation INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (g, seq)
) WITHOUT ROWID;

-- Analytics: a row is what readers see while from_epoch <= published epoch < to_epoch.
CREATE TABLE similarity (
  g INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, from_epoch INTEGER NOT NULL, to_epoch INTEGER NOT NULL,
  score REAL NOT NULL, PRIMARY KEY (g, a, b, from_epoch)
) WITHOUT ROWID;
CREATE INDEX similarity_by_b ON similarity (g, b, a);
CREATE TABLE community_ids (
  key INTEGER PRIMARY KEY, g INTEGER NOT NULL, id TEXT NOT NULL, acknowledged_hash TEXT, UNIQUE (g, id)
);
-- Members as of the acknowledgement; of published communities only.
CREATE TABLE acknowledged_members (
  g INTEGER NOT NULL, community INTEGER NOT NULL, entity INTEGER NOT NULL, PRIMARY KEY (g, community, entity)
) WITHOUT ROWID;
CREATE INDEX acknowledged_members_by_entity ON acknowledged_members (g, entity);
CREATE TABLE communities (
  g INTEGER NOT NULL, community INTEGER NOT NULL, from_epoch INTEGER NOT NULL, to_epoch INTEGER NOT NULL,
  level INTEGER NOT NULL, parent TEXT, size INTEGER NOT NULL, member_hash TEXT NOT NULL, edge_hash TEXT NOT NULL,
  text_hash TEXT NOT NULL, changed_generation INTEGER NOT NULL, PRIMARY KEY (g, community, from_epoch)
) WITHOUT ROWID;
CREATE TABLE memberships (
  g INTEGER NOT NULL, level INTEGER NOT NULL, entity INTEGER NOT NULL, from_epoch INTEGER NOT NULL, to_epoch INTEGER NOT NULL,
  community INTEGER NOT NULL, PRIMARY KEY (g, level, entity, from_epoch)
) WITHOUT ROWID;
CREATE INDEX memberships_by_community ON memberships (g, community, entity);
CREATE TABLE ranks (
  g INTEGER NOT NULL, entity INTEGER NOT NULL, from_epoch INTEGER NOT NULL, to_epoch INTEGER NOT NULL,
  score REAL NOT NULL, component TEXT NOT NULL, PRIMARY KEY (g, entity, from_epoch)
) WITHOUT ROWID;
-- Which rows a publication begins, and which it ends: to take it back while it is staged, to remove what ended once it is
-- published. Lists of keys, one or two a part: a row for each key would cost as much to write as what it lists.
CREATE TABLE staged (
  g INTEGER NOT NULL, epoch INTEGER NOT NULL, ends INTEGER NOT NULL, part INTEGER NOT NULL, keys BLOB NOT NULL,
  PRIMARY KEY (g, epoch, ends, part)
) WITHOUT ROWID;
CREATE TABLE analytics_states (g INTEGER PRIMARY KEY, state BLOB NOT NULL);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  groups TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) WITHOUT ROWID;
`;

const VERSION_2 = `
-- HMACs of purged documents' ids, keyed with the group's salt; the ids themselves are not kept.
ALTER TABLE groups ADD COLUMN purge_salt TEXT;
CREATE TABLE purged_documents (g INTEGER NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (g, mark)) WITHOUT ROWID;
-- A unit that supports a relationship mentions both ends. Imports through the command line, the service and the library have
-- always written these mentions; a store that was given blocks directly had not. What was hidden for want of them is judged again.
CREATE TEMP TABLE stated AS
  SELECT s.g, s.unit, r.source AS entity FROM supports s CROSS JOIN relationships r ON r.key = s.relationship
    WHERE NOT EXISTS (SELECT 1 FROM mentions m WHERE m.g = s.g AND m.unit = s.unit AND m.entity = r.source)
  UNION SELECT s.g, s.unit, r.target FROM supports s CROSS JOIN relationships r ON r.key = s.relationship
    WHERE NOT EXISTS (SELECT 1 FROM mentions m WHERE m.g = s.g AND m.unit = s.unit AND m.entity = r.target);
INSERT INTO mentions (g, unit, entity) SELECT g, unit, entity FROM stated;
UPDATE entities SET ever_mentioned = 1 WHERE ever_mentioned = 0 AND key IN (SELECT entity FROM stated);
DELETE FROM expiries WHERE kind = 0 AND key IN (SELECT entity FROM stated);
INSERT OR IGNORE INTO candidates (g, kind, key)
  SELECT e.g, 0, e.key FROM entities e WHERE e.live = 0 AND e.key IN (SELECT entity FROM stated);
UPDATE groups SET collected_generation = min(collected_generation, generation - 1),
    stale_since = ifnull(stale_since, CAST(strftime('%s', 'now') AS INTEGER) * 1000)
  WHERE g IN (SELECT g FROM stated);
DROP TABLE stated;
-- One row: where the installation's own audit chain ends, whose entries stand in audit under the group key 0.
CREATE TABLE installation (audit_seq INTEGER NOT NULL, audit_hash TEXT NOT NULL);
INSERT INTO installation VALUES (0, '${AUDIT_START}');
-- Contents that were acknowledged under an id which stands for another content now; "at" grows.
CREATE TABLE acknowledged_contents (g INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (g, hash)) WITHOUT ROWID;
CREATE UNIQUE INDEX acknowledged_contents_by_age ON acknowledged_contents (g, at);
CREATE INDEX community_ids_by_content ON community_ids (g, acknowledged_hash) WHERE acknowledged_hash IS NOT NULL;
`;

/** Step i brings a file of version i to version i + 1. A step that was released is never edited. */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2];

/** Brings the file to the newest version, each step in a transaction of its own together with its number. */
export function migrate(
  db: DatabaseSync,
  failpoint: (name: string) => void,
  migrations: readonly string[] = MIGRATIONS,
): void {
  for (;;) {
    if (pragma(db, "user_version") >= migrations.length) return;
    db.exec("BEGIN IMMEDIATE");
    try {
      // Read again under the lock: another process may have been first.
      const version = pragma(db, "user_version");
      const step = migrations[version];
      if (step !== undefined) {
        db.exec(step);
        failpoint("migrate:before-commit");
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
        db.exec(`PRAGMA user_version = ${version + 1}`);
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
    failpoint("migrate:after-commit");
  }
}
