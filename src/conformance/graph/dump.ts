import { dumpLine } from "../../core/canonical.ts";
import type { GroupReader, StoredRecord } from "../../core/ports.ts";

export async function recordsOf(
  store: GroupReader,
  groupId: string,
  options?: { facts?: boolean },
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const chunk of store.records(groupId, options)) records.push(...chunk);
  return records;
}

/** The canonical dump, line by line. */
export async function dumpOf(store: GroupReader, groupId: string, options?: { facts?: boolean }): Promise<string[]> {
  return (await recordsOf(store, groupId, options)).map(dumpLine);
}
