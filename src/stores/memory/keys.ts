import { GraphkeeperError } from "../../core/errors.ts";
import { byId } from "../../core/order.ts";
import type { KeyStore, StoredKey } from "../../core/ports.ts";

export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Map<string, StoredKey>();

  async addKey(key: StoredKey): Promise<void> {
    if (this.#keys.has(key.id))
      throw new GraphkeeperError("CONFLICT", `There is a key ${key.id} already.`, { key: key.id });
    this.#keys.set(key.id, structuredClone(key));
  }

  async findKey(id: string): Promise<StoredKey | null> {
    return structuredClone(this.#keys.get(id) ?? null);
  }

  async listKeys(): Promise<StoredKey[]> {
    return structuredClone([...this.#keys.values()].sort(byId));
  }

  /** @returns false when there is no such key, or it was revoked before */
  async revokeKey(id: string, at: number): Promise<boolean> {
    const key = this.#keys.get(id);
    if (!key || key.revokedAt !== null) return false;
    this.#keys.set(id, { ...key, revokedAt: at });
    return true;
  }
}
