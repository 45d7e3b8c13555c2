import { OURS, quoted, type Shapes } from "../shapes.ts";

/** Bounded reads around a document or an entity; what is found is named by handle within the transaction. */
export function neighbourhoodStatements(s: Shapes) {
  const { entities, relationships } = s.profile;
  const property = (name: string | undefined | null, v: string) => (name == null ? "null" : `${v}.${quoted(name)}`);
  const unit = `UNWIND $handles AS handle ${s.byHandle("unit", "u", "handle")}`;
  const entity = `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")}`;
  const type = relationships.type;
  // Each entity's relationships are cut off by themselves: a hub must not crowd out the others.
  const facts = (arrow: string) => `CALL (e) {
      MATCH (e)-[r${s.factTypes}]-${arrow}${s.node("entity", "o")} WHERE ${s.isFact("r")} AND ${s.belongs("entity", "o")}
      RETURN r, o LIMIT $limit
    }`;
  return {
    nearUnits: `${unit} RETURN handle, ${s.id("unit", "u")} AS id, left(toString(${property(s.unit.text, "u")}), $length) AS label,
      ${s.isLive("u")} AS live, ${s.owners("u")} AS owners`,
    nearEntities: `${entity} RETURN handle, ${s.id("entity", "e")} AS id, ${property(entities.name, "e")} AS label,
      ${property(entities.type, "e")} AS type, ${s.isLive("e")} AS live`,
    nearMentions: `${unit} MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")}
      RETURN DISTINCT handle AS unit, elementId(e) AS entity LIMIT $limit`,
    nearMentioners: `${entity} MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} RETURN DISTINCT elementId(u) AS handle LIMIT $limit`,
    nearOthers: `${entity} ${facts("")} RETURN DISTINCT elementId(o) AS handle`,
    nearFacts: `${entity} ${facts(">")} WITH handle, r, o WHERE elementId(o) IN $handles
      RETURN handle AS source, elementId(o) AS target, ${s.relationshipId("r")} AS id,
        ${type === undefined ? "type(r)" : `coalesce(r.${quoted(type)}, type(r))`} AS type`,
    nearParked: `UNWIND $ids AS id
      CALL (id) {
        MATCH (p:${OURS.parked} {lc_group: $group, lc_source: id}) RETURN p LIMIT $limit
        UNION MATCH (p:${OURS.parked} {lc_group: $group, lc_target: id}) RETURN p LIMIT $limit
      }
      RETURN DISTINCT p.lc_id AS id, p.lc_source AS source, p.lc_target AS target, ${type === undefined ? "p.lc_type" : `coalesce(p.${quoted(type)}, p.lc_type)`} AS type`,
  };
}
