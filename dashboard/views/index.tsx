import type { ComponentChild } from "preact";
import { type Place, to } from "../router.ts";
import { AuditView } from "./audit.tsx";
import { DocumentView } from "./document.tsx";
import { DocumentsView } from "./documents.tsx";
import { GraphView } from "./graph.tsx";
import { GroupView } from "./group.tsx";
import { GroupsView } from "./groups.tsx";
import { OverviewView } from "./overview.tsx";
import { RunView } from "./run.tsx";
import { RunsView } from "./runs.tsx";
import { ScheduleView } from "./schedule.tsx";
import { SchedulesView } from "./schedules.tsx";

export function viewOf({ parts, query }: Place): { title: string; view: ComponentChild } {
  const [room = "", id, view, what] = parts;
  if (room === "") return { title: "Overview", view: <OverviewView /> };
  if (room === "runs") {
    if (id !== undefined) return { title: "Run", view: <RunView id={id} /> };
    return { title: "Runs", view: <RunsView state={query.get("state") ?? ""} group={query.get("group") ?? ""} /> };
  }
  if (room === "schedules") {
    if (id === undefined) return { title: "Schedules", view: <SchedulesView /> };
    return { title: `Schedule ${id}`, view: <ScheduleView id={id} /> };
  }
  if (room === "groups") {
    if (id === undefined) return { title: "Groups", view: <GroupsView /> };
    switch (view) {
      case undefined:
        return { title: `Group ${id}`, view: <GroupView group={id} /> };
      case "documents":
        if (what !== undefined) return { title: `Document ${what}`, view: <DocumentView group={id} document={what} /> };
        return {
          title: `Documents of ${id}`,
          view: <DocumentsView group={id} status={query.get("status") ?? ""} after={query.get("after") ?? ""} />,
        };
      case "graph": {
        const of = { document: query.get("document") ?? undefined, entity: query.get("entity") ?? undefined };
        return { title: `Graph of ${id}`, view: <GraphView group={id} {...of} /> };
      }
      case "audit":
        return { title: `Audit of ${id}`, view: <AuditView group={id} /> };
    }
  }
  return {
    title: "There is no such view",
    view: (
      <p>
        <a href={to([])}>To the overview</a>
      </p>
    ),
  };
}
