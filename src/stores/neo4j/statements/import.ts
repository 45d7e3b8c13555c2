import { shortened } from "../lists.ts";
import { vectorOf } from "../parking.ts";
import { OURS, PARKED_VECTOR, quoted, type Shapes } from "../shapes.ts";

/** Statements by which our own import writes; profiles of other writers never send them. */
export function importStatements(s: Shapes) {
  const { profile } = s;
  const { relationships } = profile;
  const text = quoted(s.unit.text ?? "text");
  const unitVector = s.vectors("unit")[0] ?? "embedding";
  const entityVector = s.vectors("entity")[0] ?? "embedding";
  const support = relationships.support.by === "list" ? relationships.support : null;
  const supports = quoted(support?.reverse ?? "supports");
  const lessened = (v: string) => (support === null ? "RETURN row" : shortened(support, v, "row.gone"));
  const title = profile.documents.as === "node" && profile.documents.title ? quoted(profile.documents.title) : "title";
  const tenant = s.tenantProperty === null ? "" : `${quoted(s.tenantProperty)}: $group, `;
  const merge = (label: string, key: string, v: string) => `MERGE (${v}:${quoted(label)} {${tenant}id: ${key}})`;
  const documentLabel = profile.documents.as === "node" ? profile.documents.label : "Document";
  const ownership = s.unit.owner.by === "edge" ? quoted(s.unit.owner.type) : "PART_OF";
  const many = (v: string, row: string) => s.byHandle("unit", v, row);
  // Where parking takes the label away, a parked entity wears it for the time of the MERGE, which would not see it.
  const entity = quoted(s.label("entity"));
  const parkedEntity = quoted(s.parkedLabel("entity"));
  const dressed =
    s.mode === "swap"
      ? `CALL (row) { OPTIONAL MATCH (p:${parkedEntity} {${tenant}id: row.id}) SET p:${entity} RETURN count(p) AS dressed } WITH row, dressed`
      : "";
  const undressed =
    s.mode === "swap" ? `FOREACH (_ IN CASE WHEN e:${parkedEntity} THEN [1] ELSE [] END | REMOVE e:${entity})` : "";
  return {
    writeDocuments: `UNWIND $rows AS row ${merge(documentLabel, "row.id", "d")} SET d.${title} = row.title, d.metadata = row.metadata`,
    deleteDocuments:
      profile.documents.as === "node"
        ? `UNWIND $ids AS id ${s.documentByKey("d", "id")} DETACH DELETE d`
        : `UNWIND $ids AS id MATCH (d:${OURS.document} {lc_group: $group, lc_id: id}) DELETE d`,
    importUnits: `UNWIND $ids AS id ${s.byKey("unit", "u", "id", "id")}
      RETURN id, elementId(u) AS handle, u.${text} AS text, ${s.owners("u")} AS owners, NOT ${s.isLive("u")} AS parked, ${vectorOf("u", unitVector)} IS NOT NULL AS vector`,
    importUnitsOf: `UNWIND $ids AS id ${s.unitsOf("id", "u")}
      WITH DISTINCT u RETURN ${s.id("unit", "u")} AS id, elementId(u) AS handle, u.${text} AS text, ${s.owners("u")} AS owners, NOT ${s.isLive("u")} AS parked,
        ${vectorOf("u", unitVector)} IS NOT NULL AS vector`,
    importUnitRows: `UNWIND $ids AS id ${s.byKey("unit", "u", "id", "id")}
      RETURN id, elementId(u) AS handle, NOT ${s.isLive("u")} AS parked, ${s.owners("u")} AS owners, u.${quoted(unitVector)} IS NOT NULL AS vector,
        u.${quoted(PARKED_VECTOR + unitVector)} IS NOT NULL AS parkedVector`,
    createUnits: `UNWIND $rows AS row ${merge(s.label("unit"), "row.id", "u")}
      SET u.${text} = row.text, u.lc_active = true, u.${quoted(unitVector)} = row.vector RETURN row.id AS id, elementId(u) AS handle`,
    giveVectors: `UNWIND $rows AS row ${many("u", "row.handle")}
      FOREACH (_ IN CASE WHEN ${s.isLive("u")} THEN [1] ELSE [] END | SET u.${quoted(unitVector)} = row.vector)
      FOREACH (_ IN CASE WHEN ${s.isLive("u")} THEN [] ELSE [1] END | SET u.${quoted(PARKED_VECTOR + unitVector)} = row.vector)`,
    ownUnits: `UNWIND $rows AS row ${many("u", "row.handle")}
      CALL (row) { MATCH (d:${quoted(documentLabel)} {${tenant}id: row.document}) RETURN d }
      MERGE (u)-[:${ownership}]->(d)`,
    disownUnits: `UNWIND $rows AS row ${many("u", "row.handle")} MATCH (u)-[o:${ownership}]->(d:${quoted(documentLabel)} {${tenant}id: row.document}) DELETE o`,
    importEntities: `UNWIND $rows AS row ${s.byKey("entity", "e", "row.id", "row")}
      RETURN row.id AS id, elementId(e) AS handle, NOT ${s.isLive("e")} AS parked,
        row.vector IS NOT NULL AND (${vectorOf("e", entityVector)} IS NULL OR ${vectorOf("e", entityVector)} <> row.vector) AS newVector,
        e.${quoted(PARKED_VECTOR + entityVector)} IS NOT NULL OR (e.${quoted(entityVector)} IS NULL AND NOT ${s.isLive("e")}) AS aside`,
    writeEntities: `UNWIND $rows AS row ${dressed} ${merge(s.label("entity"), "row.id", "e")}
      ON CREATE SET e.lc_active = true, e.lc_created_at = $now, e.lc_ever_mentioned = false
      SET e += row.members
      FOREACH (_ IN CASE WHEN row.vector IS NOT NULL AND row.aside THEN [1] ELSE [] END | SET e.${quoted(PARKED_VECTOR + entityVector)} = row.vector)
      FOREACH (_ IN CASE WHEN row.vector IS NOT NULL AND NOT row.aside THEN [1] ELSE [] END | SET e.${quoted(entityVector)} = row.vector)
      ${undressed} RETURN row.id AS id, elementId(e) AS handle`,
    writeMentions: `UNWIND $rows AS row ${many("u", "row.unit")} CALL (row) { MATCH ${s.node("entity", "e")} WHERE elementId(e) = row.entity AND ${s.belongs("entity", "e")} RETURN e }
      MERGE (u)-[:${quoted(profile.mentions.by === "edge" ? profile.mentions.type : "MENTIONS")}]->(e) SET e.lc_ever_mentioned = true`,
    importFacts: `UNWIND $ids AS id MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}
      WHERE r.${quoted(relationships.key ?? "id")} = id AND ${s.tenantProperty === null ? "true" : `r.${quoted(s.tenantProperty)} = $group`} AND ${s.isFact("r")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")}
      RETURN id, elementId(r) AS handle, ${s.id("entity", "a")} AS source, ${s.id("entity", "b")} AS target, r.${quoted(relationships.type ?? "type")} AS type, ${s.support("r")} AS support`,
    importParked: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id})
      RETURN id, p.lc_source AS source, p.lc_target AS target, p.${quoted(relationships.type ?? "type")} AS type, ${s.support("p")} AS support`,
    createParkedFacts: `UNWIND $rows AS row MERGE (p:${OURS.parked} {lc_group: $group, lc_id: row.id})
      SET p += row.members, p.lc_type = $type, p.lc_at = $now, p.lc_source = row.source, p.lc_target = row.target, p.${quoted(relationships.key ?? "id")} = row.id`,
    updateFacts: `UNWIND $rows AS row MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}
      WHERE elementId(r) = row.handle AND ${s.isFact("r")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")} SET r += row.members`,
    updateParked: `UNWIND $rows AS row MATCH (p:${OURS.parked} {lc_group: $group, lc_id: row.id}) SET p += row.members`,
    addSupports: `UNWIND $rows AS row ${many("u", "row.unit")}
      SET u.${supports} = coalesce(u.${supports}, []) + [x IN row.facts WHERE NOT x IN coalesce(u.${supports}, [])]`,
    supportsOf: support?.reverse
      ? `UNWIND $handles AS handle ${many("u", "handle")} UNWIND coalesce(u.${supports}, []) AS id RETURN DISTINCT id`
      : `UNWIND $handles AS handle WITH handle WHERE $group IS NULL RETURN handle AS id`,
    dropSupport: `UNWIND $rows AS row MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}
      WHERE elementId(r) = row.handle AND ${s.isFact("r")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")} ${lessened("r")}`,
    dropParkedSupport: `UNWIND $rows AS row MATCH (p:${OURS.parked} {lc_group: $group, lc_id: row.id}) ${lessened("p")}`,
    forgetSupports: support?.reverse
      ? `UNWIND $rows AS row ${s.byKey("unit", "u", "row.unit", "row")} SET u.${supports} = [x IN coalesce(u.${supports}, []) WHERE NOT x IN row.facts]`
      : `UNWIND $rows AS row WITH row WHERE $group IS NULL RETURN row`,
  };
}
