import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { GraphkeeperError } from "../core/errors.ts";
import type { KeyStore } from "../core/ports.ts";
import type { Visible } from "../jobs/service.ts";
import { parseApiKey, type Role, roleCovers, sameText, secretMatches } from "./api-key.ts";
import { Attempts } from "./attempts.ts";
import { type JwtOptions, JwtVerifier } from "./jwt.ts";

/** Who calls, and what they may do. */
export interface Principal {
  /** Name in the audit; also what keeps one caller's idempotency keys apart from another's. */
  actor: string;
  role: Role;
  /** Group ids, prefixes that end in `*`, or `*` alone. */
  groups: string[];
}

export interface AuthOptions {
  keys: KeyStore;
  /** An admin key given from outside (`GRAPHKEEPER_API_KEY`). */
  staticKey?: string;
  jwt?: JwtOptions;
  /** Epoch ms. */
  clock?: () => number;
  /** Failed attempts a minute and address. */
  failuresPerMinute?: number;
}

/** Who calls while there is no key: everybody. */
export const OPEN = "local";

/** A static key of fewer characters may be guessed; one made by `createApiKey` has 256 bits. */
const GUESSABLE_BELOW = 32;

/**
 * Tells who calls. Without any key configured the service is open to everybody who reaches it, which `listenGuard` allows
 * on loopback only. It closes with the first key made, at once and for good: revoking all keys does not open it again.
 */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #jwt: JwtVerifier | null;
  readonly #attempts: Attempts;
  #closed: boolean;

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#jwt = options.jwt === undefined ? null : new JwtVerifier(options.jwt);
    this.#closed = options.staticKey !== undefined || options.jwt !== undefined;
    this.#attempts = new Attempts(options.failuresPerMinute ?? 10, options.clock ?? Date.now);
  }

  async isOpen(): Promise<boolean> {
    if (!this.#closed && (await this.#options.keys.listKeys()).length > 0) this.#closed = true;
    return !this.#closed;
  }

  /** @throws GraphkeeperError `UNAUTHENTICATED`, `RATE_LIMITED`, `FORBIDDEN` */
  async authenticate(request: IncomingMessage, address: string): Promise<Principal> {
    if (await this.isOpen()) {
      refuseForeignSites(request);
      return { actor: OPEN, role: "admin", groups: ["*"] };
    }
    const header = request.headers.authorization;
    if (header === undefined) throw new GraphkeeperError("UNAUTHENTICATED", "The call carries no API key.");
    const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    const wait = this.#attempts.waitSeconds(address);
    const principal = token === undefined ? null : await this.#principal(token, wait > 0);
    if (principal !== null) return principal;
    if (wait > 0) {
      throw new GraphkeeperError("RATE_LIMITED", "Too many failed attempts from this address.", { retry_after: wait });
    }
    this.#attempts.fail(address);
    throw new GraphkeeperError("UNAUTHENTICATED", "The API key is not valid.");
  }

  /**
   * @param locked too many failures from the address: only what cannot be guessed is looked at, so that callers behind the
   *   same proxy as an attacker are not shut out with it
   */
  async #principal(token: string, locked: boolean): Promise<Principal | null> {
    const { staticKey } = this.#options;
    if (staticKey !== undefined && !(locked && staticKey.length < GUESSABLE_BELOW) && sameText(token, staticKey)) {
      return { actor: "key:static", role: "admin", groups: ["*"] };
    }
    const parsed = parseApiKey(token);
    if (parsed !== null) {
      const stored = await this.#options.keys.findKey(parsed.id);
      if (!secretMatches(parsed.secret, stored) || stored === null) return null;
      return { actor: `key:${stored.id}`, role: stored.role, groups: stored.groups };
    }
    if (this.#jwt === null || token.split(".").length !== 3) return null;
    const claims = await this.#jwt.verify(token);
    return claims && { actor: `jwt:${claims.subject}`.slice(0, 200), role: claims.role, groups: claims.groups };
  }
}

/**
 * A role holds within the caller's groups. What an administrator does (keys) concerns all groups, and so needs all of them.
 *
 * @throws GraphkeeperError `FORBIDDEN`
 */
export function demandRole(principal: Principal, needed: Role): void {
  if (needed === "admin" && roleCovers(principal.role, needed)) demandAllGroups(principal, "Keys are");
  if (roleCovers(principal.role, needed)) return;
  throw new GraphkeeperError("FORBIDDEN", `This needs the role ${needed}; the key has the role ${principal.role}.`, {
    needed,
    role: principal.role,
  });
}

/** @param what the subject of the message, with its verb @throws GraphkeeperError `FORBIDDEN` */
export function demandAllGroups(principal: Principal, what: string): void {
  if (visibleTo(principal) === null) return;
  throw new GraphkeeperError("FORBIDDEN", `${what} for keys that may see all groups.`, { groups: principal.groups });
}

/** Which groups the caller may see; null = all of them. */
export function visibleTo(principal: Principal): Visible {
  if (principal.groups.includes("*")) return null;
  const exact = new Set(principal.groups.filter((scope) => !scope.endsWith("*")));
  const prefixes = principal.groups.filter((scope) => scope.endsWith("*")).map((scope) => scope.slice(0, -1));
  return (groupId) => exact.has(groupId) || prefixes.some((prefix) => groupId.startsWith(prefix));
}

/**
 * Refuses to serve without any key elsewhere than on loopback.
 * @returns what to tell the operator; null when keys are configured
 * @throws GraphkeeperError `INVALID_CONFIG`
 */
export async function listenGuard(auth: Authenticator, host: string): Promise<string | null> {
  if (!(await auth.isOpen())) return null;
  if (isLoopback(host)) {
    return `No API key is configured: everybody on this machine may do everything. Make one with graphkeeper keys create.`;
  }
  throw new GraphkeeperError(
    "INVALID_CONFIG",
    `Without an API key the service listens on loopback only, not on ${host}. Set GRAPHKEEPER_API_KEY or make a key with graphkeeper keys create.`,
    { field: "http.host" },
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * Keeps web pages away from an open service: a page of another site that the operator's browser shows could post to
 * loopback, and by DNS rebinding read the answers under a name of its own.
 */
function refuseForeignSites(request: IncomingMessage): void {
  const { host, origin } = request.headers;
  const name = hostName(`http://${host ?? ""}`);
  if (name === null || !isLoopback(name)) {
    throw new GraphkeeperError("FORBIDDEN", "Without an API key the service answers under a loopback name only.");
  }
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new GraphkeeperError("FORBIDDEN", "Without an API key the service answers no page of another site.");
  }
}

function hostName(url: string): string | null {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, "");
  } catch {
    return null;
  }
}
