import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { GraphkeeperError } from "../core/errors.ts";
import { Keyring, SECRET_BYTES } from "../core/keyring.ts";
import type { Config } from "./config.ts";

/**
 * The installation's key, in a file beside the data file or as a value of the configuration. One secret a line, as
 * `gkik_<base64url>`; the first is in use, the lines below it were in use before and only check. `#` begins a comment.
 */

const SECRET = /^gkik_([A-Za-z0-9_-]{43})$/;

export interface InstallationKeys {
  keyring: Keyring;
  /** null when the configuration holds the key itself. */
  file: string | null;
  /** There was none until now: `keep` writes it. */
  isNew: boolean;
  /**
   * Writes a new key into its file; to be called once the data file is open, so that a refused one leaves nothing behind.
   *
   * @throws GraphkeeperError `INVALID_CONFIG`
   */
  keep(): void;
}

export function installationKeyFile({ data, installation }: Pick<Config, "data" | "installation">): string {
  return installation.keyFile ?? `${realPath(data)}.key`;
}

/** null = anchors of the audit are written to no file. */
export function anchorFileOf({ data, audit }: Pick<Config, "data" | "audit">): string | null {
  const { anchorFile = `${realPath(data)}.anchors` } = audit;
  return anchorFile === "none" ? null : anchorFile;
}

/** One name however the data file is reached. */
function realPath(data: string): string {
  return existsSync(data) ? realpathSync(data) : data;
}

/**
 * The key as configured, else of the file, else a new one.
 *
 * @throws GraphkeeperError `INVALID_CONFIG`
 */
export function openInstallationKeys(config: Pick<Config, "data" | "installation">): InstallationKeys {
  const { key } = config.installation;
  const kept = { isNew: false, keep: () => {} };
  if (key !== undefined) return { keyring: parseKeys(key, "installation.key"), file: null, ...kept };
  const file = installationKeyFile(config);
  const text = readKeys(file);
  if (text !== null) return { keyring: parseKeys(text, file), file, ...kept };
  const secret = newSecret();
  const keep = () => {
    if (createFile(file, `${secret}\n`)) return;
    throw invalid(file, "another process made one just now; start again");
  };
  return { keyring: parseKeys(secret, file), file, isNew: true, keep };
}

/**
 * Puts a new secret above those in use until now.
 *
 * @throws GraphkeeperError `INVALID_CONFIG` when the configuration holds the key itself, or there is no file
 */
export function rotateInstallationKey(config: Pick<Config, "data" | "installation">): Keyring {
  const file = installationKeyFile(config);
  const refuse = (message: string) => new GraphkeeperError("INVALID_CONFIG", message, { field: "installation.key" });
  if (config.installation.key !== undefined)
    throw refuse("The configuration holds the key itself; put the new secret above the old one there.");
  const text = readKeys(file);
  if (text === null) throw refuse(`There is no key file ${file}; the first command that writes makes it.`);
  parseKeys(text, file);
  const draft = `${file}.${process.pid}.draft`;
  createFile(draft, `${newSecret()}\n${text}`);
  renameSync(draft, file);
  return parseKeys(readKeys(file) ?? "", file);
}

function newSecret(): string {
  return `gkik_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

function parseKeys(text: string, where: string): Keyring {
  const lines = text
    .split(/[\n,]/)
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
  const secrets = lines.map((line, i) => {
    const match = SECRET.exec(line);
    // The message names the place only: what stands there may be a secret.
    if (!match) throw invalid(where, `line ${i + 1} is not a key; a key is gkik_ and 43 characters of base64url`);
    return Buffer.from(match[1] as string, "base64url");
  });
  if (secrets.length === 0) throw invalid(where, "it holds no key");
  return new Keyring(secrets);
}

function invalid(where: string, why: string): GraphkeeperError {
  const message = `The installation key in ${where} cannot be used: ${why}.`;
  return new GraphkeeperError("INVALID_CONFIG", message, { field: "installation.key" });
}

function readKeys(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(file, error);
  }
}

/** The file appears with its content or not at all, readable by its owner only. @returns false when there is one already */
function createFile(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.draft`;
  try {
    const handle = openSync(draft, "wx", 0o600);
    try {
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw unusable(file, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

function unusable(file: string, cause: unknown): GraphkeeperError {
  const message = `The key file ${file} cannot be used: ${(cause as Error).message}.`;
  return new GraphkeeperError("INVALID_CONFIG", message, { field: "installation.keyFile" }, cause);
}
