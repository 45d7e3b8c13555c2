import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface RecordedCall {
  method: string;
  path: string;
  group: string | null;
  key: string | null;
  status: number;
  answer: string;
}

export interface RecordingProxy {
  url: string;
  calls: RecordedCall[];
  /** Answers to give instead of the service's, in order: what a service does that is down or is stopping. */
  faults: ({ status: number } | "pass" | "cut" | "cut after")[];
  stop(): Promise<void>;
}

/** Stands between a client and the service, writes down what is said, and fails on demand. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const calls: RecordedCall[] = [];
  const faults: RecordingProxy["faults"] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const header = (name: string) => (request.headers[name] as string | undefined) ?? null;
    const call: RecordedCall = {
      method: request.method ?? "",
      path: request.url ?? "",
      group: header("x-group-id"),
      key: header("idempotency-key"),
      status: 0,
      answer: "",
    };
    calls.push(call);
    const fault = faults.shift();
    if (fault === "cut") return request.socket.destroy();
    if (typeof fault === "object") {
      call.status = fault.status;
      return response.writeHead(fault.status, { "content-type": "application/problem+json" }).end("{}");
    }
    const headers: Record<string, string> = {};
    for (const name of ["authorization", "content-type", "x-group-id", "idempotency-key", "traceparent"]) {
      const value = header(name);
      if (value !== null) headers[name] = value;
    }
    const answer = await fetch(target + call.path, {
      method: call.method,
      headers,
      body: call.method === "GET" || body === "" ? undefined : body,
    });
    call.status = answer.status;
    call.answer = await answer.text();
    // The effect has happened; only its answer is lost.
    if (fault === "cut after") return request.socket.destroy();
    for (const name of ["content-type", "location"]) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    return response.writeHead(answer.status).end(call.answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    faults,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
