/** A group as `GET /maintenance/admin/groups/stale` lists it. */
export interface StaleGroup {
  group_id: string;
  needs_gc: boolean;
  needs_gds_recompute: boolean;
}

/** The service waits 240 s for the end of a run before it answers 202; then the run goes on without us. */
const TIMEOUT_MS = 300_000;

/** The few calls of Graphkeeper's HTTP API that maintenance needs. */
export class MaintenanceApi {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(options: { url: string; apiKey?: string; traceparent?: string }) {
    this.#url = options.url.replace(/\/+$/, "");
    this.#headers = {};
    if (options.apiKey) this.#headers.authorization = `Bearer ${options.apiKey}`;
    if (options.traceparent) this.#headers.traceparent = options.traceparent;
  }

  async *staleGroups(): AsyncGenerator<StaleGroup> {
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const page = (await this.#call("GET", `/maintenance/admin/groups/stale${query}`)) as {
        groups: StaleGroup[];
        next_cursor: string | null;
      };
      yield* page.groups;
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
  }

  collect(groupId: string, key: string): Promise<Record<string, unknown>> {
    return this.#call("POST", "/maintenance/run-all-gc", groupId, key);
  }

  recompute(groupId: string, key: string): Promise<Record<string, unknown>> {
    return this.#call("POST", "/maintenance/recompute-gds", groupId, key);
  }

  async #call(method: string, path: string, groupId?: string, key?: string): Promise<Record<string, unknown>> {
    const headers = { ...this.#headers };
    if (groupId !== undefined) headers["x-group-id"] = groupId;
    if (key !== undefined) headers["idempotency-key"] = key;
    const response = await fetch(this.#url + path, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 1_000)}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}
