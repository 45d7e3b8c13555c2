import { z } from "zod";
import type { Visible } from "../jobs/service.ts";
import { demandAllGroups } from "./auth.ts";
import { type Route, route } from "./route.ts";

/** What the monitoring room says, as far as this room passes it on. */
export interface MonitoringSource {
  metricsText(): Promise<string>;
  alerts(visible: Visible): Promise<unknown>;
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const alertReport = z.looseObject({
  evaluated_at: z.string(),
  firing: z.int(),
  alerts: z.array(z.looseObject({ name: z.string(), status: z.enum(["ok", "pending", "firing", "resolved"]) })),
});

/** `/metrics` and the alerts; part of a server only where there is a monitoring to ask. */
export function monitoringRoutes(source: MonitoringSource): Route[] {
  return [
    route({
      method: "GET",
      path: "/metrics",
      role: "reader",
      group: "none",
      tag: "operations",
      summary: "Metrics in the Prometheus text format, without group labels unless they were asked for",
      answers: { 200: { description: "Text exposition format 0.0.4", type: METRICS_TYPE } },
      description: "They count over all groups, and so need a key that may see all groups.",
      handle: async ({ principal }) => {
        demandAllGroups(principal, "Metrics are");
        return { body: await source.metricsText(), type: METRICS_TYPE };
      },
    }),
    route({
      method: "GET",
      path: "/maintenance/alerts",
      role: "reader",
      group: "none",
      tag: "maintenance",
      summary: "The alerts that the service itself evaluates",
      answers: { 200: { description: "Each alert with its state", schema: alertReport } },
      handle: async (call) => ({ body: await source.alerts(call.visible) }),
    }),
  ];
}
