import type { Connection, Row } from "../connection.ts";
import type { GroupRow } from "../group-row.ts";
import type { Statements } from "../statements/index.ts";
import type { GdsStatements } from "./calls.ts";
import { groupPrefix, PREFIX, runPrefix } from "./names.ts";

const GROUPS_PER_PAGE = 1_000;

/**
 * Drops the projections that runs which are over left in the library's memory, as a crash does: of one group all of them, else
 * those of which no run with a living lease knows.
 *
 * @returns how many there were
 */
export async function dropLeftOvers(
  connection: Connection,
  statements: Statements & GdsStatements,
  groupId: string | null,
): Promise<number> {
  const prefix = groupId === null ? PREFIX : groupPrefix(groupId);
  // A write transaction, as all that concerns the memory of one server.
  const found = await connection.write((tx) => tx.run(statements.gdsList, { prefix }));
  let names = found.map((row) => row.name as string);
  if (groupId === null && names.length > 0) {
    const alive = await livingRuns(connection, statements);
    names = names.filter((name) => !alive.has(name.slice(0, name.lastIndexOf("-") + 1)));
  }
  await dropProjections(connection, statements, names);
  return names.length;
}

export async function dropProjections(
  connection: Connection,
  statements: GdsStatements,
  names: string[],
): Promise<void> {
  if (names.length > 0) await connection.write((tx) => tx.run(statements.gdsDrop, { names }));
}

/** What the names of the projections of runs with a living lease begin with. */
async function livingRuns(connection: Connection, statements: Statements): Promise<Set<string>> {
  const prefixes = new Set<string>();
  for (let after: string | undefined = ""; after !== undefined; ) {
    // Also of groups in other layouts: the library's memory is the server's.
    const page = { after, stale: false, layout: null, limit: connection.int(GROUPS_PER_PAGE) };
    const [rows, now]: [Row[], number] = await connection.read(async (tx) => [
      await tx.run(statements.listGroups, page),
      (await tx.run("RETURN timestamp() AS now", {}))[0]?.now as number,
    ]);
    const groups: GroupRow[] = rows.map((row) => row.g as GroupRow);
    for (const { lc_group, leaseHolder, leaseToken, leaseStoreUntil = 0 } of groups) {
      if (leaseHolder != null && leaseStoreUntil > now)
        prefixes.add(runPrefix({ groupId: lc_group, token: leaseToken ?? 0 }));
    }
    after = groups.length < GROUPS_PER_PAGE ? undefined : groups.at(-1)?.lc_group;
  }
  return prefixes;
}
