import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** Starting the program is most of what these tests cost; with Node's compile cache it takes a third of the time. */
const COMPILED = fileURLToPath(new URL("../../node_modules/.cache/graphkeeper-test", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../bin/graphkeeper.js", import.meta.url));

export interface Ended {
  code: number | null;
  out: string;
  err: string;
  /** Standard output as JSON. */
  json(): Record<string, unknown>;
  /** The problem on standard error, of a call with --json. */
  problem(): Record<string, unknown>;
}

export interface Begun {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  ended: Promise<Ended>;
}

export interface Options {
  env?: Record<string, string>;
  /** Written to standard input, which ends after it. */
  stdin?: string | Buffer;
  node?: string[];
  cwd?: string;
}

/** Starts the real program with a clean environment; standard input stays open when nothing is given. */
export function begin(args: string[], options: Options = {}): Begun {
  const child = spawn(process.execPath, [...(options.node ?? []), PROGRAM, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: COMPILED, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  // A program that refuses at once does not read what it was given.
  child.stdin.on("error", () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({
        code,
        out,
        err,
        json: () => JSON.parse(out) as Record<string, unknown>,
        problem: () => JSON.parse(err.trimEnd().split("\n").at(-1)!) as Record<string, unknown>,
      }),
    );
  });
  return { child, ended };
}

export function cli(args: string[], options: Options = {}): Promise<Ended> {
  const { child, ended } = begin(args, options);
  child.stdin.end(options.stdin ?? "");
  return ended;
}

/** A folder with a data file; commands in it work on group `acme` unless they say otherwise. */
export async function workplace(): Promise<{
  folder: string;
  data: string;
  env: Record<string, string>;
  run(args: string[], options?: Options): Promise<Ended>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "graphkeeper-cli-"));
  const data = join(folder, "graph.db");
  const env = { GRAPHKEEPER_DATA: data, GRAPHKEEPER_GROUP: "acme" };
  return {
    folder,
    data,
    env,
    run: (args, options = {}) => cli(args, { ...options, cwd: folder, env: { ...env, ...options.env } }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A server of its own process on a data file, on a free port. */
export async function serve(
  data: string,
  env: Record<string, string> = {},
): Promise<{ address: string; pid: number; log(): string; stop(): Promise<number | null> }> {
  const { child, ended } = begin(["serve", "--port", "0", "--json", "--data", data], {
    env: { GRAPHKEEPER_AFTER_EVENTS: "false", ...env },
  });
  let log = "";
  child.stderr.on("data", (text: string) => {
    log += text;
  });
  const first = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) resolve(text);
    });
    void ended.then(({ code, err }) => reject(new Error(`serve ended with ${code}: ${err}`)));
  });
  const { address, pid } = JSON.parse(first) as { address: string; pid: number };
  return {
    address,
    pid,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      return (await ended).code;
    },
  };
}

/** A document of two units: `e-<id>` is mentioned by it alone, `hub` by every document, and one fact joins both. */
export function documentLines(id: string, text = `text of ${id}`): string[] {
  const angle = [...id].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0);
  const vector = (turn: number) => [Math.cos(angle + turn), Math.sin(angle + turn), 0.25];
  return [
    { kind: "document", id, title: `Title of ${id}` },
    { kind: "text_unit", id: `${id}:1`, documents: [id], text, embedding: vector(0) },
    { kind: "text_unit", id: `${id}:2`, documents: [id], text: `more of ${id}`, embedding: vector(1) },
    { kind: "entity", id: `e-${id}`, name: `Entity of ${id}`, type: "thing", embedding: vector(2) },
    { kind: "entity", id: "hub", name: "Hub" },
    { kind: "mention", text_unit: `${id}:1`, entity: `e-${id}` },
    { kind: "mention", text_unit: `${id}:2`, entity: "hub" },
    { kind: "relationship", id: `r-${id}`, source: `e-${id}`, target: "hub", type: "near", text_units: [`${id}:1`] },
  ].map((line) => JSON.stringify(line));
}

export function corpus(...ids: string[]): string {
  return `${ids.flatMap((id) => documentLines(id)).join("\n")}\n`;
}
