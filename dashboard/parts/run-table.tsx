import { duration, words } from "../format.ts";
import { to } from "../router.ts";
import type { Run } from "../wire.ts";
import { Badge, type Column, Table, Time } from "./basics.tsx";

export function RunTable({ name, runs, brief }: { name: string; runs: Run[]; brief?: boolean }) {
  const columns: Column<Run>[] = [
    { head: "Run", cell: (run) => <a href={to(["runs", run.id])}>{words(run.kind)}</a> },
    { head: "Group", cell: (run) => <a href={to(["groups", run.group_id])}>{run.group_id}</a> },
    { head: "State", cell: (run) => <Badge state={run.state} /> },
    {
      head: "Ended",
      cell: (run) => <Time at={run.ended_at} otherwise={run.started_at === null ? "not begun" : "under way"} />,
    },
  ];
  if (!brief) {
    columns.push(
      { head: "Took", figure: true, cell: took },
      { head: "Began by", cell: (run) => run.schedule_id ?? `${run.trigger}, ${run.actor}` },
      { head: "Remark", cell: (run) => run.error?.message ?? run.reason ?? "" },
    );
  }
  return <Table name={name} rows={runs} id={(run) => run.id} columns={columns} empty="No runs." />;
}

export function took(run: Run): string {
  if (run.started_at === null) return "–";
  const ms = (run.ended_at === null ? Date.now() : Date.parse(run.ended_at)) - Date.parse(run.started_at);
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : duration(ms);
}
