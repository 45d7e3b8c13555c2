import { useEffect, useState } from "preact/hooks";
import { type Call, send } from "../api.ts";
import type { Cli } from "../commands.ts";
import { moment, words } from "../format.ts";
import { asProblem, useLoad } from "../load.ts";
import { Action } from "../parts/action.tsx";
import { Badge, Facts, Panel, ProblemBox, Table, Time, Wait } from "../parts/basics.tsx";
import type { Problem } from "../problem.ts";
import type { Occurrence, Schedule } from "../wire.ts";
import { stateOf, targetOf } from "./schedules.tsx";

export function ScheduleView({ id }: { id: string }) {
  const path = `/maintenance/schedules/${encodeURIComponent(id)}`;
  const schedule = useLoad((signal) => send<Schedule>({ path }, signal), [id]);
  const past = useLoad(
    (signal) => send<{ occurrences: Occurrence[] }>({ path: `${path}/occurrences`, query: { limit: 20 } }, signal),
    [id],
  );
  const operands = [id];
  return (
    <div class="grid">
      <Panel title="State">
        <Wait of={schedule}>
          {(found) => (
            <>
              <Facts
                of={[
                  ["State", <Badge state={stateOf(found)} />],
                  [
                    "Next",
                    <Time at={found.pause === null ? found.next_at : null} otherwise="not while it is paused" />,
                  ],
                  ["Kind", words(found.kind)],
                  ["For", targetOf(found)],
                  ["Expression", <code>{found.expression}</code>],
                  ["Time zone", found.time_zone],
                ]}
              />
              {found.pause !== null && (
                <p class="finding">
                  Paused by {found.pause.actor}: {found.pause.reason}
                </p>
              )}
              <div class="actions">
                {found.pause === null ? (
                  <Action
                    key="pause"
                    label="Pause"
                    needs="operator"
                    call={{ method: "POST", path: `${path}/pause`, body: {} }}
                    cli={{ words: ["schedules", "pause"], operands }}
                    onDone={schedule.reload}
                  />
                ) : (
                  <Action
                    key="resume"
                    label="Resume"
                    needs="operator"
                    tone="main"
                    call={{ method: "POST", path: `${path}/resume`, body: {} }}
                    cli={{ words: ["schedules", "resume"], operands }}
                    onDone={schedule.reload}
                  />
                )}
              </div>
            </>
          )}
        </Wait>
      </Panel>
      <Panel title="Change it">
        <Wait of={schedule}>
          {(found) => (
            <Change
              key={found.expression + found.time_zone + found.dialect}
              schedule={found}
              onDone={schedule.reload}
            />
          )}
        </Wait>
      </Panel>
      <Panel title="What became of past times" wide>
        <Wait of={past}>
          {({ occurrences }) => (
            <Table
              name="Past times"
              rows={occurrences}
              id={(occurrence) => occurrence.nominal_at}
              empty="None yet."
              columns={[
                { head: "Time", cell: (occurrence) => moment(occurrence.nominal_at) },
                { head: "Outcome", cell: (occurrence) => <Badge state={occurrence.outcome} /> },
                { head: "Runs", figure: true, cell: (occurrence) => occurrence.runs },
                { head: "Groups left out", figure: true, cell: (occurrence) => occurrence.skipped },
                { head: "Why", cell: (occurrence) => occurrence.reason ?? "" },
              ]}
            />
          )}
        </Wait>
      </Panel>
    </div>
  );
}

interface Wanted {
  expression: string;
  dialect: Schedule["dialect"];
  time_zone: string;
}

/** The expression is tried while it is typed: the next times, or why it is refused. */
function Change({ schedule, onDone }: { schedule: Schedule; onDone: () => void }) {
  const [wanted, setWanted] = useState<Wanted>({
    expression: schedule.expression,
    dialect: schedule.dialect,
    time_zone: schedule.time_zone,
  });
  const { times, problem } = usePreview(wanted);
  const path = `/maintenance/schedules/${encodeURIComponent(schedule.id)}`;
  const call: Call = { method: "PUT", path, body: { ...wanted } };
  const cli: Cli = {
    words: ["schedules", "set"],
    operands: [schedule.id],
    options: [
      ["--expression", wanted.expression],
      ["--dialect", wanted.dialect],
      ["--time-zone", wanted.time_zone],
    ],
    group: schedule.target === "stale" ? undefined : schedule.target.group_id,
  };
  return (
    <form class="stack" onSubmit={(event) => event.preventDefault()}>
      <label>
        Expression
        <input
          value={wanted.expression}
          maxLength={200}
          aria-invalid={problem !== null}
          aria-describedby="preview"
          onInput={(event) => setWanted({ ...wanted, expression: event.currentTarget.value })}
        />
      </label>
      <label>
        Dialect
        <select
          value={wanted.dialect}
          onChange={(event) => setWanted({ ...wanted, dialect: event.currentTarget.value as Wanted["dialect"] })}
        >
          <option value="cron">cron (five fields)</option>
          <option value="ncrontab">NCRONTAB (the six of Azure)</option>
        </select>
      </label>
      <label>
        Time zone
        <input
          value={wanted.time_zone}
          onInput={(event) => setWanted({ ...wanted, time_zone: event.currentTarget.value })}
        />
      </label>
      <div id="preview">
        {problem !== null && <ProblemBox problem={problem} />}
        {times !== null && (
          <>
            <h3>Next times</h3>
            <ul>
              {times.map((time) => (
                <li key={time}>
                  <time dateTime={time}>{moment(time)}</time>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
      <Action
        label="Save"
        needs="operator"
        tone="main"
        call={call}
        cli={cli}
        unless={problem === null ? null : "The expression is refused; see above."}
        onDone={onDone}
      />
    </form>
  );
}

function usePreview(wanted: Wanted): { times: string[] | null; problem: Problem | null } {
  const [answer, setAnswer] = useState<{ times: string[] | null; problem: Problem | null }>({
    times: null,
    problem: null,
  });
  useEffect(() => {
    const controller = new AbortController();
    // Typing makes one call when it rests, not one per letter.
    const timer = setTimeout(async () => {
      try {
        const call: Call = { method: "POST", path: "/maintenance/schedules/preview", body: { ...wanted, n: 5 } };
        const { times } = await send<{ times: string[] }>(call, controller.signal);
        setAnswer({ times, problem: null });
      } catch (error) {
        if (!controller.signal.aborted) setAnswer({ times: null, problem: asProblem(error) });
      }
    }, 250);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [wanted]);
  return answer;
}
