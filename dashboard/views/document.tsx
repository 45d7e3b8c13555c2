import { useState } from "preact/hooks";
import { send } from "../api.ts";
import { outcomeIn, STORY_DEPTH, storyOf } from "../audit.ts";
import { duration, number, words } from "../format.ts";
import { useLoad } from "../load.ts";
import { Action } from "../parts/action.tsx";
import { Badge, Facts, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { ImpactFacts } from "../parts/impact.tsx";
import { to } from "../router.ts";
import type { DocumentRecord, GroupHealth, Impact } from "../wire.ts";

export function DocumentView({ group, document }: { group: string; document: string }) {
  const path = `/documents/${encodeURIComponent(document)}`;
  const found = useLoad(
    async (signal) => {
      const [record, { restore_window_ms }] = await Promise.all([
        send<DocumentRecord>({ path, group }, signal),
        send<GroupHealth>({ path: "/maintenance/health", group }, signal),
      ]);
      return { record, windowMs: restore_window_ms };
    },
    [group, document],
  );
  const story = useLoad((signal) => storyOf(group, document, signal), [group, document]);
  const changed = () => {
    found.reload();
    story.reload();
  };
  return (
    <div class="grid">
      <Panel title="State">
        <Wait of={found}>{({ record, windowMs }) => <State group={group} record={record} windowMs={windowMs} />}</Wait>
      </Panel>
      <Panel title="What can be done">
        <Wait of={found}>{({ record }) => <Deeds group={group} record={record} onDone={changed} />}</Wait>
      </Panel>
      <Panel title="History" wide>
        <Wait of={story}>
          {({ entries, complete }) => (
            <>
              <Table
                name="History"
                rows={entries}
                id={(entry) => String(entry.seq)}
                empty="No entry of the audit names this document."
                columns={[
                  { head: "When", cell: (entry) => <Time at={entry.at} /> },
                  { head: "What", cell: (entry) => words(outcomeIn(entry, document) ?? entry.action) },
                  { head: "Who", cell: (entry) => entry.actor },
                  { head: "Why", cell: (entry) => entry.detail.reason ?? "" },
                  { head: "Generation", figure: true, cell: (entry) => number(entry.generation) },
                ]}
              />
              {!complete && (
                <p class="quiet">Looked for among the newest {number(STORY_DEPTH)} entries of the audit.</p>
              )}
            </>
          )}
        </Wait>
      </Panel>
    </div>
  );
}

function State({ group, record, windowMs }: { group: string; record: DocumentRecord; windowMs: number | null }) {
  return (
    <Facts
      of={[
        ["Title", record.title ?? "–"],
        ["State", <Badge state={record.status} />],
        ["Restorable", restorable(record, windowMs)],
        ["Legal hold", record.legal_hold ? "yes: nothing removes or replaces it" : "no"],
        [
          "Successor",
          record.successor === null ? (
            "none"
          ) : (
            <a href={to(["groups", group, "documents", record.successor])}>{record.successor}</a>
          ),
        ],
        ["Version", record.version],
        ["Text units", number(record.text_units)],
        ["Imported", <Time at={record.created_at} />],
        ["Around it", <a href={to(["groups", group, "graph"], { document: record.id })}>its part of the graph</a>],
      ]}
    />
  );
}

function restorable(record: DocumentRecord, windowMs: number | null): string {
  if (record.deprecated_at === null) return "not deprecated";
  if (record.legal_hold) return "for as long as the legal hold lasts";
  if (windowMs === null) return "for ever";
  const left = Date.parse(record.deprecated_at) + windowMs - Date.now();
  return left > 0 ? `for ${duration(left)} more` : "until the next collection: its window is over";
}

function Deeds({ group, record, onDone }: { group: string; record: DocumentRecord; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [force, setForce] = useState(false);
  const path = `/documents/${encodeURIComponent(record.id)}`;
  const deprecates = record.status === "active";
  const verb = deprecates ? "deprecate" : "restore";
  const why = reason.trim() === "" ? undefined : reason.trim();
  const forced = deprecates && force;
  const options: [string, string?][] = [];
  if (why !== undefined) options.push(["--reason", why]);
  const holding = record.legal_hold ? "release" : "hold";
  return (
    <div class="actions">
      <Action
        key={verb}
        label={deprecates ? "Deprecate" : "Restore"}
        needs="editor"
        tone={deprecates ? "danger" : "main"}
        call={{
          method: "POST",
          path: `${path}/${verb}`,
          group,
          body: { ...(why && { reason: why }), ...(forced && { force }) },
        }}
        cli={{ words: [verb], operands: [record.id], options: forced ? [...options, ["--force"]] : options, group }}
        onDone={() => {
          setReason("");
          setForce(false);
          onDone();
        }}
        bare
        confirm={
          <>
            <p>
              {deprecates
                ? "Readers stop finding the document at once. It stays restorable, exactly as it was, while its window lasts."
                : "The document comes back exactly as it was."}
            </p>
            <Preview group={group} document={record.id} verb={verb} force={force} setForce={setForce} />
            <label>
              Why (kept in the audit)
              <input value={reason} maxLength={2_000} onInput={(event) => setReason(event.currentTarget.value)} />
            </label>
          </>
        }
      />
      <Action
        label={record.legal_hold ? "Release the legal hold" : "Put under legal hold"}
        needs="editor"
        call={{ method: "POST", path: `${path}/${holding}`, group, body: {} }}
        cli={{ words: [holding], operands: [record.id], group }}
        onDone={onDone}
      />
      <p class="quiet">
        Removing for good is not done from here: <code>graphkeeper purge</code> asks for the id again and gives a
        certificate.
      </p>
    </div>
  );
}

interface PreviewProps {
  group: string;
  document: string;
  verb: string;
  force: boolean;
  setForce: (force: boolean) => void;
}

function Preview({ group, document, verb, force, setForce }: PreviewProps) {
  const path = `/documents/${encodeURIComponent(document)}/impact`;
  const impact = useLoad((signal) => send<Impact>({ path, query: { verb }, group }, signal), [group, document, verb]);
  return (
    <Wait of={impact}>
      {(found) => (
        <>
          <ImpactFacts impact={found} />
          {found.exceeds_guard && (
            <label class="check">
              <input type="checkbox" checked={force} onChange={(event) => setForce(event.currentTarget.checked)} />
              Pass the blast-radius guard: this touches more of the group than is usual
            </label>
          )}
        </>
      )}
    </Wait>
  );
}
