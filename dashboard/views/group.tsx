import { useState } from "preact/hooks";
import { send } from "../api.ts";
import { number, words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Action } from "../parts/action.tsx";
import { Badge, Facts, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { RunTable } from "../parts/run-table.tsx";
import { go, to } from "../router.ts";
import type { ChangedCommunities, Findings, GroupHealth, Run } from "../wire.ts";

export function GroupView({ group }: { group: string }) {
  const health = useLoad((signal) => send<GroupHealth>({ path: "/maintenance/health", group }, signal), [group], 5_000);
  const runs = useLoad(
    (signal) => send<{ runs: Run[] }>({ path: "/maintenance/runs", query: { limit: 8 }, group }, signal),
    [group],
    5_000,
  );
  const changed = useLoad(
    (signal) =>
      send<ChangedCommunities>({ path: "/communities/changed", query: { limit: 25, estimate: true }, group }, signal),
    [group],
  );
  return (
    <div class="grid">
      <Panel title="State">
        <Wait of={health}>{(found) => <State health={found} />}</Wait>
      </Panel>
      <Panel title="Maintenance">
        <Maintenance group={group} />
      </Panel>
      <Panel title="What is stored" wide>
        <Wait of={health}>{(found) => <Stored group={group} health={found} />}</Wait>
      </Panel>
      <Panel title="Communities to summarise" wide>
        <Wait of={changed}>{(found) => <ToSummarise changed={found} />}</Wait>
      </Panel>
      <Panel title="Last runs" wide>
        <Wait of={runs}>{({ runs }) => <RunTable name="Last runs" runs={runs} />}</Wait>
        <p>
          <a href={to(["runs"], { group })}>All runs of the group</a>
        </p>
      </Panel>
    </div>
  );
}

function State({ health }: { health: GroupHealth }) {
  const { generations_behind: behind } = health;
  return (
    <>
      <Facts
        of={[
          ["Status", <Badge state={health.status} />],
          ["Stale since", <Time at={health.stale_since} otherwise="not stale" />],
          ["Generation", number(health.generation)],
          ["Collected up to", `${number(health.collected_generation)} (${number(behind.gc)} behind)`],
          [
            "Analytics of",
            health.analytics_generation === null
              ? "none yet"
              : `${number(health.analytics_generation)} (${number(behind.gds)} behind)`,
          ],
        ]}
      />
      {health.findings.map((finding) => (
        <p key={finding} class="finding">
          {finding}
        </p>
      ))}
    </>
  );
}

function Maintenance({ group }: { group: string }) {
  const [findings, setFindings] = useState<Findings | null>(null);
  // The answer comes at once and names the run; its page shows the rest.
  const follow = ({ run_id }: { run_id: string }) => go(["runs", run_id]);
  const query = { wait: 0 };
  return (
    <div class="actions">
      <Action
        label="Collect now"
        needs="operator"
        tone="main"
        call={{ method: "POST", path: "/maintenance/run-all-gc", query, group, body: {} }}
        cli={{ words: ["gc"], group }}
        onDone={follow}
      />
      <Action
        label="Recompute now"
        needs="operator"
        call={{ method: "POST", path: "/maintenance/recompute-gds", query, group, body: {} }}
        cli={{ words: ["recompute"], group }}
        onDone={follow}
      />
      <Action<Findings>
        label="Verify"
        needs="operator"
        call={{ path: `/groups/${encodeURIComponent(group)}/verify` }}
        cli={{ words: ["verify"], group }}
        onDone={setFindings}
      />
      {findings !== null && (
        <div role="status">
          {findings.clean ? (
            <p>
              <Badge state="ok" /> Every invariant holds.
            </p>
          ) : (
            findings.findings.map((finding) => (
              <p key={finding.code} class="finding">
                <code>{finding.code}</code> {finding.message} ({number(finding.count)}
                {finding.samples === undefined ? "" : `: ${finding.samples.join(", ")}`})
              </p>
            ))
          )}
        </div>
      )}
    </div>
  );
}

function Stored({ group, health }: { group: string; health: GroupHealth }) {
  const { counts } = health;
  const rows: { kind: string; live: number; parked: number; waiting?: number }[] = [
    { kind: "documents", live: counts.documents.active, parked: counts.documents.deprecated },
    { kind: "text units", ...counts.text_units },
    { kind: "entities", ...counts.entities, waiting: counts.candidates.orphan_entities },
    { kind: "relationships", ...counts.relationships, waiting: counts.candidates.stale_edges },
    {
      kind: "vectors",
      live: counts.vectors.searchable,
      parked: counts.vectors.parked,
      waiting: counts.candidates.deprecated_vectors,
    },
  ];
  return (
    <>
      <Table
        name="What is stored"
        rows={rows}
        id={(row) => row.kind}
        empty=""
        columns={[
          {
            head: "Kind",
            cell: (row) =>
              row.kind === "documents" ? <a href={to(["groups", group, "documents"])}>documents</a> : row.kind,
          },
          { head: "Live", figure: true, cell: (row) => number(row.live) },
          {
            head: "Parked",
            figure: true,
            cell: (row) =>
              row.kind === "documents" && row.parked > 0 ? (
                <a href={to(["groups", group, "documents"], { status: "deprecated" })}>
                  {number(row.parked)}
                  <span class="unseen"> deprecated documents</span>
                </a>
              ) : (
                number(row.parked)
              ),
          },
          {
            head: "To be judged",
            figure: true,
            cell: (row) => (row.waiting === undefined ? "" : number(row.waiting)),
          },
        ]}
      />
      <p class="quiet">
        {number(counts.similarity_edges)} similarity edges and {number(counts.communities)} communities are published.
      </p>
    </>
  );
}

function ToSummarise({ changed }: { changed: ChangedCommunities }) {
  const { tokens, tokens_full_rebuild: full } = changed;
  return (
    <>
      <p>
        To read for all of them: {number(tokens)} tokens
        {full > 0 && `, ${Math.round((tokens / full) * 100)} % of the ${number(full)} of a full rebuild`}.
        {!changed.fresh && " The analytics are stale: recompute first."}
      </p>
      <Table
        name="Communities to summarise"
        rows={changed.communities}
        id={(community) => community.id}
        empty="None: every community is summarised as it is."
        columns={[
          { head: "Community", cell: (community) => community.id },
          { head: "Highest members", cell: (community) => community.names.join(", ") },
          { head: "Level", figure: true, cell: (community) => community.level },
          { head: "Entities", figure: true, cell: (community) => number(community.size) },
          { head: "What changed", cell: (community) => community.grades.map(words).join(", ") },
          { head: "Generation", figure: true, cell: (community) => number(community.changed_generation) },
        ]}
      />
      {changed.next_cursor !== null && <p class="quiet">The first 25 are shown.</p>}
      {changed.removed.length > 0 && (
        <p>{number(changed.removed.length)} summarised communities are gone; their summaries can be removed.</p>
      )}
    </>
  );
}
