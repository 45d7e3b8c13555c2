import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const API_KEY = "key-for-tests-of-more-than-thirty-two-characters";
const CLI = fileURLToPath(new URL("../../bin/graphkeeper.js", import.meta.url));

export interface GraphkeeperServer {
  url: string;
  /** Admin key of the server. */
  apiKey: string;
  pid: number;
  /** GET, POST… with the key; the parsed answer. Throws on anything but 2xx. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    options?: { group?: string; body?: unknown },
  ): Promise<T>;
  /** Documents with a text unit each, that mentions three entities of its own and one that all share. */
  fill(groupId: string, names: string[]): Promise<void>;
  /** What the server logged, for a test that failed. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts the service through its command line, as a deployment does it, on a free port of 127.0.0.1 with an empty data file.
 * It has no scheduler and no debounced runs, unless asked for: only what the test starts happens.
 */
export async function startGraphkeeper(
  options: { environment?: Record<string, string>; args?: string[]; nodeArgs?: string[] } = {},
): Promise<GraphkeeperServer> {
  const folder = await mkdtemp(join(tmpdir(), "gk-server-"));
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      CLI,
      "serve",
      "--json",
      "--port",
      "0",
      "--roles",
      "http,worker",
      ...(options.args ?? []),
    ],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        GRAPHKEEPER_DATA: join(folder, "graph.db"),
        GRAPHKEEPER_API_KEY: API_KEY,
        GRAPHKEEPER_AFTER_EVENTS: "false",
        ...options.environment,
      },
    },
  );
  let printed = "";
  let log = "";
  child.stderr?.on("data", (data: Buffer) => {
    log = (log + data.toString()).slice(-50_000);
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await exited;
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };
  const url = await new Promise<string>((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`graphkeeper serve ended with ${code}:\n${log}`));
    const late = setTimeout(() => reject(new Error(`graphkeeper serve said nothing within 60 s:\n${log}`)), 60_000);
    child.once("exit", end);
    child.stdout?.on("data", (data: Buffer) => {
      printed += data.toString();
      const line = printed.split("\n").find((each) => each.startsWith("{"));
      if (line === undefined || !printed.includes("\n")) return;
      clearTimeout(late);
      child.off("exit", end);
      resolve((JSON.parse(line) as { address: string }).address);
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  const call: GraphkeeperServer["call"] = async (method, path, { group, body } = {}) => {
    const headers: Record<string, string> = { authorization: `Bearer ${API_KEY}` };
    if (group !== undefined) headers["x-group-id"] = group;
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const fill: GraphkeeperServer["fill"] = async (groupId, names) => {
    const lines: object[] = [];
    for (const name of names) {
      lines.push({ kind: "document", id: name, title: name });
      lines.push({ kind: "text_unit", id: `${name}-u`, documents: [name], text: `The text of ${name}.` });
      for (const entity of [`${name}-a`, `${name}-b`, `${name}-c`, "shared"]) {
        lines.push({ kind: "entity", id: entity, name: entity });
        lines.push({ kind: "mention", text_unit: `${name}-u`, entity });
      }
    }
    const response = await fetch(`${url}/groups/${encodeURIComponent(groupId)}/import`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/x-ndjson" },
      body: lines.map((line) => JSON.stringify(line)).join("\n"),
    });
    if (!response.ok) throw new Error(`import answered ${response.status}: ${await response.text()}`);
    await response.text();
  };
  return { url, apiKey: API_KEY, pid: child.pid as number, call, fill, output: () => log, stop };
}
