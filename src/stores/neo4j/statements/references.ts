import { isEntityCut, isFactCut, shortened } from "../lists.ts";
import { elementsOf, literal, MENTIONED, OURS, type Shapes } from "../shapes.ts";

/** Statements on units that exist only as ids in lists on entities and facts: they get nodes of ours. */
export function referenceStatements(s: Shapes) {
  const { textUnits, mentions, relationships } = s.profile;
  const { support } = relationships;
  if (textUnits.as !== "reference" || mentions.by !== "list") {
    const none = "RETURN $group AS none";
    return {
      entityLists: none,
      listsOf: "UNWIND $handles AS handle WITH handle WHERE $group IS NULL RETURN handle",
      referUnits: none,
      dropReferences: none,
    };
  }
  const { before, files } = textUnits.document;
  // Names of files are asked for where an id names no document.
  const filesOf = (v: string, units: string) =>
    files === undefined
      ? "null"
      : `CASE WHEN any(x IN ${units} WHERE NOT x CONTAINS ${literal(before)}) THEN ${elementsOf({ ...mentions, property: files, cut: undefined }, v)} END`;
  const stated =
    support.by === "list"
      ? `COLLECT { MATCH (e)-[r${s.factTypes}]->(o:${s.labels("entity")}) WHERE ${s.isFact("r")} AND ${s.belongs("entity", "o")}
          WITH r, elementId(o) AS other, ${elementsOf(support, "r")} AS units, coalesce(${elementsOf(mentions, "e")}, []) AS own, coalesce(${elementsOf(mentions, "o")}, []) AS others
          WITH other, ${filesOf("r", "units")} AS files, [x IN units WHERE NOT (x IN own AND x IN others)] AS units WHERE size(units) > 0
          RETURN {other: other, units: units, files: files} }`
      : "[]";
  const columns = `elementId(e) AS handle, ${elementsOf(mentions, "e")} AS units, ${isEntityCut(s, "e")} AS cut, ${filesOf("e", elementsOf(mentions, "e"))} AS files, ${stated} AS stated`;
  return {
    /** Lists of entities, and those of facts that name what the lists of both ends do not. */
    entityLists: `MATCH ${s.node("entity", "e")} WHERE elementId(e) > $after AND ${s.belongs("entity", "e")}
      WITH e ORDER BY elementId(e) LIMIT $limit RETURN ${columns} ORDER BY handle`,
    listsOf: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")} RETURN ${columns}`,
    /** A unit whose document was not known belongs to it from now on, unless it has gone through something as its own. */
    referUnits: `UNWIND $rows AS row ${s.byHandle("entity", "e", "row.handle")} UNWIND row.units AS unit
      MERGE (u:${OURS.unit} {lc_group: $group, lc_id: unit.id}) ON CREATE SET u.lc_document = unit.document
      FOREACH (_ IN CASE WHEN u.lc_document = u.lc_id AND u.lc_document <> unit.document
          AND NOT EXISTS { MATCH (:${OURS.document} {lc_group: $group, lc_id: u.lc_document}) } THEN [1] ELSE [] END | SET u.lc_document = unit.document)
      MERGE (u)-[:${MENTIONED}]->(e)`,
    dropReferences: `UNWIND $handles AS handle ${s.byHandle("unit", "u", "handle")} MATCH (u)-[:${MENTIONED}]->(e)
      WITH e, collect(DISTINCT u.lc_id) AS gone ${shortened(mentions, "e", "gone")}`,
  };
}

/** Ids of entities and facts whose list of units is a lower bound, in the whole database; null where no list is ever cut. */
export function cutLists(s: Shapes): string | null {
  const parts: string[] = [];
  if (isEntityCut(s, "e") !== "false")
    parts.push(`MATCH ${s.node("entity", "e")} WHERE ${isEntityCut(s, "e")} RETURN ${s.id("entity", "e")} AS id`);
  if (isFactCut(s, "r") !== "false")
    parts.push(
      `MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->(b) WHERE ${s.isFact("r")} AND ${isFactCut(s, "r")} RETURN ${s.relationshipId("r")} AS id`,
    );
  return parts.length === 0 ? null : parts.join(" UNION ALL ");
}
