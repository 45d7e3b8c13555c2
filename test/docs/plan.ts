import type { Block } from "./blocks.ts";

/** What the test does with a block that begins with a line. */
export type Treatment =
  /** To its end; it must succeed, and say what `prints` says. `alone`: what was started before is stopped. */
  | { run: true; prints?: RegExp; alone?: true }
  /** It goes on: what comes after it runs while it does. Ready when it has printed that, and `until` succeeds. */
  | { start: RegExp; alone?: true; until?: string }
  /** Another test carries out the same; the file must exist. */
  | { by: string; why: string }
  /** Its platform does not exist here. */
  | { not: string };

/** Beginning of the first line that is no comment. Each entry stands for one block. */
export type PagePlan = [beginning: string, treatment: Treatment][];

const GATE = ".ci/run";
/** The beat's message reached the worker, and the worker the service. */
const RUNS =
  'curl -sf "$GRAPHRAG_API_URL/maintenance/runs" -H "Authorization: Bearer $GRAPHRAG_API_KEY" | grep -q orphan_entities';

export const PLAN: Record<string, PagePlan> = {
  "README.md": [
    [
      "npm ci --ignore-scripts && npm run demo",
      { by: "test/demo/demo.test.ts", why: "the gate installs, the test runs the demo" },
    ],
    ["npm ci --ignore-scripts && npm run check", { by: GATE, why: "it is the gate, which runs this test" }],
    ["export PATH=", { run: true, prints: /report-2023/ }],
    ["import { compose, loadConfig }", { run: true }],
    ["graphkeeper serve", { start: /listening on/ }],
    [
      'curl -X POST "$API_URL/maintenance/run-all-gc"',
      { run: true, prints: /"groups":.*"status":"succeeded".*"group_id"/s },
    ],
  ],
  "docs/operations.md": [
    ["graphkeeper backup backup.db", { run: true, prints: /sound|no finding|clean|[0-9a-f]{64}/ }],
    ["cp backup.db graphkeeper.db", { run: true, alone: true }],
    ["npm install @opentelemetry/api@1.10", { by: "test/monitoring/otlp.test.ts", why: "it installs these packages" }],
    [
      "export OTEL_SERVICE_NAME",
      { by: "test/monitoring/otlp.test.ts", why: "the same preload on the checkout's program" },
    ],
    ["npm install @opentelemetry/api@1.9", { not: "Azure Monitor: a cloud account; the page says what was tried" }],
    ["export APPLICATIONINSIGHTS_CONNECTION_STRING", { not: "Azure Monitor: a cloud account" }],
    ['curl --fail-with-body -s "$API_URL/maintenance/health"', { run: true, prints: /"status".*"alerts".*"runs"/s }],
  ],
  "docs/quickstart-laptop.md": [
    ["npm ci --ignore-scripts", { by: GATE, why: "the gate installs so" }],
    ["export PATH=", { run: true }],
    ["graphkeeper import demo/lighthouses.ndjson", { run: true, prints: /97/ }],
    ["graphkeeper serve", { start: /listening on/ }],
    ["graphkeeper impact pharos-fall", { run: true }],
    ["curl --fail-with-body -X POST", { run: true, prints: /"deprecated".*"succeeded".*"restored"/s }],
    ["pip install ./clients/python", { run: true }],
    ["from graphkeeper_client import", { run: true, prints: /\d+ entities would go\ncollection succeeded/ }],
    ["import { readFileSync }", { run: true, prints: /[1-9]\d* text units are hidden/ }],
    ["graphkeeper keys create", { run: true, prints: /gk_[a-z0-9]{12}_/ }],
  ],
  "docs/quickstart-neo4j.md": [
    ["export PATH=", { run: true }],
    ["graphkeeper neo4j profiles", { run: true, prints: /neo4j-graphrag/ }],
    ["export GRAPHKEEPER_PROFILE", { run: true }],
    ["graphkeeper impact reports/2023.pdf", { run: true }],
    ["graphkeeper serve", { start: /listening on/ }],
    ["graphkeeper neo4j uninstall", { run: true, prints: /uninstalled/ }],
  ],
  "docs/quickstart-celery.md": [
    ["pip install './deploy/celery[redis]'", { run: true }],
    ["celery -A celery_config worker\n", { start: /\[queues\]/ }],
    ["celery -A celery_config beat", { start: /celery beat v/ }],
    ["GRAPHRAG_BEAT_SECONDS=5 celery", { start: /\[queues\]/, alone: true, until: RUNS }],
  ],
  "docs/quickstart-kubernetes.md": [
    [
      "podman build",
      { by: "test/deploy/container.test.ts", why: "no container engine here; the test goes through the file's steps" },
    ],
    ["kubectl create secret", { not: "a cluster" }],
    ["kubectl kustomize", { run: true, prints: /kind: CronJob/ }],
    ["kubectl apply", { not: "a cluster" }],
    ["kubectl create job", { not: "a cluster" }],
  ],
  "docs/quickstart-azure.md": [
    ["npm install\n", { by: "test/deploy/azure.test.ts", why: "it compiles the folder with the checkout's packages" }],
    [
      "func start",
      { by: "test/deploy/azure.test.ts", why: "the Core Tools are not here; the test invokes through the library" },
    ],
    ["az functionapp create", { not: "an Azure account" }],
  ],
};

/** The plan's treatment of each block; what is in one and not in the other is told in `gaps`. */
export function match(
  blocks: Block[],
  plan: PagePlan,
): { steps: { block: Block; treatment: Treatment }[]; gaps: string[] } {
  const left = [...plan];
  const steps: { block: Block; treatment: Treatment }[] = [];
  const gaps: string[] = [];
  for (const block of blocks) {
    const code = block.text.replace(/^(\s*(#.*)?\n)+/, "");
    const at = left.findIndex(([beginning]) => code.startsWith(beginning));
    if (at < 0) gaps.push(`${block.file}:${block.line} is neither executed nor listed: ${code.split("\n", 1)[0]}`);
    else steps.push({ block, treatment: left.splice(at, 1)[0]![1] });
  }
  for (const [beginning] of left) gaps.push(`the plan has a block that is not on the page: ${beginning}`);
  return { steps, gaps };
}
