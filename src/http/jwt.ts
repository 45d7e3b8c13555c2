import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import { ROLES, type Role } from "./api-key.ts";

export interface JwtOptions {
  issuer: string;
  audience: string;
  /** Where the issuer publishes its public keys; asked at most every 30 s for an unknown key. */
  jwksUrl: string;
  /** Asymmetric ones only: a public key must never be taken for a shared secret. Default RS256, ES256, EdDSA. */
  algorithms?: string[];
  /** Claim with the role; default `graphkeeper_role`. */
  roleClaim?: string;
  /** Claim with the list of groups, prefixes* or *; default `graphkeeper_groups`. */
  groupsClaim?: string;
}

const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

export interface TokenClaims {
  subject: string;
  role: Role;
  groups: string[];
}

/** Verifies tokens of one issuer. @throws Error at once for an algorithm that is not asymmetric */
export class JwtVerifier {
  readonly #options: JwtOptions;
  readonly #keys: JWTVerifyGetKey;
  readonly #algorithms: string[];

  constructor(options: JwtOptions) {
    this.#algorithms = options.algorithms ?? ["RS256", "ES256", "EdDSA"];
    const wrong = this.#algorithms.find((name) => !ASYMMETRIC.includes(name));
    if (wrong !== undefined)
      throw new Error(`The JWT algorithm ${wrong} is not allowed; use ${ASYMMETRIC.join(", ")}.`);
    this.#options = options;
    this.#keys = createRemoteJWKSet(new URL(options.jwksUrl), { cooldownDuration: 30_000, timeoutDuration: 5_000 });
  }

  /** null for a token that is not valid, for whatever reason: which one is no caller's business. */
  async verify(token: string): Promise<TokenClaims | null> {
    if (token.length > 8_192) return null;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        algorithms: this.#algorithms,
        issuer: this.#options.issuer,
        audience: this.#options.audience,
        requiredClaims: ["exp", "sub"],
        clockTolerance: 5,
      });
      const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, "");
      if (type !== undefined && type !== "jwt" && type !== "at+jwt") return null;
      const role = payload[this.#options.roleClaim ?? "graphkeeper_role"];
      const groups = payload[this.#options.groupsClaim ?? "graphkeeper_groups"];
      if (!ROLES.includes(role as Role)) return null;
      if (!Array.isArray(groups) || !groups.every((group) => typeof group === "string")) return null;
      return { subject: payload.sub!, role: role as Role, groups };
    } catch {
      return null;
    }
  }
}
