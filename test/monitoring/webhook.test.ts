import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import type { Clock } from "../../src/jobs/clock.ts";
import type { Monitoring } from "../../src/monitoring/monitoring.ts";
import { Webhook } from "../../src/monitoring/webhook.ts";
import { block, DAY_MS, type MonitoringWorld, makeWorld, run } from "./world.ts";

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}
let server: Server;
let url: string;
let received: Received[];
/** Answers to give, in order; 204 when there is none left. */
let answers: { status: number; headers?: Record<string, string> }[];
let world: MonitoringWorld | null = null;
const SECRET = `whsec_${Buffer.from("a secret of thirty-two characters").toString("base64")}`;

beforeEach(async () => {
  received = [];
  answers = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    const answer = answers.shift() ?? { status: 204 };
    response.writeHead(answer.status, answer.headers).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  await world?.close();
  world = null;
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

/** As a receiver does it, by the text of the standard. */
function genuine({ headers, body }: Received, now: number): boolean {
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signed = createHmac("sha256", key)
    .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`)
    .digest("base64");
  return (
    headers["webhook-signature"] === `v1,${signed}` &&
    Math.abs(Number(headers["webhook-timestamp"]) * 1_000 - now) < 300_000
  );
}

/** A tick whose pauses (of 0 ms) the clock lets pass as they come. */
async function tickThrough(clock: FakeClock, monitoring: Monitoring): Promise<void> {
  let done = false;
  const ticked = monitoring.tick().finally(() => {
    done = true;
  });
  while (!done) await clock.advance(0);
  await ticked;
}

const types = () => received.map((each) => JSON.parse(each.body).type);

describe("the webhook of alerts", () => {
  const staleWorld = async (options: object = {}) => {
    world = await makeWorld({
      monitoring: { thresholds: { staleGroups: 0 }, webhook: { url, secret: SECRET, pausesMs: [0], ...options } },
    });
    await world.graphkeeper.importBlock("g1", block("a", 1));
    await world.clock.advance(DAY_MS + 60_000);
    return world;
  };

  test("tells once that an alert fires, and once that it is resolved, signed", async () => {
    const { clock, monitoring } = await staleWorld();
    await monitoring.tick();
    await clock.advance(60_000);
    await monitoring.tick();
    expect(types()).toEqual(["alert.firing"]);
    expect(received.every((each) => genuine(each, clock.now()))).toBe(true);
    const { alert } = JSON.parse(received[0]!.body);
    expect(alert).toMatchObject({ name: "stale_groups", value: 1, group_ids: ["g1"], resolved_at: null });
    expect(Date.parse(alert.firing_at)).toBeLessThanOrEqual(clock.now());
    await run(world!, "recompute", "g1");
    for (let i = 0; i < 3; i++) {
      await clock.advance(60_000);
      await monitoring.tick();
    }
    expect(types()).toEqual(["alert.firing", "alert.resolved"]);
    expect(world!.errors).toEqual([]);
  });

  test("a restart tells nothing twice, and does not forget to resolve", async () => {
    const { clock, monitoring, another } = await staleWorld();
    await monitoring.tick();
    await monitoring.stop();
    await clock.advance(120_000);
    const second = another();
    await second.tick();
    expect(types()).toEqual(["alert.firing"]);
    await second.stop();
    await run(world!, "recompute", "g1");
    await clock.advance(120_000);
    await another().tick();
    expect(types()).toEqual(["alert.firing", "alert.resolved"]);
  });

  test("two processes at the same moment tell it once", async () => {
    const { monitoring, another } = await staleWorld();
    const other = another();
    await Promise.all([monitoring.tick(), other.tick()]);
    expect(types()).toEqual(["alert.firing"]);
  });

  test("a receiver that was away hears of it once it is back", async () => {
    const { clock, monitoring } = await staleWorld();
    answers = [{ status: 503 }, { status: 500 }, { status: 502 }];
    await tickThrough(clock, monitoring);
    expect(received).toHaveLength(2);
    expect(world!.errors).toEqual(["alert webhook: The webhook answered 500."]);
    await clock.advance(60_000);
    await tickThrough(clock, monitoring);
    expect(types()).toHaveLength(4);
    // The same message throughout: a receiver that took the first and failed to say so can drop the others.
    expect(new Set(received.map((each) => each.headers["webhook-id"])).size).toBe(1);
    await clock.advance(60_000);
    await monitoring.tick();
    expect(received).toHaveLength(4);
  });

  test("a firing alert is told again after the repeat time", async () => {
    const { clock, monitoring } = await staleWorld();
    await monitoring.tick();
    await clock.advance(DAY_MS + 120_000);
    await monitoring.tick();
    const stale = received.map((each) => JSON.parse(each.body)).filter((each) => each.alert.name === "stale_groups");
    expect(stale.map((each) => each.type)).toEqual(["alert.firing", "alert.firing"]);
    expect(new Set(received.map((each) => each.headers["webhook-id"])).size).toBe(received.length);
  });
});

describe("one delivery", () => {
  const noting = (slept: number[]): Clock => {
    const clock = new FakeClock(Date.now());
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (ms) => {
        slept.push(ms);
      },
    };
  };

  test("waits as long as the receiver asks, up to a minute", async () => {
    const slept: number[] = [];
    answers = [
      { status: 429, headers: { "retry-after": "17" } },
      { status: 503, headers: { "retry-after": "9999" } },
    ];
    await new Webhook({ url, secret: SECRET }, noting(slept)).send("id", { a: 1 });
    expect(slept).toEqual([17_000, 60_000]);
  });

  test("what the receiver refuses is not sent again, and redirects are not followed", async () => {
    for (const status of [400, 401, 302]) {
      answers = [{ status, headers: { location: `${url}/elsewhere` } }];
      received = [];
      await expect(new Webhook({ url, secret: SECRET }, noting([])).send("id", {})).rejects.toThrow(
        `answered ${status}`,
      );
      expect(received).toHaveLength(1);
    }
  });

  test("an address where nobody listens is an error that says so", async () => {
    const gone = new Webhook({ url: "http://127.0.0.1:1/", secret: "plain" }, noting([]));
    await expect(gone.send("id", {})).rejects.toThrow(/cannot be reached/);
  });
});
