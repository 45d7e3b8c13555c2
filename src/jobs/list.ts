import { GraphkeeperError } from "../core/errors.ts";
import type { Run, RunLedger, RunPage, RunState } from "./ports.ts";

export interface RunFilter {
  groupId?: string;
  kind?: string;
  states?: RunState[];
  scheduleId?: string;
  cursor?: string;
  limit?: number;
}

/**
 * One page of runs, newest first, of the groups that the caller may see. Others are read over, at most ten thousand rows for
 * one page; the next page goes on from there.
 * @throws GraphkeeperError `INVALID_REQUEST` for a cursor that is not of this list
 */
export async function listRuns(
  ledger: RunLedger,
  query: RunFilter,
  visible: ((groupId: string) => boolean) | null,
): Promise<RunPage> {
  const limit = Math.min(1_000, Math.max(1, query.limit ?? 100));
  const { cursor, limit: _, ...filter } = query;
  const chunk = visible === null ? limit + 1 : 1_000;
  let beforeSeq = cursor === undefined ? undefined : readCursor(cursor);
  const items: Run[] = [];
  for (let looks = 0; looks < 10; looks++) {
    const found = await ledger.runs({ ...filter, beforeSeq, limit: chunk });
    for (const run of found) {
      if (items.length === limit) return { items, nextCursor: writeCursor(beforeSeq as number) };
      beforeSeq = run.seq;
      if (visible === null || visible(run.groupId)) items.push(run);
    }
    if (found.length < chunk) return { items, nextCursor: null };
  }
  return { items, nextCursor: writeCursor(beforeSeq as number) };
}

function writeCursor(seq: number): string {
  return Buffer.from(`r${seq}`).toString("base64url");
}

function readCursor(cursor: string): number {
  const match = /^r(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString());
  if (match === null)
    throw new GraphkeeperError("INVALID_REQUEST", "The cursor is not one of this list.", { field: "cursor" });
  return Number(match[1]);
}
