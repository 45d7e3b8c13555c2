import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { findJava, gdsJars, isCalendar, neo4jJars } from "./jars.ts";

const run = promisify(execFile);

/** The long-term release that the suite runs on, unless NEO4J_TEST_VERSION names another one (`2026.08.1`). */
export const NEO4J_VERSION = process.env.NEO4J_TEST_VERSION || "5.26.24";
/** The newer line, with Cypher 25, on which the suite was run once as a whole and the core of it runs each time. */
export const NEO4J_NEXT = "2026.08.1";

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
 * Starts a real Neo4j Community server on free ports of 127.0.0.1, without authentication unless asked for; with the Graph Data
 * Science plugin when `gds`.
 *
 * The jars come from Maven Central, once per version, into `$XDG_CACHE_HOME/graphkeeper/neo4j-<version>`. Java (17 or 21
 * for 5.26, 21 or later for 2025.x) and Maven are looked for, and installed through apt-get where the caller is root.
 * @throws Error that says what could not be found or fetched
 */
export async function startNeo4j(
  options: { version?: string; home?: string; auth?: boolean; gds?: boolean; settings?: Record<string, string> } = {},
): Promise<Neo4jServer> {
  const version = options.version ?? NEO4J_VERSION;
  const java = await findJava(version);
  const lib = await neo4jJars(version, java);
  // A plugin is looked for in its folder, and its classes are loaded from the class path too.
  const plugins = options.gds ? await gdsJars(version) : null;
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
    // As the configuration that Neo4j ships has it since 2026.02.
    ...(isCalendar(version) && version >= "2026.02" ? { "db.query.default_language": "CYPHER_25" } : {}),
    ...(plugins === null ? {} : { "server.directories.plugins": plugins }),
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
        [join(plugins ?? join(home, "plugins"), "*"), join(lib, "*")].join(delimiter),
        isCalendar(version) ? "org.neo4j.server.Neo4jCommunity" : "org.neo4j.server.CommunityEntryPoint",
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
  const lib = await neo4jJars(version, java);
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
