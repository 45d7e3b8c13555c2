import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { findProgram, pythonWith } from "../servers/tools.ts";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = join(ROOT, "deploy", "kubernetes");
const kubectl = findProgram("kubectl");

// biome-ignore lint/suspicious/noExplicitAny: manifests are trees of anything
type Manifest = any;

/** Reads YAML by PyYAML and judges manifests by the schemas of Kubernetes; one object a line. */
const READ = `
import json, sys, yaml
for document in yaml.safe_load_all(open(sys.argv[1])):
    if document is not None: print(json.dumps(document))
`;
const VALIDATE = `
import json, sys, yaml, kubernetes_validate
for document in yaml.safe_load_all(open(sys.argv[1])):
    name = document["kind"] + " " + document["metadata"]["name"]
    try:
        kubernetes_validate.validate(document, "1.30", strict=True)
        print(json.dumps({"name": name, "verdict": "valid"}))
    except kubernetes_validate.ValidationError as error:
        print(json.dumps({"name": name, "verdict": error.message}))
    except kubernetes_validate.SchemaNotFoundError:
        print(json.dumps({"name": name, "verdict": "no schema"}))
`;

let python: string;
let folder: string;
beforeAll(async () => {
  python = await pythonWith(["kubernetes-validate==1.37.0", "PyYAML==6.0.3"]);
  folder = await mkdtemp(join(tmpdir(), "gk-kubernetes-"));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function lines(script: string, path: string): Promise<Manifest[]> {
  const { stdout } = await execute(python, ["-c", script, path], { maxBuffer: 16 << 20 });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What `kubectl apply -k` would send, as a file. */
async function built(path: string): Promise<string> {
  const { stdout } = await execute(kubectl as string, ["kustomize", path]);
  const file = join(folder, `${path.replaceAll(/\W/g, "-")}.yaml`);
  await writeFile(file, stdout);
  return file;
}

function podSpecs(manifests: Manifest[]): { name: string; spec: Manifest }[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    if (kind === "Deployment") return [{ name: metadata.name, spec: spec.template.spec }];
    if (kind === "CronJob") return [{ name: metadata.name, spec: spec.jobTemplate.spec.template.spec }];
    return [];
  });
}

describe.skipIf(kubectl === null)("the overlays (kubectl kustomize)", () => {
  test.each([
    ["embedded", 9],
    ["scaled", 8],
  ])("%s is valid by the schemas of Kubernetes 1.30", async (name, count) => {
    const file = await built(join(FOLDER, "overlays", name));
    const verdicts = await lines(VALIDATE, file);
    expect(verdicts).toHaveLength(count);
    expect(verdicts.filter((each) => each.verdict !== "valid")).toEqual([]);
    // The judge is worth something: it finds a misspelt member.
    const text = await readFile(file, "utf8");
    const spoilt = join(folder, `${name}-spoilt.yaml`);
    await writeFile(spoilt, text.replace("readinessProbe:", "readynessProbe:"));
    expect((await lines(VALIDATE, spoilt)).filter((each) => each.verdict !== "valid")).toHaveLength(1);
  });

  test("every pod is locked down, and knows nothing of variables that Kubernetes would set", async () => {
    for (const overlay of ["embedded", "scaled"]) {
      const pods = podSpecs(await lines(READ, await built(join(FOLDER, "overlays", overlay))));
      expect(pods.map((pod) => pod.name)).toEqual(["graphkeeper", "graphrag-maintenance", "graphrag-recompute"]);
      for (const { spec } of pods) {
        expect(spec).toMatchObject({
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        });
        for (const container of spec.containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
          expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
          expect(container.resources.limits.memory).toBeDefined();
        }
      }
    }
  });

  test("embedded has one process that lets go of its file first; scaled has three that share none", async () => {
    const of = async (overlay: string) =>
      (await lines(READ, await built(join(FOLDER, "overlays", overlay)))).find((each) => each.kind === "Deployment")
        .spec;
    const embedded = await of("embedded");
    expect(embedded).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    expect(embedded.strategy.rollingUpdate).toBeUndefined();
    const data = (spec: Manifest) => spec.template.spec.volumes.find((volume: Manifest) => volume.name === "data");
    expect(data(embedded)).toEqual({ name: "data", persistentVolumeClaim: { claimName: "graphkeeper-data" } });
    const scaled = await of("scaled");
    expect(scaled.replicas).toBe(3);
    expect(data(scaled)).toEqual({ name: "data", emptyDir: {} });
    const names = scaled.template.spec.containers[0].env.map((each: Manifest) => each.name);
    expect(names).toEqual(expect.arrayContaining(["NEO4J_URI", "GRAPHKEEPER_POSTGRES_URL", "GRAPHKEEPER_API_KEY"]));
  });

  test("services, budgets and monitors select the pods of the service, not those of the triggers", async () => {
    const copy = join(folder, "copy");
    await cp(FOLDER, copy, { recursive: true });
    const overlay = join(copy, "overlays", "embedded");
    const kustomization = await readFile(join(overlay, "kustomization.yaml"), "utf8");
    // As its comment says how to switch the component on.
    await writeFile(
      join(overlay, "kustomization.yaml"),
      kustomization.replace(/# components:\n# {3}- /, "components:\n  - "),
    );
    const manifests = await lines(READ, await built(overlay));
    const labels = (kind: string, name: string) => {
      const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
      return found.spec.template?.metadata.labels ?? found.spec.jobTemplate.spec.template.metadata.labels;
    };
    const selects = (selector: Record<string, string>, of: Record<string, string>) =>
      Object.entries(selector).every(([key, value]) => of[key] === value);
    const service = manifests.find((each) => each.kind === "Service");
    const budget = manifests.find((each) => each.kind === "PodDisruptionBudget");
    const monitor = manifests.find((each) => each.kind === "ServiceMonitor");
    const [policy, closed] = manifests.filter((each) => each.kind === "NetworkPolicy");
    expect(selects(policy.spec.podSelector.matchLabels, labels("Deployment", "graphkeeper"))).toBe(true);
    expect(selects(policy.spec.podSelector.matchLabels, labels("CronJob", "graphrag-maintenance"))).toBe(false);
    // Any pod of the namespace, not only those of this kustomization.
    expect(policy.spec.ingress[0].from[0].podSelector).toEqual({});
    expect(selects(closed.spec.podSelector.matchLabels, labels("CronJob", "graphrag-maintenance"))).toBe(true);
    expect(closed.spec.ingress).toBeUndefined();
    for (const selector of [service.spec.selector, budget.spec.selector.matchLabels]) {
      expect(selects(selector, labels("Deployment", "graphkeeper"))).toBe(true);
      expect(selects(selector, labels("CronJob", "graphrag-maintenance"))).toBe(false);
    }
    expect(selects(monitor.spec.selector.matchLabels, service.metadata.labels)).toBe(true);
    expect(monitor.spec.endpoints[0].port).toBe(service.spec.ports[0].name);
    const config = manifests.find((each) => each.kind === "ConfigMap");
    expect(config.metadata.name).toBe("graphrag-config");
    expect(config.data.api_url).toBe(`http://${service.metadata.name}:${service.spec.ports[0].port}`);
    // The operator's rules are those of deploy/prometheus.
    const rule = manifests.find((each) => each.kind === "PrometheusRule");
    const [rules] = await lines(READ, join(ROOT, "deploy", "prometheus", "rules.yaml"));
    expect(rule.spec).toEqual(rules);
  });
});

test("the examples of secrets are no part of what is applied", async () => {
  const [secret] = await lines(READ, join(FOLDER, "base", "secret.example.yaml"));
  expect(secret).toMatchObject({
    kind: "Secret",
    metadata: { name: "graphrag-secrets" },
    stringData: { api_key: expect.anything() },
  });
  for (const path of ["base", "overlays/embedded", "overlays/scaled"]) {
    expect(await readFile(join(FOLDER, path, "kustomization.yaml"), "utf8")).not.toMatch(/^\s*- .*example/m);
  }
});

describe("the CronJobs' own commands, run by sh", () => {
  let server: GraphkeeperServer;
  beforeAll(async () => {
    server = await startGraphkeeper();
  });
  afterAll(() => server?.stop());

  const cronJob = async (name: string) => {
    const jobs = await lines(READ, join(FOLDER, "base", "cronjobs.yaml"));
    return jobs.find((job) => job.metadata.name === name).spec;
  };
  const run = async (name: string, environment: Record<string, string> = {}) => {
    const { containers } = (await cronJob(name)).jobTemplate.spec.template.spec;
    const [program, ...args] = containers[0].command as string[];
    const given = { API_URL: server.url, API_KEY: server.apiKey, JOB_NAME: `${name}-29400000`, ...environment };
    // The container gets exactly the variables that the manifest names.
    expect(containers[0].env.map((each: Manifest) => each.name).sort()).toEqual(Object.keys(given).sort());
    return new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(
        program as string,
        args,
        { env: { PATH: process.env.PATH, ...given }, timeout: 60_000 },
        (error, out, err) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
        },
      );
    });
  };

  test("collect and recompute all stale groups; a second try of the same hour is the same call", async () => {
    await server.fill("g1", ["a", "b"]);
    await server.fill("g2", ["a"]);
    await server.call("POST", "/documents/a/deprecate", { group: "g1", body: { force: true } });
    const first = await run("graphrag-maintenance");
    expect(first, first.err).toMatchObject({ code: 0 });
    expect(JSON.parse(first.out)).toMatchObject({
      deleted: 3,
      failed: 0,
      groups: [{ group_id: "g1" }, { group_id: "g2" }],
    });
    // The pod died before it could tell; Kubernetes starts another of the same job.
    await server.call("POST", "/documents/b/deprecate", { group: "g1", body: { force: true } });
    const second = JSON.parse((await run("graphrag-maintenance")).out);
    expect(second.groups[0].run_id).toBe(JSON.parse(first.out).groups[0].run_id);
    // The next hour's job is another call.
    const next = JSON.parse((await run("graphrag-maintenance", { JOB_NAME: "graphrag-maintenance-29400060" })).out);
    expect(next.groups[0].run_id).not.toBe(second.groups[0].run_id);
    const recomputed = await run("graphrag-recompute");
    expect(JSON.parse(recomputed.out)).toMatchObject({ failed: 0, groups: [{ group_id: "g1" }, { group_id: "g2" }] });
    const { groups } = await server.call<{ groups: unknown[] }>("GET", "/maintenance/admin/groups/stale");
    expect(groups).toEqual([]);
  });

  test("a wrong key is a failed job that says why", async () => {
    const { code, out, err } = await run("graphrag-maintenance", { API_KEY: "wrong" });
    // 22: the server answered with an error, which --fail-with-body shows all the same.
    expect(code, err).toBe(22);
    expect(out).toContain("UNAUTHENTICATED");
  });

  test("forbid overlap and end in time", async () => {
    for (const name of ["graphrag-maintenance", "graphrag-recompute"]) {
      const spec = await cronJob(name);
      expect(spec).toMatchObject({
        concurrencyPolicy: "Forbid",
        timeZone: "Etc/UTC",
        jobTemplate: { spec: { backoffLimit: 2 } },
      });
      // All tries of curl fit into the job's time.
      const [, retries] = /--retry (\d+)/.exec(spec.jobTemplate.spec.template.spec.containers[0].command[2])!;
      const [, seconds] = /--max-time (\d+)/.exec(spec.jobTemplate.spec.template.spec.containers[0].command[2])!;
      expect((Number(retries) + 1) * Number(seconds)).toBeLessThan(spec.jobTemplate.spec.activeDeadlineSeconds);
    }
  });
});
