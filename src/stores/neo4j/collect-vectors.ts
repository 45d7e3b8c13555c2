import { type EntityFacts, entityVectors } from "./judge.ts";
import type { Tally } from "./phases.ts";
import type { Reading, Work } from "./work.ts";

/** Whether a vector is where readers find it although the entity is parked, or the other way round. */
export function misplaced(r: Reading, e: Pick<EntityFacts, "parked" | "vector" | "parkedVector">): boolean {
  return (e.parked && e.vector && r.shapes.mode !== "label") || (!e.parked && e.parkedVector);
}

export async function moveVectors(w: Work, ids: string[], tally: Tally): Promise<boolean> {
  tally.examined += ids.length;
  const facts = await entityVectors(w, ids);
  const out = w.shapes.mode === "label" ? [] : facts.filter((e) => e.parked && e.vector);
  const back = facts.filter((e) => !e.parked && e.parkedVector);
  w.sendEach(
    "parkVectors",
    "handles",
    out.map((e) => e.handle),
  );
  w.sendEach(
    "showVectors",
    "handles",
    back.map((e) => e.handle),
  );
  w.countVectors([...out, ...back].map((e) => e.handle));
  if (out.length + back.length > 0) tally.changed = true;
  tally.deleted += out.length;
  const moved = new Set(out.map((e) => e.id));
  tally.ids.push(...ids.filter((id) => moved.has(id)));
  return true;
}
