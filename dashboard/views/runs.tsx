import { useState } from "preact/hooks";
import { send } from "../api.ts";
import { useLoad } from "../load.ts";
import { Action } from "../parts/action.tsx";
import { Panel, Wait } from "../parts/basics.tsx";
import { Pager } from "../parts/pager.tsx";
import { RunTable } from "../parts/run-table.tsx";
import { go } from "../router.ts";
import type { Run } from "../wire.ts";

const STATES = ["queued", "running", "paused", "succeeded", "failed", "cancelled", "dead", "skipped"];

export function RunsView({ state, group }: { state: string; group: string }) {
  return (
    <div class="grid">
      <Panel title="Runs, newest first" wide>
        <RunList key={`${state} ${group}`} state={state} group={group} />
      </Panel>
      <Panel title="Dead letter" wide>
        <DeadLetter />
      </Panel>
    </div>
  );
}

function RunList({ state, group }: { state: string; group: string }) {
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const runs = useLoad(
    (signal) => {
      const query = { limit: 50, state: state || undefined, cursor };
      return send<{ runs: Run[]; next_cursor: string | null }>(
        { path: "/maintenance/runs", query, group: group || undefined },
        signal,
      );
    },
    [cursor],
    3_000,
  );
  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          go(["runs"], { state, group: String(new FormData(event.currentTarget).get("group") ?? "") });
        }}
      >
        <label>
          State
          <select value={state} onChange={(event) => go(["runs"], { group, state: event.currentTarget.value })}>
            <option value="">all</option>
            {STATES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Group
          <input name="group" defaultValue={group} autocomplete="off" />
        </label>
        <button type="submit">Show</button>
      </form>
      <Wait of={runs}>
        {({ runs, next_cursor }) => (
          <>
            <RunTable name="Runs" runs={runs} />
            <Pager
              back={cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : null}
              on={next_cursor === null ? null : () => setCursors([...cursors, next_cursor])}
            />
          </>
        )}
      </Wait>
    </>
  );
}

/** Runs that used up their retries: nothing happens with them until somebody looks. */
function DeadLetter() {
  const dead = useLoad(
    (signal) => send<{ runs: Run[] }>({ path: "/maintenance/runs", query: { state: "dead", limit: 100 } }, signal),
    [],
    5_000,
  );
  return (
    <>
      <p class="quiet">Runs that failed as often as they may. Mend the cause, then send them back to the queue.</p>
      <Wait of={dead}>
        {({ runs }) => (
          <>
            <RunTable name="Dead runs" runs={runs} />
            {runs.length > 0 && (
              <Action
                label="Send all back to the queue"
                needs="operator"
                call={{ method: "POST", path: "/maintenance/runs/redrive", body: { limit: 100 } }}
                cli={{ words: ["runs", "retry"], operands: [runs.at(-1)!.id] }}
                confirm={
                  <p>
                    Up to 100 dead runs go back to the queue, oldest first. On the command line, retry them one by one.
                  </p>
                }
                onDone={dead.reload}
              />
            )}
          </>
        )}
      </Wait>
    </>
  );
}
