import { isEntityCut, isFactCut } from "../lists.ts";
import { literal, MENTIONED, OURS, quoted, type Shapes } from "../shapes.ts";

/** Statements on lists of the names of documents' files, where units are only referred to and the lists stand on what they gave. */
export function fileNameStatements(s: Shapes) {
  const { textUnits, mentions, relationships } = s.profile;
  const { support } = relationships;
  if (
    textUnits.as !== "reference" ||
    textUnits.document.files === undefined ||
    mentions.by !== "list" ||
    support.by !== "list"
  ) {
    const none = (list: string) => `UNWIND $${list} AS row WITH row WHERE $group IS NULL RETURN row`;
    return {
      filesOfEntities: none("handles"),
      filesOfFacts: none("ids"),
      filesOfParked: none("ids"),
      usersOfFiles: none("rows"),
      writeFilesOfEntities: none("rows"),
      writeFilesOfFacts: none("rows"),
      writeFilesOfParked: none("rows"),
    };
  }
  const files = quoted(textUnits.document.files);
  const list = (property: string, separator: string | undefined) =>
    separator === undefined ? property : `split(${property}, ${literal(separator)})`;
  const sources = (v: string) => list(`${v}.${quoted(mentions.property)}`, mentions.separator);
  const names = (v: string) => list(`${v}.${files}`, mentions.separator);
  const stating = (v: string) => list(`${v}.${quoted(support.property)}`, support.separator);
  const fact = `${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}`;
  const whole = `${s.isFact("r")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")}`;
  const parked = `(p:${OURS.parked} {lc_group: $group, lc_id: id})`;
  return {
    filesOfEntities: `UNWIND $handles AS handle ${s.byHandle("unit", "u", "handle")} MATCH (u)-[:${MENTIONED}]->(e)
      RETURN DISTINCT elementId(e) AS id, ${sources("e")} AS units, ${names("e")} AS files, ${isEntityCut(s, "e")} AS cut`,
    filesOfFacts: `UNWIND $ids AS id MATCH ${fact} WHERE elementId(r) = id AND ${whole} RETURN id, ${stating("r")} AS units, ${names("r")} AS files, ${isFactCut(s, "r")} AS cut`,
    filesOfParked: `UNWIND $ids AS id MATCH ${parked} RETURN id, ${stating("p")} AS units, ${names("p")} AS files, ${isFactCut(s, "p")} AS cut`,
    /** Of documents and names: the pairs of which something tells that has no other document. */
    usersOfFiles: `UNWIND $rows AS row
      MATCH (u:${OURS.unit} {lc_group: $group, lc_document: row.document})-[:${MENTIONED}]->(e)
      WHERE row.file IN ${names("e")} AND NOT ${isEntityCut(s, "e")} AND all(unit IN ${sources("e")} WHERE unit STARTS WITH row.document + ${literal(textUnits.document.before)})
      RETURN DISTINCT row.document AS document, row.file AS file`,
    writeFilesOfEntities: `UNWIND $rows AS row ${s.byHandle("entity", "e", "row.id")} SET e.${files} = row.files`,
    writeFilesOfFacts: `UNWIND $rows AS row MATCH ${fact} WHERE elementId(r) = row.id AND ${whole} SET r.${files} = row.files`,
    writeFilesOfParked: `UNWIND $rows AS row WITH row, row.id AS id MATCH ${parked} SET p.${files} = row.files`,
  };
}
