export type { Alert, AlertReport } from "./alerts.ts";
export { ALERTS, type AlertName, DEFAULT_THRESHOLDS, type Thresholds } from "./conditions.ts";
export { MaintenanceMetrics, unseenSdk } from "./metrics.ts";
export { Monitoring, type MonitoringOptions } from "./monitoring.ts";
export { METRICS_CONTENT_TYPE } from "./prometheus.ts";
export { traceRequest } from "./trace-requests.ts";
export { watchRuns } from "./watch-runs.ts";
export { signWebhook, Webhook, type WebhookOptions } from "./webhook.ts";
