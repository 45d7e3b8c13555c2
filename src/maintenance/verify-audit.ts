import { ChainCheck } from "../core/audit.ts";
import type { Keyring } from "../core/keyring.ts";
import type { AuditEntry, AuditHead } from "../core/words.ts";

export const AUDIT_MESSAGES = {
  AUDIT_CHAIN: "entries of the audit do not follow from their predecessor",
  AUDIT_HEAD: "heads in the row beside the audit are not the last entry of it",
  AUDIT_BEHIND: "the generation is not the one of the last audited change",
  AUDIT_ANCHOR: "entries that were anchored outside are missing, or are others",
  AUDIT_ANCHOR_SIGNATURE: "lines of the anchors are not signed by a key of this installation",
  AUDIT_KEY: "entries were chained with a key that is not here, and cannot be checked",
  AUDIT_UNSEALED: "chains were made without a key to their end; the next change seals those of version 0.1",
} as const;
export type AuditCode = keyof typeof AUDIT_MESSAGES;

/** What an audit is checked against. */
export interface AuditProof {
  /** null = keyed entries are told as such, and not checked. */
  keyring: Keyring | null;
  /** Of the chain: what was anchored outside. */
  anchored?: { heads: AuditHead[]; wrongLines: number[] };
}

/** What of the audit is kept outside of the data. */
export interface AuditAnchors {
  /** This process writes to the group: its head will be anchored. */
  touch(groupId: string): void;
  /** What was anchored of a chain; `file` instead of the configured one. */
  read(chain: string, file?: string): Promise<NonNullable<AuditProof["anchored"]>>;
  /** Anchors what is left, once `close` has ended the stores. */
  end(close: () => Promise<void>): Promise<void>;
}

export interface AuditChain {
  /** Id of the group, or empty for the installation's own. */
  name: string;
  read(query: { afterSeq: number; limit: number }): Promise<AuditEntry[]>;
  /** As the row says; absent where it cannot be asked. */
  head?: AuditHead;
  /** Of the group; absent for the installation's own chain. */
  generation?: number;
}

const PAGE = 1_000;

/** Goes through a chain from its first entry on. @yields what is wrong, and where */
export async function* checkAudit(
  chain: AuditChain,
  proof: AuditProof,
): AsyncGenerator<{ code: AuditCode; sample: string }> {
  const named = chain.name === "" ? "installation" : chain.name;
  const check = new ChainCheck(chain.name, proof.keyring);
  const anchored = Map.groupBy(proof.anchored?.heads ?? [], ({ seq }) => seq);
  for (;;) {
    const entries = await chain.read({ afterSeq: check.head.seq, limit: PAGE });
    for (const entry of entries) {
      const found = check.next(entry);
      if (found === "broken") yield { code: "AUDIT_CHAIN", sample: `${named}#${entry.seq}` };
      if (found === "unknown-key") yield { code: "AUDIT_KEY", sample: `${named}#${entry.seq}` };
      if (anchored.get(check.head.seq)?.some(({ hash }) => hash !== entry.hash))
        yield { code: "AUDIT_ANCHOR", sample: `${named}#${entry.seq}` };
      anchored.delete(check.head.seq);
    }
    if (entries.length < PAGE) break;
  }
  for (const seq of anchored.keys()) yield { code: "AUDIT_ANCHOR", sample: `${named}#${seq}` };
  for (const line of proof.anchored?.wrongLines ?? []) yield { code: "AUDIT_ANCHOR_SIGNATURE", sample: `line ${line}` };
  if (check.isUnsealed) yield { code: "AUDIT_UNSEALED", sample: named };
  const { head, generation } = chain;
  if (head && (head.seq !== check.head.seq || head.hash !== check.head.hash))
    yield { code: "AUDIT_HEAD", sample: `${named}: ${head.seq} of ${check.head.seq}` };
  if (generation !== undefined && generation !== check.generation)
    yield { code: "AUDIT_BEHIND", sample: `${named}: ${check.generation} of ${generation}` };
}
