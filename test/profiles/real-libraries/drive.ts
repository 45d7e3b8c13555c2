import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Run } from "../fixtures/fixture.ts";
import { userDump } from "../user-dump.ts";

/** What a trial drives: the library in a process of its own, the command line, the database. */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CLI = join(HERE, "../../../bin/graphkeeper.js");
export const { values } = parseArgs({
  options: {
    script: { type: "string" },
    python: { type: "string" },
    profile: { type: "string" },
    tenant: { type: "string", default: "" },
    group: { type: "string", default: "default" },
    plugins: { type: "string" },
    uri: { type: "string" },
    /** The library's mentions are a lower bound: its entities are never collected. */
    keeps: { type: "boolean", default: false },
    /** A document that is written again is another one. */
    anew: { type: "boolean", default: false },
  },
});
/** The library in its own process. */
export class Library {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterableIterator<string>;
  constructor(uri: string) {
    this.#child = spawn(values.python as string, [join(HERE, values.script as string), uri], {
      stdio: ["pipe", "pipe", process.env.LOUD ? "inherit" : "ignore"],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }
  async ask<T>(command: "prepare" | "write" | "search" | "names" | "ids", documents: number[] = []): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify({ do: command, documents })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the library's process ended; LOUD=1 shows what it said");
    return JSON.parse(value) as T;
  }
  end(): void {
    this.#child.stdin?.end();
  }
}

export class Trial {
  readonly #run: Run;
  readonly #uri: string;
  readonly #data: string;
  constructor(run: Run, uri: string, data: string) {
    this.#run = run;
    this.#uri = uri;
    this.#data = data;
  }

  async cli(...args: string[]): Promise<Record<string, unknown>> {
    const env = {
      ...process.env,
      NEO4J_URI: this.#uri,
      GRAPHKEEPER_DATA: join(this.#data, "graphkeeper.db"),
      GRAPHKEEPER_PROFILE: values.profile,
      ...(values.tenant ? { GRAPHKEEPER_TENANT: values.tenant } : {}),
      GRAPHKEEPER_GROUP: values.group,
    };
    return new Promise((resolve, reject) =>
      execFile(process.execPath, [CLI, ...args, "--json"], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (process.env.LOUD) console.log(args.join(" "), stdout.slice(0, 1500), stderr.slice(0, 1500));
        const code = error === null ? 0 : (error.code as unknown as number);
        if (code !== 0 && code !== 3) reject(new Error(`${args.join(" ")}: ${code} ${stdout} ${stderr}`));
        else resolve(JSON.parse(stdout || "null") as Record<string, unknown>);
      }),
    );
  }

  async clear(): Promise<void> {
    await this.#run("MATCH (n) DETACH DELETE n");
    for (const { name } of await this.#run("SHOW CONSTRAINTS YIELD name RETURN name"))
      await this.#run(`DROP CONSTRAINT \`${name}\``);
    for (const { name } of await this.#run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"))
      await this.#run(`DROP INDEX \`${name}\``);
  }

  /** Places of the writer's part of the database where one of the words stands, whatever its case. */
  async traces(words: string[], { audit = false } = {}): Promise<string[]> {
    const found: string[] = [];
    for (const line of await userDump(this.#run, { ours: audit }))
      for (const word of words)
        if (line.toLowerCase().includes(word.toLowerCase())) found.push(`${word}: ${line.slice(0, 300)}`);
    return found;
  }

  /** Counts by labels and by what relationships join, without what differs from one writing to the next. */
  async shape(): Promise<string[]> {
    const nodes = await this.#run(
      // cognee writes its GraphMetadata from several tasks at once: sometimes more, sometimes fewer of the same.
      "MATCH (n) WHERE NOT any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper' OR l = 'GraphMetadata') RETURN labels(n) AS l, coalesce(n.name, n.entity_id, n.id) AS n, keys(n) AS k",
    );
    const edges = await this.#run(
      "MATCH (a)-[r]->(b) WHERE NOT type(r) STARTS WITH 'GRAPHKEEPER' RETURN labels(a) AS a, coalesce(a.name, a.entity_id, '') AS an, type(r) AS t, labels(b) AS b, coalesce(b.name, b.entity_id, '') AS bn",
    );
    const sorted = (v: unknown) =>
      [...(v as string[])]
        .filter((k) => !k.startsWith("lc_"))
        .sort()
        .join(",");
    const short = (v: unknown) => (/^[0-9a-f-]{32,36}$/.test(String(v)) ? "" : String(v));
    const counts = new Map<string, number>();
    const add = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const n of nodes) add(`${sorted(n.l)} ${short(n.n)} {${sorted(n.k)}}`);
    for (const e of edges) add(`${sorted(e.a)} ${short(e.an)} ${e.t} ${sorted(e.b)} ${short(e.bn)}`);
    return [...counts].map(([key, n]) => `${n} x ${key}`).sort();
  }
  dump = (ours = false) => userDump(this.#run, { ours });
}

/** What is in one list only. */
export const differences = (a: string[], b: string[]) => [
  ...a.filter((x) => !b.includes(x)).map((x) => `- ${x.slice(0, 400)}`),
  ...b.filter((x) => !a.includes(x)).map((x) => `+ ${x.slice(0, 400)}`),
];
