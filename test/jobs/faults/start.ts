import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ProcessConfig } from "./process.ts";

export interface Started {
  child: ChildProcess;
  messages: Record<string, unknown>[];
  /** Resolves with the first message (also an earlier one) that fits. */
  said: (fits: (message: Record<string, unknown>) => boolean) => Promise<Record<string, unknown>>;
  /** Exit code, or the signal's name. */
  ended: Promise<number | string>;
}

export function startProcess(config: ProcessConfig): Started {
  const script = fileURLToPath(new URL("./process.ts", import.meta.url));
  const child = spawn(process.execPath, ["--no-warnings", script, JSON.stringify(config)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const messages: Record<string, unknown>[] = [];
  const waiting: { fits: (m: Record<string, unknown>) => boolean; resolve: (m: Record<string, unknown>) => void }[] =
    [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    const message = JSON.parse(line) as Record<string, unknown>;
    messages.push(message);
    for (const waiter of waiting.filter((w) => w.fits(message))) waiter.resolve(message);
  });
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const said = (fits: (m: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const already = messages.find(fits);
      if (already !== undefined) return resolve(already);
      waiting.push({ fits, resolve });
      ended.then((code) =>
        reject(new Error(`the process ended (${code}) before it said so; it said ${JSON.stringify(messages)}`)),
      );
    });
  return { child, messages, said, ended };
}

/** Ends processes that this test started, by their id, and waits for it. */
export async function endAll(processes: Started[]): Promise<void> {
  for (const { child } of processes) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await Promise.all(processes.map((p) => p.ended));
}
