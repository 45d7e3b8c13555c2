import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/**
 * Asks a server process for its livez, over and over, on a thread of its own. Told is the longest answer since it was told last: in
 * ms on the wall, but no more than the server's main thread computed meanwhile, so that what other processes take does not count.
 */
const { url, pid } = workerData as { url: string; pid: number };
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let longest = 0;

/** Of the thread of the event loop. */
function computedMs(): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

function ask(): void {
  const [beganAt, computed] = [performance.now(), computedMs()];
  const told = (answered: boolean) => {
    const took = Math.min(performance.now() - beganAt, computedMs() - computed);
    longest = Math.max(longest, answered ? took : Number.POSITIVE_INFINITY);
    setTimeout(ask, 5);
  };
  request(`${url}/livez`, { agent }, (response) => {
    response.resume();
    response.once("end", () => told(response.statusCode === 200));
  })
    .once("error", () => told(false))
    .end();
}

ask();
parentPort?.on("message", () => {
  parentPort?.postMessage(longest);
  longest = 0;
});
