import { type Handle, touching } from "./judge.ts";
import type { Work } from "./work.ts";

/**
 * Takes documents out of the lists that their writer keeps on everything: on the entities that the units mention, on what
 * hangs on these and on the units, and on facts, live and parked. What only they wrote, and is no entity and no fact, goes.
 * Call it before the units' mentions go; a second call changes nothing.
 */
export async function forgetStamps(
  w: Work,
  documents: Iterable<string>,
  units: { handle: string }[],
  entities: Handle[],
): Promise<void> {
  if (w.shapes.profile.stamps === undefined) return;
  const named = { documents: [...documents] };
  const handles = entities.map((e) => e.handle);
  const { parked } = await touching(w, entities);
  // Nodes first: they are found by way of relationships that only these documents wrote.
  w.sendEach("unstampByEntity", "handles", handles, named);
  w.sendEach(
    "unstampByUnit",
    "handles",
    units.map((u) => u.handle),
    named,
  );
  w.sendEach("unstampEdges", "handles", handles, named);
  w.sendEach(
    "unstampParked",
    "ids",
    parked.map((p) => p.id),
    named,
  );
}
