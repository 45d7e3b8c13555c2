import { dressOther, mark, undressOther, unmark, vectorsIn, vectorsOut } from "../parking.ts";
import { PARKED_OTHER, quoted, type Shapes } from "../shapes.ts";

export interface PartStatements {
  label: string;
  park: string;
  show: string;
  purge: string;
}

/** Statements that park, show and purge what hangs on documents or units; a part with another live owner stays. */
export function partStatements(s: Shapes, of: "document" | "unit"): PartStatements[] {
  return s.profile.parts
    .filter((part) => part.of === of)
    .map((part) => {
      const owner = of === "document" ? s.documentByKey("o", "owner") : s.byHandle("unit", "o", "owner");
      const own = quoted(s.partLabel(part.label));
      const swaps = s.mode === "swap" && part.mergedBy !== undefined;
      const label = swaps ? `${own}|${PARKED_OTHER}` : own;
      const hops = [
        ...part.through,
        {
          type: [part.type],
          direction: part.direction === "to_owner" ? ("in" as const) : ("out" as const),
          label: part.label,
        },
      ];
      const path = (o: string) =>
        hops.reduce((pattern, hop, i) => {
          const edge = `[:${hop.type.map(quoted).join("|")}]`;
          const next = i === hops.length - 1 ? `(p:${label})` : `(:${quoted(s.partLabel(hop.label))})`;
          return hop.direction === "in" ? `${pattern}<-${edge}-${next}` : `${pattern}-${edge}->${next}`;
        }, `(${o})`);
      const tenant = s.tenantProperty === null ? "$group IS NOT NULL" : `p.${quoted(s.tenantProperty)} = $group`;
      const find = `UNWIND $owners AS owner ${owner} MATCH ${path("o")} WHERE ${tenant} WITH DISTINCT p`;
      const owned = (where: string) => `EXISTS { MATCH ${path("x")} WHERE ${where} }`;
      const named = of === "document" ? `${s.documentId("x")} IN $owners` : "elementId(x) IN $owners";
      const vectors = (part.vectors ?? []).map((v) => v.property);
      // A writer may have given a parked part its vector again.
      const again = s.mode === "label" ? "" : vectors.map((v) => ` OR p.${quoted(v)} IS NOT NULL`).join("");
      return {
        label: part.label,
        park: `${find} WHERE NOT ${owned("coalesce(x.lc_active, true)")} AND (coalesce(p.lc_active, true)${again})
            ${mark(s, "p")} SET p.lc_parked_at = $now${swaps ? undressOther(s, "p", part.mergedBy ?? []) : ""} ${vectorsOut(s, vectors, "p")} RETURN elementId(p) AS handle`,
        show: `${find} WHERE p.lc_active = false ${unmark(s, "p")}, p.lc_parked_at${swaps ? dressOther("p") : ""} ${vectorsIn(vectors, "p")} RETURN elementId(p) AS handle`,
        purge: `${find} WHERE NOT ${owned(`NOT ${named}`)} DETACH DELETE p`,
      };
    });
}
