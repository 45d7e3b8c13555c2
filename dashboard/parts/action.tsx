import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Call, send } from "../api.ts";
import { type Cli, cliLine, curlLine } from "../commands.ts";
import { asProblem } from "../load.ts";
import type { Problem } from "../problem.ts";
import { refusal, useSession } from "../session.ts";
import type { Role } from "../wire.ts";
import { Line, ProblemBox } from "./basics.tsx";

/** The lines that do the same elsewhere. */
export function Lines({ call, cli }: { call: Call; cli?: Cli }) {
  const { who } = useSession();
  return (
    <details class="lines">
      <summary>As commands</summary>
      <Line name="curl" text={curlLine(call, who !== null && !who.open)} />
      {cli !== undefined && <Line name="CLI" text={cliLine(cli)} />}
    </details>
  );
}

interface ActionProps<T> {
  label: string;
  /** Least role that may do it. */
  needs: Role;
  call: Call;
  cli: Cli;
  /** Why it cannot be done now, whoever asks. */
  unless?: string | null;
  tone?: "danger" | "main";
  /** What the dialog says before it is done; without it the button does it at once. */
  confirm?: ComponentChildren;
  onDone?: (answer: T) => void;
  /** Without the lines under the button, where a dialog or a form shows them. */
  bare?: boolean;
}

/**
 * A button for one call of the API, with its curl and CLI line. What the role may not do stays visible and says why: a button
 * that is not there teaches nobody what to ask for.
 */
export function Action<T>(props: ActionProps<T>) {
  const { who } = useSession();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const reason = refusal(who, props.needs) ?? props.unless ?? null;
  const reasonId = useId();
  const act = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const answer = await send<T>(props.call);
      setAsking(false);
      props.onDone?.(answer);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  const begin = () => {
    if (reason !== null || busy) return;
    setProblem(null);
    if (props.confirm === undefined) act();
    else setAsking(true);
  };
  return (
    <div class="action">
      <button
        type="button"
        class={props.tone}
        aria-disabled={reason !== null || busy}
        aria-describedby={reason === null ? undefined : reasonId}
        onClick={begin}
      >
        {props.label}
      </button>
      {reason !== null && (
        <span id={reasonId} class="reason">
          {reason}
        </span>
      )}
      {problem !== null && !asking && <ProblemBox problem={problem} />}
      {!props.bare && <Lines call={props.call} cli={props.cli} />}
      {asking && (
        <Dialog title={props.label} onClose={() => setAsking(false)}>
          {props.confirm}
          {problem !== null && <ProblemBox problem={problem} />}
          <Lines call={props.call} cli={props.cli} />
          <div class="buttons">
            <button type="button" class={props.tone ?? "main"} aria-disabled={busy} onClick={() => !busy && act()}>
              {busy ? "Working…" : `Yes, ${props.label.toLowerCase()}`}
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              Back
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** The platform's own dialog: it holds the focus, Escape closes it, the focus goes back to where it came from. */
function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const from = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (from instanceof HTMLElement) from.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={title}
      // Left to the platform, the focus would be back before `close` is told: an Enter in between would be lost.
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClose={props.onClose}
    >
      <h2 id={title}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}
