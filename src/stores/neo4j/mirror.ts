import type { Row } from "./connection.ts";
import { idFromKey, keyFromId } from "./shapes.ts";
import type { Work } from "./work.ts";

/**
 * Publishes analytics into the shapes in which the writer's own readers look for them. Our rows stay the truth; after each
 * publication the difference is carried over in bounded batches, and each row remembers that it was.
 */

/** One bounded batch; 0 when readers see all of the publication. */
export async function mirror(w: Work, limit: number): Promise<number> {
  const { profile } = w.shapes;
  if (!profile.publish || profile.published === undefined) return 0;
  const parameters = { epoch: w.int(w.group.analyticsEpoch), limit: w.int(Math.min(limit, 1_000)) };
  const leaving = await w.run<{ row: string; r: Row }>("leaving", parameters);
  if (leaving.length > 0) {
    await carry(
      w,
      leaving.map((l) => l.r),
      true,
    );
    await w.each(
      "markUnmirrored",
      "rows",
      leaving.map((l) => l.row),
    );
    return leaving.length;
  }
  const rows = await w.run<{ row: string; r: Row }>("unmirrored", parameters);
  // Communities first: members and children need them.
  rows.sort((a, b) => Number(a.r.lc_kind !== "community") - Number(b.r.lc_kind !== "community"));
  await carry(
    w,
    rows.map((r) => r.r),
    false,
  );
  await w.each(
    "markMirrored",
    "rows",
    rows.map((r) => r.row),
  );
  return rows.length;
}

async function carry(w: Work, rows: Row[], gone: boolean): Promise<void> {
  const of = (kind: string) => rows.filter((row) => row.lc_kind === kind);
  const key = (id: unknown) => keyFromId(w.shapes.key("entity"), idFromKey(id));
  const similarity = of("similarity").map((r) => ({ a: key(r.lc_a), b: key(r.lc_b), score: r.score }));
  await w.each(gone ? "dropSimilarity" : "mirrorSimilarity", "rows", similarity);
  await w.each(
    "mirrorRanks",
    "rows",
    of("rank").map((r) => ({ entity: key(r.lc_a), score: gone ? null : r.score })),
  );
  const { communities: shape } = w.shapes.profile;
  // Without levels there is one: the finest. Where only that has entities as members, the others have communities.
  const shown = (level: unknown) => shape?.level !== undefined || level === 0;
  const joins = (level: unknown) => shown(level) && !(shape?.member.lowest && level !== 0);
  const members = of("membership")
    .filter((r) => joins(r.level))
    .map((r) => ({
      entity: key(r.lc_a),
      level: r.level,
      community: gone ? null : r.community,
    }));
  const communities = of("community")
    .filter((r) => shown(r.level))
    .map((r) => ({ id: r.id, level: r.level, parent: shape?.level === undefined ? null : (r.parent ?? null) }));
  if (!gone) {
    const children = communities.filter((c) => c.parent !== null);
    await w.each("mirrorCommunities", "rows", [
      ...communities,
      ...members.map((m) => ({ id: m.community, level: m.level })),
      // A parent's own row may come in a later batch.
      ...children.map((c) => ({ id: c.parent, level: Number(c.level) + 1 })),
    ]);
    await w.each("mirrorParents", "rows", children);
  }
  await w.each("leaveCommunities", "rows", members);
  if (!gone) await w.each("joinCommunities", "rows", members);
  await w.each("setCommunity", "rows", members);
  if (gone) await w.each("dropCommunities", "rows", communities);
}
