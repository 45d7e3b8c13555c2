import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, Socket } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The long-term release that the suite runs on, unless NEO4J_TEST_VERSION names another one (`2025.12.1`). */
export const NEO4J_VERSION = process.env.NEO4J_TEST_VERSION || "5.26.24";
/** The newer line, on which the suite was run once as a whole and the core of it runs each time. */
export const NEO4J_NEXT = "2025.12.1";

export interface Neo4jServer {
  uri: string;
  /** The server's process, for a test that wants to freeze it. */
  pid(): number;
  /** Orderly end; the home goes too when the script made it. */
  stop(): Promise<void>;
  /** As a power cut does it: no goodbye, the home stays. */
  kill9(): Promise<void>;
  /** Starts again on the same port and home; ends a running process first. */
  restart(): Promise<void>;
  /** What the server printed, for a test that failed. */
  output(): string;
}

/**
 * Starts a real Neo4j Community server on free ports of 127.0.0.1, without authentication unless asked for.
 *
 * The jars come from Maven Central, once per version, into `$XDG_CACHE_HOME/graphkeeper/neo4j-<version>`. Java (17 or 21
 * for 5.26, 21 or later for 2025.x) and Maven are looked for, and installed through apt-get where the caller is root.
 * @throws Error that says what could not be found or fetched
 */
