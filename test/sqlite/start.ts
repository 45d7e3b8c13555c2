import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ChildConfig } from "./child.ts";

export interface Child {
  pid: number;
  said: Record<string, unknown>[];
  /** The first message with that member, also an earlier one. */
  says: (member: string) => Promise<Record<string, unknown>>;
  /** Once `count` messages with that member have come, or the process has ended. */
  saysTimes: (member: string, count: number) => Promise<void>;
  tell: (line: string) => void;
  kill: (signal: NodeJS.Signals) => void;
  /** Exit code or signal, after all its messages have come. */
  ended: Promise<number | string>;
}

/** @param before a program that starts it, with its arguments */
export function start(config: ChildConfig, before: string[] = []): Child {
  const script = fileURLToPath(new URL("./child.ts", import.meta.url));
  const command = [...before, process.execPath, "--no-warnings", script, JSON.stringify(config)];
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // A killed process takes no more lines.
  child.stdin.on("error", () => {});
  const said: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(JSON.parse(line) as Record<string, unknown>);
    for (const look of [...waiting]) look();
  });
  let isOver = false;
  const ended = once(child, "close").then(([code, signal]) => {
    isOver = true;
    for (const look of [...waiting]) look();
    return (signal ?? code) as number | string;
  });
  const saysTimes = (member: string, count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isOver && said.filter((message) => member in message).length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const says = async (member: string) => {
    await saysTimes(member, 1);
    const message = said.find((m) => member in m);
    if (!message) throw new Error(`the process ended before it said "${member}"; it said ${JSON.stringify(said)}`);
    return message;
  };
  const pid = child.pid as number;
  return {
    pid,
    said,
    says,
    saysTimes,
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
