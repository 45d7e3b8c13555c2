import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface PostgresServer {
  url: string;
  pid(): number;
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL on a free port of 127.0.0.1 with an empty database in a folder of its own.
 *
 * The binaries are looked for on the path and in /usr/lib/postgresql; where the caller is root and there are none, they are
 * installed through apt-get. PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`.
 * @throws Error that says what could not be found
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const bin = findBinaries() ?? (await install());
  const who = await unprivileged();
  const home = await mkdtemp(join(tmpdir(), "graphkeeper-postgres-"));
  await chmod(home, 0o755);
  const data = join(home, "data");
  await mkdir(data, { mode: 0o700 });
  if (who.uid !== undefined && who.gid !== undefined) await chown(data, who.uid, who.gid);
  const environment = { PATH: process.env.PATH, LC_ALL: "C", HOME: home };
  await run(join(bin, "initdb"), ["-D", data, "-U", "graphkeeper", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...who,
    env: environment,
    cwd: data,
  });
  const port = await freePort();
  const all: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    // The server itself is never killed in these tests: durability of PostgreSQL is not what they show.
    fsync: "off",
    max_connections: "200",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const server = spawn(join(bin, "postgres"), ["-D", data, "-p", String(port), ...flags], {
    ...who,
    env: environment,
    cwd: data,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      // SIGINT is "fast shutdown": clients are cut off, then it ends.
      server.kill("SIGINT");
      await once(server, "exit");
    }
    await rm(home, { recursive: true, force: true });
  };
  for (let tries = 0; !/ready to accept connections/.test(output); tries++) {
    if (server.exitCode !== null || tries > 300) {
      await stop();
      throw new Error(`PostgreSQL did not start:\n${output}`);
    }
    await delay(50);
  }
  return { url: `postgres://graphkeeper@127.0.0.1:${port}/postgres`, pid: () => server.pid as number, stop };
}

function findBinaries(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const debian = "/usr/lib/postgresql";
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
    folders.unshift(...versions.map((version) => join(debian, version, "bin")));
  }
  return folders.find((folder) => existsSync(join(folder, "postgres")) && existsSync(join(folder, "initdb"))) ?? null;
}

async function install(): Promise<string> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      "PostgreSQL is needed: no postgres and initdb on the path or in /usr/lib/postgresql, and only root may install it (apt-get install postgresql).",
    );
  }
  // The package would otherwise start a server of its own.
  await mkdir("/etc/postgresql-common", { recursive: true });
  await writeFile("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n");
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update", "-qq"], { env: environment });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], { env: environment });
  } catch (error) {
    throw new Error(`PostgreSQL is needed and apt-get could not install it: ${(error as Error).message}`);
  }
  const bin = findBinaries();
  if (bin === null)
    throw new Error(
      `apt-get installed postgresql, but there is no postgres and initdb in ${dirname("/usr/lib/postgresql/x")}.`,
    );
  return bin;
}

async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user: try the next.
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.");
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
