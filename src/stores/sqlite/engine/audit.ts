import type { AuditEntry, JsonObject } from "../../../core/words.ts";
import { appendAudit, beginChange, needGroup, saveGroup } from "./change.ts";
import type { Session } from "./session.ts";

/** Appends to the group's chain what is not part of another write. */
export function recordAudit(
  session: Session,
  groupId: string,
  entry: { at: number; actor: string; action: string; ref: string; detail: JsonObject },
): AuditEntry {
  return session.write(() => {
    const change = beginChange(session, needGroup(session, groupId), entry.at);
    const { at, actor, action, ref, detail } = entry;
    const written = appendAudit(change, { at, actor, action, ref, detail });
    saveGroup(change);
    return written;
  });
}
