import type { GraphStore, Page } from "../../core/ports.ts";
import type { GroupState } from "../../core/words.ts";

/**
 * The part of a store whose groups begin with `prefix`, as if it were all of it: group ids get the prefix on their way in and
 * lose it on their way out. Lets many cases share one store where opening one is dear.
 */
export function scoped(store: GraphStore, prefix: string): GraphStore {
  const own: Partial<GraphStore> = {
    async groups({ stale, cursor, limit }): Promise<Page<GroupState>> {
      const all = (await allGroups(store, stale)).filter(({ groupId }) => groupId.startsWith(prefix));
      const from = cursor === undefined ? 0 : Number(cursor);
      const items = all.slice(from, from + limit).map(outward);
      return { items, nextCursor: from + limit < all.length ? String(from + limit) : null };
    },
    async unfinished(limit) {
      const all = await store.unfinished(100_000);
      return all
        .filter(({ groupId }) => groupId.startsWith(prefix))
        .map(outward)
        .slice(0, limit);
    },
    records: (groupId, options) => store.records(prefix + groupId, options),
    publishedParts: (groupId) => store.publishedParts(prefix + groupId),
    close: async () => {}, // It is the caller's.
  };
  const inward = (value: unknown) => {
    if (typeof value === "string") return prefix + value;
    return isGrouped(value) ? { ...value, groupId: prefix + value.groupId } : value;
  };
  const outward = <T>(value: T): T =>
    isGrouped(value) ? { ...value, groupId: value.groupId.slice(prefix.length) } : value;
  return new Proxy(store, {
    get(target, name) {
      if (name in own) return own[name as keyof GraphStore];
      const member = target[name as keyof GraphStore];
      if (typeof member !== "function") return member;
      // Every other method begins with a group's id, an operation or a fence.
      return async (first: unknown, ...rest: unknown[]) =>
        outward(await (member as (...values: unknown[]) => unknown).call(target, inward(first), ...rest));
    },
  });
}

function isGrouped(value: unknown): value is { groupId: string } {
  return typeof value === "object" && value !== null && typeof (value as { groupId?: unknown }).groupId === "string";
}

async function allGroups(store: GraphStore, stale?: boolean): Promise<GroupState[]> {
  const all: GroupState[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.groups({ stale, cursor, limit: 1_000 });
    all.push(...page.items);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}
