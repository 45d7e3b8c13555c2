import type { Handle } from "./derive.ts";
import type { Neo4jStore } from "./store.ts";

/** Brings all that is parked back, whatever the law says: what an uninstall leaves is the user's whole graph. */
export async function showEverything(store: Neo4jStore): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await store.groups({ cursor, limit: 100 });
    for (const group of page.items) await showGroup(store, group.groupId);
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}

async function showGroup(store: Neo4jStore, groupId: string): Promise<void> {
  const batch = (work: Parameters<typeof store.write<number>>[1]) => store.write(groupId, work);
  for (;;) {
    const shown = await batch(async (w) => {
      const now = w.int(0);
      const units = await w.run<Handle>("parkedUnitsPage", { limit: w.int(1_000) });
      await w.each(
        "showUnits",
        "handles",
        units.map((u) => u.handle),
        { now },
      );
      const entities = await w.run<Handle>("parkedEntitiesPage", { limit: w.int(1_000) });
      await w.each(
        "showEntities",
        "handles",
        entities.map((e) => e.handle),
      );
      return units.length + entities.length;
    });
    if (shown === 0) break;
  }
  for (;;) {
    const shown = await batch(async (w) => {
      const rows = await w.run<{ id: string }>("parkedPage", { after: "", limit: w.int(1_000) });
      await w.each(
        "showFacts",
        "ids",
        rows.map((r) => r.id),
      );
      return rows.length;
    });
    if (shown === 0) break;
  }
  for (let cursor: string | undefined; ; ) {
    const page = await store.documents(groupId, { status: "deprecated", limit: 200, cursor });
    await store.write(groupId, async (w) => {
      const keys = page.items.map((d) => w.documentKey(d.id));
      await w.each("showDocuments", "keys", keys);
      for (const part of w.shapes.parts("document")) await w.tx.run(part.show, { group: groupId, owners: keys });
    });
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
