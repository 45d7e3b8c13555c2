import type { PublishedAnalytics } from "../../../core/ports.ts";
import { needGroup } from "./change.ts";
import { analytics } from "./records.ts";
import type { Session } from "./session.ts";

/** Everything that is published, in one snapshot and in the order of `records`. */
export function readPublished(session: Session, groupId: string): PublishedAnalytics {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const published: PublishedAnalytics = {
      epoch: group.analytics_epoch,
      similarity: [],
      communities: [],
      memberships: [],
      ranks: [],
    };
    for (const record of analytics(session, group.g, group.analytics_epoch)) {
      if (record.kind === "similarity") published.similarity.push({ a: record.a, b: record.b, score: record.score });
      else if (record.kind === "community") published.communities.push(record.community);
      else if (record.kind === "membership") {
        const { level, entity, community } = record;
        published.memberships.push({ level, entity, community });
      } else if (record.kind === "rank") {
        const { entity, score, component } = record;
        published.ranks.push({ entity, score, component });
      }
    }
    return published;
  });
}

export function analyticsState(session: Session, groupId: string): Uint8Array | null {
  return session.read(() => {
    const { g } = needGroup(session, groupId);
    return (session.get("SELECT state FROM analytics_states WHERE g = ?", g)?.state as Uint8Array | undefined) ?? null;
  });
}
