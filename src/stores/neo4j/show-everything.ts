import type { GraphStore } from "../../core/ports.ts";
import { retell } from "./derive.ts";
import type { Handle } from "./judge.ts";
import { showParts } from "./parts.ts";
import type { NodeKind } from "./shapes.ts";
import type { Transactions } from "./transactions.ts";
import { foldTwins, parkedPage, rehide } from "./twins.ts";
import type { Work } from "./work.ts";

type WholeStore = Transactions & Pick<GraphStore, "groups" | "documents">;

/** Brings all that is parked back, whatever the law says: what an uninstall leaves is the user's whole graph. */
export async function showEverything(store: WholeStore): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await store.groups({ cursor, limit: 100 });
    for (const group of page.items) await showGroup(store, group.groupId);
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}

async function showGroup(store: WholeStore, groupId: string): Promise<void> {
  const untilDone = async (batch: (w: Work) => Promise<number>) => {
    while ((await store.write(groupId, batch)) > 0);
  };
  await showDocuments(store, groupId);
  for (const kind of ["unit", "entity"] as const) await foldAll(store, groupId, kind);
  await untilDone(async (w) => {
    const limit = w.int(1_000);
    const units = (await w.run<Handle>("parkedUnitsPage", { limit })).map((u) => u.handle);
    await w.each("showUnits", "handles", units, { now: w.int(0) });
    await showParts(w, "unit", units);
    const entities = (await w.run<Handle>("parkedEntitiesPage", { limit })).map((e) => e.handle);
    await w.each("showEntities", "handles", entities);
    return units.length + entities.length;
  });
  await untilDone(async (w) => {
    const rows = await w.run<{ id: string }>("parkedPage", { after: "", limit: w.int(1_000) });
    const ids = rows.map((r) => r.id);
    await w.each("showFacts", "ids", ids);
    // What is left had lost an end: there is nothing to show.
    await w.each("deleteParked", "ids", ids);
    retell(w, ids);
    return ids.length;
  });
  await untilDone(async (w) => {
    const rows = await w.run<{ handle: string }>("parkedEdgesPage", { limit: w.int(1_000) });
    const handles = rows.map((r) => r.handle);
    await w.each("showDerived", "handles", handles);
    await w.each("dropDerived", "handles", handles);
    return handles.length;
  });
}

/** What its writer made again while it was parked is one node again before it is shown. */
async function foldAll(store: Transactions, groupId: string, kind: NodeKind): Promise<void> {
  for (let after = ""; ; ) {
    const last = await store.write(groupId, async (w) => {
      const page = await parkedPage(w, kind, after, 1_000);
      const handles = page.map((row) => row.handle);
      await foldTwins(w, kind, handles);
      await rehide(w, kind, handles, 0);
      return page.at(-1)?.id ?? null;
    });
    if (last === null) return;
    after = last;
  }
}

async function showDocuments(store: WholeStore, groupId: string): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await store.documents(groupId, { status: "deprecated", limit: 200, cursor });
    await store.write(groupId, async (w) => {
      const keys = page.items.map((d) => w.documentKey(d.id));
      await w.each("showDocuments", "keys", keys);
      await showParts(w, "document", keys);
    });
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
