import { OURS, type Shapes } from "../shapes.ts";

/** Statements on what states facts, where our own import does not write that it mentions their ends. */
export function statedStatements(s: Shapes) {
  const { support, key } = s.profile.relationships;
  const fact = `${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}`;
  const whole = `${s.isFact("r")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")}`;
  const byId = key === undefined ? "elementId(r) = id" : `r.\`${key}\` = id`;
  const ends = `RETURN DISTINCT elementId(e) AS handle, ${s.id("entity", "e")} AS id, NOT ${s.isLive("e")} AS parked`;
  const scanned = support.by === "list" && support.reverse === undefined && !s.references;
  const none = "RETURN $group AS none";
  // Our own import writes that what states a fact mentions its ends: there is nothing to derive.
  if (s.profile.imports) {
    return {
      supportAround: none,
      supportOfParked: none,
      endsOfFacts: none,
      endsOfParked: none,
      factsStatedBy: none,
      parkedStatedBy: none,
    };
  }
  return {
    supportAround: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")}
      MATCH ${s.node("entity", "e")}-[r${s.factTypes}]-${s.node("entity", "o")} WHERE ${s.isFact("r")} AND ${s.belongs("entity", "o")}
      UNWIND ${s.support("r")} AS supporter RETURN handle, collect(DISTINCT supporter) AS supporters`,
    supportOfParked: `UNWIND $ids AS id
      CALL (id) {
        MATCH (p:${OURS.parked} {lc_group: $group, lc_source: id}) RETURN p
        UNION MATCH (p:${OURS.parked} {lc_group: $group, lc_target: id}) RETURN p
      }
      UNWIND ${s.support("p")} AS supporter RETURN id, collect(DISTINCT supporter) AS supporters`,
    endsOfFacts: `UNWIND $ids AS id MATCH ${fact} WHERE ${byId} AND ${whole} UNWIND [a, b] AS e ${ends}`,
    endsOfParked: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id}) UNWIND [p.lc_source, p.lc_target] AS end
      CALL (end) { ${s.byKey("entity", "e", "end", "end")} RETURN e } ${ends}`,
    /** A list on the relationship alone has no index: all facts are read. */
    factsStatedBy: scanned
      ? `MATCH ${fact} WHERE any(x IN ${s.support("r")} WHERE x IN $ids) AND ${whole} RETURN ${s.relationshipId("r")} AS id`
      : none,
    parkedStatedBy: scanned
      ? `MATCH (p:${OURS.parked} {lc_group: $group}) WHERE p.lc_id IS NOT NULL AND any(x IN ${s.support("p")} WHERE x IN $ids) RETURN p.lc_id AS id`
      : none,
  };
}
