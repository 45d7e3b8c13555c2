import { send } from "../api.ts";
import { duration, number, orphans, words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Badge, Facts, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { Chart } from "../parts/chart.tsx";
import { RunTable } from "../parts/run-table.tsx";
import { to } from "../router.ts";
import type { Alert, Run, Schedule, ServiceHealth, StaleGroup } from "../wire.ts";

const EVERY_MS = 5_000;

export function OverviewView() {
  const health = useLoad((signal) => send<ServiceHealth>({ path: "/maintenance/health" }, signal), [], EVERY_MS);
  const stale = useLoad(
    (signal) =>
      send<{ groups: StaleGroup[]; next_cursor: string | null }>(
        { path: "/maintenance/admin/groups/stale", query: { limit: 200 } },
        signal,
      ),
    [],
    EVERY_MS,
  );
  const runs = useLoad(
    (signal) => send<{ runs: Run[] }>({ path: "/maintenance/runs", query: { limit: 8 } }, signal),
    [],
    EVERY_MS,
  );
  // Long, and it changes slowly.
  const trend = useLoad(
    (signal) => send<{ runs: Run[] }>({ path: "/maintenance/runs", query: { limit: 200 } }, signal),
    [],
    60_000,
  );
  const schedules = useLoad(
    (signal) => send<{ schedules: Schedule[] }>({ path: "/maintenance/schedules" }, signal),
    [],
    EVERY_MS,
  );
  const alerts = useLoad((signal) => send<{ alerts: Alert[] }>({ path: "/maintenance/alerts" }, signal), [], EVERY_MS);
  return (
    <div class="grid">
      <Panel title="Service">
        <Wait of={health}>{(found) => <Service health={found} />}</Wait>
      </Panel>
      <Panel title="Alerts">
        <Wait of={alerts}>{({ alerts }) => <Alerts alerts={alerts} />}</Wait>
      </Panel>
      <Panel title="Stale groups, oldest first" wide>
        <Wait of={stale}>
          {({ groups, next_cursor }) => <StaleGroups groups={groups} more={next_cursor !== null} />}
        </Wait>
      </Panel>
      <Panel title="Orphan entities over time" wide>
        <Wait of={trend}>{({ runs }) => <OrphanTrend runs={runs} />}</Wait>
      </Panel>
      <Panel title="Next runs">
        <Wait of={schedules}>{({ schedules }) => <NextRuns schedules={schedules} />}</Wait>
      </Panel>
      <Panel title="Last runs">
        <Wait of={runs}>{({ runs }) => <RunTable name="Last runs" runs={runs} brief />}</Wait>
      </Panel>
    </div>
  );
}

function Service({ health }: { health: ServiceHealth }) {
  return (
    <>
      <Facts
        of={[
          ["Status", <Badge state={health.status} />],
          ["Version", health.version],
          ["Up for", duration(Date.now() - Date.parse(health.started_at))],
          ...(health.stale_groups === undefined
            ? []
            : ([["Stale groups", `${health.stale_groups.count}${health.stale_groups.more ? " or more" : ""}`]] as [
                string,
                string,
              ][])),
        ]}
      />
      {health.findings?.map((finding) => (
        <p key={finding} class="finding">
          {finding}
        </p>
      ))}
    </>
  );
}

function Alerts({ alerts }: { alerts: Alert[] }) {
  return (
    <ul class="plain">
      {alerts.map((alert) => (
        <li key={alert.name}>
          <Badge state={alert.status} /> <strong>{words(alert.name)}</strong>
          <br />
          <span class="quiet">{alert.summary}</span>
          {alert.status !== "ok" && alert.group_ids.length > 0 && (
            <span>
              {" "}
              Groups:{" "}
              {alert.group_ids.map((id) => (
                <a key={id} href={to(["groups", id])}>
                  {id}{" "}
                </a>
              ))}
            </span>
          )}
          {alert.status !== "ok" && <span class="quiet"> Runbook: {alert.runbook}</span>}
        </li>
      ))}
    </ul>
  );
}

function StaleGroups({ groups, more }: { groups: StaleGroup[]; more: boolean }) {
  const sorted = [...groups].sort((a, b) => Date.parse(a.stale_since ?? "") - Date.parse(b.stale_since ?? ""));
  return (
    <>
      <Table
        name="Stale groups"
        rows={sorted}
        id={(group) => group.group_id}
        empty="Nothing is stale: every group was collected and recomputed after its last change."
        columns={[
          { head: "Group", cell: (group) => <a href={to(["groups", group.group_id])}>{group.group_id}</a> },
          { head: "Stale since", cell: (group) => <Time at={group.stale_since} /> },
          {
            head: "Needs",
            cell: (group) =>
              [group.needs_gc && "collection", group.needs_gds_recompute && "recompute"].filter(Boolean).join(", "),
          },
          { head: "Changes not collected", figure: true, cell: (group) => number(group.generations_behind.gc) },
          { head: "Changes not in analytics", figure: true, cell: (group) => number(group.generations_behind.gds) },
        ]}
      />
      {more && <p class="quiet">More groups are stale; these are the first 200 by id.</p>}
    </>
  );
}

function NextRuns({ schedules }: { schedules: Schedule[] }) {
  const next = schedules
    .filter((schedule) => schedule.next_at !== null)
    .sort((a, b) => Date.parse(a.next_at!) - Date.parse(b.next_at!));
  return (
    <Table
      name="Next runs"
      rows={next}
      id={(schedule) => schedule.id}
      empty="No schedule is due: there is none, or all are paused."
      columns={[
        { head: "Schedule", cell: (schedule) => <a href={to(["schedules", schedule.id])}>{schedule.id}</a> },
        {
          head: "Due",
          cell: (schedule) => (schedule.pause === null ? <Time at={schedule.next_at} /> : <Badge state="paused" />),
        },
      ]}
    />
  );
}

/** Orphans of all groups together, as the ledger counted them before and after each run. */
function OrphanTrend({ runs }: { runs: Run[] }) {
  const counted = runs
    .flatMap((run) => [
      { at: run.started_at, group: run.group_id, counts: run.before },
      { at: run.ended_at, group: run.group_id, counts: run.after },
    ])
    .filter((point) => point.at !== null && point.counts !== null)
    .map((point) => ({ at: Date.parse(point.at!) / 1_000, group: point.group, orphans: orphans(point.counts!) }))
    .sort((a, b) => a.at - b.at);
  const known = new Map<string, number>();
  const [times, values]: [number[], number[]] = [[], []];
  for (const { at, group, orphans } of counted) {
    known.set(group, orphans);
    times.push(at);
    values.push([...known.values()].reduce((sum, each) => sum + each, 0));
  }
  if (times.length < 2)
    return <p class="quiet">The line begins with the first run: each one counts before and after.</p>;
  return <Chart name="Orphan entities of all groups" times={times} values={values} />;
}
