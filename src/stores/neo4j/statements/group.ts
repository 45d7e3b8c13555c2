import { inUnits, OURS } from "../shapes.ts";

/** The answers of the last calls stay in the database: they are long, and only a call that ran again asks for its own. */
const WITHOUT_CALLS = "g {.*, callIds: null, callResults: null}";
const ANSWER = "head([i IN range(0, size(coalesce(g.callIds, [])) - 1) WHERE g.callIds[i] = $call | g.callResults[i]])";

/** Similarity edges of which an entity is an end, published or staged, each once. */
const SIMILARITY_OF = `UNWIND $ids AS id
    CALL (id) {
      MATCH (r:${OURS.analytics} {lc_group: $group, lc_a: id}) RETURN r
      UNION MATCH (r:${OURS.analytics} {lc_group: $group, lc_b: id}) WHERE r.lc_a IS NOT NULL RETURN r
    }
    WITH r WHERE r.lc_kind = 'similarity' AND (r.lc_to IS NULL OR r.lc_to > $epoch)
    WITH DISTINCT r`;

/** Statements on our own nodes: the same for every profile. Each takes `$group`, but for the few that list groups. */
export const groupStatements = {
  // Writing the lock property takes the node's write lock: one writer per group, and reads after it see what the last one left.
  lockGroup: `MATCH (g:${OURS.group} {lc_group: $group}) SET g.lc_lock = $call RETURN ${WITHOUT_CALLS} AS g, ${ANSWER} AS answer`,
  createGroup: `MERGE (g:${OURS.group} {lc_group: $group})
    ON CREATE SET g += $initial
    SET g.lc_lock = $call RETURN ${WITHOUT_CALLS} AS g, ${ANSWER} AS answer`,
  saveGroup: `MATCH (g:${OURS.group} {lc_group: $group}) SET g += $state
    FOREACH (_ IN CASE WHEN $call IS NULL THEN [] ELSE [1] END |
      SET g.callResults = (coalesce(g.callResults, []) + $result)[-$keep..], g.callIds = (coalesce(g.callIds, []) + $call)[-$keep..])`,
  readGroup: `MATCH (g:${OURS.group} {lc_group: $group}) RETURN ${WITHOUT_CALLS} AS g`,
  storeTime: "RETURN timestamp() AS now, $group AS group",
  /** Lists groups of the profile, or with null as `layout` of all; the caller filters by what it may see. */
  listGroups: `MATCH (g:${OURS.group}) WHERE g.lc_group > $after AND ($layout IS NULL OR coalesce(g.layout, $layout) = $layout)
    AND (NOT $stale OR g.generation > g.collectedGeneration OR g.analyticsGeneration IS NULL OR g.generation > g.analyticsGeneration)
    RETURN ${WITHOUT_CALLS} AS g ORDER BY g.lc_group LIMIT $limit`,

  readOperation: `MATCH (o:${OURS.operation} {lc_group: $group, lc_id: $id}) RETURN properties(o) AS o`,
  saveOperation: `MERGE (o:${OURS.operation} {lc_group: $group, lc_id: $id}) SET o += $state`,
  /** Operations of all groups of the profile that a crash left behind. */
  unfinished: `MATCH (o:${OURS.operation}) WHERE o.state = 'rolling'
    MATCH (g:${OURS.group} {lc_group: o.lc_group}) WHERE coalesce(g.layout, $layout) = $layout RETURN o.lc_group AS groupId, o.lc_id AS operationId ORDER BY o.at LIMIT $limit`,

  saveDocuments: `UNWIND $rows AS row MERGE (s:${OURS.document} {lc_group: $group, lc_id: row.id}) SET s += row.state`,
  deleteDocumentStates: `UNWIND $ids AS id MATCH (s:${OURS.document} {lc_group: $group, lc_id: id}) DELETE s`,
  clearSuccessors: `UNWIND $ids AS id MATCH (s:${OURS.document} {lc_group: $group, successor: id}) REMOVE s.successor`,
  rememberPurged: `UNWIND $marks AS mark MERGE (:${OURS.purged} {lc_group: $group, lc_id: mark})`,
  forgetPurged: `UNWIND $marks AS mark MATCH (p:${OURS.purged} {lc_group: $group, lc_id: mark}) DELETE p`,
  purgedAmong: `UNWIND $marks AS mark MATCH (p:${OURS.purged} {lc_group: $group, lc_id: mark}) RETURN mark, coalesce(p.lc_of, mark) AS document`,
  rememberPurgedUnits: `UNWIND $rows AS row MERGE (p:${OURS.purged} {lc_group: $group, lc_id: row.mark}) SET p.lc_of = row.document`,
  forgetPurgedUnits: `UNWIND $marks AS mark MATCH (p:${OURS.purged} {lc_group: $group, lc_of: mark}) DELETE p`,
  deprecatedDocuments: `MATCH (s:${OURS.document} {lc_group: $group}) USING INDEX SEEK s:${OURS.document}(lc_group, lc_id) WHERE s.lc_id > $after AND s.status = 'deprecated' RETURN s.lc_id AS id ORDER BY s.lc_id LIMIT $limit`,
  // That there is one is asked first, of the index by age: most runs find none, and the one by id would read them all.
  expiredDocuments: `MATCH (old:${OURS.document} {lc_group: $group}) WHERE old.deprecatedAt <= $before WITH old.lc_group AS g LIMIT 1
    MATCH (s:${OURS.document} {lc_group: g}) USING INDEX SEEK s:${OURS.document}(lc_group, lc_id) WHERE s.deprecatedAt <= $before AND s.lc_id > $after AND s.status = 'deprecated' AND NOT coalesce(s.legalHold, false)
    RETURN s.lc_id AS id ORDER BY id LIMIT $limit`,

  addCandidates: `UNWIND $rows AS row MERGE (:${OURS.candidate} {lc_group: $group, lc_kind: row.kind, lc_id: row.id})`,
  dropCandidates: `UNWIND $ids AS id MATCH (c:${OURS.candidate} {lc_group: $group, lc_kind: $kind, lc_id: id}) DELETE c`,
  dropCandidatesUpTo: `MATCH (c:${OURS.candidate} {lc_group: $group, lc_kind: $kind}) WHERE c.lc_id > $after AND c.lc_id <= $last DELETE c`,
  candidates: `MATCH (c:${OURS.candidate} {lc_group: $group, lc_kind: $kind}) WHERE c.lc_id > $after RETURN c.lc_id AS id ORDER BY c.lc_id LIMIT $limit`,
  knownCandidates: `UNWIND $ids AS id MATCH (c:${OURS.candidate} {lc_group: $group, lc_kind: $kind, lc_id: id}) RETURN id`,
  countCandidates: `MATCH (c:${OURS.candidate} {lc_group: $group}) WHERE c.lc_kind IS NOT NULL AND c.lc_id IS NOT NULL RETURN c.lc_kind AS kind, count(c) AS count`,
  allCandidates: `MATCH (c:${OURS.candidate} {lc_group: $group}) WHERE c.lc_kind IS NOT NULL AND c.lc_id IS NOT NULL RETURN c.lc_kind AS kind, c.lc_id AS id`,

  addAudit: `MERGE (a:${OURS.audit} {lc_group: $group, seq: $seq}) SET a += $entry`,
  readAudit: `MATCH (a:${OURS.audit} {lc_group: $group}) WHERE a.seq > $after RETURN properties(a) AS a ORDER BY a.seq LIMIT $limit`,

  readState: `MATCH (s:${OURS.state} {lc_group: $group}) RETURN s.data AS data`,
  writeState: `MERGE (s:${OURS.state} {lc_group: $group}) SET s.data = $data`,
  deleteState: `MATCH (s:${OURS.state} {lc_group: $group}) DELETE s`,

  // Rows of analytics: visible from epoch lc_from on, until lc_to; staged rows begin at the next epoch.
  publishedRows: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_kind: $kind})
    WHERE r.lc_key IS NOT NULL AND r.lc_from <= $epoch AND (r.lc_to IS NULL OR r.lc_to > $epoch) RETURN properties(r) AS r`,
  stageRows: `UNWIND $rows AS row
    MERGE (r:${OURS.analytics} {lc_group: $group, lc_kind: $kind, lc_key: row.key, lc_from: $next}) SET r = row.state, r.lc_group = $group, r.lc_kind = $kind, r.lc_key = row.key, r.lc_from = $next`,
  endRows: `UNWIND $keys AS key
    MATCH (r:${OURS.analytics} {lc_group: $group, lc_kind: $kind, lc_key: key}) WHERE r.lc_from < $next AND r.lc_to IS NULL SET r.lc_to = $next`,
  dropStagedRows: `UNWIND $keys AS key
    MATCH (r:${OURS.analytics} {lc_group: $group, lc_kind: $kind, lc_key: key, lc_from: $next}) DELETE r`,
  discardStaged: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_from: $next}) WITH r LIMIT $limit DELETE r RETURN count(*) AS count`,
  discardEnds: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_to: $next}) WITH r LIMIT $limit REMOVE r.lc_to RETURN count(*) AS count`,
  pruneRows: `MATCH (r:${OURS.analytics} {lc_group: $group}) WHERE r.lc_to <= $epoch WITH r LIMIT $limit DELETE r RETURN count(*) AS count`,
  rowsOfEntities: `UNWIND $ids AS id
    CALL (id) {
      MATCH (r:${OURS.analytics} {lc_group: $group, lc_a: id}) RETURN r
      UNION MATCH (r:${OURS.analytics} {lc_group: $group, lc_b: id}) WHERE r.lc_a IS NOT NULL RETURN r
    }
    WITH DISTINCT r DELETE r`,
  // An entity that was parked waits with its similarity edges until these are dropped; it is looked at again before.
  noteSimilarity: `UNWIND $ids AS id WITH id
    WHERE EXISTS { MATCH (:${OURS.analytics} {lc_group: $group, lc_a: id}) }
      OR EXISTS { MATCH (r:${OURS.analytics} {lc_group: $group, lc_b: id}) WHERE r.lc_a IS NOT NULL }
    MERGE (:${OURS.candidate} {lc_group: $group, lc_kind: 'similarity', lc_id: id})`,
  similarityOf: `${SIMILARITY_OF} WITH r WHERE r.lc_from <= $epoch RETURN r.lc_key AS key`,
  dropSimilarityOf: `${SIMILARITY_OF} LIMIT $limit WITH r, r.lc_key AS key, r.lc_from <= $epoch AS published DELETE r RETURN key, published`,
  communitiesOfEntities: `UNWIND $ids AS id
    MATCH (r:${OURS.analytics} {lc_group: $group, lc_a: id}) WHERE r.lc_kind = 'membership' AND r.lc_from <= $epoch AND (r.lc_to IS NULL OR r.lc_to > $epoch)
    RETURN DISTINCT r.community AS community`,
  membersOf: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_b: $community}) USING INDEX SEEK r:${OURS.analytics}(lc_group, lc_b, lc_a)
    WHERE r.lc_a > $after AND r.lc_kind = 'membership' AND r.lc_from <= $epoch AND (r.lc_to IS NULL OR r.lc_to > $epoch)
    RETURN DISTINCT r.lc_a AS entity ORDER BY entity LIMIT $limit`,
  // What was acknowledged of a community that vanishes: its members are forgotten, that it was is told until acknowledged.
  forgetAcknowledged: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_to: $next}) WHERE r.lc_kind = 'community'
    AND NOT EXISTS { MATCH (:${OURS.analytics} {lc_group: $group, lc_kind: 'community', lc_key: r.lc_key, lc_from: $next}) }
    MATCH (k:${OURS.acknowledged} {lc_group: $group, lc_id: r.id}) SET k.gone = true REMOVE k.members`,
  // One that has the id of a vanished one is another one.
  forgetReturned: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_from: $next}) WHERE r.lc_kind = 'community'
    MATCH (k:${OURS.acknowledged} {lc_group: $group, lc_id: r.id}) WHERE k.gone WITH k, k.hash AS hash, coalesce(k.inGraph, false) AS inGraph DELETE k RETURN hash, inGraph`,
  acknowledged: `MATCH (k:${OURS.acknowledged} {lc_group: $group}) WHERE k.lc_id IS NOT NULL RETURN k.lc_id AS id, k.hash AS hash, coalesce(k.gone, false) AS gone, coalesce(k.inGraph, false) AS inGraph`,
  acknowledge: `UNWIND $rows AS row MERGE (k:${OURS.acknowledged} {lc_group: $group, lc_id: row.id}) SET k.hash = row.hash, k.inGraph = $inGraph REMOVE k.gone
    WITH row, k CALL (row) {
      MATCH (r:${OURS.analytics} {lc_group: $group, lc_b: row.id})
      WHERE r.lc_a IS NOT NULL AND r.lc_kind = 'membership' AND r.lc_from <= $epoch AND (r.lc_to IS NULL OR r.lc_to > $epoch)
      RETURN collect(DISTINCT r.lc_a) AS members
    } SET k.members = members`,
  forgetVanished: `UNWIND $rows AS row MATCH (k:${OURS.acknowledged} {lc_group: $group, lc_id: row.id}) DELETE k`,
  acknowledgedContents: `MATCH (k:${OURS.contents} {lc_group: $group}) RETURN k.hashes AS hashes`,
  saveAcknowledgedContents: `MERGE (k:${OURS.contents} {lc_group: $group}) SET k.hashes = $hashes`,
  // Of a community, 10,000 members at most are looked at.
  highestMembers: `UNWIND $communities AS community CALL (community) {
      MATCH (m:${OURS.analytics} {lc_group: $group, lc_b: community}) USING INDEX SEEK m:${OURS.analytics}(lc_group, lc_b, lc_a)
      WHERE m.lc_a IS NOT NULL AND m.lc_kind = 'membership' AND m.lc_from <= $epoch AND (m.lc_to IS NULL OR m.lc_to > $epoch)
      RETURN DISTINCT m.lc_a AS entity LIMIT 10000
    }
    OPTIONAL MATCH (k:${OURS.analytics} {lc_group: $group, lc_a: entity}) WHERE k.lc_kind = 'rank' AND k.lc_from <= $epoch AND (k.lc_to IS NULL OR k.lc_to > $epoch)
    WITH community, entity, coalesce(k.score, 0.0) AS score ORDER BY community, score DESC, ${inUnits("entity")}
    WITH community, collect(entity)[..$limit] AS entities RETURN community, entities`,
  acknowledgedMembers: `MATCH (k:${OURS.acknowledged} {lc_group: $group, lc_id: $community}) WHERE k.gone IS NULL RETURN k.members AS members`,
  // Purged entities must not stay in what was summarised.
  forgetMembers: `MATCH (k:${OURS.acknowledged} {lc_group: $group})
    WHERE k.lc_id IS NOT NULL AND any(member IN k.members WHERE member IN $ids) SET k.members = [member IN k.members WHERE NOT member IN $ids]`,
  countRows: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_kind: $kind})
    WHERE r.lc_key IS NOT NULL AND r.lc_from <= $epoch AND (r.lc_to IS NULL OR r.lc_to > $epoch) RETURN count(r) AS count`,
} as const;
