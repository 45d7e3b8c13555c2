import { send } from "../api.ts";
import { words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Badge, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { to } from "../router.ts";
import type { Schedule } from "../wire.ts";

export function SchedulesView() {
  const schedules = useLoad(
    (signal) => send<{ schedules: Schedule[] }>({ path: "/maintenance/schedules" }, signal),
    [],
    5_000,
  );
  return (
    <Panel title="When runs are due" wide>
      <Wait of={schedules}>
        {({ schedules }) => (
          <Table
            name="Schedules"
            rows={schedules}
            id={(schedule) => schedule.id}
            empty="No schedules. Make one with graphkeeper schedules set."
            columns={[
              { head: "Schedule", cell: (schedule) => <a href={to(["schedules", schedule.id])}>{schedule.id}</a> },
              { head: "Kind", cell: (schedule) => words(schedule.kind) },
              { head: "For", cell: targetOf },
              { head: "Expression", cell: (schedule) => <code>{schedule.expression}</code> },
              { head: "Time zone", cell: (schedule) => schedule.time_zone },
              { head: "State", cell: (schedule) => <Badge state={stateOf(schedule)} /> },
              { head: "Next", cell: (schedule) => <Time at={schedule.pause === null ? schedule.next_at : null} /> },
            ]}
          />
        )}
      </Wait>
    </Panel>
  );
}

export function stateOf(schedule: Schedule): string {
  if (schedule.pause !== null) return "paused";
  return schedule.enabled ? "active" : "disabled";
}

export function targetOf({ target }: Schedule): string {
  return target === "stale" ? "all groups with work" : target.group_id;
}
