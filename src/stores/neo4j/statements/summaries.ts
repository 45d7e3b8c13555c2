import { OURS, quoted, type Shapes } from "../shapes.ts";

/** Statements on community summaries that the writer's model wrote. Only properties of ours are set, and the one that tells. */
export function summaryStatements(s: Shapes) {
  const { communities, entities, relationships } = s.profile;
  const summary = communities?.summary;
  if (communities === undefined || summary === undefined) {
    const none = "UNWIND $handles AS handle WITH handle WHERE $group IS NULL RETURN handle";
    return {
      summaryPage: "RETURN $group AS none LIMIT 0",
      communityContent: none,
      markSummaries: "UNWIND $rows AS row WITH row WHERE $group IS NULL RETURN row",
      writtenCommunities: "RETURN $group AS none LIMIT 0",
      membersOfWritten: "RETURN $group AS none LIMIT 0",
      acknowledgeWritten: "UNWIND $rows AS row WITH row WHERE $group IS NULL RETURN row.id AS id",
    };
  }
  const tenant = (v: string) =>
    s.tenantProperty === null ? "$group IS NOT NULL" : `${v}.${quoted(s.tenantProperty)} = $group`;
  const label = quoted(s.partLabel(communities.label));
  const key = `c.${quoted(communities.key)}`;
  const text = `c.${quoted(summary.property)}`;
  const { member, parent } = communities;
  // Members of the communities below are members as well.
  const below =
    parent === undefined
      ? null
      : parent.direction === "to_parent"
        ? `()-[:${quoted(parent.type)}*0..10]->(c)`
        : `()<-[:${quoted(parent.type)}*0..10]-(c)`;
  const inside = (e: string) => {
    const edge = member.direction === "to_community" ? `-[:${quoted(member.type)}]->` : `<-[:${quoted(member.type)}]-`;
    return below === null ? `${s.node("entity", e)}${edge}(c)` : `${s.node("entity", e)}${edge}${below}`;
  };
  const given = (v: string, property: string | undefined) =>
    property === undefined ? "null" : `${v}.${quoted(property)}`;
  const lives = (e: string) => `${s.belongs("entity", e)} AND ${s.isLive(e)}`;
  const row = `elementId(c) AS handle, ${key} AS id, ${communities.level === undefined ? "0" : `coalesce(c.${quoted(communities.level)}, 0)`} AS level, ${text} AS text, coalesce(c.lc_ours, false) AS ours,
      c.lc_summary_hash AS hash, c.lc_summary_of AS of, c.lc_summary_seen AS seen, c.lc_summary_valid AS valid, c.lc_summary_generation AS generation, c.lc_summary_changed AS changed`;
  const stale = summary.stale;
  return {
    summaryPage: `MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} > $after AND ${text} IS NOT NULL AND ${text} <> ''
      RETURN ${row}, EXISTS { MATCH (:${OURS.edge} {lc_group: $group, ${member.direction === "to_community" ? "lc_target" : "lc_source"}: elementId(c)}) } AS parkedMembers
      ORDER BY id LIMIT $limit`,
    communityContent: `UNWIND $handles AS handle MATCH (c:${label}) WHERE elementId(c) = handle AND ${tenant("c")}
      CALL (c) { MATCH ${inside("e")} WHERE ${lives("e")}
        RETURN collect(DISTINCT [${s.id("entity", "e")}, e.${quoted(entities.name)}, ${given("e", entities.type)}, ${given("e", entities.description)}]) AS members }
      CALL (c) { MATCH ${inside("a")} WHERE ${lives("a")} WITH DISTINCT a, c
        MATCH (a)-[r${s.factTypes}]->${s.node("entity", "b")} WHERE ${s.isFact("r")} AND ${lives("b")} AND EXISTS { MATCH ${inside("b")} }
        RETURN collect(DISTINCT [${s.relationshipId("r")}, ${s.id("entity", "a")}, ${s.id("entity", "b")}, ${given("r", relationships.weight)}, type(r), ${given("r", relationships.type)}, ${given("r", relationships.description)}]) AS facts }
      RETURN handle, members, facts`,
    markSummaries: `UNWIND $rows AS row MATCH (c:${label}) WHERE elementId(c) = row.handle AND ${tenant("c")}
      SET c.lc_summary_hash = row.hash, c.lc_summary_of = row.of, c.lc_summary_seen = row.seen, c.lc_summary_valid = row.valid,
        c.lc_summary_generation = row.generation, c.lc_summary_changed = row.changed
      ${stale === undefined ? "" : `SET c.${quoted(stale)} = CASE WHEN row.valid THEN null ELSE true END`}`,
    /** Communities that are the writer's own and whose summary no longer holds. */
    writtenCommunities: `MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} > '' AND c.lc_summary_valid = false AND NOT coalesce(c.lc_ours, false)
      RETURN ${row}, COUNT { MATCH ${inside("e")} WHERE ${lives("e")} RETURN DISTINCT e } AS size`,
    membersOfWritten: `MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} = $community
      MATCH ${inside("e")} WHERE ${lives("e")} AND ${s.id("entity", "e")} > $after RETURN DISTINCT ${s.id("entity", "e")} AS entity ORDER BY entity LIMIT $limit`,
    acknowledgeWritten: `UNWIND $rows AS row MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} = row.id AND c.lc_summary_seen = row.hash AND NOT coalesce(c.lc_ours, false)
      SET c.lc_summary_of = c.lc_summary_seen, c.lc_summary_valid = true${stale === undefined ? "" : ` REMOVE c.${quoted(stale)}`} RETURN row.id AS id`,
  };
}
