import { useEffect, useState } from "preact/hooks";
import { events } from "../api.ts";
import { duration, number, words } from "../format.ts";
import { asProblem } from "../load.ts";
import { Action } from "../parts/action.tsx";
import { Badge, Facts, Panel, ProblemBox, Table, Time } from "../parts/basics.tsx";
import { took } from "../parts/run-table.tsx";
import type { Problem } from "../problem.ts";
import { to } from "../router.ts";
import type { RunState, WatchedRun } from "../wire.ts";

const ENDED: readonly RunState[] = ["succeeded", "failed", "cancelled", "dead", "skipped"];

export function RunView({ id }: { id: string }) {
  const { run, problem, again } = useRun(id);
  return (
    <div class="grid">
      {problem !== null && <ProblemBox problem={problem} />}
      {run !== null && (
        <>
          <Panel title="State">
            <Progress run={run} />
            <Facts
              of={[
                ["Kind", words(run.kind)],
                ["Group", <a href={to(["groups", run.group_id])}>{run.group_id}</a>],
                [
                  "Began by",
                  run.schedule_id === null ? (
                    `${run.trigger}, ${run.actor}`
                  ) : (
                    <a href={to(["schedules", run.schedule_id])}>{run.schedule_id}</a>
                  ),
                ],
                ["Asked for", <Time at={run.created_at} />],
                ["Took", took(run)],
                ["Attempt", `${run.attempt} of at most ${run.max_attempts}`],
              ]}
            />
            {run.reason !== null && <p class="finding">{run.reason}</p>}
            {run.error !== null && (
              <div class="problem">
                <p>
                  <strong>The run ended in an error</strong> <code>{run.error.code}</code>
                </p>
                <p>{run.error.message}</p>
                <p>What to do: mend the cause, then retry; it goes on from its checkpoint.</p>
              </div>
            )}
          </Panel>
          <Panel title="What can be done">
            <Commands run={run} onDone={again} />
          </Panel>
          {run.result !== null && (
            <Panel title="Result">
              <Facts
                of={Object.entries(run.result)
                  .filter(isPlain)
                  .map(([name, value]) => [words(name), shown(value)])}
              />
            </Panel>
          )}
          <Panel title="Attempts">
            <Table
              name="Attempts"
              rows={run.attempts}
              id={(attempt) => String(attempt.number)}
              empty="Not begun yet."
              columns={[
                { head: "No.", figure: true, cell: (attempt) => attempt.number },
                { head: "Began", cell: (attempt) => <Time at={attempt.started_at} /> },
                { head: "Outcome", cell: (attempt) => words(attempt.outcome ?? "under way") },
                { head: "Error", cell: (attempt) => attempt.error?.message ?? "" },
              ]}
            />
          </Panel>
        </>
      )}
    </div>
  );
}

/** Follows the run by server-sent events; begins anew after a command, and when the connection was lost. */
function useRun(id: string) {
  const [run, setRun] = useState<WatchedRun | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = async () => {
      let last: WatchedRun | null = null;
      try {
        for await (const change of events<WatchedRun>(
          { path: `/maintenance/runs/${encodeURIComponent(id)}/events` },
          signal,
        )) {
          last = change;
          setRun(change);
          setProblem(null);
        }
      } catch (error) {
        if (signal.aborted) return;
        const found = asProblem(error);
        setProblem(found);
        // A run that is not there, or a key that may not see it, is no lost connection.
        if (found.status >= 400 && found.status < 500) return;
      }
      if (!signal.aborted && (last === null || !ENDED.includes(last.state))) timer = setTimeout(follow, 2_000);
    };
    follow();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [id, turn]);
  return { run, problem, again: () => setTurn(turn + 1) };
}

function Progress({ run }: { run: WatchedRun }) {
  const { progress, pace } = run;
  return (
    <div class="progress">
      <p role="status">
        <Badge state={run.state} />
        {run.cancel_requested && run.ended_at === null && " stops after its batch"}
        {run.pause_requested && run.state === "running" && " pauses after its batch"}
      </p>
      {progress !== null && run.ended_at === null && (
        <>
          {progress.total === null ? (
            <progress aria-label={words(progress.phase)} />
          ) : (
            <progress aria-label={words(progress.phase)} value={progress.done} max={Math.max(1, progress.total)} />
          )}
          <p>
            {words(progress.phase)}: {number(progress.done)}
            {progress.total !== null && ` of ${number(progress.total)}`}
            {pace !== null && `, ${number(Math.round(pace.per_second))} a second`}
            {pace !== null && pace.eta_ms !== null && `, about ${duration(pace.eta_ms)} left`}
          </p>
          {progress.waiting !== null && <p class="quiet">Waits: {progress.waiting}</p>}
        </>
      )}
    </div>
  );
}

const COMMANDS: {
  name: "cancel" | "pause" | "resume" | "retry";
  label: string;
  fits: readonly RunState[];
  tone?: "danger" | "main";
}[] = [
  { name: "cancel", label: "Cancel", fits: ["queued", "running", "paused"], tone: "danger" },
  { name: "pause", label: "Pause", fits: ["queued", "running"] },
  { name: "resume", label: "Resume", fits: ["paused"], tone: "main" },
  { name: "retry", label: "Retry", fits: ["failed", "cancelled", "dead", "skipped"], tone: "main" },
];

function Commands({ run, onDone }: { run: WatchedRun; onDone: () => void }) {
  const fitting = COMMANDS.filter(({ fits }) => fits.includes(run.state));
  if (fitting.length === 0) return <p class="quiet">Nothing: it {run.state}.</p>;
  return (
    <div class="actions">
      {fitting.map(({ name, label, tone }) => (
        <Action
          key={name}
          label={label}
          needs="operator"
          tone={tone}
          call={{ method: "POST", path: `/maintenance/runs/${encodeURIComponent(run.id)}/${name}`, body: {} }}
          cli={{ words: ["runs", name], operands: [run.id] }}
          onDone={onDone}
        />
      ))}
    </div>
  );
}

function isPlain([name, value]: [string, unknown]): boolean {
  return name !== "group_id" && (value === null || typeof value !== "object");
}

function shown(value: unknown): string {
  if (typeof value === "number") return number(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value ?? "–");
}
