import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type Anchor, anchorOf, HEADS_PER_ANCHOR, INSTALLATION_CHAIN, verifiesAnchor } from "../core/audit.ts";
import type { Keyring } from "../core/keyring.ts";
import type { GroupReader, KeyStore } from "../core/ports.ts";
import type { AuditHead } from "../core/words.ts";

/**
 * Anchors: heads of audit chains, signed and kept outside of the data. A chain alone cannot show that its end was cut off;
 * an anchor that names a later entry can.
 */

export interface AnchorOptions {
  store: Pick<GroupReader, "group">;
  keys: Pick<KeyStore, "installationHead">;
  keyring: Keyring;
  /** Grows by a line for each anchor; null = none. */
  file: string | null;
  /** Other places for each anchor, a log or a receiver elsewhere. */
  publish?: (anchor: Anchor) => Promise<void> | void;
  clock: () => number;
  onError?: (error: unknown, where: string) => void;
}

type Heads = Anchor["heads"];

export class Anchors {
  readonly #options: AnchorOptions;
  #touched = new Set<string>();
  /** Of the installation's chain, as last anchored or as it was when this process began. */
  #installationSeq: number;
  #gathered: Heads = [];
  #timer: NodeJS.Timeout | null = null;
  #ticking: Promise<void> = Promise.resolve();

  private constructor(options: AnchorOptions, installationSeq: number) {
    this.#options = options;
    this.#installationSeq = installationSeq;
  }

  static async of(options: AnchorOptions): Promise<Anchors> {
    return new Anchors(options, (await options.keys.installationHead()).seq);
  }

  /** This process writes to the group: its head is in the next anchor. */
  touch(groupId: string): void {
    this.#touched.add(groupId);
  }

  start(everyMs: number): void {
    this.#timer ??= setInterval(() => {
      this.#ticking = this.#ticking.then(() => this.tick());
    }, everyMs).unref();
  }

  /**
   * Writes what the call before gathered: a step of maintenance is on the disk a moment after it is committed, and an anchor of
   * one that a power cut took back would tell of tampering.
   */
  async tick(): Promise<void> {
    await this.#write();
    await this.gather();
  }

  /** The last one: `close` ends the stores, after which all that they committed is on the disk. */
  async end(close: () => Promise<void>): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#ticking;
    await this.gather();
    try {
      await close();
    } finally {
      await this.#write();
    }
  }

  async gather(): Promise<void> {
    const { store, keys, onError } = this.#options;
    const touched = this.#touched;
    this.#touched = new Set();
    try {
      const heads = new Map(this.#gathered.map((head) => [head.chain, head]));
      const installation = await keys.installationHead();
      if (installation.seq > this.#installationSeq)
        heads.set(INSTALLATION_CHAIN, { chain: INSTALLATION_CHAIN, ...installation });
      for (const chain of touched) {
        const group = await store.group(chain);
        if (group !== null && group.audit.seq > 0) heads.set(chain, { chain, ...group.audit });
      }
      this.#installationSeq = installation.seq;
      this.#gathered = [...heads.values()];
    } catch (error) {
      for (const chain of touched) this.#touched.add(chain);
      onError?.(error, "audit anchors");
    }
  }

  async #write(): Promise<void> {
    const { keyring, file, publish, clock, onError } = this.#options;
    const heads = this.#gathered;
    this.#gathered = [];
    try {
      for (let i = 0; i < heads.length; i += HEADS_PER_ANCHOR) {
        const anchor = anchorOf(heads.slice(i, i + HEADS_PER_ANCHOR), clock(), keyring);
        if (file !== null) await append(file, `${JSON.stringify(anchor)}\n`);
        await publish?.(anchor);
      }
    } catch (error) {
      this.#gathered = [...heads, ...this.#gathered];
      onError?.(error, "audit anchors");
    }
  }
}

/** What a file of anchors says of one chain. */
export interface Anchored {
  /** In the order of the file; of anchors whose signature is right, or whose key is not here. */
  heads: AuditHead[];
  /** Numbers of lines that are no anchors, or whose signature is wrong. */
  wrongLines: number[];
}

/**
 * Reads anchors: lines of the file that anchors are written to, or of a log that has them as the member `anchor`.
 * @returns nothing anchored when there is no file
 */
export async function readAnchors(file: string, chain: string, keyring: Keyring | null): Promise<Anchored> {
  const found: Anchored = { heads: [], wrongLines: [] };
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (!line.includes('"graphkeeper.audit-anchor"')) continue;
      const anchor = anchorIn(line);
      if (anchor === null || verifiesAnchor(anchor, keyring) === false) found.wrongLines.push(number);
      else for (const { chain: of, seq, hash } of anchor.heads) if (of === chain) found.heads.push({ seq, hash });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return found;
}

function anchorIn(line: string): Anchor | null {
  try {
    const value = JSON.parse(line) as Anchor & { anchor?: Anchor };
    const anchor = value.anchor ?? value;
    return anchor.type === "graphkeeper.audit-anchor" && Array.isArray(anchor.heads) ? anchor : null;
  } catch {
    return null;
  }
}

async function append(file: string, line: string): Promise<void> {
  const handle = await open(file, "a", 0o600);
  try {
    await handle.appendFile(line);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
