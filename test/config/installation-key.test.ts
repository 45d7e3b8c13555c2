import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { openInstallationKeys, rotateInstallationKey } from "../../src/config/installation-key.ts";
import { Keyring, verifySignature } from "../../src/core/keyring.ts";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-key-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(folder, "i-"));
const configOf = (data: string, more: Record<string, string> = {}) => loadConfig({ GRAPHKEEPER_DATA: data, ...more });
const secret = (byte: number) => new Uint8Array(32).fill(byte);

describe("a keyring", () => {
  test("makes what only the same secret makes, another for each purpose, and checks what an earlier secret made", () => {
    const old = new Keyring([secret(1)]);
    const both = new Keyring([secret(2), secret(1)]);
    const made = old.mac("audit", "text");
    expect(new Keyring([secret(1)]).mac("audit", "text")).toBe(made);
    expect(old.mac("document-id", "text")).not.toBe(made);
    expect(both.mac("audit", "text")).not.toBe(made);
    expect(both.macs("audit", "text")[1]).toBe(made);
    expect(both.matches("audit", "text", made)).toBe(true);
    expect(both.matches("audit", "texts", made)).toBe(false);
    expect(both.matches("request", "text", made)).toBe(false);
    expect(old.matches("audit", "text", both.mac("audit", "text"))).toBeNull();
  });

  test("signs; the public key alone checks it", () => {
    const ring = new Keyring([secret(3)]);
    const { keyId, signature } = ring.sign("head");
    const { id, publicKey } = ring.publicKeys[0]!;
    expect(keyId).toBe(id);
    expect(verifySignature("head", signature, publicKey)).toBe(true);
    expect(verifySignature("heads", signature, publicKey)).toBe(false);
    expect(ring.verifies("head", { keyId, signature })).toBe(true);
    expect(new Keyring([secret(4)]).verifies("head", { keyId, signature })).toBeNull();
  });

  test("keeps its ids: what was signed by this version stays checkable by the next", () => {
    expect(new Keyring([secret(7)]).id).toBe("865f07db6e8843cc");
    expect(new Keyring([secret(7)]).mac("audit", "x")).toBe(
      "865f07db6e8843cc.a176c6ba7884894af340613b4847c008513e1e4b7702fc92118c6f008652f5ba",
    );
  });
});

describe("the installation's key", () => {
  test("is made beside a new data file, for its owner only, and used from then on", async () => {
    const data = join(newFolder(), "graph.db");
    const told: string[] = [];
    const first = await compose(configOf(data), { onKeyMade: (file, id) => told.push(file, id) });
    await first.close();
    expect(told).toEqual([`${data}.key`, first.keyring!.id]);
    expect(statSync(`${data}.key`).mode & 0o777).toBe(0o600);
    const again = await compose(configOf(data), { onKeyMade: () => expect.unreachable() });
    await again.close();
    expect(again.keyring!.id).toBe(first.keyring!.id);
  });

  test("a reader makes none, and a file that is refused leaves none behind", async () => {
    const data = join(newFolder(), "graph.db");
    await (await compose(configOf(data))).close();
    rmSync(`${data}.key`);
    const reader = await compose(configOf(data), { readOnly: true });
    await reader.close();
    expect(reader.keyring).toBeNull();
    expect(existsSync(`${data}.key`)).toBe(false);
    const foreign = join(newFolder(), "notes.txt");
    writeFileSync(foreign, "no data file, ".repeat(100));
    await expect(compose(configOf(foreign))).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect(existsSync(`${foreign}.key`)).toBe(false);
  });

  test("comes from another file or from the environment instead", () => {
    const data = join(newFolder(), "graph.db");
    const keyFile = join(newFolder(), "mounted");
    const line = `gkik_${Buffer.from(secret(5)).toString("base64url")}`;
    writeFileSync(keyFile, `# of the secret store\n${line}\n`);
    const fromFile = openInstallationKeys(configOf(data, { GRAPHKEEPER_INSTALLATION_KEY_FILE: keyFile }));
    const fromValue = openInstallationKeys(configOf(data, { GRAPHKEEPER_INSTALLATION_KEY: line }));
    expect([fromFile.keyring.id, fromValue.keyring.id]).toEqual([
      new Keyring([secret(5)]).id,
      new Keyring([secret(5)]).id,
    ]);
    expect(() => rotateInstallationKey(configOf(data, { GRAPHKEEPER_INSTALLATION_KEY: line }))).toThrow(
      /configuration/,
    );
  });

  test("rotates: a new one is in use, the old one checks", () => {
    const data = join(newFolder(), "graph.db");
    const before = openInstallationKeys(configOf(data));
    before.keep();
    const mac = before.keyring.mac("audit", "text");
    const rotated = rotateInstallationKey(configOf(data));
    expect(rotated.id).not.toBe(before.keyring.id);
    expect(rotated.matches("audit", "text", mac)).toBe(true);
    expect(openInstallationKeys(configOf(data)).keyring.id).toBe(rotated.id);
    expect(statSync(`${data}.key`).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(data, ".."))).toEqual(["graph.db.key"]);
  });

  test("that cannot be read is refused by its place, without showing what stands there", () => {
    const data = join(newFolder(), "graph.db");
    writeFileSync(`${data}.key`, "hunter2-hunter2\n");
    const refused = () => openInstallationKeys(configOf(data));
    expect(refused).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringMatching(/line 1/) }),
    );
    expect(refused).not.toThrow(/hunter2/);
    writeFileSync(`${data}.key`, "");
    expect(refused).toThrow(/holds no key/);
    expect(readFileSync(`${data}.key`, "utf8")).toBe("");
  });
});
