import { literal, type NodeKind, PARKED_OTHER, PARKED_VECTOR, quoted, type Shapes } from "./shapes.ts";

/**
 * The pieces of Cypher that park a node and show it again: the label and the marks, the labels that swap takes away, the
 * vectors that are put aside. What was there before is written down, not guessed.
 */

const parking = (s: Shapes) => quoted(s.profile.parking.label);

/** Gives the label of parking, and notes whether it must be taken away again. */
export function mark(s: Shapes, v: string): string {
  const label = parking(s);
  return `SET ${v}.lc_active = false, ${v}.lc_labelled = coalesce(${v}.lc_labelled, NOT ${v}:${label}) SET ${v}:${label}`;
}

export function unmark(s: Shapes, v: string): string {
  return `FOREACH (_ IN CASE WHEN ${v}.lc_labelled THEN [1] ELSE [] END | REMOVE ${v}:${parking(s)}) REMOVE ${v}.lc_active, ${v}.lc_labelled`;
}

/** Takes the labels of a document or part away but those of `kept`, and has it wear one of ours. */
export function undressOther(s: Shapes, v: string, kept: readonly string[]): string {
  const known = [...kept, s.profile.parking.label, PARKED_OTHER].map(literal).join(", ");
  return ` SET ${v}.lc_labels = coalesce(${v}.lc_labels, []) + [l IN labels(${v}) WHERE NOT l IN [${known}]]
      REMOVE ${v}:$(${v}.lc_labels) SET ${v}:${PARKED_OTHER}`;
}

export function dressOther(v: string): string {
  return ` SET ${v}:$(coalesce(${v}.lc_labels, [])) REMOVE ${v}.lc_labels, ${v}:${PARKED_OTHER}`;
}

export function hideDocument(s: Shapes, d: string): string {
  return mark(s, d) + (s.swapsDocuments ? undressOther(s, d, []) : "");
}

export function showDocument(s: Shapes, d: string): string {
  return unmark(s, d) + (s.swapsDocuments ? dressOther(d) : "");
}

/** Every parked unit and entity wears a label of ours as well, by which it is found when its writer has taken our marks away. */
export function hideNode(s: Shapes, kind: NodeKind, v: string): string {
  const ours = quoted(s.parkedLabel(kind));
  const label = parking(s);
  return `SET ${v}.lc_active = false, ${v}.lc_parked_at = $now,
      ${v}.lc_labelled = CASE WHEN ${v}:${ours} THEN coalesce(${v}.lc_labelled, true) ELSE NOT ${v}:${label} END
      SET ${v}:${label}, ${v}:${ours}${undress(s, kind, v)}`;
}

export function showNode(s: Shapes, kind: NodeKind, v: string): string {
  const dress = s.swaps(kind)
    ? ` SET ${v}:${quoted(s.label(kind))}:$(coalesce(${v}.lc_labels, [])) REMOVE ${v}.lc_labels`
    : "";
  const active = s.profile.imports ? ` SET ${v}.lc_active = true` : "";
  return `${unmark(s, v)}, ${v}.lc_parked_at, ${v}:${quoted(s.parkedLabel(kind))}${active}${dress}`;
}

/** Hides a parked node once more that its writer has dressed in its label again. */
export function hideNodeAgain(s: Shapes, kind: NodeKind, v: string): string {
  return `SET ${v}.lc_active = false SET ${v}:${parking(s)}${undress(s, kind, v)}`;
}

/** Takes all labels of a node away that readers query, and remembers those that the profile does not name. */
function undress(s: Shapes, kind: NodeKind, v: string): string {
  if (!s.swaps(kind)) return "";
  const kept = `coalesce(${v}.lc_labels, [])`;
  return ` SET ${v}.lc_labels = ${kept} + [l IN ${otherLabels(s, kind, v)} WHERE NOT l IN ${kept}]
      REMOVE ${v}:${quoted(s.label(kind))}:$(${v}.lc_labels)
      SET ${v}.lc_labels = CASE WHEN size(${v}.lc_labels) = 0 THEN null ELSE ${v}.lc_labels END`;
}

/** Labels of the node `v` beside its kind's, the tenant's and those of parking, as a list. */
export function otherLabels(s: Shapes, kind: NodeKind, v: string): string {
  const known = [s.label(kind), s.parkedLabel(kind), s.profile.parking.label];
  if (s.tenantLabel !== null && s.tenantLabel !== s.label(kind)) known.push(s.tenantLabel);
  return `[l IN labels(${v}) WHERE NOT l IN [${known.map(literal).join(", ")}]]`;
}

const aside = (v: string, property: string) => `${v}.${quoted(PARKED_VECTOR + property)}`;

/** A vector, wherever it is: one that a writer gave anew comes before the one put aside. */
export function vectorOf(v: string, property: string): string {
  return `coalesce(${v}.${quoted(property)}, ${aside(v, property)})`;
}

/** Puts vectors where no vector index looks; in mode `label` the label alone hides. */
export function vectorsOut(s: Shapes, properties: readonly string[], v: string): string {
  if (s.mode === "label") return "";
  return properties.map((p) => `SET ${aside(v, p)} = ${vectorOf(v, p)} REMOVE ${v}.${quoted(p)}`).join(" ");
}

export function vectorsIn(properties: readonly string[], v: string): string {
  return properties.map((p) => `SET ${v}.${quoted(p)} = ${vectorOf(v, p)} REMOVE ${aside(v, p)}`).join(" ");
}
