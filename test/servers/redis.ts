import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, needProgram } from "./tools.ts";

export interface RedisServer {
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts a real Redis on a free port of 127.0.0.1 that writes nothing to disk; installs it through apt-get where the caller is
 * root and there is none.
 * @throws Error that says what is missing, or what Redis printed
 */
export async function startRedis(): Promise<RedisServer> {
  const program = await needProgram("redis-server", "redis-server");
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "gk-redis-"));
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Redis did not start within 30 s:\n${printed}`)), 30_000);
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (data: Buffer) => {
          printed += data.toString();
          if (!printed.includes("Ready to accept connections")) return;
          clearTimeout(late);
          resolve();
        });
      }
      child.once("exit", (code) => reject(new Error(`Redis ended with ${code}:\n${printed}`)));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}/0`, stop };
}
