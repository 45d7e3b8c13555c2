import { send } from "../api.ts";
import { number } from "../format.ts";
import { useLoad } from "../load.ts";
import { Badge, Panel, Table, Time, Wait } from "../parts/basics.tsx";
import { Pager } from "../parts/pager.tsx";
import { go, to } from "../router.ts";
import type { DocumentRecord } from "../wire.ts";

export function DocumentsView({ group, status, after }: { group: string; status: string; after: string }) {
  const query = { limit: 50, status: status || undefined, cursor: after || undefined };
  const documents = useLoad(
    (signal) =>
      send<{ documents: DocumentRecord[]; next_cursor: string | null }>({ path: "/documents", query, group }, signal),
    [group, status, after],
  );
  return (
    <Panel title="Documents by id" wide>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          const id = new FormData(event.currentTarget).get("id");
          if (typeof id === "string" && id !== "") go(["groups", group, "documents", id]);
        }}
      >
        <label>
          State
          <select
            value={status}
            onChange={(event) => go(["groups", group, "documents"], { status: event.currentTarget.value })}
          >
            <option value="">all</option>
            <option value="active">active</option>
            <option value="deprecated">deprecated</option>
          </select>
        </label>
        <label>
          Open by id
          <input name="id" autocomplete="off" />
        </label>
        <button type="submit">Open</button>
      </form>
      <Wait of={documents}>
        {({ documents, next_cursor }) => (
          <>
            <Table
              name="Documents"
              rows={documents}
              id={(document) => document.id}
              empty="No documents in this state."
              columns={[
                {
                  head: "Document",
                  cell: (document) => <a href={to(["groups", group, "documents", document.id])}>{document.id}</a>,
                },
                { head: "Title", cell: (document) => document.title ?? "" },
                { head: "State", cell: (document) => <Badge state={document.status} /> },
                { head: "Deprecated", cell: (document) => <Time at={document.deprecated_at} otherwise="" /> },
                { head: "Version", figure: true, cell: (document) => document.version },
                { head: "Text units", figure: true, cell: (document) => number(document.text_units) },
              ]}
            />
            <Pager
              back={after === "" ? null : () => history.back()}
              on={
                next_cursor === null ? null : () => go(["groups", group, "documents"], { status, after: next_cursor })
              }
            />
          </>
        )}
      </Wait>
    </Panel>
  );
}
