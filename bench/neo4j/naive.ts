/**
 * Deprecation and collection as they are usually written first, and as they were in the system that the specification
 * describes: a label on what is gone, then three jobs that each look at everything that the group has. Written anew on the
 * native shapes. What it does less than ours: no copy of a vector, no record of a fact, nothing that a restore could take
 * back, no audit, facts stay, and one transaction per job whatever its size.
 */
export const INDEXES = ["Entity", "TextUnit", "Document"].map(
  (label) => `CREATE INDEX naive_${label} IF NOT EXISTS FOR (n:${label}) ON (n.group_id)`,
);

export const DEPRECATE = `MATCH (d:Document {id: $id, group_id: $g}) WHERE NOT d:Deprecated
  SET d:Deprecated, d.deprecated_at = datetime()
  WITH d OPTIONAL MATCH (part)-[:PART_OF]->(d) WHERE NOT part:Deprecated
  SET part:Deprecated, part.deprecated_at = datetime(), part.deprecated_reason = 'parent'
  WITH d, count(part) AS parts
  MERGE (m:GroupMeta {group_id: $g}) SET m.gds_stale = true, m.gds_stale_since = datetime()
  RETURN parts`;

const ORPHANS = `MATCH (e:Entity {group_id: $g}) WHERE NOT e:Deprecated
  AND NOT EXISTS { MATCH (e)<-[:MENTIONS]-(u:TextUnit) WHERE NOT u:Deprecated }`;
const EDGES = "MATCH (a)-[r:SEMANTICALLY_SIMILAR {group_id: $g}]-(b) WHERE a:Deprecated OR b:Deprecated";
const VECTORS = "MATCH (n {group_id: $g}) WHERE n:Deprecated AND (n:TextUnit OR n:Entity) AND n.embedding IS NOT NULL";

const FACTS = `MATCH (a:Entity {group_id: $g})-[r:RELATED_TO]->(b:Entity) WHERE a:Deprecated OR b:Deprecated
  OR (r.text_units IS NOT NULL AND NOT EXISTS { MATCH (u:TextUnit {group_id: $g}) WHERE u.id IN r.text_units AND NOT u:Deprecated })`;

/**
 * What the original has no job for and ours does under `stale_edges`: facts whose ends or whose whole support is gone. As the
 * other three would do it; not part of the ratio, given beside it.
 */
export const FACTS_JOB = {
  look: `${FACTS} RETURN count(r) AS count`,
  run: `${FACTS} DELETE r RETURN count(r) AS count`,
};

/** The three jobs; `look` is the same without writing. */
export const JOBS = [
  {
    look: `${ORPHANS} RETURN count(e) AS count`,
    run: `${ORPHANS} SET e:Deprecated, e.deprecated_at = datetime(), e.deprecated_reason = 'orphaned' RETURN count(e) AS count`,
  },
  { look: `${EDGES} RETURN count(DISTINCT r) AS count`, run: `${EDGES} DELETE r RETURN count(r) AS count` },
  {
    look: `${VECTORS} RETURN count(n) AS count`,
    run: `${VECTORS} SET n.embedding = null, n.embedding_archived_at = datetime() RETURN count(n) AS count`,
  },
];
