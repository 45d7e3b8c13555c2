import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const API_KEY = "key-for-tests-of-more-than-thirty-two-characters";
const CLI = fileURLToPath(new URL("../../bin/graphkeeper.js", import.meta.url));

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The parsed body; its text when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at, not typed.
  body: any;
}
export interface CallOptions {
  group?: string;
  body?: unknown;
  agent?: Agent;
}

export interface StartOptions {
  roles?: string;
  environment?: Record<string, string | undefined>;
  args?: string[];
  /** Where its log goes, as a file descriptor; default a pipe that is read into `log`. */
  stderr?: number;
}

/** `graphkeeper serve` as a process, and what a client does with it. */
export class Server {
  readonly child: ChildProcess;
  readonly data: string;
  readonly spawnedAt = performance.now();
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  url = "";
  log = "";

  private constructor(child: ChildProcess, data: string) {
    this.child = child;
    this.data = data;
    this.ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
    child.stderr?.on("data", (text: Buffer) => {
      this.log = (this.log + text.toString()).slice(-50_000);
    });
  }

  /** Resolves when it says that it is up. @throws Error with what it printed when it ends before */
  static async start(data: string, options: StartOptions = {}): Promise<Server> {
    const server = Server.spawn(data, options);
    server.url = await server.#firstLine();
    return server;
  }

  /** Without waiting for anything. */
  static spawn(data: string, options: StartOptions = {}): Server {
    const { roles = "http,worker", environment, args = [], stderr = "pipe" } = options;
    const child = spawn(process.execPath, [CLI, "serve", "--json", "--port", "0", "--roles", roles, ...args], {
      stdio: ["ignore", "pipe", stderr],
      env: {
        PATH: process.env.PATH,
        GRAPHKEEPER_DATA: data,
        GRAPHKEEPER_API_KEY: API_KEY,
        GRAPHKEEPER_AFTER_EVENTS: "false",
        GRAPHKEEPER_GRACE_HOURS: "0",
        ...environment,
      },
    });
    const server = new Server(child, data);
    started.add(server);
    return server;
  }

  /** The answer, whatever its status. */
  send(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { group, body, agent = this.#agent } = options;
    const headers: Record<string, string> = { authorization: `Bearer ${API_KEY}` };
    if (group !== undefined) headers["x-group-id"] = group;
    if (body !== undefined)
      headers["content-type"] = typeof body === "string" ? "application/x-ndjson" : "application/json";
    return new Promise((resolve, reject) => {
      const call = request(`${this.url}${path}`, { method, agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () => {
          const parsed =
            /json/.test(String(response.headers["content-type"])) &&
            !/ndjson/.test(String(response.headers["content-type"]));
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            body: parsed && text !== "" ? JSON.parse(text) : text,
          });
        });
      });
      call.on("error", reject);
      call.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
    });
  }

  /** The body of a 2xx answer. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer["body"]> {
    const answer = await this.send(method, path, options);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  run(id: string): Promise<Answer["body"]> {
    return this.call("GET", `/maintenance/runs/${id}`);
  }

  /** Looks at the run until it fits. @throws Error with the run as it is after `ms` */
  runUntil(id: string, fits: (run: Answer["body"]) => boolean, ms = 30_000): Promise<Answer["body"]> {
    return until(() => this.run(id), fits, ms);
  }

  async begin(kind: "gc_all" | "recompute", group: string): Promise<string> {
    const path = kind === "gc_all" ? "/maintenance/run-all-gc?wait=0" : "/maintenance/recompute-gds?wait=0";
    return (await this.call("POST", path, { group })).run_id;
  }

  async finish(id: string, ms = 60_000): Promise<Answer["body"]> {
    return this.runUntil(id, (run) => run.ended_at !== null, ms);
  }

  dump(group: string): Promise<string> {
    return this.call("GET", `/groups/${group}/dump`);
  }

  /** SIGTERM; how long until it was gone, and how it ended. */
  async stop(): Promise<{ code: number | string; ms: number }> {
    const askedAt = performance.now();
    this.child.kill("SIGTERM");
    const code = await this.ended;
    started.delete(this);
    return { code, ms: performance.now() - askedAt };
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.ended;
    started.delete(this);
  }

  async #firstLine(): Promise<string> {
    let printed = "";
    const line = new Promise<string>((resolve) => {
      this.child.stdout?.on("data", (text: Buffer) => {
        printed += text.toString();
        if (printed.includes("\n")) resolve(printed.slice(0, printed.indexOf("\n")));
      });
    });
    const first = await Promise.race([line, this.ended.then(() => null)]);
    if (first === null) throw new Error(`graphkeeper serve ended with ${await this.ended}:\n${this.log}`);
    return (JSON.parse(first) as { address: string }).address;
  }
}

const started = new Set<Server>();

/** Ends what a test left running, by its process id. */
export async function endServers(): Promise<void> {
  await Promise.all([...started].map((server) => server.kill()));
}

export async function until<T>(read: () => Promise<T>, fits: (value: T) => boolean, ms = 30_000): Promise<T> {
  for (const end = performance.now() + ms; ; ) {
    const value = await read();
    if (fits(value)) return value;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${JSON.stringify(value)}`);
    await delay(15);
  }
}

/** The command line as a process of its own. */
export async function cli(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, ...environment },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    out += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    err += text.toString();
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}
