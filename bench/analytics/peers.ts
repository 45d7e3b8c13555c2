import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface PeerAnswer {
  ms?: number;
  modularity?: number;
  communities?: number;
  first?: number[][];
  error?: string;
}

/** The Python peers, one process that answers requests one by one, so that runs can be interleaved with ours. */
export class Peers {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  constructor() {
    const script = fileURLToPath(new URL("./peers.py", import.meta.url));
    this.process = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.reader = createInterface({ input: this.process.stdout! });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  async ask(request: Record<string, unknown>): Promise<PeerAnswer> {
    this.process.stdin!.write(`${JSON.stringify(request)}\n`);
    const line = await this.lines.next();
    if (line.done) throw new Error("the peers' process ended");
    return JSON.parse(line.value) as PeerAnswer;
  }

  close(): void {
    this.process.stdin!.end();
    this.reader.close();
  }
}
