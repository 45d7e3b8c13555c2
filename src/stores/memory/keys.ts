import { chained, EMPTY_HEAD, INSTALLATION_CHAIN, keyMade, keyRevoked } from "../../core/audit.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Keyring } from "../../core/keyring.ts";
import { byId } from "../../core/order.ts";
import type { KeyStore, StoredKey } from "../../core/ports.ts";
import type { AuditDraft, AuditEntry, AuditHead } from "../../core/words.ts";

export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Map<string, StoredKey>();
  readonly #audit: AuditEntry[] = [];
  readonly #keyring: Keyring | null;

  constructor(options: { keyring?: Keyring } = {}) {
    this.#keyring = options.keyring ?? null;
  }

  async addKey(key: StoredKey, actor = "local"): Promise<void> {
    if (this.#keys.has(key.id))
      throw new GraphkeeperError("CONFLICT", `There is a key ${key.id} already.`, { key: key.id });
    this.#keys.set(key.id, structuredClone(key));
    await this.recordInstallation(keyMade(key, actor));
  }

  async findKey(id: string): Promise<StoredKey | null> {
    return structuredClone(this.#keys.get(id) ?? null);
  }

  async listKeys(): Promise<StoredKey[]> {
    return structuredClone([...this.#keys.values()].sort(byId));
  }

  /** @returns false when there is no such key, or it was revoked before */
  async revokeKey(id: string, at: number, actor = "local"): Promise<boolean> {
    const key = this.#keys.get(id);
    if (!key || key.revokedAt !== null) return false;
    this.#keys.set(id, { ...key, revokedAt: at });
    await this.recordInstallation(keyRevoked(id, at, actor));
    return true;
  }

  async recordInstallation(draft: AuditDraft): Promise<AuditEntry> {
    const entries = chained(
      INSTALLATION_CHAIN,
      await this.installationHead(),
      structuredClone(draft),
      0,
      this.#keyring,
    );
    this.#audit.push(...entries);
    return structuredClone(entries.at(-1) as AuditEntry);
  }

  async installationAudit({ afterSeq, limit }: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
    return structuredClone(this.#audit.filter(({ seq }) => seq > afterSeq).slice(0, limit));
  }

  async installationHead(): Promise<AuditHead> {
    const { seq, hash } = this.#audit.at(-1) ?? EMPTY_HEAD;
    return { seq, hash };
  }
}
