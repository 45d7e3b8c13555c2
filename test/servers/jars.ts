import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What the Neo4j server of the tests is made of: Java, and jars from Maven Central, which are parts of that server only. */

const run = promisify(execFile);

/** Graph Data Science by the line of Neo4j that it is for. */
const GDS_VERSIONS: Record<string, string> = { "5.26": "2.13.9", "2026.01": "2.26.0" };

/** The version that fits a Neo4j, or null where Maven Central has none. */
export function gdsVersion(neo4jVersion: string): string | null {
  return GDS_VERSIONS[neo4jVersion.split(".").slice(0, 2).join(".")] ?? null;
}

/**
 * Folder of the server's jars; fetches them once per version.
 * @throws Error that says what could not be found or fetched
 */
export function neo4jJars(version: string, java: string): Promise<string> {
  return jars(`neo4j-${version}`, "pom.xml", { "neo4j.version": version }, java);
}

/** Folder of the jars of the Graph Data Science plugin, without those that the server has already. */
export async function gdsJars(neo4jVersion: string): Promise<string> {
  const version = gdsVersion(neo4jVersion);
  if (version === null)
    throw new Error(
      `Graph Data Science is to be had for Neo4j ${Object.keys(GDS_VERSIONS).join(" and ")}, not ${neo4jVersion}.`,
    );
  return jars(`gds-${version}`, "gds-pom.xml", { "gds.version": version }, await findJava(neo4jVersion));
}

/** Why a server of the version cannot be started here (no Java for it, no jars), or null; fetches what it needs. */
export async function whyNoNeo4j(version: string): Promise<string | null> {
  return whyNot(async () => neo4jJars(version, await findJava(version)));
}

/** Why the version cannot be started with Graph Data Science here, or null; fetches what it needs. */
export async function whyNoGds(neo4jVersion: string): Promise<string | null> {
  return (await whyNoNeo4j(neo4jVersion)) ?? whyNot(() => gdsJars(neo4jVersion));
}

async function whyNot(fetch: () => Promise<unknown>): Promise<string | null> {
  try {
    await fetch();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function jars(name: string, pom: string, properties: Record<string, string>, java: string): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "graphkeeper", name);
  const complete = join(cache, "complete");
  if (!existsSync(complete)) {
    const maven = await findMaven();
    // Another test file may fetch at the same time: what is there is whole, and whoever comes first keeps it.
    const own = `${cache}-${process.pid}`;
    await mkdir(own, { recursive: true });
    const javaHome = dirname(dirname(java));
    try {
      await run(
        maven,
        [
          ...["-q", "-B", "-f", fileURLToPath(new URL(`./${pom}`, import.meta.url))],
          ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
          ...["dependency:copy-dependencies", `-DoutputDirectory=${join(own, "lib")}`, "-DincludeScope=runtime"],
        ],
        {
          env: existsSync(join(javaHome, "bin", "java")) ? { ...process.env, JAVA_HOME: javaHome } : process.env,
          maxBuffer: 1 << 24,
        },
      );
    } catch (error) {
      await rm(own, { recursive: true, force: true });
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Error(`Maven could not fetch the jars of ${name}:\n${(stdout + stderr).slice(-3_000)}`);
    }
    await writeFile(join(own, "complete"), `${new Date().toISOString()}\n`);
    await rename(own, cache).catch(async () => {
      if (existsSync(complete)) return rm(own, { recursive: true, force: true });
      // What a killed run left.
      await rm(cache, { recursive: true, force: true });
      await rename(own, cache);
    });
  }
  return join(cache, "lib");
}

/** Whether a version is named by year and month, as all are after 5.26. */
export function isCalendar(version: string): boolean {
  return /^20\d\d\./.test(version);
}

/** Neo4j 5.26 runs on Java 17 and 21 (later ones happen to work); 2025.x and later need 21 or more. */
export async function findJava(version: string): Promise<string> {
  const calendar = isCalendar(version);
  const fits = (major: number) => (calendar ? major >= 21 : major === 17 || major === 21);
  const look = async () => {
    const homes = [
      process.env.JAVA_HOME,
      ...(existsSync("/usr/lib/jvm") ? readdirSync("/usr/lib/jvm").map((d) => `/usr/lib/jvm/${d}`) : []),
    ];
    for (const java of [...homes.filter((h) => h !== undefined).map((h) => join(h, "bin", "java")), "java"]) {
      if (java !== "java" && !existsSync(java)) continue;
      const major = await javaMajor(java);
      if (major !== null && fits(major)) return java;
    }
    return null;
  };
  const found =
    (await look()) ??
    ((await aptInstall([calendar ? "openjdk-21-jre-headless" : "openjdk-17-jre-headless"])) ? await look() : null);
  if (found === null) {
    throw new Error(
      `Neo4j ${version} needs Java ${calendar ? "21 or later" : "17 or 21"}, and none was found in JAVA_HOME, /usr/lib/jvm or PATH` +
        " (apt-get could not install one either: not root, or no such package).",
    );
  }
  return found;
}

async function javaMajor(java: string): Promise<number | null> {
  try {
    const release = join(dirname(dirname(java)), "release");
    const text = existsSync(release) ? await readFile(release, "utf8") : (await run(java, ["-version"])).stderr;
    const major = /(?:JAVA_VERSION=|version )"(\d+)/.exec(text)?.[1];
    return major === undefined ? null : Number(major);
  } catch {
    return null;
  }
}

async function findMaven(): Promise<string> {
  const works = () =>
    run("mvn", ["-version"]).then(
      () => true,
      () => false,
    );
  if ((await works()) || ((await aptInstall(["maven"])) && (await works()))) return "mvn";
  throw new Error(
    "Maven (mvn) is needed to fetch Neo4j's jars; it was not found, and apt-get could not install it (not root, or no such package).",
  );
}

async function aptInstall(packages: string[]): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update", "-q"], { env, maxBuffer: 1 << 24 });
    await run("apt-get", ["install", "-qy", "--no-install-recommends", ...packages], { env, maxBuffer: 1 << 24 });
    return true;
  } catch {
    return false;
  }
}
