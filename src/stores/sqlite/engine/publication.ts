import type { Fence, GroupState, JsonObject } from "../../../core/words.ts";
import { boundContents } from "./acknowledged-contents.ts";
import { appendAudit, beginChange, type Change, groupState, saveGroup, settleStaleness } from "./change.ts";
import { needFence } from "./leases.ts";
import type { Session } from "./session.ts";
import { BEGINS, ENDS, FOREVER, STAGED, type StagedKey, takeStaged } from "./staged-keys.ts";

/** What becomes of staged analytics: taken back, published, and what they replaced removed. */

/** Takes back what the next publication would begin or end. @returns the number of rows taken back, at most `limit` */
export function discardStaged(session: Session, fence: Fence, limit: number, now: number): number {
  return session.writeStep(() => {
    const change = beginChange(session, needFence(session, fence, now), now);
    const epoch = change.group.analytics_epoch + 1;
    const begun = takeStaged(session, change.g, epoch, BEGINS, limit);
    for (const key of begun) takeBackBegin(change, key, epoch);
    const ended = takeStaged(session, change.g, epoch, ENDS, limit - begun.length);
    for (const key of ended) takeBackEnd(change, key, epoch);
    saveGroup(change);
    return begun.length + ended.length;
  });
}

function takeBackBegin(change: Change, { kind, a, b }: StagedKey, epoch: number): void {
  const { session, g, group } = change;
  switch (kind) {
    case STAGED.similarity:
      group.similarity_staged -= session.run(
        "DELETE FROM similarity WHERE g = ? AND a = ? AND b = ? AND from_epoch = ?",
        g,
        a,
        b,
        epoch,
      );
      return;
    case STAGED.community:
      group.community_staged -= session.run(
        "DELETE FROM communities WHERE g = ? AND community = ? AND from_epoch = ?",
        g,
        a,
        epoch,
      );
      forgetCommunity(session, g, a);
      return;
    case STAGED.membership: {
      const sql =
        "DELETE FROM memberships WHERE g = ? AND level = ? AND entity = ? AND from_epoch = ? RETURNING community";
      const community = session.get(sql, g, a, b, epoch)?.community;
      if (community !== undefined) forgetCommunity(session, g, community as number);
      return;
    }
    case STAGED.rank:
      session.run("DELETE FROM ranks WHERE g = ? AND entity = ? AND from_epoch = ?", g, a, epoch);
  }
}

function takeBackEnd(change: Change, { kind, a, b }: StagedKey, epoch: number): void {
  const { session, g, group } = change;
  switch (kind) {
    case STAGED.similarity:
      group.similarity_staged += session.run(
        "UPDATE similarity SET to_epoch = ? WHERE g = ? AND a = ? AND b = ? AND to_epoch = ?",
        FOREVER,
        g,
        a,
        b,
        epoch,
      );
      return;
    case STAGED.community:
      group.community_staged += session.run(
        "UPDATE communities SET to_epoch = ? WHERE g = ? AND community = ? AND to_epoch = ?",
        FOREVER,
        g,
        a,
        epoch,
      );
      return;
    case STAGED.membership:
      session.run(
        "UPDATE memberships SET to_epoch = ? WHERE g = ? AND level = ? AND entity = ? AND to_epoch = ?",
        FOREVER,
        g,
        a,
        b,
        epoch,
      );
      return;
    case STAGED.rank:
      session.run("UPDATE ranks SET to_epoch = ? WHERE g = ? AND entity = ? AND to_epoch = ?", FOREVER, g, a, epoch);
  }
}

/** The switch: one row. What was staged for the next epoch is what readers see from now on. */
export function publishAnalytics(
  session: Session,
  fence: Fence,
  publication: { generation: number; state: Uint8Array | null; detail: JsonObject; now: number },
): GroupState {
  const { generation, state, detail, now } = publication;
  return session.write(() => {
    const change = beginChange(session, needFence(session, fence, now), now);
    const { group, g } = change;
    group.analytics_epoch++;
    group.analytics_generation = generation;
    group.similarity_rows += group.similarity_staged;
    group.similarity_staged = 0;
    group.community_rows += group.community_staged;
    group.community_staged = 0;
    if (state === null) session.run("DELETE FROM analytics_states WHERE g = ?", g);
    else session.run("INSERT OR REPLACE INTO analytics_states (g, state) VALUES (?, ?)", g, state);
    boundContents(session, g);
    settleStaleness(group);
    appendAudit(change, { at: now, actor: "analytics", action: "publish", ref: String(group.analytics_epoch), detail });
    session.failpoint("publish:switched");
    saveGroup(change);
    return groupState(group);
  });
}

/** Removes rows that no reader sees since a publication ended them. @returns the number looked at, at most `limit` */
export function pruneAnalytics(session: Session, fence: Fence, limit: number, now: number): number {
  return session.writeStep(() => {
    const group = needFence(session, fence, now);
    const published = group.analytics_epoch;
    const { g } = group;
    let pruned = 0;
    while (pruned < limit) {
      const row = session.get(
        "SELECT epoch FROM staged WHERE g = ? AND epoch <= ? AND ends = ? ORDER BY epoch LIMIT 1",
        g,
        published,
        ENDS,
      );
      if (!row) break;
      const keys = takeStaged(session, g, row.epoch as number, ENDS, limit - pruned);
      for (const key of keys) prune(session, g, key, published);
      pruned += keys.length;
    }
    // What the publications began is published: their lists are of no more use. They are few rows.
    if (pruned < limit) session.run("DELETE FROM staged WHERE g = ? AND epoch <= ?", g, published);
    return pruned;
  });
}

function prune(session: Session, g: number, { kind, a, b }: StagedKey, published: number): void {
  switch (kind) {
    case STAGED.similarity:
      session.run("DELETE FROM similarity WHERE g = ? AND a = ? AND b = ? AND to_epoch <= ?", g, a, b, published);
      return;
    case STAGED.community:
      session.run("DELETE FROM communities WHERE g = ? AND community = ? AND to_epoch <= ?", g, a, published);
      session.run(
        `DELETE FROM acknowledged_members WHERE g = ?1 AND community = ?2
           AND NOT EXISTS (SELECT 1 FROM communities WHERE g = ?1 AND community = ?2)`,
        g,
        a,
      );
      forgetCommunity(session, g, a);
      return;
    case STAGED.membership: {
      const sql =
        "DELETE FROM memberships WHERE g = ? AND level = ? AND entity = ? AND to_epoch <= ? RETURNING community";
      for (const { community } of session.all(sql, g, a, b, published))
        forgetCommunity(session, g, community as number);
      return;
    }
    case STAGED.rank:
      session.run("DELETE FROM ranks WHERE g = ? AND entity = ? AND to_epoch <= ?", g, a, published);
  }
}

/** Removes the id of a community that no row names any more; one that was acknowledged stays until that is taken back. */
export function forgetCommunity(session: Session, g: number, community: number): void {
  session.run(
    `DELETE FROM community_ids WHERE g = ?1 AND key = ?2 AND acknowledged_hash IS NULL
       AND NOT EXISTS (SELECT 1 FROM communities WHERE g = ?1 AND community = ?2)
       AND NOT EXISTS (SELECT 1 FROM memberships INDEXED BY memberships_by_community WHERE g = ?1 AND community = ?2)`,
    g,
    community,
  );
}
