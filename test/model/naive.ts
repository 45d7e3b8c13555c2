import { recordsOf } from "../../src/conformance/graph/dump.ts";
import { violations } from "../../src/conformance/index.ts";
import type { GraphStore } from "../../src/core/ports.ts";

/** The law checked by full scans in the naive way: at any time, and, more strictly, after a complete collection. */
export { violations };

export async function violationsAfterCollection(store: GraphStore, groupId: string): Promise<string[]> {
  const found: string[] = [];
  const records = await recordsOf(store, groupId);
  const live = new Set<string>();
  for (const row of records) if (row.kind === "text_unit" && row.presence === "live") live.add(row.id);
  const mentioned = new Set<string>();
  for (const row of records) if (row.kind === "mention" && live.has(row.textUnit)) mentioned.add(row.entity);
  // What states a fact mentions its ends.
  for (const row of records)
    if (row.kind === "relationship" && row.textUnits?.some((unit) => live.has(unit)))
      for (const end of [row.source, row.target]) mentioned.add(end);
  const entities = new Set<string>();
  for (const row of records) {
    if (row.kind === "entity") {
      if (row.presence === "live") entities.add(row.id);
      // What nothing ever mentioned is a matter of policy and age.
      if (row.everMentioned && (row.presence === "live") !== mentioned.has(row.id))
        found.push(`entity ${row.id} is ${row.presence}`);
      if (row.vector && (row.vector.place === "searchable") !== (row.presence === "live"))
        found.push(`vector of ${row.id}`);
      if (row.candidate.length > 0) found.push(`entity ${row.id} still waits`);
    }
    if (row.kind === "relationship") {
      const supported = row.textUnits === null || row.textUnits.some((unit) => live.has(unit));
      const wanted = entities.has(row.source) && entities.has(row.target) && supported;
      if ((row.presence === "live") !== wanted) found.push(`relationship ${row.id} is ${row.presence}`);
      if (row.candidate) found.push(`relationship ${row.id} still waits`);
    }
    if (row.kind === "similarity" && !(entities.has(row.a) && entities.has(row.b)))
      found.push(`similarity ${row.a} ${row.b}`);
  }
  const { candidates } = await store.counts(groupId);
  if (Object.values(candidates).some((count) => count > 0)) found.push(`candidates ${JSON.stringify(candidates)}`);
  return found;
}
