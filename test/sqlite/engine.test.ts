import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { graphStoreSuite, keyStoreSuite } from "../../src/conformance/index.ts";
import { openOnThisThread } from "./engine.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-engine-"));
afterAll(() => rm(folder, { recursive: true }));
let files = 0;
const open = async () => openOnThisThread(join(folder, `${++files}.db`));

describe("sqlite engine on one thread", () => {
  graphStoreSuite({ test, open });
  keyStoreSuite({ test, open });
});
