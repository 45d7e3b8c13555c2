import { literal, OURS, quoted, type Shapes } from "../shapes.ts";

/**
 * Statements on texts of entities that the writer joins from the facts: what a parked fact says is left out while it is
 * parked, what a purged one says for good. The whole text is kept in a node of ours, because writers set all properties of
 * their nodes anew.
 */
export function textStatements(s: Shapes) {
  const text = s.profile.rebuildable.find((t) => t.on === "entity");
  const { key } = s.profile.relationships;
  if (text === undefined || key === undefined) {
    const none = "UNWIND $ids AS id WITH id WHERE $group IS NULL RETURN id";
    return { retell: none, forgetLines: none, dropTexts: none };
  }
  const told = `e.${quoted(text.property)}`;
  const line = quoted(text.fact);
  const mark = literal(text.join);
  const joined = (list: string) =>
    `CASE WHEN size(${list}) = 0 THEN '' ELSE reduce(all = head(${list}), x IN tail(${list}) | all + ${mark} + x) END`;
  const without = (of: string, gone: string) => joined(`[l IN split(${of}, ${mark}) WHERE NOT l IN ${gone}]`);
  const fact = `${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}`;
  const facts = `${fact} WHERE r.${quoted(key)} = id AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")}`;
  // Both ends of a fact, live or parked, with what it says.
  const ends = `UNWIND $ids AS id CALL (id) {
        MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id}) RETURN p.${line} AS line, [p.lc_source, p.lc_target] AS ends
        UNION MATCH ${facts} RETURN r.${line} AS line, [${s.id("entity", "a")}, ${s.id("entity", "b")}] AS ends
      } UNWIND ends AS end WITH DISTINCT end, line`;
  const entity = `CALL (end) { ${s.byKey("entity", "e", "end", "end")} RETURN e }`;
  const around = `MATCH (e)-[o${s.factTypes}]-()`;
  const kept = `(t:${OURS.text} {lc_group: $group, lc_id: end})`;
  return {
    /** Brings the texts of both ends in line with which of their facts are parked. */
    retell: `${ends} WITH DISTINCT end ${entity}
      CALL (end) {
        CALL (end) {
          MATCH (p:${OURS.parked} {lc_group: $group, lc_source: end}) RETURN p.${line} AS line
          UNION MATCH (p:${OURS.parked} {lc_group: $group, lc_target: end}) RETURN p.${line} AS line
        } RETURN collect(line) AS parked
      }
      OPTIONAL MATCH ${kept}
      WITH e, end, t, parked, coalesce(${told}, '') AS now
      WITH e, end, t, parked, CASE WHEN t IS NULL THEN now WHEN now = t.lc_shown THEN t.lc_whole
        WHEN t.lc_shown = '' THEN t.lc_whole + ${mark} + now
        WHEN now STARTS WITH t.lc_shown + ${mark} THEN t.lc_whole + substring(now, size(t.lc_shown)) ELSE now END AS whole
      WITH e, end, t, whole, [x IN parked WHERE x IN split(whole, ${mark})] AS hidden
      CALL (e, hidden) { ${around} WHERE size(hidden) > 0 AND o.${line} IN hidden RETURN collect(DISTINCT o.${line}) AS stated }
      WITH e, end, t, whole, [x IN hidden WHERE NOT x IN stated] AS hidden
      WITH e, end, t, whole, hidden, ${without("whole", "hidden")} AS shown
      FOREACH (_ IN CASE WHEN size(hidden) = 0 AND t IS NOT NULL THEN [1] ELSE [] END | SET ${told} = whole DELETE t)
      FOREACH (_ IN CASE WHEN size(hidden) > 0 THEN [1] ELSE [] END |
        MERGE (n:${OURS.text} {lc_group: $group, lc_id: end}) SET n.lc_whole = whole, n.lc_shown = shown SET ${told} = shown)`,
    /** What facts say that are about to be deleted; it stays where another fact of the entity says it too. */
    forgetLines: `${ends} ${entity}
      WITH e, end, line WHERE NOT EXISTS { ${around} WHERE o.${line} = line AND NOT o.${quoted(key)} IN $ids }
      WITH e, end, collect(line) AS gone
      OPTIONAL MATCH ${kept}
      SET ${told} = ${without(told, "gone")}
      FOREACH (k IN CASE WHEN t IS NULL THEN [] ELSE [t] END |
        SET k.lc_whole = ${without("k.lc_whole", "gone")}, k.lc_shown = ${without("k.lc_shown", "gone")})`,
    dropTexts: `UNWIND $ids AS end MATCH ${kept} DELETE t`,
  };
}
