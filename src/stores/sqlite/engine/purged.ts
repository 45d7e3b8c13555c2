import { randomBytes } from "node:crypto";
import { purgedMark } from "../../../core/purged-ids.ts";
import { type Change, findGroup, type GroupRow } from "./change.ts";
import type { Session } from "./session.ts";

/** Which documents were purged, as far as they have not been imported again. */

export function rememberPurged(change: Change, documentId: string): void {
  const { session, g, group } = change;
  group.purge_salt ??= randomBytes(16).toString("hex");
  const mark = purgedMark(group.purge_salt, "document", documentId);
  session.run("INSERT OR IGNORE INTO purged_documents (g, mark) VALUES (?, ?)", g, mark);
}

export function forgetPurged(change: Change, documentId: string): void {
  const { session, g, group } = change;
  if (group.purge_salt === null) return;
  const mark = purgedMark(group.purge_salt, "document", documentId);
  session.run("DELETE FROM purged_documents WHERE g = ? AND mark = ?", g, mark);
}

export function purgedBefore(session: Session, groupId: string, documentIds: string[]): string[] {
  return session.read(() => {
    const group = findGroup(session, groupId);
    return group ? purgedAmong(session, group, documentIds) : [];
  });
}

export function purgedAmong(session: Session, group: GroupRow, documentIds: string[]): string[] {
  const salt = group.purge_salt;
  if (salt === null) return [];
  return documentIds.filter((id) => {
    const mark = purgedMark(salt, "document", id);
    return session.get("SELECT 1 AS found FROM purged_documents WHERE g = ? AND mark = ?", group.g, mark);
  });
}
