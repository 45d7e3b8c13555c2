import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";

/**
 * The keys of an installation: one secret in use, and the secrets before it, which only check what they made. From each
 * secret come a key of its own for every purpose (HKDF, RFC 5869) and an Ed25519 pair (RFC 8032), so that what one purpose
 * gives away says nothing of another. Whoever has the data but not the secret can make none of the values below.
 */

/** What a value is made for. The text is part of the derivation: changed, it makes all earlier values unknown. */
export type KeyPurpose = "audit" | "document-id" | "purged-id" | "request";

export interface Signature {
  /** Id of the key that signed. */
  keyId: string;
  /** Ed25519, base64. */
  signature: string;
}

export const SECRET_BYTES = 32;

interface InstallationKey {
  id: string;
  secret: Uint8Array;
  privateKey: KeyObject;
  /** DER, SubjectPublicKeyInfo. */
  publicKey: Buffer;
  /** As key objects: a third of the time of bytes, which are made into one each time. */
  purposes: Map<KeyPurpose, KeyObject>;
}

export class Keyring {
  readonly #keys: InstallationKey[];

  /** @param secrets of `SECRET_BYTES` each; the first is in use, the others only check */
  constructor(secrets: readonly Uint8Array[]) {
    if (secrets.length === 0 || secrets.some((secret) => secret.length !== SECRET_BYTES))
      throw new RangeError(`A keyring takes one or more secrets of ${SECRET_BYTES} bytes.`);
    this.#keys = secrets.map(keyOf);
  }

  /** Id of the key in use: the first 8 bytes of the SHA-256 of its public key, hex. */
  get id(): string {
    return this.#current.id;
  }

  /** For another thread of this process; goes nowhere else. */
  get secrets(): Uint8Array[] {
    return this.#keys.map(({ secret }) => secret);
  }

  /** Public keys, the one in use first; base64 of the SubjectPublicKeyInfo. */
  get publicKeys(): { id: string; publicKey: string }[] {
    return this.#keys.map(({ id, publicKey }) => ({ id, publicKey: publicKey.toString("base64") }));
  }

  /** `<key id>.<HMAC-SHA-256, hex>` of the text by the key in use. */
  mac(purpose: KeyPurpose, text: string): string {
    return macBy(this.#current, purpose, text);
  }

  /** The same by every key, the one in use first: what an earlier key made is found under one of them. */
  macs(purpose: KeyPurpose, text: string): string[] {
    return this.#keys.map((key) => macBy(key, purpose, text));
  }

  /** Whether `mac` was made of the text; null when the key that it names is not here. */
  matches(purpose: KeyPurpose, text: string, mac: string): boolean | null {
    const key = this.#keys.find(({ id }) => mac.startsWith(`${id}.`));
    if (!key) return null;
    const expected = Buffer.from(macBy(key, purpose, text));
    const given = Buffer.from(mac);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  sign(text: string): Signature {
    const { id, privateKey } = this.#current;
    return { keyId: id, signature: sign(null, Buffer.from(text), privateKey).toString("base64") };
  }

  /** Whether a key of this ring signed the text; null when the key is not here. */
  verifies(text: string, { keyId, signature }: Signature): boolean | null {
    const key = this.#keys.find(({ id }) => id === keyId);
    return key ? verifySignature(text, signature, key.publicKey.toString("base64")) : null;
  }

  get #current(): InstallationKey {
    return this.#keys[0] as InstallationKey;
  }
}

/** @param publicKey as `Keyring.publicKeys` gives it */
export function verifySignature(text: string, signature: string, publicKey: string): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}

/** An Ed25519 private key as PKCS #8 is these bytes and then its seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

function keyOf(secret: Uint8Array): InstallationKey {
  const seed = derived(secret, "signature");
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const id = createHash("sha256").update(publicKey).digest("hex").slice(0, 16);
  return { id, secret, privateKey, publicKey, purposes: new Map() };
}

function derived(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `graphkeeper ${purpose}`, SECRET_BYTES));
}

function macBy(key: InstallationKey, purpose: KeyPurpose, text: string): string {
  let secret = key.purposes.get(purpose);
  if (!secret) {
    secret = createSecretKey(derived(key.secret, purpose));
    key.purposes.set(purpose, secret);
  }
  return `${key.id}.${createHmac("sha256", secret).update(text).digest("hex")}`;
}
