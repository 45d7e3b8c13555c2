import { writeSync } from "node:fs";
import { openSqliteStore } from "../../src/stores/sqlite/store.ts";
import { openOnThisThread } from "./engine.ts";
import { live } from "./script.ts";

/**
 * A process that lives the script on a data file, and says what was acknowledged to it.
 *
 * `GRAPHKEEPER_FAILPOINT=name:n`: it ends itself, as by kill -9, when it comes to that place for the n-th time. Without one it works
 * through the store's threads.
 */

const [path = ""] = process.argv.slice(2);
const wanted = process.env.GRAPHKEEPER_FAILPOINT?.match(/^(.+):(\d+)$/);
let hits = 0;

function failpoint(name: string): void {
  if (name === wanted?.[1] && ++hits === Number(wanted[2])) process.kill(process.pid, "SIGKILL");
}

// Written at once: what the process says before it dies must arrive.
const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

const store = wanted
  ? openOnThisThread(path, { synchronous: "FULL", failpoint })
  : await openSqliteStore({ path, serve: { address: "http://127.0.0.1:1" } });
await live(
  store,
  0,
  ({ id, generation, state }) => say({ operation: id, generation, state }),
  (step) => say({ step }),
);
await store.close();
