import { inUnits, literal, OURS, quoted, type Shapes } from "../shapes.ts";

/**
 * Statements on community summaries that the writer's model wrote. Only properties of ours are set, and the one that tells;
 * but a summary that says word for word what is purged is emptied.
 */
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
      emptySummariesOfEntities: none,
      emptySummariesOfFacts: none,
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
  const written = [summary.property, ...(communities.title === undefined ? [] : [communities.title])].map(quoted);
  const [from, to] = member.direction === "from_community" ? ["c", "e"] : ["e", "c"];
  const [source, target] =
    member.direction === "from_community" ? ["p.lc_source", "p.lc_target"] : ["p.lc_target", "p.lc_source"];
  const end = member.direction === "from_community" ? "lc_target" : "lc_source";
  const above =
    parent === undefined
      ? "(low)"
      : parent.direction === "to_parent"
        ? `(low)-[:${quoted(parent.type)}*0..10]->`
        : `(low)<-[:${quoted(parent.type)}*0..10]-`;
  /** Communities of the entities `e`, live or parked, whose summary or title has one of the texts `told` in it. */
  const emptied = `WITH e, told, elementId(e) AS handle CALL (e, handle) {
        MATCH (${from})-[:${quoted(member.type)}]->(${to}) WHERE c:${label} RETURN c AS low
        UNION MATCH (p:${OURS.edge} {lc_group: $group, ${end}: handle}) WHERE p.lc_type = ${literal(member.type)} AND ${target} = handle
          CALL (p) { MATCH (low) WHERE elementId(low) = ${source} RETURN low } WITH low WHERE low:${label} RETURN low
      }
      WITH DISTINCT low, told ${parent === undefined ? "WITH low AS c, told" : `MATCH ${above}(c:${label})`} WITH c, told WHERE ${tenant("c")} AND size(told) > 2
        AND any(x IN [${written.map((p) => `c.${p}`).join(", ")}] WHERE toLower(toString(x)) CONTAINS toLower(told))
      WITH DISTINCT c SET ${written.map((p) => `c.${p} = ''`).join(", ")}, c.lc_summary_valid = false, c.lc_summary_of = ''${
        stale === undefined ? "" : `, c.${quoted(stale)} = true`
      }`;
  const told = relationships.description === undefined ? null : quoted(relationships.description);
  const fact = `${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}`;
  return {
    summaryPage: `MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} > $after AND ${text} IS NOT NULL AND ${text} <> ''
      WITH c, elementId(c) AS handle
      RETURN ${row}, EXISTS { MATCH (:${OURS.edge} {lc_group: $group, ${member.direction === "to_community" ? "lc_target" : "lc_source"}: handle}) } AS parkedMembers
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
      MATCH ${inside("e")} WHERE ${lives("e")} AND ${inUnits(s.id("entity", "e"))} > $after
      WITH DISTINCT ${s.id("entity", "e")} AS entity RETURN entity ORDER BY ${inUnits("entity")} LIMIT $limit`,
    emptySummariesOfEntities: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")} WITH e, e.${quoted(entities.name)} AS told ${emptied}`,
    /** Facts by handle; those that are parked by their id. */
    emptySummariesOfFacts:
      told === null
        ? "UNWIND $handles AS handle WITH handle WHERE $group IS NULL RETURN handle"
        : `CALL () {
        UNWIND $handles AS handle MATCH ${fact} WHERE elementId(r) = handle AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")}
          UNWIND [a, b] AS e RETURN e, r.${told} AS told
        UNION UNWIND $handles AS handle MATCH (p:${OURS.parked} {lc_group: $group, lc_id: handle}) UNWIND [p.lc_source, p.lc_target] AS end
          CALL (end) { ${s.byKey("entity", "e", "end", "end")} RETURN e } RETURN e, p.${told} AS told
      } WITH e, told ${emptied}`,
    acknowledgeWritten: `UNWIND $rows AS row MATCH (c:${label}) WHERE ${tenant("c")} AND ${key} = row.id AND c.lc_summary_seen = row.hash AND NOT coalesce(c.lc_ours, false)
      SET c.lc_summary_of = c.lc_summary_seen, c.lc_summary_valid = true${stale === undefined ? "" : ` REMOVE c.${quoted(stale)}`} RETURN row.id AS id`,
  };
}
