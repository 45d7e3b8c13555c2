import { useState } from "preact/hooks";
import { send } from "../api.ts";
import { number } from "../format.ts";
import { useLoad } from "../load.ts";
import { Badge, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { Pager } from "../parts/pager.tsx";
import { to } from "../router.ts";
import type { Group } from "../wire.ts";

export function GroupsView() {
  // Cursors of the pages before, so that one can go back.
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const groups = useLoad(
    (signal) =>
      send<{ groups: Group[]; next_cursor: string | null }>({ path: "/groups", query: { limit: 100, cursor } }, signal),
    [cursor],
    10_000,
  );
  return (
    <Panel title="All groups that the key may see" wide>
      <Wait of={groups}>
        {({ groups, next_cursor }) => (
          <>
            <Table
              name="Groups"
              rows={groups}
              id={(group) => group.group_id}
              empty="No group yet: a group comes to be with its first import (graphkeeper import)."
              columns={[
                { head: "Group", cell: (group) => <a href={to(["groups", group.group_id])}>{group.group_id}</a> },
                {
                  head: "State",
                  cell: (group) => <Badge state={isStale(group) ? "stale" : "healthy"} />,
                },
                { head: "Stale since", cell: (group) => <Time at={group.stale_since} /> },
                { head: "Generation", figure: true, cell: (group) => number(group.generation) },
                { head: "Collected up to", figure: true, cell: (group) => number(group.collected_generation) },
                {
                  head: "Analytics of",
                  figure: true,
                  cell: (group) => (group.analytics_generation === null ? "none" : number(group.analytics_generation)),
                },
                { head: "First import", cell: (group) => <Time at={group.created_at} /> },
              ]}
            />
            <Pager
              back={cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : null}
              on={next_cursor === null ? null : () => setCursors([...cursors, next_cursor])}
            />
          </>
        )}
      </Wait>
    </Panel>
  );
}

function isStale(group: Group): boolean {
  return group.generation > group.collected_generation || group.generation > (group.analytics_generation ?? -1);
}
