import { createRequire } from "node:module";
import { join } from "node:path";
import { context, metrics, trace } from "@opentelemetry/api";
import { nodeModulesWith } from "../servers/tools.ts";

/** The user's part: real SDKs, registered before the product makes its instruments. */
const SDK = [
  "@opentelemetry/api@1.10.0",
  "@opentelemetry/sdk-metrics@3.1.1",
  "@opentelemetry/sdk-trace@3.1.1",
  "@opentelemetry/context-async-hooks@3.1.1",
];

export interface FinishedSpan {
  name: string;
  kind: number;
  attributes: Record<string, unknown>;
  status: { code: number; message?: string };
  parentSpanContext?: { spanId: string };
  links: { context: { traceId: string; spanId: string } }[];
  spanContext(): { spanId: string; traceId: string };
}
// biome-ignore lint/suspicious/noExplicitAny: the SDKs are no dependency of ours, so their types are not here
export type Any = any;

/** Loads a package of the SDKs; installs them the first time. */
export async function loadSdk(): Promise<(name: string) => Any> {
  const require = createRequire(join(await nodeModulesWith(SDK), "package.json"));
  return (name) => require(name);
}

/** Registers tracing with an exporter in memory, and what keeps the active span over awaits. */
export function registerTracing(load: (name: string) => Any): { getFinishedSpans(): FinishedSpan[]; reset(): void } {
  const { TracerProvider, SimpleSpanProcessor, InMemorySpanExporter } = load("@opentelemetry/sdk-trace");
  const { AsyncLocalStorageContextManager } = load("@opentelemetry/context-async-hooks");
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return exporter;
}

export function forgetSdk(): void {
  metrics.disable();
  trace.disable();
  context.disable();
}
