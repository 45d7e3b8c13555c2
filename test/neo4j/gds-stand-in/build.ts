import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findJava, neo4jJars } from "../../servers/jars.ts";
import { NEO4J_VERSION } from "../../servers/neo4j.ts";
import { needProgram } from "../../servers/tools.ts";

const run = promisify(execFile);
const SOURCES = fileURLToPath(new URL(".", import.meta.url));

/** Compiles the stand-in against the server's own jars and puts it among the plugins of a home. */
export async function installStandIn(home: string): Promise<void> {
  const javac = await needProgram("javac", "openjdk-17-jdk-headless");
  const jar = await needProgram("jar", "openjdk-17-jdk-headless");
  const classes = await mkdtemp(join(tmpdir(), "graphkeeper-stand-in-"));
  try {
    const sources = (await readdir(SOURCES))
      .filter((name) => name.endsWith(".java"))
      .map((name) => join(SOURCES, name));
    const flags = [
      "--release",
      "17",
      "-proc:none",
      "-nowarn",
      "-cp",
      join(await neo4jJars(NEO4J_VERSION, await findJava(NEO4J_VERSION)), "*"),
      "-d",
      classes,
    ];
    await run(javac, [...flags, ...sources]);
    await mkdir(join(home, "plugins"), { recursive: true });
    await run(jar, ["--create", "--file", join(home, "plugins", "gds-stand-in.jar"), "-C", classes, "."]);
  } finally {
    await rm(classes, { recursive: true, force: true });
  }
}
