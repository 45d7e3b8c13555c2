import { createRequire } from "node:module";

/**
 * The part of the Azure Functions host that `@azure/functions` talks to (`@azure/functions-core`, which only the host itself
 * has), as a process of its own: it loads the function app, tells what was registered, and carries out invocations the way that
 * the host's worker does: arguments, function, response. The host proper is a download that this project's machines cannot make.
 */

/** What the library registers with the host. */
export interface Registered {
  name: string;
  bindings: Record<string, { type: string; schedule?: string }>;
  retryOptions?: object;
}
export type ToHost = { name: string; timer: object };
export type FromHost = { registered: Registered[] } | { result: unknown; error: string | null; logs: string[] };

interface Model {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: unknown): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: { json?: string } }>;
}

const functions: { metadata: Registered; callback: unknown }[] = [];
let programmingModel: { getInvocationModel(context: unknown): Model } | null = null;
const core = {
  registerFunction: (metadata: Registered, callback: unknown) => {
    functions.push({ metadata, callback });
    return { dispose: () => {} };
  },
  setProgrammingModel: (model: never) => {
    programmingModel = model;
  },
  registerHook: () => ({ dispose: () => {} }),
  Disposable: class {},
};

async function invoke({ name, timer }: ToHost): Promise<FromHost> {
  const logs: string[] = [];
  const registered = functions.find((each) => each.metadata.name === name);
  if (registered === undefined || programmingModel === null) throw new Error(`There is no function ${name}.`);
  const { metadata, callback } = registered;
  const [binding] = Object.entries(metadata.bindings).find(([, each]) => each.type === "timerTrigger")!;
  const model = programmingModel.getInvocationModel({
    invocationId: "5f1d2c3b",
    metadata,
    request: {
      inputData: [{ name: binding, data: { json: JSON.stringify(timer) } }],
      triggerMetadata: {},
      traceContext: { traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
      retryContext: { retryCount: 0, maxRetryCount: 5 },
    },
    log: (_level: string, _category: string, message: string) => logs.push(message),
  });
  try {
    const { context, inputs } = await model.getArguments();
    const { returnValue } = await model.getResponse(context, await model.invokeFunction(context, inputs, callback));
    return { result: JSON.parse(returnValue?.json ?? "null"), error: null, logs };
  } catch (error) {
    return { result: null, error: (error as Error).message, logs };
  }
}

if (process.send !== undefined) {
  const require = createRequire(import.meta.url);
  const loader = require("node:module") as { _load: (request: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  loader._load = (request, ...rest) => (request === "@azure/functions-core" ? core : load(request, ...rest));
  await import("../../deploy/azure-functions/src/functions/maintenance.ts");
  process.on("message", async (message: ToHost) => process.send!(await invoke(message)));
  process.send({ registered: functions.map((each) => each.metadata) } satisfies FromHost);
}
