import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { corpus, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
beforeAll(async () => {
  place = await workplace();
  await place.run(["import", "-"], { stdin: corpus("a", "b") });
});
afterAll(() => place.remove());

test("a backup has the permissions of its original, and what stands there is never overwritten", async () => {
  const { run, folder, data } = place;
  for (const mode of [0o600, 0o640]) {
    chmodSync(data, mode);
    const made = await run(["backup", `copy-${mode}.db`, "--json"]);
    expect(made.json()).toMatchObject({ path: `copy-${mode}.db`, mode: mode.toString(8) });
    expect(statSync(`${folder}/copy-${mode}.db`).mode & 0o777).toBe(mode);
  }
  const hash = async (path: string) => (await run(["dump", "--hash", "--data", path])).out;
  expect(await hash("copy-384.db")).toBe(await hash(data));
  writeFileSync(`${folder}/mine.txt`, "mine");
  expect((await run(["backup", "mine.txt", "--json"])).problem()).toMatchObject({ code: "CONFLICT", field: "to" });
  expect((await run(["backup", "none/x.db"])).code).not.toBe(0);
  expect((await run(["backup", "y.db", "--data", "nothing.db", "--json"])).problem()).toMatchObject({
    code: "NOT_FOUND",
  });
  expect(existsSync(`${folder}/y.db`)).toBe(false);
});

test("a file on a medium that is read-only can be verified, a backup as well as a copy of a closed file", async (context) => {
  const { run, folder } = place;
  const medium = `${folder}/medium`;
  mkdirSync(medium);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", medium], { stdio: "ignore" });
  } catch {
    return context.skip("mounting takes root");
  }
  try {
    await run(["backup", `${medium}/backup.db`]);
    copyFileSync(`${folder}/graph.db`, `${medium}/closed.db`);
    for (const name of ["backup", "closed"])
      if (existsSync(`${folder}/graph.db.key`)) copyFileSync(`${folder}/graph.db.key`, `${medium}/${name}.db.key`);
    execFileSync("mount", ["-o", "remount,ro", medium]);
    for (const name of ["backup", "closed"]) {
      const verified = await run(["verify", "--data", `${medium}/${name}.db`]);
      expect([verified.code, verified.out], verified.err).toEqual([0, expect.stringContaining("clean")]);
    }
  } finally {
    execFileSync("umount", ["-l", medium]);
  }
});
