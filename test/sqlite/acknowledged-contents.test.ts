import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_ACKNOWLEDGED_CONTENTS } from "../../src/core/ports.ts";
import { boundContents, forgetContent, rememberContent } from "../../src/stores/sqlite/engine/acknowledged-contents.ts";
import { openEngine } from "../../src/stores/sqlite/engine/index.ts";

test("acknowledged contents are the newest of each group, and one group forgets nothing of another", async () => {
  const folder = await mkdtemp(join(tmpdir(), "graphkeeper-contents-"));
  const { session } = openEngine(join(folder, "graph.db"), { readOnly: false, synchronous: "NORMAL" });
  const hashes = (g: number) =>
    session.db
      .prepare("SELECT hash FROM acknowledged_contents WHERE g = ? ORDER BY at")
      .all(g)
      .map((row) => row.hash);
  try {
    session.write(() => {
      for (const hash of ["shared", "kept"]) rememberContent(session, 2, hash);
      for (let i = 0; i <= MAX_ACKNOWLEDGED_CONTENTS; i++) rememberContent(session, 1, `hash-${i}`);
      rememberContent(session, 1, "shared");
      boundContents(session, 1);
      forgetContent(session, 1, "shared");
    });
    expect(hashes(1)).toHaveLength(MAX_ACKNOWLEDGED_CONTENTS - 1);
    expect(hashes(1)[0]).toBe("hash-2");
    expect(hashes(2)).toEqual(["shared", "kept"]);
  } finally {
    session.db.close();
    await rm(folder, { recursive: true });
  }
});