export async function startNeo4j(
  options: { version?: string; home?: string; auth?: boolean; settings?: Record<string, string> } = {},
): Promise<Neo4jServer> {
  const version = options.version ?? NEO4J_VERSION;
  const java = await findJava(version);
  const lib = await jars(version, java);
  const ownHome = options.home === undefined;
  const home = options.home ?? (await mkdtemp(join(tmpdir(), "graphkeeper-neo4j-")));
  const [bolt, http] = [await freePort(), await freePort()];
  await mkdir(join(home, "conf"), { recursive: true });
  await mkdir(join(home, "plugins"), { recursive: true });
  const settings: Record<string, string> = {
    "server.bolt.listen_address": `127.0.0.1:${bolt}`,
    "server.http.listen_address": `127.0.0.1:${http}`,
    "server.https.enabled": "false",
    "server.memory.pagecache.size": "256m",
    "dbms.security.auth_enabled": String(options.auth ?? false),
    "dbms.security.procedures.unrestricted": "gds.*",
    "dbms.usage_report.enabled": "false",
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await writeFile(join(home, "conf", "neo4j.conf"), `${lines.join("\n")}\n`);

  let child: ChildProcess | null = null;
  let printed = "";
  const start = async () => {
    const opens = ["java.nio", "java.io", "sun.nio.ch", "java.util.concurrent", "java.lang"];
    const opened = spawn(
      java,
      [
        `-Xmx${process.env.NEO4J_HEAP ?? "1g"}`,
        "-XX:+UseG1GC",
        "-XX:-OmitStackTraceInFastThrow",
        "-XX:+ExitOnOutOfMemoryError",
        "-Dfile.encoding=UTF-8",
        "-Dlog4j2.disable.jmx=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        ...opens.flatMap((name) => ["--add-opens", `java.base/${name}=ALL-UNNAMED`]),
        "-cp",
        [join(home, "plugins", "*"), join(lib, "*")].join(delimiter),
        /^20\d\d\./.test(version) ? "org.neo4j.server.Neo4jCommunity" : "org.neo4j.server.CommunityEntryPoint",
        `--home-dir=${home}`,
        `--config-dir=${join(home, "conf")}`,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    child = opened;
    const keep = (data: Buffer) => {
      printed = (printed + data.toString()).slice(-20_000);
    };
    opened.stdout.on("data", keep);
    opened.stderr.on("data", keep);
    const until = Date.now() + 120_000;
    while (!(await boltAnswers(bolt))) {
      if (opened.exitCode !== null || opened.signalCode !== null)
        throw new Error(`Neo4j ${version} ended while starting:\n${printed}`);
      if (Date.now() > until) {
        opened.kill("SIGKILL");
        throw new Error(`Neo4j ${version} did not answer within 120 s:\n${printed}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill(signal);
    const late = setTimeout(() => running.kill("SIGKILL"), 30_000);
    await exited;
    clearTimeout(late);
  };
  // A test process that dies takes the server with it.
  const last = () => child?.kill("SIGKILL");
  process.once("exit", last);
  try {
    await start();
  } catch (error) {
    if (ownHome) await rm(home, { recursive: true, force: true });
    throw error;
  }
  return {
    uri: `bolt://127.0.0.1:${bolt}`,
    pid: () => child?.pid ?? -1,
    output: () => printed,
    stop: async () => {
      await end("SIGTERM");
      process.removeListener("exit", last);
      if (ownHome) await rm(home, { recursive: true, force: true });
    },
    kill9: () => end("SIGKILL"),
    restart: async () => {
      await end("SIGTERM");
      await start();
    },
  };
}

/** Neo4j's own administration on the home of a server that does not run: an import of CSV files, a dump. */
export async function neo4jAdmin(home: string, args: string[], version: string = NEO4J_VERSION): Promise<void> {
  const java = await findJava(version);
  const lib = await jars(version, java);
  await mkdir(join(home, "conf"), { recursive: true });
  await run(java, ["-Xmx2g", "-cp", join(lib, "*"), "org.neo4j.cli.AdminTool", ...args], {
    env: { ...process.env, NEO4J_HOME: home, NEO4J_CONF: join(home, "conf") },
    maxBuffer: 1 << 24,
  });
}

/** Speaks the Bolt handshake (magic, then four version proposals) and waits for the four bytes of the answer. */
async function boltAnswers(port: number): Promise<boolean> {
  const socket = new Socket();
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(2_000, () => resolve(false));
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      socket.once("data", (data) => resolve(data.length >= 4 && data.readUInt32BE(0) !== 0));
      socket.connect(port, "127.0.0.1", () =>
        socket.write(Buffer.from([0x60, 0x60, 0xb0, 0x17, 0, 8, 8, 5, 0, 4, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0])),
      );
    });
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Folder of the server's jars, for a test that compiles a plugin against them. */
export async function neo4jJars(version: string = NEO4J_VERSION): Promise<string> {
  return jars(version, await findJava(version));
}

/** Why a server of the version cannot be started here (no Java for it, no jars), or null; fetches what it needs. */
export async function whyNoNeo4j(version: string): Promise<string | null> {
  try {
    await neo4jJars(version);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function jars(version: string, java: string): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "graphkeeper", `neo4j-${version}`);
  const complete = join(cache, "complete");
  if (!existsSync(complete)) {
    const maven = await findMaven();
    await mkdir(cache, { recursive: true });
    const pom = fileURLToPath(new URL("./pom.xml", import.meta.url));
    const javaHome = dirname(dirname(java));
    try {
      await run(
        maven,
        [
          ...["-q", "-B", "-f", pom, `-Dneo4j.version=${version}`, "dependency:copy-dependencies"],
          ...[`-DoutputDirectory=${join(cache, "lib")}`, "-DincludeScope=runtime"],
        ],
        {
          env: existsSync(join(javaHome, "bin", "java")) ? { ...process.env, JAVA_HOME: javaHome } : process.env,
          maxBuffer: 1 << 24,
        },
      );
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Error(`Maven could not fetch the jars of Neo4j ${version}:\n${(stdout + stderr).slice(-3_000)}`);
    }
    await writeFile(complete, `${new Date().toISOString()}\n`);
  }
  return join(cache, "lib");
}

/** Neo4j 5.26 runs on Java 17 and 21 (later ones happen to work); 2025.x and later need 21 or more. */
async function findJava(version: string): Promise<string> {
  const calendar = /^20\d\d\./.test(version);
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
