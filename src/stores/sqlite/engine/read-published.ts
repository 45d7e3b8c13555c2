import type { PublishedAnalytics, StoredRecord } from "../../../core/ports.ts";
import { publishedPart } from "../../../core/published.ts";
import { needGroup } from "./change.ts";
import { analytics } from "./records.ts";
import type { Session } from "./session.ts";

const ROWS_PER_PART = 10_000;

/**
 * Everything that is published, in the order of `records`, in parts, the first of which may be empty, read as they are asked for:
 * what a million entities have never is in memory at once. A read transaction stays open until the last part, or the return.
 */
export function* publishedParts(session: Session, groupId: string): Generator<PublishedAnalytics> {
  session.db.exec("BEGIN");
  try {
    yield* partsWithin(session, groupId);
  } finally {
    session.db.exec("COMMIT");
  }
}

function* partsWithin(session: Session, groupId: string): Generator<PublishedAnalytics> {
  const group = needGroup(session, groupId);
  let rows: StoredRecord[] = [];
  for (const record of analytics(session, group.g, group.analytics_epoch)) {
    rows.push(record);
    if (rows.length < ROWS_PER_PART) continue;
    yield publishedPart(group.analytics_epoch, rows);
    rows = [];
  }
  yield publishedPart(group.analytics_epoch, rows);
}

export function analyticsState(session: Session, groupId: string): Uint8Array | null {
  return session.read(() => {
    const { g } = needGroup(session, groupId);
    return (session.get("SELECT state FROM analytics_states WHERE g = ?", g)?.state as Uint8Array | undefined) ?? null;
  });
}
