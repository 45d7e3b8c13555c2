import type { UnitList } from "../../profiles/format.ts";
import { elementsOf, literal, quoted, type Shapes } from "./shapes.ts";

/** Cypher on lists of ids of units that stand on entities and relationships, and that their writer may have cut. */

/** What stands where the writer says that it has cut a list, once a purge has taken ids out of one that had reached the limit. */
const CUT = "cut";

/** Whether the mentions that stand on the entity `e` are a lower bound. */
export function isEntityCut(s: Shapes, e: string): string {
  const { mentions } = s.profile;
  return mentions.by === "list" ? isCut(mentions, e) : "false";
}

/** Whether the support that stands on the relationship (or its parked record) `r` is a lower bound. */
export function isFactCut(s: Shapes, r: string): string {
  const { support } = s.profile.relationships;
  return support.by === "list" ? isCut(support, r) : "false";
}

function isCut(list: UnitList, v: string): string {
  const { cut } = list;
  if (cut === undefined) return "false";
  const whole = wholeOf(list);
  return [
    "(",
    whole === null ? "" : `${v}.${quoted(whole)} IS NULL AND (`,
    `NOT ${saidOf(cut.said, v)} IN ['', 'false']`,
    cut.limit === undefined ? "" : ` OR coalesce(size(${elementsOf(list, v)}), 0) >= ${cut.limit}`,
    whole === null ? ")" : "))",
  ].join("");
}

const saidOf = (said: string, v: string) => `coalesce(toStringOrNull(${v}.${quoted(said)}), '')`;

function wholeOf({ cut }: UnitList): string | null {
  return cut?.whole !== undefined && "property" in cut.whole ? cut.whole.property : null;
}

/** Properties that hold the list, or a part of it. */
export function propertiesOf(list: UnitList): string[] {
  const whole = wholeOf(list);
  return whole === null ? [list.property] : [list.property, whole];
}

/** SET clauses that take the ids in the expression `gone` out of the list; one that was cut goes on being so. */
export function shortened(list: UnitList, v: string, gone: string): string {
  const clauses = propertiesOf(list).map((p) => {
    const property = `${v}.${quoted(p)}`;
    const elements = list.separator === undefined ? property : `split(${property}, ${literal(list.separator)})`;
    return `SET ${property} = ${joined(`[x IN ${elements} WHERE NOT x IN ${gone}]`, list.separator)}`;
  });
  if (list.cut?.limit === undefined) return clauses.join(" ");
  const said = `${v}.${quoted(list.cut.said)}`;
  const mark = `SET ${said} = CASE WHEN ${saidOf(list.cut.said, v)} = '' AND ${isCut(list, v)} THEN ${literal(CUT)} ELSE ${said} END`;
  return [mark, ...clauses].join(" ");
}

function joined(elements: string, separator: string | undefined): string {
  if (separator === undefined) return elements;
  return `substring(reduce(text = '', x IN ${elements} | text + ${literal(separator)} + x), ${separator.length})`;
}

/** Of two that are folded into one: what says that the list was cut, on either. */
export function unitedCut(list: UnitList, older: string, newer: string): [property: string, expression: string][] {
  if (list.cut === undefined) return [];
  const { said } = list.cut;
  return [
    [said, `CASE WHEN ${saidOf(said, newer)} = '' THEN ${older}.${quoted(said)} ELSE ${newer}.${quoted(said)} END`],
  ];
}
