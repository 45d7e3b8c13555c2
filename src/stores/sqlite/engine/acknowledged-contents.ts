import { MAX_ACKNOWLEDGED_CONTENTS } from "../../../core/ports.ts";
import { newKey } from "./change.ts";
import type { Session } from "./session.ts";

/** Hashes of contents that were acknowledged under an id which stands for another content now. */

export function rememberContent(session: Session, g: number, hash: string): void {
  const at = newKey(session);
  session.run("INSERT OR REPLACE INTO acknowledged_contents (g, hash, at) VALUES (?, ?, ?)", g, hash, at);
}

/** Keeps the newest; once a transaction and not once a hash, since it looks at all that are kept (0.4 ms). */
export function boundContents(session: Session, g: number): void {
  session.run(
    `DELETE FROM acknowledged_contents WHERE g = ?1 AND at <= (SELECT k.at FROM acknowledged_contents k
       INDEXED BY acknowledged_contents_by_age WHERE k.g = ?1 ORDER BY k.at DESC LIMIT 1 OFFSET ?2)`,
    g,
    MAX_ACKNOWLEDGED_CONTENTS,
  );
}

export function forgetContent(session: Session, g: number, hash: string): void {
  session.run("DELETE FROM acknowledged_contents WHERE g = ? AND hash = ?", g, hash);
}
