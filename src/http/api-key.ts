import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { GraphkeeperError } from "../core/errors.ts";
import { checkGroupId } from "../core/law.ts";
import type { StoredKey } from "../core/ports.ts";

/** Each role may do what the ones before it may. */
export const ROLES = ["reader", "operator", "editor", "eraser", "admin"] as const;
export type Role = StoredKey["role"];

export function roleCovers(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

const KEY = /^gk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;

/**
 * Makes an API key `gk_<id>_<32 bytes, base64url>_<crc>`. The checksum lets scanners of source code tell a leaked key from
 * a random word. `key` is shown once and stored nowhere; what is stored is the hash of its secret.
 *
 * @throws GraphkeeperError `INVALID_VALUE`, `INVALID_GROUP_ID` for a scope that is no group id, no prefix and not `*`
 */
export function createApiKey(
  wanted: { role: Role; groups: string[]; name: string },
  at: number,
  random: (bytes: number) => Buffer = randomBytes,
): { key: string; stored: StoredKey } {
  if (wanted.groups.length === 0) {
    throw new GraphkeeperError("INVALID_VALUE", "A key needs at least one group; * stands for all.", {
      field: "groups",
    });
  }
  for (const scope of wanted.groups) {
    if (scope !== "*") checkGroupId(scope.endsWith("*") ? scope.slice(0, -1) : scope);
  }
  const id = [...random(12)].map((byte) => "abcdefghijklmnopqrstuvwxyz012345"[byte % 32]).join("");
  const secret = random(32).toString("base64url");
  const body = `gk_${id}_${secret}`;
  // An admin manages all keys, and with them all groups.
  const groups = wanted.role === "admin" ? ["*"] : [...new Set(wanted.groups)];
  return {
    key: `${body}_${checksum(body)}`,
    stored: { id, secretHash: hash(secret).toString("hex"), ...wanted, groups, createdAt: at, revokedAt: null },
  };
}

/**
 * The first key closes the service. Were it no admin's, nobody could make another key through the API.
 * @param others keys made before, revoked ones too; with a static key or JWTs there are other ways in
 * @throws GraphkeeperError `INVALID_VALUE`
 */
export function refuseFirstKey(role: Role, others: { keys: number; configured: boolean }): void {
  if (role === "admin" || others.keys > 0 || others.configured) return;
  throw new GraphkeeperError(
    "INVALID_VALUE",
    `The first key must have the role admin: it closes the service, and with the role ${role} nobody could make another.`,
    { field: "role" },
  );
}

/** The parts of a key; null when it is none, or was mistyped. */
export function parseApiKey(key: string): { id: string; secret: string } | null {
  const match = KEY.exec(key);
  if (match === null || checksum(key.slice(0, -9)) !== match[3]) return null;
  return { id: match[1]!, secret: match[2]! };
}

/** Whether the secret is the stored key's, in a time that does not depend on either. */
export function secretMatches(secret: string, stored: StoredKey | null): boolean {
  // The digest is made for unknown ids too, so that they take as long; both digests have 32 bytes, as `timingSafeEqual` asks.
  const expected = stored === null ? NO_SECRET : Buffer.from(stored.secretHash, "hex");
  const equal = timingSafeEqual(hash(secret), expected);
  return equal && stored !== null && stored.revokedAt === null;
}

/** Equality of two texts of any length, in a time that depends on neither. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash(a), hash(b));
}

const NO_SECRET = Buffer.alloc(32);

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}
