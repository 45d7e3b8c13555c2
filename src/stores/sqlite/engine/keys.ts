import { keyMade, keyRevoked } from "../../../core/audit.ts";
import { GraphkeeperError } from "../../../core/errors.ts";
import type { StoredKey } from "../../../core/ports.ts";
import { appendInstallation } from "./audit.ts";
import type { Row, Session } from "./session.ts";

/** API keys; the secrets themselves are not in the file. */

export function addKey(session: Session, key: StoredKey, actor = "local"): void {
  session.write(() => {
    if (findKey(session, key.id))
      throw new GraphkeeperError("CONFLICT", `There is a key ${key.id} already.`, { key: key.id });
    session.run(
      "INSERT INTO api_keys (id, secret_hash, role, groups, name, created_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      key.id,
      key.secretHash,
      key.role,
      JSON.stringify(key.groups),
      key.name,
      key.createdAt,
      key.revokedAt,
    );
    appendInstallation(session, keyMade(key, actor));
  });
}

export function findKey(session: Session, id: string): StoredKey | null {
  const row = session.get("SELECT * FROM api_keys WHERE id = ?", id);
  return row ? storedKey(row) : null;
}

export function listKeys(session: Session): StoredKey[] {
  return session.all("SELECT * FROM api_keys ORDER BY id").map(storedKey);
}

/** @returns false when there is no such key, or it was revoked before */
export function revokeKey(session: Session, id: string, at: number, actor = "local"): boolean {
  return session.write(() => {
    if (session.run("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", at, id) === 0)
      return false;
    appendInstallation(session, keyRevoked(id, at, actor));
    return true;
  });
}

function storedKey(row: Row): StoredKey {
  return {
    id: row.id as string,
    secretHash: row.secret_hash as string,
    role: row.role as StoredKey["role"],
    groups: JSON.parse(row.groups as string) as string[],
    name: row.name as string,
    createdAt: row.created_at as number,
    revokedAt: row.revoked_at as number | null,
  };
}
