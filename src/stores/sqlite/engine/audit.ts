import { auditEntryOf, chained, INSTALLATION_CHAIN } from "../../../core/audit.ts";
import type { AuditDraft, AuditEntry, AuditHead } from "../../../core/words.ts";
import { appendAudit, beginChange, insertAudit, needGroup, saveGroup } from "./change.ts";
import type { Row, Session } from "./session.ts";

/** Groups' keys begin with 1; the installation's own chain has this one. */
const INSTALLATION = 0;

/** Appends to the group's chain what is not part of another write. */
export function recordAudit(session: Session, groupId: string, draft: AuditDraft): AuditEntry {
  return session.write(() => {
    const change = beginChange(session, needGroup(session, groupId), draft.at);
    const written = appendAudit(change, draft);
    saveGroup(change);
    return written;
  });
}

export function audit(session: Session, groupId: string, query: { afterSeq: number; limit: number }): AuditEntry[] {
  return session.read(() => entries(session, needGroup(session, groupId).g, query));
}

export function recordInstallation(session: Session, draft: AuditDraft): AuditEntry {
  return session.write(() => appendInstallation(session, draft));
}

/** To be called inside the transaction of what it says. */
export function appendInstallation(session: Session, draft: AuditDraft): AuditEntry {
  const written = chained(INSTALLATION_CHAIN, installationHead(session), draft, 0, session.options.keyring);
  for (const entry of written) insertAudit(session, INSTALLATION, entry);
  const last = written.at(-1) as AuditEntry;
  session.run("UPDATE installation SET audit_seq = ?, audit_hash = ?", last.seq, last.hash);
  return last;
}

export function installationAudit(session: Session, query: { afterSeq: number; limit: number }): AuditEntry[] {
  return entries(session, INSTALLATION, query);
}

export function installationHead(session: Session): AuditHead {
  const row = session.get("SELECT audit_seq, audit_hash FROM installation") as Row;
  return { seq: row.audit_seq as number, hash: row.audit_hash as string };
}

function entries(session: Session, g: number, query: { afterSeq: number; limit: number }): AuditEntry[] {
  const sql = "SELECT * FROM audit WHERE g = ? AND seq > ? ORDER BY seq LIMIT ?";
  return session.all(sql, g, query.afterSeq, query.limit).map(auditEntryOf);
}
